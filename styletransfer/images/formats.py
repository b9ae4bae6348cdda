"""The formats of pictures that are read: found by the first bytes, opened with Pillow.

Pillow gets the list at each opening, since some of its other formats start
programs (EPS starts Ghostscript), are slow, or cannot be decoded.
"""

from __future__ import annotations

import logging
import struct
import zlib
from typing import IO, TYPE_CHECKING

from PIL import Image

from styletransfer.images.png import larger_texts, mend_png

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

FORMATS = (
    *("PNG", "JPEG", "TIFF", "WEBP", "GIF", "BMP", "AVIF", "HEIF", "JXL", "JPEG2000", "MPO"),
    *("PSD", "PPM", "QOI", "ICO", "ICNS", "DDS", "DIB", "PCX", "SGI", "SUN", "XBM"),
    "TGA",  # last, since it has no signature
)
"""Pillow's names of the formats that are read; HEIF and JXL need a package each."""

PICTURE_SUFFIXES = frozenset(
    f".{name}"
    for name in (
        *("avif", "bmp", "gif", "heic", "heif", "hif", "jfif", "jp2", "jpe", "jpeg", "jpg", "jxl"),
        *("mpo", "png", "ppm", "psb", "psd", "tga", "tif", "tiff", "webp"),
    )
)
"""Suffixes of picture files, in lower case."""

DAMAGE = (
    *(ArithmeticError, AssertionError, AttributeError, BufferError, EOFError, LookupError),
    *(NameError, OSError, ReferenceError, RuntimeError, StopIteration, SyntaxError, TypeError),
    *(ValueError, struct.error, zlib.error),
)
"""The exceptions that Pillow raises on damaged files."""

TOO_LARGE = (Image.DecompressionBombError, Image.DecompressionBombWarning)
"""The exceptions that Pillow raises on pictures with too many pixels."""


def open_image(path: Path, note: Callable[[str], None] = lambda _: None) -> Image.Image:
    """Open a picture with Pillow, in one of the formats of this module only.

    Args:
        path: The file.
        note: Called with a message if it is read without damaged parts.

    Returns:
        The picture, not yet decoded.

    Raises:
        PIL.UnidentifiedImageError: If the file is in no format of `FORMATS`.
        Exception: One of `DAMAGE` or `TOO_LARGE` if the header is damaged, or
            states too many pixels.
    """
    source = mend_png(path, note)
    with larger_texts():
        return Image.open(source, formats=_available())


def read_whole(file: IO[bytes]) -> bytes:
    """Read an open file from its start, and leave it where it was."""
    place = file.tell()
    file.seek(0)
    data = file.read()
    file.seek(place)
    return data


def _available() -> list[str]:
    """Those of the formats that this Pillow has a plugin for."""
    Image.init()
    log = logging.getLogger("PIL")
    if not log.handlers:  # what it logs is raised as well, and would be printed
        log.addHandler(logging.NullHandler())
    return [name for name in FORMATS if name in Image.OPEN]
