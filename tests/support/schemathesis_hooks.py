"""What schemathesis takes for a picture; runs in its own environment, see `separate`.

To a schema any bytes are a file. With real pictures, "valid data is accepted" can be told.
"""

import json
import os
from pathlib import Path
from typing import Any

import schemathesis  # type: ignore[import-not-found]  # not in this environment
from hypothesis import strategies as st

# Of the pictures in the folder, in pixels.
_LEAST_SIDE = 60
_FOLDER = Path(os.environ["SCHEMATHESIS_PICTURES"])


def _register() -> None:
    pictures = {path.suffix[1:]: path.read_bytes() for path in sorted(_FOLDER.iterdir())}
    for suffix, data in pictures.items():
        schemathesis.openapi.media_type(f"image/{suffix}", st.just(data))
    schemathesis.openapi.format("binary", st.sampled_from(sorted(pictures.values())))


@schemathesis.hook  # type: ignore[untyped-decorator]  # no types here
def filter_case(_context: Any, case: schemathesis.Case) -> bool:
    """Leave out "wrong" forms that come out right: an empty value is not sent at all."""
    fields = case.body.items() if isinstance(case.body, dict) else []
    return all(value not in (None, [], {}) or name == "image" for name, value in fields)


@schemathesis.hook  # type: ignore[untyped-decorator]  # no types here
def map_case(_context: Any, case: schemathesis.Case) -> schemathesis.Case:
    """Move boxes into the picture: no schema can say how large the picture beside them is."""
    if case.meta is None or not case.meta.generation.mode.is_positive:
        return case  # what is wrong with it must stay
    for part in (case.query, case.body):
        if isinstance(part, dict) and "boxes" in part:
            part["boxes"] = _moved(part["boxes"])
    return case


def _moved(boxes: Any) -> Any:
    """Return the boxes of a request with those that lie outside at the picture's corner."""
    if isinstance(boxes, str):
        try:
            return json.dumps(_moved(json.loads(boxes)))
        except ValueError:
            return boxes
    if not isinstance(boxes, list):
        return boxes
    return [{**box, "x": 0, "y": 0} if _is_outside(box) else box for box in boxes]


def _is_outside(box: Any) -> bool:
    try:
        ends = [box["x"] + box["width"], box["y"] + box["height"]]
        return bool(max(box["x"], box["y"]) >= _LEAST_SIDE or min(ends) <= 0)
    except (KeyError, TypeError):
        return False  # no box at all


_register()
