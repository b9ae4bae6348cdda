"""Save pictures: to a file of the format that its suffix names, or as a PNG to standard output."""

from __future__ import annotations

from typing import TYPE_CHECKING

from styletransfer.errors import ConfigError, ImageError
from styletransfer.images.encoding import encode
from styletransfer.images.pipes import STDOUT, check_stdout, write_stdout
from styletransfer.output_files import check_file, check_path, errors_of, refuse_inputs, save_file

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from styletransfer.images.levels import Levels
    from styletransfer.images.metadata import Metadata

__all__ = [
    "OUTPUT_SUFFIXES",
    "check_output",
    "check_side",
    "holds_alpha",
    "refuse_inputs",
    "save_picture",
]

_FORMATS = {
    ".png": "PNG",
    ".jpg": "JPEG",
    ".jpeg": "JPEG",
    ".webp": "WEBP",
    ".tif": "TIFF",
    ".tiff": "TIFF",
}
_DEEP_FORMATS = ("PNG", "TIFF")
_LONGEST_SIDES = {"JPEG": 65_500, "WEBP": 16_383}  # pixels; the limits of the encoders

OUTPUT_SUFFIXES = tuple(_FORMATS)
"""The suffixes of the supported output formats, in lower case."""


def check_output(
    path: Path,
    inputs: Sequence[Path],
    *,
    bits: int = 8,
    text: Mapping[str, str] | None = None,
    metadata: Metadata | None = None,
) -> None:
    """Check, before a run, that its result can be saved.

    A missing folder is created, to find out whether it can be.

    Args:
        path: The output path, with one of `OUTPUT_SUFFIXES`, or `STDOUT`.
        inputs: The pictures that must not be overwritten, not even through links.
        bits: Bits per channel, 8 or 16.
        text: Texts to store, as in `save_picture`.
        metadata: Metadata of the content to copy.

    Raises:
        ConfigError: If the format does not support 16 bits.
        ImageError: If the suffix is unknown, if the path is an input, a folder
            or not writable, or if the format cannot store the metadata.
    """
    if path == STDOUT:
        check_stdout()
    else:
        check_path(path, OUTPUT_SUFFIXES)
    _check_bits(path, bits)
    _check_metadata(path, text or {}, metadata)
    if path != STDOUT:
        check_file(path, OUTPUT_SUFFIXES, inputs)


def check_side(path: Path, side: int) -> None:
    """Check, before a run, that the output format supports the size of the result.

    Args:
        path: The output path, as in `check_output`.
        side: The longest side of the result in pixels.

    Raises:
        ImageError: If the side is too long for the format.
    """
    longest = _LONGEST_SIDES.get(_format(path), side)
    if side > longest:
        raise ImageError(
            f"{path}: {side} pixels exceed this format's limit of {longest} per side; "
            "choose a .png or .tif output, or a smaller --size"
        )


def holds_alpha(path: Path) -> bool:
    """Whether the output format supports transparency; all but JPEG do."""
    return _format(path) != "JPEG"


def save_picture(
    levels: Levels,
    path: Path,
    *,
    text: Mapping[str, str] | None = None,
    metadata: Metadata | None = None,
) -> None:
    """Save a picture atomically as `save_file` does, tagged as sRGB.

    Args:
        levels: Shape (H, W, 3), sRGB, or (H, W, 4) with an alpha channel;
            uint8, or uint16 for PNG and TIFF.
        path: The output path, as in `check_output`; its suffix selects the
            format. `STDOUT` gets a PNG.
        text: Texts by keyword. A PNG stores each under its keyword. Other
            formats store them in EXIF: ``Software`` under its own tag, and the
            others as lines of the UserComment.
        metadata: Metadata of the content to copy.

    Raises:
        ConfigError: If the format does not support 16 bits.
        ImageError: If the file cannot be written.
    """
    if path != STDOUT:
        check_path(path, OUTPUT_SUFFIXES)
    _check_bits(path, 8 * levels.dtype.itemsize)
    with errors_of(path, "choose another suffix"):
        encoded = encode(levels, _format(path), text or {}, metadata)
    if path == STDOUT:
        with errors_of(path, "check the program that reads it"):
            write_stdout(encoded)
    else:
        save_file(encoded, path)


def _format(path: Path) -> str:
    return _FORMATS.get(path.suffix.lower(), "PNG")


def _check_bits(path: Path, bits: int) -> None:
    if bits == 16 and _format(path) not in _DEEP_FORMATS:
        raise ConfigError("bits 16 needs a .png or .tif output; choose one, or --bits 8")


def _check_metadata(path: Path, text: Mapping[str, str], metadata: Metadata | None) -> None:
    """Encode a picture of one pixel, to find out whether the metadata is too long."""
    if metadata is not None:
        import numpy as np

        with errors_of(path, "choose a .png output, or leave out --keep-metadata"):
            encode(np.zeros((1, 1, 3), np.uint8), _format(path), text, metadata)
