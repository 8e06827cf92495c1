"""The one place where what a decoder stumbles over becomes an error of ours."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from faceblur_service.errors import BrokenPicture, FaceBlurError

# They quote what the picture holds, and logs never do.
warnings.filterwarnings("ignore", module=r"PIL\.")


@contextmanager
def refusing(sentence: str) -> Iterator[None]:
    """Turn any failure inside into a refusal of the picture.

    Raises:
        BrokenPicture: With that sentence.
    """
    try:
        yield
    except FaceBlurError:
        raise
    except Exception as err:  # a parser fed with rubbish raises nearly anything
        raise BrokenPicture(sentence) from err
