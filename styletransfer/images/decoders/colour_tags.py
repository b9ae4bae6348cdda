"""The colour spaces that files declare and Pillow does not report.

References:
    PNG specification, third edition, section 4.3 and 11.3.2; ISO/IEC 14496-12,
    section 12.1.5 (AVIF and HEIF); ISO/IEC 15444-1, annex I (JPEG 2000).
"""

from __future__ import annotations

import io
import struct
from typing import IO, TYPE_CHECKING

from styletransfer.images.decoders.colour_spaces import (
    SRGB,
    ColourSpace,
    from_numbers,
    make_profile,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from PIL import Image

_UNKNOWN = "its colours ({}) cannot be converted and are read as sRGB; convert it to sRGB first"
_HDR = "it is an HDR picture; what is brighter than white is compressed"
_PLAUSIBLE_GAMMA = (0.1, 5)  # others would make the picture black or white
_SRGB_GAMMA = (0.45, 0.46)  # 1/2.2 and thereabouts stands for the curve of sRGB
_LIKE_SRGB = 0.002  # a greater difference of chromaticities is meant
_PROFILE_METHODS = (2, 3)
_LONGEST_BOX = 1 << 26


def apply_colour_tags(picture: Image.Image, note: Callable[[str], None]) -> None:
    """Give an open picture the colour profile that other tags of its file stand for.

    Args:
        picture: As opened by Pillow, not yet decoded; its `info` gets the profile.
        note: Called with a message if a colour space is converted roughly or not at all.
    """
    file = getattr(picture, "fp", None)
    read = _READERS.get(picture.format or "")
    if file is None or read is None:
        return
    place = file.tell()
    try:
        found = read(picture, file)
    except struct.error:  # a tag ends too early; Pillow says what is wrong with the file
        found = None
    file.seek(place)
    if isinstance(found, ColourSpace) and not found.is_srgb:
        try:
            picture.info["icc_profile"] = make_profile(found)
        except (ArithmeticError, ValueError, struct.error):
            note(_UNKNOWN.format("its primaries are impossible"))
            return
        if found.is_hdr:
            note(_HDR)
    elif isinstance(found, bytes):
        picture.info.setdefault("icc_profile", found)
    elif isinstance(found, str):
        note(_UNKNOWN.format(found))


def _of_png(picture: Image.Image, file: IO[bytes]) -> ColourSpace | str | None:
    """Of the chunks, cICP comes before iCCP, that before sRGB, and that before gAMA and cHRM."""
    numbers = _png_chunk(file, b"cICP")
    if numbers is not None:
        primaries, transfer, matrix, is_full = struct.unpack(">4B", numbers[:4])
        space = from_numbers(primaries, transfer) if is_full and not matrix else None
        if space is not None:
            picture.info.pop("icc_profile", None)
            return space
        if not picture.info.get("icc_profile"):
            return f"cICP {primaries}, {transfer}, {matrix}, {is_full}"
    if picture.info.get("icc_profile") or "srgb" in picture.info:
        return None
    gamma, points = picture.info.get("gamma"), picture.info.get("chromaticity", SRGB)
    if max(abs(one - other) for one, other in zip(points, SRGB, strict=True)) <= _LIKE_SRGB:
        points = SRGB
    if not gamma or not _PLAUSIBLE_GAMMA[0] <= gamma <= _PLAUSIBLE_GAMMA[1]:
        return ColourSpace(points)
    if _SRGB_GAMMA[0] <= gamma <= _SRGB_GAMMA[1]:
        return ColourSpace(points)
    return ColourSpace(points, gamma=1 / gamma)


def _png_chunk(file: IO[bytes], wanted: bytes) -> bytes | None:
    """Return the data of the first such chunk before the pixels."""
    file.seek(8)
    while len(head := file.read(8)) == 8:
        length, name = struct.unpack(">I4s", head)
        if name == wanted:
            return file.read(length)
        if name == b"IDAT":
            return None
        file.seek(length + 4, io.SEEK_CUR)
    return None


def _of_heif(picture: Image.Image, file: IO[bytes]) -> ColourSpace | str | None:
    if picture.info.get("icc_profile"):
        return None
    for box in _colour_boxes(file, (b"meta", b"iprp", b"ipco")):
        if box[:4] == b"nclx":
            return _of_numbers(*struct.unpack(">HH", box[4:8]))
    return None


def _of_jpeg_2000(_: Image.Image, file: IO[bytes]) -> bytes | None:
    for box in _colour_boxes(file, (b"jp2h",)):
        if box[:1] and box[0] in _PROFILE_METHODS:
            return box[3:]
    return None


def _of_numbers(primaries: int, transfer: int) -> ColourSpace | str:
    return from_numbers(primaries, transfer) or f"primaries {primaries}, transfer {transfer}"


def _colour_boxes(file: IO[bytes], path: tuple[bytes, ...]) -> Iterator[bytes]:
    """Yield the contents of the colour boxes in a box within boxes."""
    end = file.seek(0, io.SEEK_END)
    start = 0
    for name in path:
        found = next((box for box in _boxes(file, start, end) if box[0] == name), None)
        if found is None:
            return
        _, start, end = found
        start += 4 if name == b"meta" else 0  # its version and flags
    for name, first, last in _boxes(file, start, end):
        if name == b"colr":
            file.seek(first)
            yield file.read(min(last - first, _LONGEST_BOX))


def _boxes(file: IO[bytes], start: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Yield the name of each box, and where its contents start and end."""
    while start + 8 <= end:
        file.seek(start)
        length, name = struct.unpack(">I4s", file.read(8))
        first = start + 8
        if length == 1:
            (length,) = struct.unpack(">Q", file.read(8))
            first += 8
        last = start + length if length else end
        if not first <= last <= end:
            return
        yield name, first, last
        start = last


_READERS: dict[str, Callable[[Image.Image, IO[bytes]], ColourSpace | bytes | str | None]] = {
    "PNG": _of_png,
    "AVIF": _of_heif,
    "HEIF": _of_heif,
    "JPEG2000": _of_jpeg_2000,
}
