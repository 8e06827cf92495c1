"""YuNet, a face detector of OpenCV's zoo; the only file that imports onnxruntime.

OpenCV has a class for this network too; onnxruntime finds the same boxes in half the time or less,
and that time is what small faces cost. Why it is worth its size: docs/design/detection.md.

It reports its use to its maker, ten seconds after it is loaded, and keeps a database for that in
the user's cache folder, unless an environment variable forbids it while it loads. Its function
`disable_telemetry_events` comes too late. A test watches the sockets of a running service.
"""

import math
import os
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from faceblur_service import allocator
from faceblur_service.blurring import Picture
from faceblur_service.detection.heads import LEVELS, with_one_head_a_level
from faceblur_service.errors import DetectionFailed, ModelError
from faceblur_service.geometry import Box, distinct

# Set, not a default: nobody may switch it on for pictures of people.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"

# Nobody asks for more pixels at once: a run takes 75 bytes for each.
LARGEST_SIDE = 1152
STRIDES = (8, 16, 32)
_PADDING = 32

# The file says 640 x 640 for its input. Nothing in the network depends on it, so these bytes (two
# dimensions with the value 640) are read as two dimensions with the names h and w.
_FIXED_SIZE = b"\x0a\x03\x08\x80\x05\x0a\x03\x08\x80\x05"
_ANY_SIZE = b"\x0a\x03\x12\x01h\x0a\x03\x12\x01w"

Array = npt.NDArray[np.float32]


class YuNetDetector:
    """One native session, for one process; sees faces of about 10 to 300 pixels."""

    def __init__(self, model: Path, *, threshold: float) -> None:
        """Load the model and run it once, so that a broken one is noticed now.

        Args:
            model: The .onnx file.
            threshold: Least score of a face, between 0 and 1.

        Raises:
            ModelError: The model, or the library it needs, cannot be loaded.
        """
        self._pid = os.getpid()
        self._threshold = threshold
        self._lock = threading.Lock()
        self._session: Any = None
        self._sparing: Any = None
        # Kept: the kernel takes as long to hand out and clear fresh memory as filling it takes.
        self._input = np.empty(3 * LARGEST_SIDE * LARGEST_SIDE, np.float32)
        try:
            self._open(model)
            # The largest: its memory is kept, so what this process holds is known from the start.
            self.find_faces(np.zeros((LARGEST_SIDE, LARGEST_SIDE, 3), np.uint8))
        except (ImportError, OSError, RuntimeError, ValueError, DetectionFailed) as err:
            raise ModelError(f"Model {model} cannot be used: {_first_line(err)}") from err
        # A hundred MiB are kept for the next run: a large picture is decoded and written in them.
        allocator.ask_too(self)

    def _open(self, model: Path) -> None:
        # Imported here: native threads must be made after a fork.
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        # Only errors: it would warn that the outputs' sizes follow the input's.
        options.log_severity_level = 3
        self._sparing = onnxruntime.RunOptions()
        self._sparing.add_run_config_entry("memory.enable_memory_arena_shrinkage", "cpu:0")
        content = _adapted(model.read_bytes())
        try:
            self._session = onnxruntime.InferenceSession(
                content,
                options,
                providers=["CPUExecutionProvider"],
            )
        except Exception as err:  # its errors have no common base
            raise ValueError(_first_line(err)) from err

    def find_faces(self, picture: Picture) -> list[Box]:
        """Return a box per face, best first; see `Engine`."""
        if os.getpid() != self._pid:
            raise DetectionFailed("The detector was made before a fork.")
        height, width = picture.shape[:2]
        down, right = -height % _PADDING, -width % _PADDING
        with self._lock:
            if self._session is None:
                raise DetectionFailed("The detector is closed.")
            planes = self._planes(picture, height + down, width + right)
            how = self._sparing if allocator.is_sparing() else None
            try:
                outputs = self._session.run(LEVELS, {"input": planes}, how)
            except Exception as err:  # its errors have no common base
                raise DetectionFailed(f"The detector failed: {_first_line(err)}") from err
        return _boxes(outputs, self._threshold)

    def _planes(self, picture: Picture, high: int, wide: int) -> Array:
        """Return the network's input: float32, shape (1, 3, high, wide), zero beyond the picture.

        By one copy: a third of the time of OpenCV's function for this.
        """
        height, width = picture.shape[:2]
        if self._input.size < 3 * high * wide:
            self._input = np.empty(3 * high * wide, np.float32)
        planes = self._input[: 3 * high * wide].reshape(1, 3, high, wide)
        planes[0, :, :height, :width] = picture.transpose(2, 0, 1)
        planes[0, :, height:] = 0
        planes[0, :, :height, width:] = 0
        return planes

    def give_back(self) -> None:
        """Give back the memory that is kept for the next run; the library does so after a run."""
        with suppress(DetectionFailed):
            self.find_faces(np.zeros((_PADDING, _PADDING, 3), np.uint8))

    def close(self) -> None:
        """Let go of the native session."""
        with self._lock:
            self._session = None


def _adapted(model: bytes) -> bytes:
    """Return the file with an input of any size, and with one output for each level.

    The five points of each face are in none: nobody asks for them.
    """
    if model.count(_FIXED_SIZE) != 1:
        raise ValueError("it is not the YuNet of March 2023")
    return with_one_head_a_level(model.replace(_FIXED_SIZE, _ANY_SIZE))


def _boxes(outputs: list[Array], threshold: float) -> list[Box]:
    """Decode what the network says of cells, and return a box per face, best first.

    A cell's score is the geometric mean of "a face" and "an object"; its box is given as the
    centre's distance from the cell's corner and the logarithm of the size, both in cells.

    Args:
        outputs: See `heads.LEVELS`.
        threshold: Least score of a face.
    """
    square = threshold**2
    # Neither can make up for the other one: few cells are left, and they alone are decoded.
    least = math.log(square / (1 - square))
    said = zip(outputs, STRIDES, strict=True)
    cells = np.concatenate([_likely(one[0], stride, least) for one, stride in said], axis=1)
    at = cells.astype(np.float64)
    squares = 1 / np.multiply.reduce(1 + np.exp(-at[:2]))
    stride = at[8]
    centres = (at[2:4] + at[6:8]) * stride
    halves = np.exp(np.minimum(at[4:6], 10)) * (stride / 2)
    table = np.concatenate((centres - halves, centres + halves, np.sqrt(squares)[None]))
    table = table[:, squares >= square]
    return [Box(*column) for column in table[:, distinct(table)].T.tolist()]


def _likely(said: Array, stride: int, least: float) -> Array:
    """Return what is said of the cells of a level that may be faces.

    Returns:
        A column for each: the six numbers, then its column and row, and the stride.
    """
    rows = said.reshape(len(said), -1)
    places = (np.minimum(rows[0], rows[1]) >= least).nonzero()[0]
    found = np.empty((9, places.size), np.float32)
    found[:6] = rows.take(places, axis=1)
    np.divmod(places, said.shape[2], out=(found[7], found[6]), casting="unsafe")
    found[8] = stride
    return found


def _first_line(err: Exception) -> str:
    return (str(err) or type(err).__name__).splitlines()[0]
