"""Pictures in and out: bytes to frames and back, of the same format, without any metadata.

`header` tells format and size before anything is decoded, `reading` turns bytes into upright sRGB
frames, `writing` turns frames into bytes. A frame iterator joins them, so that a picture of many
frames never has to be in memory as a whole.
"""

from faceblur_service.codec.formats import (
    MAX_BYTES,
    MAX_COST,
    MAX_FRAMES,
    MAX_PIXELS,
    Format,
    Header,
)
from faceblur_service.codec.frame import Frame
from faceblur_service.codec.header import read_header
from faceblur_service.codec.reading import decode, frames
from faceblur_service.codec.writing import encode

__all__ = [
    "MAX_BYTES",
    "MAX_COST",
    "MAX_FRAMES",
    "MAX_PIXELS",
    "Format",
    "Frame",
    "Header",
    "decode",
    "encode",
    "frames",
    "read_header",
]
