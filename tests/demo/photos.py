"""The photos that the demo's and the tests' clients send: small enough for two cores."""

import io

from PIL import Image
from tests.support.pictures import photos

# A picture of this size costs the service about 25 ms of CPU, one of 640 pixels four times that;
# the whole of Kubernetes, three pods and their clients share two cores.
LONGEST_SIDE = 320
QUALITY = 88


def small_photos() -> tuple[bytes, ...]:
    """Return real photos with faces, as JPEG of at most 320 pixels on the longer side."""
    return tuple(small(photo) for photo in photos())


def small(photo: bytes) -> bytes:
    """Return the photo as JPEG, made smaller where it is larger than that."""
    with Image.open(io.BytesIO(photo)) as opened:
        picture = opened.convert("RGB")
    picture.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=QUALITY)
    return out.getvalue()
