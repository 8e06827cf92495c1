"""Leave out of a network's file what only its unwanted outputs need.

onnxruntime computes all that the file says, also what no output hangs on any more. Pure: bytes in,
bytes out.
"""

from faceblur_service.detection.protobuf import entries, entry, values

# Numbers of the fields: of the model, of its graph, of a node, of an output.
_GRAPH = 7
_NODE, _OUTPUT = 1, 12
_NODE_INPUT, _NODE_OUTPUT = 1, 2
_NAME = 1


def pruned(model: bytes, outputs: list[str]) -> bytes:
    """Return the file with these outputs only, and the nodes that they need.

    Raises:
        ValueError: It is no such file.
    """
    try:
        return b"".join(
            entry(_GRAPH, _graph(value, outputs)) if field == _GRAPH else whole
            for field, value, whole in entries(model)
        )
    except LookupError as err:
        raise ValueError("it is no whole ONNX file") from err


def _graph(graph: bytes, outputs: list[str]) -> bytes:
    needed = {name.encode() for name in outputs}
    kept = []
    # From the end, for a node stands before those that need it.
    for field, value, whole in reversed(list(entries(graph))):
        if field == _NODE:
            if needed.isdisjoint(values(value, _NODE_OUTPUT)):
                continue
            needed.update(values(value, _NODE_INPUT))
        kept.append((field, value, whole))
    wanted = {name.encode() for name in outputs}
    return b"".join(
        whole
        for field, value, whole in reversed(kept)
        if field != _OUTPUT or not wanted.isdisjoint(values(value, _NAME))
    )
