"""Open TIFF files: pictures that Pillow misreads, and cameras' RAW files in a TIFF's frame.

References:
    TIFF 6.0, section 8; TIFF/EP (ISO 12234-2); Adobe DNG 1.7.
"""

from __future__ import annotations

import contextlib
import os
import sys
from typing import IO, TYPE_CHECKING, Any

from PIL import Image, TiffImagePlugin, UnidentifiedImageError

from styletransfer.errors import ImageError
from styletransfer.images.decoders.samples import open_samples
from styletransfer.images.exif import ORIENTATION
from styletransfer.images.formats import DAMAGE, open_image
from styletransfer.images.kinds import RAW

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

SIGNATURES = (b"II*\0", b"MM\0*", b"II\0*", b"MM*\0", b"II+\0", b"MM\0+")
"""The first bytes of TIFF files, with Pillow's two misspelt ones and those of BigTIFF."""

_WIDTH, _LENGTH, _COMPRESSION, _EXTRA_SAMPLES, _SAMPLE_FORMAT = 256, 257, 259, 338, 339
_COLOURS = {0: "grey", 1: "grey", 2: "RGB", 3: "palette", 5: "CMYK", 6: "YCbCr", 8: "Lab", 9: "Lab"}
_BITS_PER_SAMPLE, _PHOTOMETRIC, _PLANAR, _SUB_DIRECTORIES, _DNG_VERSION = 258, 262, 284, 330, 50706
# How a RAW file names the values of a sensor: behind a mosaic of filters, or without one.
_SENSOR = (32803, 34892)
# Compressions of Sony, Samsung, Nikon, Kodak, Pentax, and DNG's lossy one.
_MAKERS = (32767, 32770, 34713, 65000, 65535, 34892)
_MOST_DIRECTORIES = 32
_STDERR = 2

_LITTLE, _BIG = b"II", b"MM"
# Pillow reads each of these with the other byte order, or with black as zero.
_LAYOUTS = {
    (_BIG, 0, (1,), 1, (16,), ()): ("I;16B", "I;16B"),
    (_LITTLE, 0, (1,), 2, (16,), ()): ("I;16", "I;16R"),
    (_LITTLE, 0, (1,), 1, (12,), ()): ("I;16", "I;12"),
    (_BIG, 0, (1,), 1, (12,), ()): ("I;16", "I;12"),
    (_BIG, 1, (1,), 1, (12,), ()): ("I;16", "I;12"),
    (_LITTLE, 0, (2,), 1, (16,), ()): ("I", "I;16S"),
    (_BIG, 0, (2,), 1, (16,), ()): ("I", "I;16BS"),
    (_LITTLE, 0, (1,), 1, (32,), ()): ("I", "I;32N"),
    (_BIG, 0, (1,), 1, (32,), ()): ("I", "I;32B"),
    (_BIG, 1, (1,), 1, (32,), ()): ("I", "I;32B"),
    (_LITTLE, 0, (2,), 1, (32,), ()): ("I", "I;32S"),
    (_BIG, 0, (2,), 1, (32,), ()): ("I", "I;32BS"),
}
# libtiff gives numbers in the order of the machine, which Pillow knows of 16 bits only.
_NATIVE = {
    "I;16BS": "I;16NS",
    "I;32B": "I;32N",
    "I;32BS": "I;32NS",
    "F;32F": "F;32NF",
    "F;32BF": "F;32NF",
}


def open_tiff(path: Path, note: Callable[[str], None] = lambda _: None) -> Image.Image:
    """Open a TIFF file, with libtiff or tifffile where Pillow's own decoder gives wrong pixels.

    That decoder fails on channels apart, of 16 bits or one alone, and on memory-mapped files
    with an orientation that swaps width and height.

    Args:
        path: The file.
        note: Called with a message about values that are out of range.

    Returns:
        The picture, not yet decoded.

    Raises:
        ImageError: If it is a camera's RAW file, whose picture would be a small preview,
            or needs tifffile, which is not installed.
        Exception: As from `formats.open_image`.
    """
    if is_raw_file(path):
        raise ImageError(RAW.refusal)
    for layout, modes in _LAYOUTS.items():
        TiffImagePlugin.OPEN_INFO.setdefault(layout, modes)
    try:
        picture = open_image(path)
    except (LookupError, SyntaxError, UnidentifiedImageError):
        return _open_unusual(path, note)
    with contextlib.ExitStack() as stack:
        stack.callback(picture.close)
        if not _needs_libtiff(picture):
            stack.pop_all()
            return _in_native_order(picture)
    with _forced_libtiff():
        return _in_native_order(open_image(path))


def _needs_libtiff(picture: Image.Image) -> bool:
    tags = picture.tag_v2 if isinstance(picture, TiffImagePlugin.TiffImageFile) else {}
    bits = tags.get(_BITS_PER_SAMPLE, ())
    is_planar = tags.get(_PLANAR) == 2 and (16 in bits or len(bits) < 2)
    return is_planar or tags.get(ORIENTATION) in (5, 6, 7, 8)


def _open_unusual(path: Path, note: Callable[[str], None]) -> Image.Image:
    """Open a TIFF with samples that Pillow does not read."""
    with path.open("rb") as file:
        samples = _describe_samples(file)
    if samples is None:
        raise UnidentifiedImageError(f"{path} has no directory of a picture")
    try:
        return open_samples(path, note)
    except ImportError as error:
        raise ImageError(
            f"reading this TIFF ({samples}) needs two packages; "
            "run pip install tifffile imagecodecs, or save it as RGB of 8 or 16 bits"
        ) from error
    except (SyntaxError, ValueError) as error:
        raise ImageError(
            f"this TIFF ({samples}) is not read; save it as RGB of 8 or 16 bits"
        ) from error


def _describe_samples(file: IO[bytes]) -> str | None:
    """Describe the samples of a TIFF; None if its tags do not."""
    try:
        tags = next(_directories(file))
    except (StopIteration, *DAMAGE):
        return None
    bits = tags.get(_BITS_PER_SAMPLE, (1,))
    if not tags.get(_WIDTH) or not tags.get(_LENGTH):
        return None
    colours = _COLOURS.get(tags.get(_PHOTOMETRIC, 1), "unusual colours")
    alpha = " with alpha" if tags.get(_EXTRA_SAMPLES) else ""
    kind = " floating-point" if 3 in tags.get(_SAMPLE_FORMAT, ()) else ""
    return f"{colours}{alpha}, {bits[0]}{kind} bits"


def is_raw_file(path: Path) -> bool:
    """Whether a TIFF file holds the values of a camera's sensor, with a picture to preview them.

    Its tags tell, including those of the directories that other directories contain.
    """
    with path.open("rb") as file:
        try:
            return any(
                _DNG_VERSION in tags
                or tags.get(_PHOTOMETRIC) in _SENSOR
                or tags.get(_COMPRESSION) in _MAKERS
                for tags in _directories(file)
            )
        except DAMAGE:  # decoding says what is wrong with it
            return False


def _directories(file: IO[bytes]) -> Iterator[Any]:
    """Yield the tags of each directory of a TIFF file."""
    head = file.read(8)
    if head[2:3] == b"+" or head[3:4] == b"+":
        head += file.read(8)
    first = TiffImagePlugin.ImageFileDirectory_v2(head)
    places = [first.next]
    seen: set[int] = set()
    while places and len(seen) < _MOST_DIRECTORIES:
        place = places.pop(0)
        if not place or place in seen:
            continue
        seen.add(place)
        tags = TiffImagePlugin.ImageFileDirectory_v2(head)
        with contextlib.suppress(*DAMAGE):  # of a damaged directory, the readable tags count
            file.seek(place)
            tags.load(file)
        inner = tags.get(_SUB_DIRECTORIES, ())
        places += [tags.next, *(inner if isinstance(inner, tuple) else (inner,))]
        yield tags


@contextlib.contextmanager
def silent_libtiff(picture: Image.Image) -> Iterator[None]:
    """Keep libtiff, which decodes a TIFF, from writing its own lines to stderr.

    What stops it is an exception as well, and becomes one line.
    """
    if picture.format != "TIFF" or sys.__stderr__ is None:
        yield
        return
    sys.__stderr__.flush()
    kept = os.dup(_STDERR)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, _STDERR)
        yield
    finally:
        os.dup2(kept, _STDERR)
        os.close(nowhere)
        os.close(kept)


@contextlib.contextmanager
def _forced_libtiff() -> Iterator[None]:
    before = TiffImagePlugin.READ_LIBTIFF
    TiffImagePlugin.READ_LIBTIFF = True
    try:
        yield
    finally:
        TiffImagePlugin.READ_LIBTIFF = before


def _in_native_order(picture: Image.Image) -> Image.Image:
    for place, tile in enumerate(getattr(picture, "tile", [])):
        if tile.codec_name == "libtiff":
            raw_mode, *others = tile.args
            native = (_NATIVE.get(raw_mode, raw_mode), *others)
            picture.tile[place] = tile._replace(args=native)  # type: ignore[attr-defined]  # only opened files have tiles
    return picture
