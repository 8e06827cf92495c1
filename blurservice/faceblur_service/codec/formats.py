"""The formats, what a header says, and how large a picture may be."""

import math
from dataclasses import dataclass
from enum import StrEnum

MAX_BYTES = 20 * 1024 * 1024
MAX_PIXELS = 25_000_000
"""Of all frames together."""

MAX_FRAMES = 300
MAX_COST = 240 * 1024 * 1024
"""What pictures at work may take in a pod of 512 MiB.

Beside the service with its models and the memory that they look with, 165 MiB (and 80 MiB of files,
which the kernel may drop); gunicorn's parent, 30; and a full cache of results, 64.
"""


class Format(StrEnum):
    """A format that is read and, but for HEIC, written."""

    JPEG = "jpeg"
    PNG = "png"
    WEBP = "webp"
    AVIF = "avif"
    TIFF = "tiff"
    GIF = "gif"
    HEIC = "heic"

    @property
    def media_type(self) -> str:
        """The HTTP content type."""
        return f"image/{self.value}"

    @property
    def written(self) -> "Format":
        """The format of the result: HEIC has no free encoder, and comes back as JPEG."""
        return Format.JPEG if self is Format.HEIC else self

    @property
    def suffixes(self) -> tuple[str, ...]:
        """What names of such files end with; the first is the usual one."""
        return _SUFFIXES[self]


_SUFFIXES = {
    Format.JPEG: (".jpg", ".jpeg", ".jpe", ".jfif"),
    Format.PNG: (".png", ".apng"),
    Format.WEBP: (".webp",),
    Format.AVIF: (".avif",),
    Format.TIFF: (".tif", ".tiff"),
    Format.GIF: (".gif",),
    Format.HEIC: (".heic", ".heif", ".hif"),
}

# Bytes per pixel at the worst moment, beside the frames that are kept, measured: two copies while
# a picture is turned or converted; more where the encoder takes more. Looking for faces takes
# nothing that grows with the picture.
_WORK = {
    Format.JPEG: 7,
    Format.PNG: 8,
    Format.WEBP: 9,
    Format.AVIF: 13,
    Format.TIFF: 7,
    Format.GIF: 7,
    Format.HEIC: 7,
}
# WebP packs transparency without loss, too, and looks for repetitions in all of it.
_LOSSLESS_WEBP, _CLEAR_WEBP = 21, 29
# More for transparency, and for colours at full resolution or of 12 bits.
_CLEAR_AVIF, _FINE_AVIF = 3, 3
# Pixels beyond which a picture gets a decoder or encoder that takes more time and less memory.
_MOST_LOSSY_WEBP, _MOST_LOSSLESS_WEBP, _MOST_CLEAR_WEBP = 12_000_000, 10_000_000, 7_000_000
_MOST_AVIF = 10_000_000
# What is left to take the most then: decoding.
_LARGE_LOSSLESS_WEBP, _LARGE_CLEAR_WEBP = 8, 8
# Pages wait for their turn, and what was read of one is still there while it is turned.
_PAGES = 4
# The encoder has all of a frame at once; a still picture is encoded cell by cell.
_ANIMATED_AVIF = 30
# The faster encoder, which a large picture cannot have.
_SMALL_WEBP = 12
# A decoder of an animation holds two canvases, and three frames wait for their neighbours.
_ANIMATION = 20
# Whatever the size: strips, tables, the file itself, windows that are looked at.
FIXED_COST = 24 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Header:
    """What the first bytes say, before anything is decoded."""

    format: Format
    width: int
    """As stored, before the picture is turned upright."""

    height: int
    frames: int = 1
    loop: int | None = None
    """How often an animation is shown, 0 for ever; None when the file does not say."""

    orientation: int = 1
    """How to turn the stored pixels, 1 to 8, as in EXIF."""

    alpha: bool = False
    grey: bool = False
    lossless: bool = False
    """Only where the format has both kinds: WebP."""

    decoder_bytes: int = 0
    """What a decoder takes at its worst moment, where the size alone does not say it."""

    fine: bool = False
    """AVIF with colours at full resolution or of 12 bits, which takes more memory."""

    deep: bool = False
    """AVIF of more than 8 bits, of which a large one takes more memory."""

    plain: bool = False
    """Colours that OpenCV decodes as they are: 8-bit RGB or grey without transparency."""

    @property
    def pixels(self) -> int:
        """Pixels of all frames."""
        return self.width * self.height * self.frames

    @property
    def animated(self) -> bool:
        """Whether the frames show one scene: the pages of a TIFF do not."""
        return self.frames > 1 and self.format is not Format.TIFF

    @property
    def is_large(self) -> bool:
        """Whether memory is worth more than time here; each encoder has a limit of its own."""
        canvas = self.width * self.height
        if self.format is Format.AVIF:
            return self.frames == 1 and canvas > _MOST_AVIF
        if self.format is Format.WEBP:
            most = _MOST_LOSSLESS_WEBP if self.lossless else _MOST_LOSSY_WEBP
            return self.frames == 1 and canvas > (_MOST_CLEAR_WEBP if self.alpha else most)
        return False

    @property
    def cost(self) -> int:
        """Bytes that working on the picture takes at the worst moment, estimated from above."""
        canvas = self.width * self.height
        work = _WORK[self.format]
        if self.format is Format.WEBP:
            work = self._webp_work()
        elif self.format is Format.AVIF:
            work = self._avif_work()
        if self.alpha:
            work += 1
        if self.format is Format.TIFF:
            work += _PAGES * (self.frames > 1)
            return FIXED_COST + max(canvas * work + self.pixels, self.decoder_bytes)
        if self.frames == 1:
            return FIXED_COST + max(canvas * work, self.decoder_bytes)
        kept = 1 if self.format is Format.GIF else 4
        return FIXED_COST + canvas * (work + _ANIMATION) + kept * self.pixels

    def _avif_work(self) -> int:
        if self.frames > 1:
            return _ANIMATED_AVIF
        if self.is_large:
            return self._large_avif_work()
        return _WORK[Format.AVIF] + _CLEAR_AVIF * self.alpha + _FINE_AVIF * self.fine

    def _large_avif_work(self) -> int:
        """Return what the decoder's planes take, beside the colours that come out of them."""
        sample = 2 if self.deep else 1
        colours = 3 * sample if self.fine else math.ceil(1.5 * sample)
        return colours + 4 + (sample + 1) * self.alpha

    def _webp_work(self) -> int:
        if self.alpha:
            return _LARGE_CLEAR_WEBP if self.is_large else _CLEAR_WEBP
        if self.lossless:
            return _LARGE_LOSSLESS_WEBP if self.is_large else _LOSSLESS_WEBP
        return _WORK[Format.WEBP] if self.is_large else _SMALL_WEBP
