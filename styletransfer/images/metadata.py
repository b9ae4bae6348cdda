"""The metadata of a content picture that is also true of the result."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from styletransfer.images.exif import LONG, ORIENTATION, SHORT, Exif, parse_exif

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from PIL.Image import Image

_IMAGE_WIDTH, _IMAGE_HEIGHT = 0x0100, 0x0101
_COLOUR_SPACE, _PIXEL_WIDTH, _PIXEL_HEIGHT = 0xA001, 0xA002, 0xA003
# The other entries of IFD0 describe how the pixels of the content are stored.
_KEPT_OF_IMAGE = frozenset(
    [
        *(_IMAGE_WIDTH, _IMAGE_HEIGHT, ORIENTATION),  # with corrected values
        *(0x010D, 0x010E, 0x010F, 0x0110),  # document, description, maker, model
        *(0x011A, 0x011B, 0x0128),  # print resolution
        *(0x0131, 0x0132, 0x013B, 0x013C),  # software, date, artist, computer
        *(0x4746, 0x4749, 0x8298),  # rating, rating in per cent, copyright
        *(0x9C9B, 0x9C9C, 0x9C9D, 0x9C9E, 0x9C9F),  # Windows' title to subject
    ]
)
_DROPPED_OF_PHOTO = frozenset(
    [
        *(0x9101, 0x9102),  # colour components, compression
        *(0x9214, 0xA214, 0xA20E, 0xA20F, 0xA210),  # positions and distances in pixels
        *(0xA005, 0xA500),  # pointer to the interoperability directory; gamma
    ]
)

_DROPPED_OF_XMP = (
    rb"tiff:(?:Orientation|ImageWidth|ImageLength|BitsPerSample|Compression)"
    rb"|exif:(?:PixelXDimension|PixelYDimension|ColorSpace)"
    rb"|photoshop:ICCProfile|(?:xmp|xap):Thumbnails"
)
_XMP_ATTRIBUTE = re.compile(rb"\s(?:" + _DROPPED_OF_XMP + rb")\s*=\s*(?:\"[^\"]*\"|'[^']*')")
_XMP_TAG = re.compile(rb"<(/?)(" + _DROPPED_OF_XMP + rb")\b[^<>]*?(/?)>")
# What decoders find wherever it is, as in a damaged packet.
_XMP_TURN = re.compile(rb"(tiff:Orientation(?:=\"|>))[0-9]")
_LARGEST_XMP = 4_000_000  # bytes


@dataclass(frozen=True, slots=True)
class Metadata:
    """The metadata that a result inherits from its content."""

    exif: Exif
    """Exposure, location, names; the pixel sizes are still those of the content."""

    xmp: bytes = b""
    """An XMP packet in UTF-8, without sizes, orientation and thumbnails; empty: none."""

    def exif_for(self, width: int, height: int) -> Exif:
        """Return the EXIF entries with the pixel sizes of a result."""
        sizes = dict.fromkeys((_IMAGE_WIDTH, _PIXEL_WIDTH), width)
        sizes |= dict.fromkeys((_IMAGE_HEIGHT, _PIXEL_HEIGHT), height)
        image, photo = (
            part | {tag: self.exif.numbers(LONG, sizes[tag]) for tag in sizes.keys() & part}
            for part in (self.exif.image, self.exif.photo)
        )
        return replace(self.exif, image=image, photo=photo)


def read_metadata(
    picture: Image, path: Path, note: Callable[[str], None] = lambda _: None
) -> Metadata | None:
    """Read the metadata of an open picture and drop what would be false of a result.

    Args:
        picture: As opened by Pillow, not yet turned upright.
        path: Its file.
        note: Called with a message if the EXIF block is damaged, or the XMP packet too large.

    Returns:
        The metadata; `None` if there is none.
    """
    is_tiff = picture.format == "TIFF"
    exif = parse_exif(path.read_bytes() if is_tiff else exif_block(picture))
    if exif.damaged:
        note("its EXIF block is damaged; only the readable entries are kept")
    # The block of a TIFF is the whole file with its pixels, so a new block is built.
    exif = _still_true(exif.detached() if is_tiff else exif)
    xmp = _still_true_of_xmp(picture.info.get("xmp"), note)
    return None if exif.is_empty and not xmp else Metadata(exif, xmp)


def exif_block(picture: Image) -> bytes:
    """The EXIF block of a picture other than a TIFF; empty if it has none."""
    block = picture.info.get("exif", b"")
    if not block and "Raw profile type exif" in picture.info:  # older ImageMagick's, in a PNG
        digits = "".join(picture.info["Raw profile type exif"].split("\n")[3:])
        block = bytes.fromhex(digits) if re.fullmatch("(?:[0-9a-f]{2})*", digits) else b"?"
    return block if isinstance(block, bytes) else b""


def _still_true_of_xmp(xmp: object, note: Callable[[str], None]) -> bytes:
    """Drop what would be false of a result; return an empty packet for one that cannot be kept."""
    packet = xmp.strip(b"\0") if isinstance(xmp, bytes) else b""
    if len(packet) > _LARGEST_XMP:
        size, limit = len(packet) / 1e6, _LARGEST_XMP / 1e6
        note(f"its XMP packet of {size:.1f} MB is left out; the limit is {limit:.0f} MB")
        return b""
    # A NUL means UTF-16, in which the patterns above would find nothing.
    if b"\0" in packet:
        return b""
    return _XMP_TURN.sub(rb"\g<1>1", _without_elements(_XMP_ATTRIBUTE.sub(b"", packet)))


def _without_elements(packet: bytes) -> bytes:
    """Drop the elements that `_XMP_TAG` finds, each up to its next closing tag, in linear time."""
    spans: list[tuple[int, int]] = []
    closing: dict[bytes, int] = {}  # from the end of the packet: where the next one ends
    for tag in reversed(list(_XMP_TAG.finditer(packet))):
        slash, name, is_empty = tag.groups()
        if slash:
            closing[name] = tag.end()
        elif is_empty or name in closing:
            spans.append((tag.start(), tag.end() if is_empty else closing[name]))
    parts, place = [], 0
    for start, end in reversed(spans):
        if start >= place:
            parts.append(packet[place:start])
            place = end
    return b"".join([*parts, packet[place:]])


def _still_true(exif: Exif) -> Exif:
    """Drop or correct entries that would be false of a result; all results are upright sRGB."""
    image = {tag: entry for tag, entry in exif.image.items() if tag in _KEPT_OF_IMAGE}
    photo = {tag: entry for tag, entry in exif.photo.items() if tag not in _DROPPED_OF_PHOTO}
    if ORIENTATION in image:
        image[ORIENTATION] = exif.numbers(SHORT, 1)
    if _COLOUR_SPACE in photo:
        photo[_COLOUR_SPACE] = exif.numbers(SHORT, 1)  # sRGB
    return replace(exif, image=image, photo=photo)
