"""Encode pixel values as a picture file, with 8 or 16 bits per channel.

Pillow writes neither 16-bit colour nor EXIF into a compressed TIFF. TIFF files
are therefore written here, and in a 16-bit PNG the pixels replace those of a
stand-in that Pillow wrote.
"""

from __future__ import annotations

import io
import struct
import zlib
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from PIL import Image, PngImagePlugin

from styletransfer.images.colour import srgb_profile
from styletransfer.images.exif import (
    ASCII,
    LONG,
    SHORT,
    SOFTWARE,
    UNDEFINED,
    USER_COMMENT,
    Entry,
    Exif,
)
from styletransfer.images.exif_patch import patch_exif
from styletransfer.images.levels import as_picture, strips

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from numpy.typing import NDArray

    from styletransfer.images.levels import Levels
    from styletransfer.images.metadata import Metadata

_SOFTWARE_KEYWORD = "Software"
_PNG_SIGNATURE = 8  # bytes
_STRIP = 1 << 16  # bytes per strip, about as many as libtiff uses


def encode(
    levels: Levels,
    format_name: str,
    text: Mapping[str, str],
    metadata: Metadata | None,
) -> bytes:
    """Encode a picture, tagged as sRGB.

    Args:
        levels: Shape (H, W, 3), RGB, or (H, W, 4) with an alpha channel, which
            JPEG does not support; uint8, or uint16 for PNG and TIFF.
        format_name: PNG, JPEG, WEBP or TIFF.
        text: Texts by keyword; see `save_picture`.
        metadata: Metadata of the content to copy; `None` copies nothing.

    Returns:
        The bytes of the file.

    Raises:
        OSError: If the format cannot store the picture or its metadata.
        ValueError: For the same reason.
    """
    height, width, _ = levels.shape
    exif = _with_text(metadata.exif_for(width, height) if metadata else Exif(), text)
    xmp = metadata.xmp if metadata else b""
    if format_name == "TIFF":
        return _tiff(levels, exif, xmp)
    if format_name == "PNG":
        return _png(levels, text, exif if metadata else None, xmp)
    options: dict[str, Any] = {"quality": 95, "exif": _block(exif), "xmp": xmp}
    if format_name == "JPEG":
        options["subsampling"] = 0
    else:
        options["exact"] = True  # keep the colours of transparent pixels
    return _by_pillow(as_picture(levels), format_name, options)


def _by_pillow(picture: Image.Image, format_name: str, options: Mapping[str, Any]) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, format_name, icc_profile=srgb_profile(), **options)
    return buffer.getvalue()


def _block(exif: Exif) -> bytes:
    return b"" if exif.is_empty else b"Exif\0\0" + patch_exif(exif)


def _with_text(exif: Exif, text: Mapping[str, str]) -> Exif:
    """Store the software under its own tag, and all other texts in the UserComment."""
    image, photo = dict(exif.image), dict(exif.photo)
    software = text.get(_SOFTWARE_KEYWORD)
    if software is not None:
        image[SOFTWARE] = Entry(ASCII, software.encode() + b"\0")
    others = [value for keyword, value in text.items() if keyword != _SOFTWARE_KEYWORD]
    if others:
        comment = "\n".join(others)
        code, name = ("ascii", b"ASCII") if comment.isascii() else ("utf-16-le", b"UNICODE")
        if exif.order == ">" and code != "ascii":
            code = "utf-16-be"
        photo[USER_COMMENT] = Entry(UNDEFINED, name.ljust(8, b"\0") + comment.encode(code))
    return replace(exif, image=image, photo=photo)


def _png(levels: Levels, text: Mapping[str, str], exif: Exif | None, xmp: bytes) -> bytes:
    chunks = PngImagePlugin.PngInfo()
    for keyword, value in text.items():
        chunks.add_text(keyword, value)
    if xmp:
        chunks.add_itxt("XML:com.adobe.xmp", xmp.decode("utf-8", "replace"))
    options = {"pnginfo": chunks, "exif": _block(exif) if exif else b""}
    if levels.dtype.itemsize == 1:
        return _by_pillow(as_picture(levels), "PNG", options)
    stand_in = _by_pillow(Image.new("RGB", (1, 1)), "PNG", options)
    return _with_pixels(stand_in, levels)


def _with_pixels(png: bytes, levels: Levels) -> bytes:
    """Replace the pixels of a PNG by 16-bit ones."""
    height, width, channels = levels.shape
    header = struct.pack(">IIBB3x", width, height, 16, 2 if channels == 3 else 6)
    replaced = {b"IHDR": [header], b"IDAT": _deflated(levels)}
    file = io.BytesIO()
    file.write(png[:_PNG_SIGNATURE])
    for name, data in _chunks(png):
        _write_chunk(file, name, replaced.get(name, [data]))
    return file.getvalue()


def _write_chunk(file: io.BytesIO, name: bytes, parts: Iterable[bytes]) -> None:
    start = file.tell()
    file.write(bytes(4) + name)
    checksum = zlib.crc32(name)
    for part in parts:
        checksum = zlib.crc32(part, checksum)
        file.write(part)
    length = file.tell() - start - 8
    file.write(struct.pack(">I", checksum))
    file.seek(start)
    file.write(struct.pack(">I", length))
    file.seek(0, io.SEEK_END)


def _chunks(png: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield the name and the data of each chunk."""
    at = _PNG_SIGNATURE
    while at < len(png):
        (length,) = struct.unpack_from(">I", png, at)
        yield png[at + 4 : at + 8], png[at + 8 : at + 8 + length]
        at += 12 + length


def _deflated(levels: Levels) -> Iterator[bytes]:
    """Filter and deflate the rows of a 16-bit PNG."""
    import numpy as np

    height, width, channels = levels.shape
    pixel = 2 * channels  # bytes
    compressor = zlib.compressobj()
    padded = np.zeros((1, pixel + width * pixel), np.uint8)
    for part in strips(width, height):
        strip = np.ascontiguousarray(levels[part], ">u2").view(np.uint8).reshape(-1, width * pixel)
        above = padded[-1:]
        padded = np.vstack([above, np.pad(strip, ((0, 0), (pixel, 0)))])
        yield compressor.compress(_filtered(padded, pixel))
    yield compressor.flush()


def _filtered(padded: NDArray[Any], pixel: int) -> bytes:
    """Filter each row by Sub or Up, whichever leaves the smaller absolute sum.

    Args:
        padded: The row above, and the rows to filter, with a pixel of zeros before each.
        pixel: Bytes of a pixel.
    """
    import numpy as np

    rows = padded[1:, pixel:]
    sub, up = rows - padded[1:, :-pixel], rows - padded[:-1, pixel:]
    costs = [np.abs(each.view(np.int8).astype(np.int16)).sum(axis=1) for each in (sub, up)]
    upper = (costs[1] < costs[0])[:, None]
    return np.hstack([np.where(upper, 2, 1).astype(np.uint8), np.where(upper, up, sub)]).tobytes()


def _tiff(levels: Levels, exif: Exif, xmp: bytes) -> bytes:
    """Write a deflated TIFF with horizontal differencing; its directories follow the pixels."""
    height, width, channels = levels.shape
    size = levels.dtype.itemsize
    rows = max(1, _STRIP // (width * channels * size))
    image = exif.image | {
        0x0100: exif.numbers(LONG, width),
        0x0101: exif.numbers(LONG, height),
        0x0102: exif.numbers(SHORT, *[8 * size] * channels),
        0x0103: exif.numbers(SHORT, 8),  # compression: deflate
        0x0106: exif.numbers(SHORT, 2),  # photometric interpretation: RGB
        0x0115: exif.numbers(SHORT, channels),
        0x0116: exif.numbers(LONG, min(rows, height)),
        0x011C: exif.numbers(SHORT, 1),  # planar configuration: interleaved
        0x013D: exif.numbers(SHORT, 2),  # predictor: horizontal differencing
        0x8773: Entry(UNDEFINED, srgb_profile()),
    }
    if channels == 4:
        image[0x0152] = exif.numbers(SHORT, 2)  # extra sample: unassociated alpha
    if xmp:
        image[0x02BC] = Entry(1, xmp)
    return patch_exif(replace(exif, image=image), _deflated_strips(levels, rows, exif.order))


def _deflated_strips(levels: Levels, rows: int, order: str) -> Iterator[bytes]:
    """Yield the strips of a TIFF: from each pixel, the one before it in its row is subtracted."""
    for top in range(0, levels.shape[0], rows):
        strip = levels[top : top + rows]
        differences = strip.copy()
        differences[:, 1:] -= strip[:, :-1]
        yield zlib.compress(differences.astype(f"{order}u{strip.dtype.itemsize}").tobytes())
