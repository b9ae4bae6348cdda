"""Open picture files of all kinds, or say why a file is not read."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

from PIL import Image, UnidentifiedImageError, features

from styletransfer.errors import ImageError, reason
from styletransfer.images.decoders.jpeg import name_unread
from styletransfer.images.decoders.tiff import SIGNATURES, is_raw_file, open_tiff
from styletransfer.images.formats import DAMAGE, TOO_LARGE, open_image
from styletransfer.images.kinds import first_bytes, recognize

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_HEIC_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")
_AVIF_BRANDS = (b"avif", b"avis")
_JPEG = b"\xff\xd8"
_JPEG_XL = (b"\xff\x0a", b"\0\0\0\x0cJXL \r\n\x87\n")


def open_known(path: Path, note: Callable[[str], None] = lambda _: None) -> Image.Image:
    """Open a picture of any format that is read.

    Args:
        path: The file.
        note: Called with a message if it is read without damaged parts.

    Returns:
        The picture, not yet decoded.

    Raises:
        ImageError: If the file is of a kind that is refused by name.
        Exception: One of `DAMAGE` or `TOO_LARGE` if it cannot be opened.
    """
    # What is read from a pipe is gone.
    head = first_bytes(path) if path.is_file() else b""
    kind = recognize(head)
    if kind is not None:
        raise ImageError(kind.refusal)
    if head.startswith(_JPEG_XL) and not _register_jpeg_xl():
        raise ImageError(
            "reading JPEG XL needs pillow-jxl-plugin; run pip install pillow-jxl-plugin, "
            "or convert it to PNG"
        )
    if head.startswith(SIGNATURES):
        return open_tiff(path, note)
    try:
        return open_image(path, note)
    except UnidentifiedImageError:
        if _brand(head) in _HEIC_BRANDS and _register_heic():
            return open_image(path)
        raise


def is_picture(path: Path) -> bool:
    """Whether a file starts like a picture, whatever its suffix.

    This includes pictures too large to decode, and those of kinds that are not
    read, or only with a further package.
    """
    try:
        head = first_bytes(path)
        kind = recognize(head)
        if kind is not None:
            return kind.is_picture
        if head.startswith((*_JPEG_XL, *SIGNATURES)):
            return True
        if _brand(head) in {*_HEIC_BRANDS, *_AVIF_BRANDS}:
            return True
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            open_image(path).close()
    except TOO_LARGE:
        return True
    except DAMAGE:
        return False
    return True


def is_raw(path: Path) -> bool:
    """Whether a file is what a camera's sensor saw, whatever its suffix."""
    try:
        head = first_bytes(path)
        kind = recognize(head)
        if kind is not None:
            return kind.is_raw
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return head.startswith(SIGNATURES) and is_raw_file(path)
    except OSError:
        return False


def why_unreadable(path: Path, error: Exception) -> str:
    """Explain why a file cannot be read, and what to do.

    Args:
        path: The file.
        error: What Pillow raised.
    """
    if isinstance(error, TOO_LARGE):
        limit = 2 * (Image.MAX_IMAGE_PIXELS or 0)
        return f"it exceeds the limit of {limit} pixels; scale it down first"
    # A damaged header may state a huge size.
    if isinstance(error, MemoryError):
        return "not enough memory to decode it; scale it down, or download it again"
    if isinstance(error, OSError) and error.errno is not None:
        return f"{reason(error)}; pass the path of a readable picture"
    if path.stat().st_size == 0:
        return "the file is empty; download it again"
    if isinstance(error, UnidentifiedImageError):
        return _why_unidentified(path)
    words = reason(error)
    if isinstance(error, NotImplementedError) or "unsupported" in words.lower():
        return f"this variant of its format is not read ({words}); convert it to PNG or JPEG"
    if "truncated" in words.lower():
        words = "its end is missing"
    return f"the picture is damaged or truncated ({words}); download it again"


def _why_unidentified(path: Path) -> str:
    head = first_bytes(path)
    if head.startswith(_JPEG):
        variant = name_unread(path.read_bytes())
        if variant is not None:
            return f"this is {variant}; convert it to PNG"
    brand = _brand(head)
    if brand in _HEIC_BRANDS and not _register_heic():
        return "reading HEIC needs pillow-heif; run pip install pillow-heif, or convert it to JPEG"
    if brand in _AVIF_BRANDS and "avif" not in features.get_supported():
        return (
            "this Pillow cannot read AVIF; run pip install --upgrade pillow, or convert it to JPEG"
        )
    return "not a complete picture in a supported format; convert it to PNG or JPEG"


def _brand(head: bytes) -> bytes:
    """The four-byte brand of a HEIF or AVIF file; empty for other files."""
    return head[8:12] if head[4:8] == b"ftyp" else b""


def _register_heic() -> bool:
    """Register the HEIC decoder with Pillow; return False if pillow-heif is not installed."""
    try:
        import pillow_heif
    except ImportError:
        return False
    pillow_heif.register_heif_opener()
    return True


def _register_jpeg_xl() -> bool:
    """Register the JPEG XL decoder with Pillow; return False if its package is not installed."""
    try:
        import pillow_jxl  # noqa: F401  # the import registers it
    except ImportError:
        return False
    return True
