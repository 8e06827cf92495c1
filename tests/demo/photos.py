"""The photos that the demo's clients send: real ones, made small enough for two cores."""

import io

from PIL import Image
from tests.support.pictures import photos

LONGEST_SIDE = 640
QUALITY = 88


def small_photos() -> tuple[bytes, ...]:
    """Return the freely licensed photos as JPEG of at most 640 pixels on the longer side."""
    return tuple(small(photo) for photo in photos())


def small(photo: bytes) -> bytes:
    """Return the photo as JPEG, made smaller where it is larger than that."""
    with Image.open(io.BytesIO(photo)) as opened:
        picture = opened.convert("RGB")
    picture.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=QUALITY)
    return out.getvalue()
