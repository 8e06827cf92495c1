"""What is left out of a network's file."""

import pytest

from faceblur_service.detection.pruned import pruned


def entry(field: int, value: bytes) -> bytes:
    return bytes((field << 3 | 2, len(value))) + value


def node(of: str, into: str) -> bytes:
    return entry(1, entry(1, of.encode()) + entry(2, into.encode()))


def output(name: str) -> bytes:
    return entry(12, entry(1, name.encode()))


VERSION = bytes((8, 7))
WEIGHTS = entry(5, b"weights")
SHARED, NEAR, FAR = node("input", "middle"), node("middle", "near"), node("middle", "far")


def test_what_only_another_output_needs_is_left_out() -> None:
    graph = SHARED + NEAR + FAR + WEIGHTS + output("near") + output("far")

    want = SHARED + NEAR + WEIGHTS + output("near")

    assert pruned(VERSION + entry(7, graph), ["near"]) == VERSION + entry(7, want)


def test_a_file_of_which_everything_is_wanted_stays_as_it_is() -> None:
    model = VERSION + entry(7, SHARED + NEAR + FAR + WEIGHTS + output("near") + output("far"))

    assert pruned(model, ["near", "far"]) == model


def test_lengths_of_several_bytes_are_read_and_written() -> None:
    long = node("input", "near") + entry(5, b"w" * 100) + entry(5, b"w" * 120)
    size = len(long)
    model = bytes((7 << 3 | 2, size & 0x7F | 0x80, size >> 7)) + long

    assert pruned(model, ["near"]) == model


@pytest.mark.parametrize(
    "model",
    [
        pytest.param(entry(7, SHARED)[:-1], id="cut off in a value"),
        pytest.param(b"\x08\xff", id="cut off in a number"),
        pytest.param(b"\x0b", id="a kind of value that there is not"),
    ],
)
def test_a_damaged_file_is_an_error(model: bytes) -> None:
    with pytest.raises(ValueError, match="no whole ONNX file"):
        pruned(model, ["near"])
