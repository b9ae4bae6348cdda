"""Correct what Pillow makes of some formats.

References:
    PNG (third edition), section 11.3.1.1; Truevision TGA 2.0; GIF89a, section 20;
    X11 bitmaps, in which a bit that is set is black.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

from PIL import Image, ImageOps, Jpeg2KImagePlugin, JpegImagePlugin, PngImagePlugin

from styletransfer.images.decoders.jpeg import load_jpeg
from styletransfer.images.decoders.jpeg2000 import load_jpeg2000
from styletransfer.images.formats import read_whole

if TYPE_CHECKING:
    from collections.abc import Callable

_GREY_STEPS = {"L;2": 85, "L;4": 17}
_DEEP_RGB, _LOW_BYTES = "RGB;16B", "RGB;16L"

_TGA_DESCRIPTOR, _TGA_ALPHA_BITS = 17, 0x0F
_TGA_FOOTER, _TGA_SIGNATURE = 26, b"TRUEVISION-XFILE.\0"
_TGA_ALPHA_KIND = 494  # in the extension area
_NO_ALPHA = (0, 1, 2)  # none; undefined, to be ignored; undefined, to be kept


def correct_picture(picture: Image.Image, note: Callable[[str], None]) -> Image.Image:
    """Decode an open picture if its format needs a correction, and apply that.

    Args:
        picture: As opened by Pillow.
        note: Called with a message if a part of the picture is missing.

    Returns:
        The same picture, or a corrected copy of the same format.
    """
    if isinstance(picture, JpegImagePlugin.JpegImageFile) and picture.fp is not None:
        return load_jpeg(picture, picture.fp, note)
    if isinstance(picture, Jpeg2KImagePlugin.Jpeg2KImageFile) and picture.fp is not None:
        return load_jpeg2000(picture, picture.fp)
    correct = _CORRECTIONS.get(picture.format or "")
    if correct is None:
        return picture
    corrected = correct(picture)
    corrected.format = picture.format
    return corrected


def _clear_png(picture: Image.Image) -> Image.Image:
    """Apply the clear colour of a PNG whose levels Pillow scales to 8 bits."""
    raw_mode = _raw_mode(picture)
    file: Any = getattr(picture, "fp", None)
    data = read_whole(file) if raw_mode == _DEEP_RGB and "transparency" in picture.info else b""
    picture.load()
    clear = picture.info.get("transparency")
    if raw_mode in _GREY_STEPS and isinstance(clear, int):
        picture.info["transparency"] = clear * _GREY_STEPS[raw_mode]
    if data:
        del picture.info["transparency"]
        picture.putalpha(_unlike(picture, _low_bytes(data), clear))
    return picture


def _low_bytes(data: bytes) -> Image.Image:
    """Decode the low byte of each level of a PNG with 16 bits."""
    low = PngImagePlugin.PngImageFile(io.BytesIO(data))
    low.tile = [tile._replace(args=_LOW_BYTES) for tile in low.tile]
    low.load()
    return low


def _unlike(high: Image.Image, low: Image.Image, clear: Any) -> Image.Image:
    """Return an alpha channel that is 0 where levels of 16 bits are equal to a colour."""
    import numpy as np

    levels = np.asarray(high).astype(np.uint16) << 8 | np.asarray(low)
    opaque = (levels != np.array(clear, np.uint16)).any(axis=2)
    return Image.fromarray(opaque.astype(np.uint8) * 255)


def _without_unused_alpha(picture: Image.Image) -> Image.Image:
    """Drop the alpha channel of a TGA whose header or footer says that it is not one."""
    file: Any = getattr(picture, "fp", None)
    unused = picture.mode in ("RGBA", "LA") and not _tga_has_alpha(read_whole(file))
    picture.load()
    return picture.convert({"RGBA": "RGB", "LA": "L"}[picture.mode]) if unused else picture


def _tga_has_alpha(data: bytes) -> bool:
    if data.endswith(_TGA_SIGNATURE):
        area = int.from_bytes(data[-_TGA_FOOTER:][:4], "little")
        kind = data[area + _TGA_ALPHA_KIND : area + _TGA_ALPHA_KIND + 1]
        if area and kind and kind[0] in _NO_ALPHA:
            return False
    return bool(data[_TGA_DESCRIPTOR] & _TGA_ALPHA_BITS)


def _clear_outside(picture: Image.Image) -> Image.Image:
    """Make a GIF transparent outside of its first frame, as browsers show it."""
    boxes = [tile.extents for tile in getattr(picture, "tile", [])]
    picture.load()
    screen = (0, 0, *picture.size)
    if not boxes or boxes[0] == screen or "transparency" in picture.info:
        return picture
    framed = picture.convert("RGBA")
    alpha = Image.new("L", picture.size, 0)
    alpha.paste(255, boxes[0])
    framed.putalpha(alpha)
    return framed


def _black_on_white(picture: Image.Image) -> Image.Image:
    return ImageOps.invert(picture.convert("L"))


def _raw_mode(picture: Image.Image) -> str:
    """How Pillow will unpack the values of an open picture."""
    tiles = getattr(picture, "tile", [])
    return str(tiles[0].args) if tiles else ""


_CORRECTIONS: dict[str, Callable[[Image.Image], Image.Image]] = {
    "PNG": _clear_png,
    "TGA": _without_unused_alpha,
    "GIF": _clear_outside,
    "XBM": _black_on_white,
}
