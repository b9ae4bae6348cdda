"""Picture files to upright pictures in sRGB, with what else they carry."""

from __future__ import annotations

import contextlib
import struct
import warnings
import zlib
from typing import TYPE_CHECKING, NamedTuple

from PIL import Image, ImageColor, ImageOps, TiffImagePlugin, UnidentifiedImageError, features

from styletransfer.errors import ImageError, reason
from styletransfer.images.colour import flatten, opacity
from styletransfer.images.exif import ORIENTATION
from styletransfer.images.metadata import Metadata, read_metadata

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

_SEVERAL = {
    "GIF": "it is animated; its first frame is taken",
    "PNG": "it is animated; its first frame is taken",
    "WEBP": "it is animated; its first frame is taken",
    "AVIF": "it is animated; its first frame is taken",
    "TIFF": "it has several pages; the first is taken",
}
_HEIC_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")
_AVIF_BRANDS = (b"avif", b"avis")
_BITS_PER_SAMPLE, _PLANAR_CONFIGURATION = 258, 284  # TIFF's numbers for these tags
# Pillow knows these by sight, and never as a picture.
_NO_PICTURES = {"BUFR", "GRIB", "HDF5", "MPEG"}
_BOMB = (Image.DecompressionBombError, Image.DecompressionBombWarning)

DAMAGE = (
    *(ArithmeticError, AttributeError, EOFError, LookupError, OSError, RuntimeError),
    *(SyntaxError, TypeError, ValueError, struct.error, zlib.error),
)
"""What Pillow raises on damaged files. Interruption is no fault of the file, and passes."""


class Decoded(NamedTuple):
    """What a picture file holds, upright."""

    colours: Image.Image
    """Mode RGB, 8 bits a channel, in sRGB, transparent parts laid on the background."""

    alpha: Image.Image | None
    """Opacity, mode L, 0 clear to 255 opaque; None: opaque all over."""

    metadata: Metadata | None
    """What a repainting takes over; None: there is none, or it was not asked for."""


PICTURE_SUFFIXES = frozenset(
    f".{name}"
    for name in (
        *("avif", "bmp", "gif", "heic", "heif", "hif", "jfif", "jp2", "jpe", "jpeg", "jpg"),
        *("mpo", "png", "ppm", "psd", "tga", "tif", "tiff", "webp"),
    )
)
"""Suffixes in small letters that promise a picture."""


def is_picture(path: Path) -> bool:
    """Whether the first bytes of a file are those of a picture.

    Args:
        path: A file; its name says nothing.

    Returns:
        True also if it is too large to decode, or takes another package.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(path) as picture:
                return picture.format not in _NO_PICTURES
    except _BOMB:
        return True
    except DAMAGE:
        with contextlib.suppress(OSError):
            return _brand(path) in {*_HEIC_BRANDS, *_AVIF_BRANDS}
        return False


def is_whole(path: Path) -> bool:
    """Whether a file is a picture that can be decoded to its last byte."""
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
    """Decode the colours of a picture file, as `decode_picture` does.

    Returns:
        Of mode RGB, 8 bits a channel, in sRGB.
    """
    return decode_picture(path, background=background, note=note).colours


def decode_picture(
    path: Path,
    *,
    background: str = "white",
    metadata: bool = False,
    note: Callable[[str], None] | None = None,
) -> Decoded:
    """Decode a picture file whole, upright, in sRGB.

    Its content tells the format, never its suffix. The EXIF orientation and
    the colour profile are applied, transparent parts are laid on the
    background, and of several frames or pages the first is taken.

    Args:
        path: In any format that Pillow reads, and HEIC if pillow-heif is
            installed; colour of 8 or 16 bits, grey of up to 32.
        background: An sRGB colour, by its name or as #rrggbb.
        metadata: Read EXIF and XMP as well.
        note: Takes a line for each thing that the user may not expect: a
            profile that cannot be applied, further frames, an unusual range,
            damaged metadata.

    Returns:
        Colours, opacity and, if asked for, metadata.

    Raises:
        ImageError: If the file is missing, no picture, damaged, cut short,
            too large to decode, or holds NaN or infinite values.
        ValueError: If the background is no colour.
    """
    ground = ImageColor.getrgb(background)[:3]

    def say(line: str) -> None:
        if note is not None:
            note(f"{path}: {line}")

    try:
        picture, found = _decode(path, metadata, say)
        alpha = opacity(picture)
        return Decoded(flatten(picture, alpha, ground, say), alpha, found)
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
        if _brand(path) in _HEIC_BRANDS and _learn_heic():
            return _decode_known(path, metadata, note)
        raise


def _decode_known(
    path: Path, metadata: bool, note: Callable[[str], None]
) -> tuple[Image.Image, Metadata | None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        with _open(path) as picture:
            several = _SEVERAL.get(picture.format or "")
            if several and getattr(picture, "is_animated", False):
                note(several)
            picture.load()
            found = read_metadata(picture, path, note) if metadata else None
            # In place, the pixels turn before the EXIF block is rewritten: a
            # damaged block then costs at most the orientation, never the picture.
            with contextlib.suppress(*DAMAGE):
                ImageOps.exif_transpose(picture, in_place=True)
            return picture, found


def _open(path: Path) -> Image.Image:
    """Open a picture; a TIFF that Pillow by itself would garble, with libtiff.

    Uncompressed, it garbles channels of 16 bits that lie apart, and what is to
    be turned by a quarter if it maps the file into memory.
    """
    picture = Image.open(path)
    tags = picture.tag_v2 if isinstance(picture, TiffImagePlugin.TiffImageFile) else {}
    apart = tags.get(_PLANAR_CONFIGURATION) == 2 and 16 in tags.get(_BITS_PER_SAMPLE, ())
    if not apart and tags.get(ORIENTATION) not in (5, 6, 7, 8):
        return picture
    picture.close()
    with _reading_by_libtiff():
        return Image.open(path)


@contextlib.contextmanager
def _reading_by_libtiff() -> Iterator[None]:
    before = TiffImagePlugin.READ_LIBTIFF
    TiffImagePlugin.READ_LIBTIFF = True
    try:
        yield
    finally:
        TiffImagePlugin.READ_LIBTIFF = before


def _brand(path: Path) -> bytes:
    """The four letters by which a file of the HEIF family names its kind; else nothing."""
    with path.open("rb") as file:
        head = file.read(12)
    return head[8:] if head[4:8] == b"ftyp" else b""


def _learn_heic() -> bool:
    """Teach Pillow to read HEIC; whether what that needs is installed."""
    try:
        import pillow_heif
    except ImportError:
        return False
    pillow_heif.register_heif_opener()
    return True


def _why_unreadable(path: Path, error: Exception) -> str:
    if isinstance(error, _BOMB):
        return f"over {Image.MAX_IMAGE_PIXELS} pixels are not safe to decode; scale it down first"
    # A few damaged bytes may claim to hold more than any machine does.
    if isinstance(error, MemoryError):
        return "it takes more memory than there is; scale it down first, or get it again"
    if isinstance(error, OSError) and error.errno is not None:
        return f"{reason(error)}; give the path of a picture that you may read"
    if path.stat().st_size == 0:
        return "the file is empty; get it again"
    if isinstance(error, UnidentifiedImageError):
        return _why_unidentified(_brand(path))
    return f"the picture is damaged or cut short ({reason(error)}); get it again"


def _why_unidentified(brand: bytes) -> str:
    if brand in _HEIC_BRANDS and not _learn_heic():
        return "HEIC takes another package; pip install pillow-heif, or convert it to JPEG"
    if brand in _AVIF_BRANDS and "avif" not in features.get_supported():
        return "this Pillow reads no AVIF; pip install --upgrade pillow, or convert it to JPEG"
    return "not a whole picture in a known format; convert it to PNG or JPEG, or get it again"
