"""What a file says it is, and whether it is small enough to look further."""

import io
from collections.abc import Callable

from PIL import Image

from faceblur_service.codec.av1 import largest_frame
from faceblur_service.codec.formats import (
    FIXED_COST,
    MAX_BYTES,
    MAX_COST,
    MAX_FRAMES,
    MAX_PIXELS,
    Format,
    Header,
)
from faceblur_service.codec.guard import refusing
from faceblur_service.codec.heic import scan_heic
from faceblur_service.codec.ifd import BITS, ORIENTATION, tables
from faceblur_service.codec.scan import Scan, scan_gif, scan_jpeg, scan_png, scan_webp
from faceblur_service.errors import (
    BrokenPicture,
    NoPicture,
    PictureTooLarge,
    UnsupportedPicture,
)

_LONGEST = {Format.JPEG: 65_500, Format.WEBP: 16_383, Format.AVIF: 32_768, Format.HEIC: 65_500}
_SUBFILE, _WIDTH, _HEIGHT, _COLOURS, _SAMPLES = 254, 256, 257, 262, 277
_ROWS_PER_STRIP, _PLANES, _TILE_WIDTH, _TILE_HEIGHT = 278, 284, 322, 323
_YCBCR, _APART = 6, 2
_HEIC_BRANDS = {b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"mif1", b"msf1"}


def read_header(data: bytes) -> Header:
    """Return format and size, refusing what is too large before any pixel is decoded.

    Raises:
        NoPicture: There are no bytes.
        PictureTooLarge: More bytes, pixels or frames than allowed.
        UnsupportedPicture: Of a kind that is not read.
        BrokenPicture: The header cannot be read.
    """
    return scan(data).header


def scan(data: bytes) -> Scan:
    """Return what `read_header` does, and what is embedded."""
    if not data:
        raise NoPicture("There are no bytes, so there is no picture.")
    if len(data) > MAX_BYTES:
        raise PictureTooLarge("The picture is larger than 20 MiB.")
    kind = sniff(data)
    with refusing(f"The {kind.name} header cannot be read."):
        found = _SCANS[kind](data)
    _judge(found.header)
    return found


def sniff(data: bytes) -> Format:
    """Return the format by the first bytes; names and content types are not believed.

    Raises:
        UnsupportedPicture: It is none of ours.
    """
    for start, kind in _STARTS.items():
        if data.startswith(start):
            return kind
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return Format.WEBP
    if data[4:8] == b"ftyp":
        brands = {data[8:12]} | {data[at : at + 4] for at in range(16, min(64, len(data)), 4)}
        if brands & {b"avif", b"avis"}:
            return Format.AVIF
        if brands & _HEIC_BRANDS:
            return Format.HEIC
    raise UnsupportedPicture(
        "Only JPEG, PNG, WebP, AVIF, HEIC, TIFF and GIF pictures are supported."
    )


def _judge(header: Header) -> None:
    if not header.width or not header.height:
        raise BrokenPicture("The picture has no pixels.")
    longest = _LONGEST.get(header.format, 0)
    if longest and max(header.width, header.height) > longest:
        # More than the format, or its encoder, can hold: the result could not be written.
        raise PictureTooLarge(
            f"The picture has a side of {max(header.width, header.height)} pixels; "
            f"{longest} are allowed in {header.format.name}."
        )
    if header.frames > MAX_FRAMES:
        raise PictureTooLarge(f"The picture has more than {MAX_FRAMES} frames.")
    if header.pixels > MAX_PIXELS:
        frames = f" in {header.frames} frames" if header.frames > 1 else ""
        raise PictureTooLarge(
            f"The picture has {header.pixels / 1e6:.1f} megapixels{frames}; 25 are allowed."
        )
    if header.cost > MAX_COST:
        most = header.pixels * (MAX_COST - FIXED_COST) / (header.cost - FIXED_COST)
        raise PictureTooLarge(
            f"The picture has {header.pixels / 1e6:.1f} megapixels; of this kind of "
            f"{header.format.name} {most / 1e6:.0f} fit into memory."
        )


def _scan_avif(data: bytes) -> Scan:
    coded = largest_frame(data)
    with Image.open(io.BytesIO(data), formats=["AVIF"]) as image:
        frames = int(getattr(image, "n_frames", 1))
        turn = int(image.getexif().get(ORIENTATION, 1)) if frames == 1 else 1
        header = Header(
            Format.AVIF,
            *image.size,
            frames=frames,
            loop=0 if frames > 1 else None,
            orientation=turn if 1 <= turn <= 8 else 1,
            alpha=image.mode == "RGBA",
            grey=image.mode in {"L", "LA"},
            fine=coded.profile > 0,
            deep=coded.deep,
        )
        if coded.pixels > image.width * image.height:
            raise BrokenPicture("The picture has another size than its header says.")
        return Scan(header, image.info.get("icc_profile"))


def _scan_tiff(data: bytes) -> Scan:
    pages = [page for page in tables(data) if not page.numbers.get(_SUBFILE, 0) & 1]
    if not pages:
        raise BrokenPicture("The TIFF holds no picture.")
    numbers = [page.numbers for page in pages]
    header = Header(
        Format.TIFF,
        # Of the largest page: the limits hold for all of them then.
        max(page.get(_WIDTH, 0) for page in numbers),
        max(page.get(_HEIGHT, 0) for page in numbers),
        frames=len(pages),
        orientation=numbers[0].get(ORIENTATION, 1),
        alpha=any(page.get(_SAMPLES, 1) in {2, 4} for page in numbers),
        grey=all(page.get(_SAMPLES, 1) <= 2 for page in numbers),
        decoder_bytes=max(map(_tiff_decoding, numbers)),
    )
    return Scan(header)


def _tiff_decoding(page: dict[int, int]) -> int:
    """Return what decoding takes: four bytes a pixel, and one strip or tile as it is stored."""
    width, height = page.get(_WIDTH, 0), page.get(_HEIGHT, 0)
    columns = page.get(_TILE_WIDTH, width)
    rows = page.get(_TILE_HEIGHT, min(height, page.get(_ROWS_PER_STRIP, height)))
    samples = 1 if page.get(_PLANES, 1) == _APART else page.get(_SAMPLES, 1)
    bits = samples * page.get(BITS, 16 if samples > 1 else 1)
    if page.get(_COLOURS) == _YCBCR:
        bits = max(bits, 32)
    return 4 * width * height + columns * rows * bits // 8


_SCANS: dict[Format, Callable[[bytes], Scan]] = {
    Format.JPEG: scan_jpeg,
    Format.PNG: scan_png,
    Format.WEBP: scan_webp,
    Format.AVIF: _scan_avif,
    Format.TIFF: _scan_tiff,
    Format.GIF: scan_gif,
    Format.HEIC: scan_heic,
}
_STARTS = {
    b"\xff\xd8\xff": Format.JPEG,
    b"\x89PNG\r\n\x1a\n": Format.PNG,
    b"GIF87a": Format.GIF,
    b"GIF89a": Format.GIF,
    b"II*\0": Format.TIFF,
    b"MM\0*": Format.TIFF,
    b"II+\0": Format.TIFF,
    b"MM\0+": Format.TIFF,
}
