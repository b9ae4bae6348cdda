"""Turn decoded pictures upright.

The orientation is read here for all formats. Pillow ignores an EXIF block in
which an earlier entry is damaged, and integers of unusual types.

References:
    TIFF 6.0, section 2; Exif 2.32, section 4.6; BigTIFF.
"""

from __future__ import annotations

import io
import re
import struct
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING

from PIL import Image, TiffImagePlugin

from styletransfer.images.exif import ORIENTATION, SHORT, TYPE_SIZES, Exif
from styletransfer.images.exif_patch import patch_exif
from styletransfer.images.metadata import exif_block

if TYPE_CHECKING:
    from collections.abc import Iterator

_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_UPRIGHT = 1
_IN_XMP = re.compile(rb"tiff:Orientation(?:=\"|>)([0-9])")

_SIZES = TYPE_SIZES | {16: 8, 17: 8, 18: 8}  # BigTIFF's integers
_MOST_ENTRIES = 0xFFFF  # only BigTIFF can state more
_RATIONALS, _FLOATS = (5, 10), {11: "f", 12: "d"}


@dataclass(frozen=True, slots=True)
class _Layout:
    """How a block stores its directories."""

    order: str
    """The byte order as in `struct`."""

    start: int = 4
    """Where the offset of the first directory is."""

    offset: str = "I"
    """The type of an offset, as in `struct`."""

    count: str = "H"
    """The type of the number of entries, as in `struct`."""

    row: str = "HHI4s"
    """Tag, type, number of values, and the values or their offset."""


_LAYOUTS = {
    **dict.fromkeys((b"II*\0", b"II\0*"), _Layout("<")),
    **dict.fromkeys((b"MM\0*", b"MM*\0"), _Layout(">")),
    b"II+\0": _Layout("<", 8, "Q", "Q", "HHQ8s"),
    b"MM\0+": _Layout(">", 8, "Q", "Q", "HHQ8s"),
}


def load_upright(picture: Image.Image) -> Image.Image:
    """Decode an open picture and turn it upright.

    Args:
        picture: As opened by Pillow.

    Returns:
        The same picture, or a turned copy of the same format.
    """
    if isinstance(picture, TiffImagePlugin.TiffImageFile):
        # Pillow turns a TIFF while it decodes it, and prefers this block to the tags.
        exif = Exif()
        exif = Exif(image={ORIENTATION: exif.numbers(SHORT, find_orientation(picture))})
        picture.info["exif"] = patch_exif(exif)
        picture.load()
        return picture
    picture.load()  # the block of a PNG may follow the pixels
    turn = _TURNS.get(find_orientation(picture))
    if turn is None:
        return picture
    turned = picture.transpose(turn)
    turned.format = picture.format
    return turned


def find_orientation(picture: Image.Image) -> int:
    """Find the EXIF orientation of an open picture, or that of its XMP if EXIF has none.

    Returns:
        1 to 8; 1 if there is none, or another number.
    """
    if isinstance(picture, TiffImagePlugin.TiffImageFile) and picture.fp is not None:
        place = picture.fp.tell()
        found = read_orientation(picture.fp)
        picture.fp.seek(place)
    else:
        found = read_orientation(io.BytesIO(exif_block(picture)))
    if found is None:
        xmp = picture.info.get("xmp")
        match = _IN_XMP.search(xmp) if isinstance(xmp, bytes) else None
        found = int(match[1]) if match else _UPRIGHT
    return found if found in _TURNS else _UPRIGHT


def read_orientation(file: IO[bytes]) -> int | None:
    r"""Read the orientation in an EXIF block or a TIFF file, whatever else is damaged.

    Args:
        file: A seekable file: a block, with or without ``Exif\0\0``, or a TIFF.

    Returns:
        Any number; `None` if there is none.
    """
    base = 0
    while _bytes_at(file, base, 6) == b"Exif\0\0":
        base += 6
    layout = _LAYOUTS.get(_bytes_at(file, base, 4))
    if layout is None:
        return None
    try:
        for tag, kind, count, value in _rows(file, base, layout):
            size = _SIZES.get(kind, 0)
            if tag == ORIENTATION and size and count:
                if count * size > len(value):
                    (start,) = struct.unpack(layout.order + layout.offset, value)
                    value = _bytes_at(file, base + start, size)
                return _number(kind, value[:size], layout.order)
    except (ArithmeticError, OSError, ValueError, struct.error):
        pass  # the block ends, or the value is no number
    return None


def _rows(file: IO[bytes], base: int, layout: _Layout) -> Iterator[tuple[int, int, int, bytes]]:
    """Yield the entries of the first directory until the block ends."""

    def unpack(letters: str, place: int) -> tuple[int, ...]:
        form = layout.order + letters
        return struct.unpack(form, _bytes_at(file, base + place, struct.calcsize(form)))

    (place,) = unpack(layout.offset, layout.start)
    (count,) = unpack(layout.count, place)
    place += struct.calcsize(layout.order + layout.count)
    row = struct.Struct(layout.order + layout.row)
    for each in range(min(count, _MOST_ENTRIES)):
        yield row.unpack(_bytes_at(file, base + place + each * row.size, row.size))


def _bytes_at(file: IO[bytes], place: int, size: int) -> bytes:
    file.seek(place)
    return file.read(size)


def _number(kind: int, data: bytes, order: str) -> int:
    if kind in _RATIONALS:
        numerator, denominator = struct.unpack(f"{order}2I", data)
        return int(numerator / denominator)
    if kind in _FLOATS:
        return int(struct.unpack(order + _FLOATS[kind], data)[0])
    return int.from_bytes(data, "little" if order == "<" else "big")
