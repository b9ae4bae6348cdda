"""Decode picture files: upright, in sRGB, with alpha channel and metadata."""

from __future__ import annotations

import contextlib
import struct
import warnings
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PIL import Image, ImageColor, TiffImagePlugin, UnidentifiedImageError, features

from styletransfer.errors import ImageError, reason
from styletransfer.images.colour import alpha_channel, flatten
from styletransfer.images.exif import ORIENTATION
from styletransfer.images.metadata import Metadata, read_metadata
from styletransfer.images.orientation import load_upright

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

_ANIMATED = "it is animated; only the first frame is used"
_MULTI_FRAME_NOTES = {
    **dict.fromkeys(("GIF", "PNG", "WEBP", "AVIF"), _ANIMATED),
    "TIFF": "it has several pages; only the first is used",
}
_HEIC_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")
_AVIF_BRANDS = (b"avif", b"avis")
_BITS_PER_SAMPLE, _PLANAR_CONFIGURATION = 258, 284  # TIFF tags
# Pillow identifies these formats, but cannot decode them.
_NOT_PICTURES = {"BUFR", "GRIB", "HDF5", "MPEG"}
_BOMB = (Image.DecompressionBombError, Image.DecompressionBombWarning)

DAMAGE = (
    *(ArithmeticError, AttributeError, EOFError, LookupError, OSError, RuntimeError),
    *(SyntaxError, TypeError, ValueError, struct.error, zlib.error),
)
"""The exceptions that Pillow raises on damaged files."""


@dataclass(frozen=True, slots=True)
class Decoded:
    """A decoded picture file, upright."""

    colours: Image.Image
    """Mode RGB in sRGB, composited on the background."""

    alpha: Image.Image | None
    """Alpha channel, mode L, 0 transparent to 255 opaque; `None`: all is opaque."""

    metadata: Metadata | None
    """EXIF and XMP that a result may copy; `None`: absent or not requested."""


PICTURE_SUFFIXES = frozenset(
    f".{name}"
    for name in (
        *("avif", "bmp", "gif", "heic", "heif", "hif", "jfif", "jp2", "jpe", "jpeg", "jpg"),
        *("mpo", "png", "ppm", "psd", "tga", "tif", "tiff", "webp"),
    )
)
"""Suffixes of picture files, in lower case."""


def is_picture(path: Path) -> bool:
    """Whether a file starts like a picture, whatever its suffix.

    This includes pictures too large to decode, and HEIC and AVIF where the
    package that reads them is missing.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(path) as picture:
                return picture.format not in _NOT_PICTURES
    except _BOMB:
        return True
    except DAMAGE:
        with contextlib.suppress(OSError):
            return _brand(path) in {*_HEIC_BRANDS, *_AVIF_BRANDS}
        return False


def is_complete(path: Path) -> bool:
    """Whether a file is a complete picture that can be decoded."""
    try:
        if not path.is_file():
            return False
        open_picture(path)
    except (ImageError, OSError):
        return False
    return True


def open_picture(
    path: Path, *, background: str = "white", note: Callable[[str], None] | None = None
) -> Image.Image:
    """Decode the colours of a picture file.

    See `decode_picture` for the arguments and errors.

    Returns:
        A picture of mode RGB in sRGB, composited on the background.
    """
    return decode_picture(path, background=background, note=note).colours


def decode_picture(
    path: Path,
    *,
    background: str = "white",
    metadata: bool = False,
    note: Callable[[str], None] | None = None,
) -> Decoded:
    """Decode a picture file, turn it upright and convert it to sRGB.

    The format is detected from the content, not from the suffix. The EXIF
    orientation and the colour profile are applied. Of several frames or pages,
    the first is used.

    Args:
        path: A file in any format that Pillow reads, or HEIC if pillow-heif is
            installed; colour of 8 or 16 bits, greyscale of up to 32 bits.
        background: The sRGB colour, a name or #rrggbb, on which transparent
            pictures are composited.
        metadata: Whether to read EXIF and XMP.
        note: Called with a message about anything unexpected: an unusable
            profile, further frames, an unusual range, damaged metadata.

    Returns:
        The colours, the alpha channel and, if requested, the metadata.

    Raises:
        ImageError: If the file is missing, not a picture, damaged, truncated
            or too large, or contains NaN or infinite values.
        ValueError: If `background` is not a colour.
    """
    canvas = ImageColor.getrgb(background)[:3]

    def note_path(message: str) -> None:
        if note is not None:
            note(f"{path}: {message}")

    try:
        picture, found = _decode(path, metadata, note_path)
        alpha = alpha_channel(picture)
        return Decoded(flatten(picture, alpha, canvas, note_path), alpha, found)
    except ImageError as error:
        raise ImageError(f"{path}: {error}") from error
    except (*_BOMB, *DAMAGE, MemoryError) as error:
        raise ImageError(f"{path}: {_why_unreadable(path, error)}") from error


def _decode(
    path: Path, metadata: bool, note: Callable[[str], None]
) -> tuple[Image.Image, Metadata | None]:
    try:
        return _decode_known(path, metadata, note)
    except UnidentifiedImageError:
        if _brand(path) in _HEIC_BRANDS and _register_heic():
            return _decode_known(path, metadata, note)
        raise


def _decode_known(
    path: Path, metadata: bool, note: Callable[[str], None]
) -> tuple[Image.Image, Metadata | None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        with _open(path) as picture:
            frames_note = _MULTI_FRAME_NOTES.get(picture.format or "")
            if frames_note and getattr(picture, "is_animated", False):
                note(frames_note)
            upright = load_upright(picture)
            found = read_metadata(picture, path, note) if metadata else None
            return upright, found


def _open(path: Path) -> Image.Image:
    """Open a picture, with libtiff where Pillow's own TIFF decoder gives wrong pixels.

    Pillow's decoder for uncompressed TIFF fails on planar 16-bit channels, and
    on memory-mapped files with an orientation that swaps width and height.
    """
    picture = Image.open(path)
    tags = picture.tag_v2 if isinstance(picture, TiffImagePlugin.TiffImageFile) else {}
    is_planar = tags.get(_PLANAR_CONFIGURATION) == 2 and 16 in tags.get(_BITS_PER_SAMPLE, ())
    if not is_planar and tags.get(ORIENTATION) not in (5, 6, 7, 8):
        return picture
    picture.close()
    with _forced_libtiff():
        return Image.open(path)


@contextlib.contextmanager
def _forced_libtiff() -> Iterator[None]:
    before = TiffImagePlugin.READ_LIBTIFF
    TiffImagePlugin.READ_LIBTIFF = True
    try:
        yield
    finally:
        TiffImagePlugin.READ_LIBTIFF = before


def _brand(path: Path) -> bytes:
    """The four-byte brand of a HEIF or AVIF file; empty for other files."""
    with path.open("rb") as file:
        head = file.read(12)
    return head[8:] if head[4:8] == b"ftyp" else b""


def _register_heic() -> bool:
    """Register the HEIC decoder with Pillow; return False if pillow-heif is not installed."""
    try:
        import pillow_heif
    except ImportError:
        return False
    pillow_heif.register_heif_opener()
    return True


def _why_unreadable(path: Path, error: Exception) -> str:
    if isinstance(error, _BOMB):
        return f"it exceeds the limit of {Image.MAX_IMAGE_PIXELS} pixels; scale it down first"
    # A damaged header may state a huge size.
    if isinstance(error, MemoryError):
        return "not enough memory to decode it; scale it down, or download it again"
    if isinstance(error, OSError) and error.errno is not None:
        return f"{reason(error)}; pass the path of a readable picture"
    if path.stat().st_size == 0:
        return "the file is empty; download it again"
    if isinstance(error, UnidentifiedImageError):
        return _why_unidentified(_brand(path))
    return f"the picture is damaged or truncated ({reason(error)}); download it again"


def _why_unidentified(brand: bytes) -> str:
    if brand in _HEIC_BRANDS and not _register_heic():
        return "reading HEIC needs pillow-heif; run pip install pillow-heif, or convert it to JPEG"
    if brand in _AVIF_BRANDS and "avif" not in features.get_supported():
        return (
            "this Pillow cannot read AVIF; run pip install --upgrade pillow, or convert it to JPEG"
        )
    return "not a complete picture in a supported format; convert it to PNG or JPEG"
