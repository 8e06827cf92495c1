"""Picture files of every format, made with another library than the one that writes the results."""

import io
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageCms, PngImagePlugin, TiffImagePlugin
from tests.support import heic

Pixels = npt.NDArray[np.uint8]

STILL = ["JPEG", "PNG", "WEBP", "AVIF", "TIFF", "GIF"]
READ = [*STILL, "HEIC"]
"""HEIC is read only, and comes back as JPEG."""

ANIMATED = ["PNG", "WEBP", "GIF", "AVIF"]
ORIENTED = ["JPEG", "PNG", "WEBP", "AVIF", "TIFF"]
SECRET = b"SECRET-PLACE"

TURNED = {
    1: lambda p: p,
    2: lambda p: p[:, ::-1],
    3: lambda p: p[::-1, ::-1],
    4: lambda p: p[::-1],
    5: lambda p: p.swapaxes(0, 1),
    6: lambda p: np.rot90(p, -1),
    7: lambda p: p[::-1, ::-1].swapaxes(0, 1),
    8: lambda p: np.rot90(p, 1),
}


def arrow() -> Pixels:
    """BGR, 48 x 80, and different in all eight orientations."""
    picture = np.zeros((48, 80, 3), np.uint8)
    picture[:24, :40] = (0, 0, 255)
    picture[:24, 40:] = (0, 255, 0)
    picture[24:, :40] = (255, 0, 0)
    return picture


def image(picture: Pixels, alpha: Pixels | None = None) -> Image.Image:
    """Return BGR pixels as Pillow's picture."""
    rgb = picture[:, :, ::-1]
    return Image.fromarray(np.ascontiguousarray(rgb if alpha is None else np.dstack((rgb, alpha))))


def saved(picture: Image.Image, kind: str, **options: object) -> bytes:
    """Return the file, losslessly where the format can."""
    if kind == "HEIC":
        named: Any = options  # of other types than Pillow's
        return heic.picture(picture, **named)
    lossless: dict[str, dict[str, object]] = {
        "WEBP": {"lossless": True},
        "AVIF": {"quality": 100, "subsampling": "4:4:4"},
        "TIFF": {"compression": "tiff_lzw"},
        "JPEG": {"quality": 95, "subsampling": 0},
    }
    out = io.BytesIO()
    picture.save(out, kind, **(lossless.get(kind, {}) | options))
    return out.getvalue()


def oriented(picture: Image.Image, kind: str, orientation: int) -> bytes:
    """Return the file with an EXIF orientation, or what is one in its format."""
    if kind == "HEIC":
        return saved(picture, kind, orientation=orientation)
    exif = Image.Exif()
    exif[0x0112] = orientation
    return saved(picture, kind, exif=exif)


def animation(frames: list[Image.Image], kind: str, durations: list[int], loop: int = 0) -> bytes:
    """Return a file with several frames."""
    return saved(
        frames[0],
        kind,
        save_all=True,
        append_images=frames[1:],
        duration=durations,
        loop=loop,
    )


def with_secrets(picture: Image.Image, kind: str, *more: Image.Image) -> bytes:
    """Return the file with a secret in every block that its format has, and behind its end.

    Args:
        picture: What it shows.
        kind: The format.
        *more: The further frames of an animation.
    """
    secret = SECRET.decode()
    exif = Image.Exif()
    exif[0x010E] = secret
    exif.get_ifd(0x8825)[29] = secret
    xmp = b"<x:xmpmeta>" + SECRET + b"</x:xmpmeta>"
    profile = _profile_with(SECRET)
    options: dict[str, dict[str, object]] = {
        "JPEG": {"exif": exif, "xmp": xmp, "icc_profile": profile, "comment": SECRET},
        "PNG": {"exif": exif, "icc_profile": profile, "pnginfo": _texts(secret)},
        "WEBP": {"exif": exif, "xmp": xmp, "icc_profile": profile},
        "AVIF": {"exif": exif, "xmp": xmp, "icc_profile": profile},
        "TIFF": {"icc_profile": profile, "tiffinfo": _tags(secret)},
        "GIF": {"comment": SECRET},
        "HEIC": {"exif": exif.tobytes(), "xmp": xmp, "icc_profile": profile, "name": SECRET},
    }
    shown = {"save_all": True, "append_images": more, "duration": 100, "loop": 0} if more else {}
    data = saved(picture, kind, **options[kind], **shown)
    if kind == "JPEG":
        iptc = b"Photoshop 3.0\x008BIM\x04\x04\0\0\0\0\0\x11" + b"\x1c\x02\x78\0\x0c" + SECRET
        data = data[:2] + b"\xff\xed" + (len(iptc) + 2).to_bytes(2, "big") + iptc + data[2:]
    return data + SECRET


def _texts(secret: str) -> PngImagePlugin.PngInfo:
    texts = PngImagePlugin.PngInfo()
    texts.add_text("Author", secret)
    texts.add_itxt("XML:com.adobe.xmp", secret)
    texts.add(b"tIME", b"\x07\xe8\x01\x01\x01\x01\x01")
    texts.add(b"pHYs", b"\0\0\x0b\x13\0\0\x0b\x13\x01")
    return texts


def _tags(secret: str) -> TiffImagePlugin.ImageFileDirectory_v2:
    tags = TiffImagePlugin.ImageFileDirectory_v2()
    for tag in (270, 271, 305, 315, 33432):
        tags[tag] = secret
    for tag in (700, 33723, 34377):
        tags.tagtype[tag] = 7
        tags[tag] = secret.encode()
    return tags


def _profile_with(secret: bytes) -> bytes:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    return profile + secret
