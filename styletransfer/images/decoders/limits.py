"""What decoding a picture may take: its size is known from the header.

A file of a few kilobytes may decode to gigabytes, and Linux kills a process that
uses more memory than there is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from PIL import JpegImagePlugin

from styletransfer.errors import ImageError

if TYPE_CHECKING:
    from PIL import Image

# Bytes for each pixel, measured: decoding, conversion to sRGB and to a tensor.
_PIXEL, _PIXEL_WITH_ALPHA = 24, 32
_WITH_ALPHA = ("LA", "PA", "RGBA", "RGBa")
_MORE = {"AVIF": 4, "HEIF": 4, "JPEG2000": 4, "JXL": 4, "WEBP": 8}

_LARGE_JPEG = 50_000_000  # pixels
_SPARE = 2  # how often the side that is needed fits into that of a reduced JPEG


@dataclass(frozen=True, slots=True)
class Limits:
    """What decoding a picture may take, and what is needed of it."""

    memory: int | None = None
    """Free memory in bytes; `None`: not limited."""

    side: int | None = None
    """The longest side in pixels at which it will be used; `None`: its own."""


NO_LIMITS = Limits()
"""Decode the whole picture, whatever it takes."""


def respect(limits: Limits, picture: Image.Image) -> None:
    """Let a very large JPEG be decoded reduced, and refuse what does not fit in memory.

    A JPEG of more than 50 million pixels is decoded at a half, a quarter or an
    eighth of its size, if that is at least twice what is needed.

    Args:
        limits: What decoding may take.
        picture: As opened by Pillow, not yet decoded; reduced in place.

    Raises:
        ImageError: If it needs more memory than is free.
    """
    width, height = picture.size
    is_jpeg = isinstance(picture, JpegImagePlugin.JpegImageFile)
    if is_jpeg and limits.side is not None and width * height > _LARGE_JPEG:
        least = _SPARE * limits.side / max(width, height)
        picture.draft(None, (max(1, round(width * least)), max(1, round(height * least))))
    if limits.memory is None:
        return
    needed = memory_to_decode(picture)
    if needed > limits.memory:
        raise ImageError(
            f"decoding its {width}×{height} pixels needs about {needed / 1e9:.1f} GB of memory, "
            f"{limits.memory / 1e9:.1f} GB are free; scale it down first"
        )


def memory_to_decode(picture: Image.Image) -> int:
    """Estimate the bytes that an open picture takes until it is a tensor."""
    has_alpha = picture.mode in _WITH_ALPHA or "transparency" in picture.info
    each = _PIXEL_WITH_ALPHA if has_alpha else _PIXEL
    width, height = picture.size
    return width * height * (each + _MORE.get(picture.format or "", 0))
