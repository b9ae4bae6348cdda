"""Decode picture files: upright, in sRGB, with alpha channel and metadata."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PIL import Image, ImageColor

from styletransfer.errors import ImageError
from styletransfer.images.colour import alpha_channel, flatten
from styletransfer.images.decoders.colour_tags import apply_colour_tags
from styletransfer.images.decoders.corrections import correct_picture
from styletransfer.images.decoders.jpeg import CUT_SHORT
from styletransfer.images.decoders.limits import NO_LIMITS, Limits, respect
from styletransfer.images.decoders.tiff import silent_libtiff
from styletransfer.images.formats import DAMAGE, TOO_LARGE
from styletransfer.images.metadata import Metadata, read_metadata
from styletransfer.images.opening import open_known, why_unreadable
from styletransfer.images.orientation import load_upright
from styletransfer.images.pipes import regular_file
from styletransfer.images.png import larger_texts

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_ANIMATED = "it is animated; only the first frame is used"
_MULTI_FRAME_NOTES = {
    **dict.fromkeys(("GIF", "PNG", "WEBP", "AVIF"), _ANIMATED),
    "TIFF": "it has several pages; only the first is used",
}
_INVISIBLE = "it is transparent everywhere; remove its alpha channel to see its colours"


@dataclass(frozen=True, slots=True)
class Decoded:
    """A decoded picture file, upright."""

    colours: Image.Image
    """Mode RGB in sRGB, composited on the background."""

    alpha: Image.Image | None
    """Alpha channel, mode L, 0 transparent to 255 opaque; `None`: all is opaque."""

    metadata: Metadata | None
    """EXIF and XMP that a result may copy; `None`: absent or not requested."""


def is_complete(path: Path) -> bool:
    """Whether a file is a complete picture that can be decoded."""
    try:
        if not path.is_file():
            return False
        notes: list[str] = []
        open_picture(path, note=notes.append)
    except (ImageError, OSError):
        return False
    return not any(CUT_SHORT in note for note in notes)


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
    limits: Limits = NO_LIMITS,
) -> Decoded:
    """Decode a picture file, turn it upright and convert it to sRGB.

    The format is detected from the content, not from the suffix. The EXIF
    orientation and the colour profile are applied. Of several frames or pages,
    the first is used.

    Args:
        path: A file in one of `FORMATS`, of which HEIC and JPEG XL need a
            package each; colour of 8 or 16 bits, greyscale of up to 32 bits.
        background: The sRGB colour, a name or #rrggbb, on which transparent
            pictures are composited.
        metadata: Whether to read EXIF and XMP.
        note: Called with a message about anything unexpected: an unusable
            profile, further frames, an unusual range, damaged metadata.
        limits: What decoding may take, and what is needed.

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
        with regular_file(path) as file:
            return _decode_file(file, canvas, metadata, note_path, limits)
    except ImageError as error:
        raise ImageError(f"{path}: {error}") from error
    except OSError as error:
        raise ImageError(f"{path}: {why_unreadable(path, error)}") from error


def _decode_file(
    path: Path,
    canvas: tuple[int, ...],
    metadata: bool,
    note: Callable[[str], None],
    limits: Limits,
) -> Decoded:
    try:
        picture, found = _decode(path, metadata, note, limits)
        alpha = alpha_channel(picture)
        if alpha is not None and alpha.getextrema() == (0, 0):
            note(_INVISIBLE)
        return Decoded(flatten(picture, alpha, canvas, note), alpha, found)
    except (*TOO_LARGE, *DAMAGE, MemoryError) as error:
        raise ImageError(why_unreadable(path, error)) from error


def _decode(
    path: Path, metadata: bool, note: Callable[[str], None], limits: Limits
) -> tuple[Image.Image, Metadata | None]:
    with warnings.catch_warnings(), larger_texts():
        # Pillow warns from 89 million pixels on, and refuses twice as many.
        warnings.simplefilter("ignore")
        with open_known(path, note) as picture:
            respect(limits, picture)
            apply_colour_tags(picture, note)
            frames_note = _MULTI_FRAME_NOTES.get(picture.format or "")
            if frames_note and getattr(picture, "is_animated", False):
                note(frames_note)
            with silent_libtiff(picture):
                upright = load_upright(correct_picture(picture, note))
            found = read_metadata(picture, path, note) if metadata else None
            return upright, found
