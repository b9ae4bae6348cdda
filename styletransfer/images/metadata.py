"""What is known about a picture apart from its pixels, so far as it holds for the result too."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from styletransfer.images.exif import SHORT, Exif, parse_exif

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from PIL.Image import Image

# The others of this directory say how the pixels lie, or are turned.
_KEPT_OF_IMAGE = frozenset(
    [
        *(0x010D, 0x010E, 0x010F, 0x0110),  # document, description, maker, model
        *(0x011A, 0x011B, 0x0128),  # resolution in print
        *(0x0131, 0x0132, 0x013B, 0x013C),  # software, date, artist, computer
        *(0x4746, 0x4749, 0x8298),  # rating, the same in per cent, copyright
        *(0x9C9B, 0x9C9C, 0x9C9D, 0x9C9E, 0x9C9F),  # title to subject, as Windows has them
    ]
)
_COLOUR_SPACE = 0xA001
_LOST_OF_PHOTO = frozenset(
    [
        *(0x9101, 0x9102),  # how the colours were stored, and how tightly
        *(0xA002, 0xA003),  # width and height
        *(0x9214, 0xA214, 0xA20E, 0xA20F, 0xA210),  # places and distances in pixels
        *(0xA005, 0xA500),  # a third directory, on colour; gamma
    ]
)

_LOST_OF_XMP = (
    rb"tiff:(?:Orientation|ImageWidth|ImageLength|BitsPerSample|Compression)"
    rb"|exif:(?:PixelXDimension|PixelYDimension|ColorSpace)"
    rb"|photoshop:ICCProfile|(?:xmp|xap):Thumbnails"
)
_XMP_ATTRIBUTE = re.compile(rb"\s(?:" + _LOST_OF_XMP + rb")\s*=\s*(?:\"[^\"]*\"|'[^']*')")
_XMP_ELEMENT = re.compile(rb"<(" + _LOST_OF_XMP + rb")\b[^>]*(?:/>|(?<!/)>.*?</\1\s*>)", re.DOTALL)


class Metadata(NamedTuple):
    """What a result takes over from its content."""

    exif: Exif
    """Exposure, place, names; no orientation, sizes or thumbnail."""

    xmp: bytes = b""
    """An XMP packet in UTF-8, likewise; empty: none."""


def read_metadata(
    picture: Image, path: Path, note: Callable[[str], None] = lambda _: None
) -> Metadata | None:
    """Take from an open picture what will hold for its repainting too.

    Args:
        picture: As Pillow opened it, not yet turned upright.
        path: The file it was opened from.
        note: Takes a line if something is damaged.

    Returns:
        The metadata; `None` if there is none.
    """
    block = path.read_bytes() if picture.format == "TIFF" else _exif_block(picture)
    exif, whole = parse_exif(block)
    if not whole:
        note("not all of its EXIF block can be read; the rest is kept")
    exif = _lasting(exif)
    xmp = picture.info.get("xmp")
    # A NUL means UTF-16, in which stale values would not be found.
    xmp = xmp.strip(b"\0") if isinstance(xmp, bytes) else b""
    xmp = b"" if b"\0" in xmp else _XMP_ELEMENT.sub(b"", _XMP_ATTRIBUTE.sub(b"", xmp))
    return Metadata(exif, xmp) if exif.image or exif.photo or exif.gps or xmp else None


def _exif_block(picture: Image) -> bytes:
    """The EXIF block of a picture that is no TIFF; empty: there is none."""
    block = picture.info.get("exif", b"")
    if not block and "Raw profile type exif" in picture.info:  # older ImageMagick's, in a PNG
        digits = "".join(picture.info["Raw profile type exif"].split("\n")[3:])
        block = bytes.fromhex(digits) if re.fullmatch("(?:[0-9a-f]{2})*", digits) else b"?"
    return block if isinstance(block, bytes) else b""


def _lasting(exif: Exif) -> Exif:
    photo = {tag: entry for tag, entry in exif.photo.items() if tag not in _LOST_OF_PHOTO}
    if _COLOUR_SPACE in photo:
        photo[_COLOUR_SPACE] = exif.numbers(SHORT, 1)  # sRGB
    image = {tag: entry for tag, entry in exif.image.items() if tag in _KEPT_OF_IMAGE}
    return replace(exif, image=image, photo=photo)
