"""JPEG 2000 of more than 8 bits, in which Pillow turns white into black.

Pillow rounds levels to 8 bits, so that the greatest become 256, and stores that as 0.

References:
    ITU-T T.800, sections A.5.1 and A.6.4.
"""

from __future__ import annotations

import io
from typing import IO

from PIL import Image, Jpeg2KImagePlugin

from styletransfer.images.formats import read_whole

_SIZES = b"\xff\x4f\xff\x51"
_COMPONENTS = 40  # from the start of the codestream, without its first marker
_BITS = 0x7F
_TILE, _STEPS, _STEPS_OF_COMPONENT = 0x90, 0x5C, 0x5D  # markers, after 0xFF
_STYLE, _GUARD_BIT, _EXPONENT = 0x1F, 1 << 5, 1 << 3


def load_jpeg2000(picture: Image.Image, file: IO[bytes]) -> Image.Image:
    """Decode a JPEG 2000 file.

    Args:
        picture: As opened by Pillow.
        file: Its file.

    Returns:
        The same picture, or a copy of the same format.
    """
    data = read_whole(file) if picture.mode in ("RGB", "RGBA") else b""
    picture.load()
    places = _precisions(data)
    if not places or not any(data[place] & _BITS > 7 for place in places):
        return picture
    if all(least > 0 for least, _ in _extremes(picture)):
        return picture
    return _with_white(picture, _darker(data, places))


def _precisions(data: bytes) -> list[int]:
    """Where the codestream states how many bits each component has, less one."""
    start = data.find(_SIZES)
    if start < 0:
        return []
    start += 2
    count = int.from_bytes(data[start + 38 : start + _COMPONENTS], "big")
    places = [start + _COMPONENTS + 3 * each for each in range(count)]
    return places if places and places[-1] < len(data) else []


def _extremes(picture: Image.Image) -> list[tuple[int, int]]:
    return [band.getextrema() for band in picture.split()]  # type: ignore[misc]  # of 8 bits


def _darker(data: bytes, places: list[int]) -> Image.Image:
    """Decode as if each component had one bit more: level 0 becomes 64, and the greatest 191."""
    wider = bytearray(data)
    for place in places:
        wider[place] += 1
    _keep_steps(wider, places[-1] + 3)
    picture = Jpeg2KImagePlugin.Jpeg2KImageFile(io.BytesIO(wider))
    picture.load()
    return picture


def _keep_steps(data: bytearray, place: int) -> None:
    """Keep the sizes of irreversible steps, which grow with the bits of a component.

    Each exponent grows by one as well, and there is one guard bit less, so that
    the coded bits mean the same.
    """
    while data[place : place + 1] == b"\xff" and data[place + 1] != _TILE:
        marker, length = data[place + 1], int.from_bytes(data[place + 2 : place + 4], "big")
        style = {_STEPS: place + 4, _STEPS_OF_COMPONENT: place + 5}.get(marker)
        if style is not None and data[style] & _STYLE and data[style] >= _GUARD_BIT:
            data[style] -= _GUARD_BIT
            for step in range(style + 1, place + 2 + length, 2):
                data[step] = min(data[step] + _EXPONENT, 0xFF)
        place += 2 + length


def _with_white(picture: Image.Image, darker: Image.Image) -> Image.Image:
    import numpy as np

    levels = np.array(picture)
    levels[(levels == 0) & (np.asarray(darker) >= 128)] = 255
    white = Image.fromarray(levels)
    white.info, white.format = picture.info, picture.format
    return white
