"""Save files atomically: a file is either complete or unchanged."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import struct
from pathlib import Path
from typing import TYPE_CHECKING, Any

from styletransfer.errors import ConfigError, ImageError, reason
from styletransfer.images.encoding import encode

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from styletransfer.images.metadata import Metadata

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
_FOLDER_REMEDY = "free some space or choose another folder"

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
        path: The output path, with one of `OUTPUT_SUFFIXES`.
        inputs: The pictures that must not be overwritten, not even through links.
        bits: Bits per channel, 8 or 16.
        text: Texts to store, as in `save_picture`.
        metadata: Metadata of the content to copy.

    Raises:
        ConfigError: If the format does not support 16 bits.
        ImageError: If the suffix is unknown, if the path is an input, a folder
            or not writable, or if the format cannot store the metadata.
    """
    target = _output_target(path, OUTPUT_SUFFIXES)
    _check_bits(path, bits)
    _check_metadata(path, text or {}, metadata)
    _check_place(path, target, inputs)


def check_file(path: Path, suffixes: Sequence[str], inputs: Sequence[Path]) -> None:
    """Check, before a run, that a file other than a picture can be saved.

    Args:
        path: The output path; a missing folder is created.
        suffixes: The allowed suffixes, in lower case.
        inputs: The files that must not be overwritten, not even through links.

    Raises:
        ImageError: If the suffix is not allowed, or the path is an input, a
            folder or not writable.
    """
    _check_place(path, _output_target(path, suffixes), inputs)


def _check_place(path: Path, target: Path, inputs: Sequence[Path]) -> None:
    refuse_inputs([path], inputs)
    with _image_errors(path, _FOLDER_REMEDY), _temporary_beside(target) as temporary:
        temporary.touch()


def refuse_inputs(paths: Iterable[Path], inputs: Iterable[Path]) -> None:
    """Check that no output path is an input, not even through links.

    Args:
        paths: The output paths.
        inputs: The files that must not be overwritten.

    Raises:
        ImageError: If an output path is an input.
    """
    files = {_identity(each) for each in inputs} - {None}
    for path in paths:
        if _identity(path) in files:
            raise ImageError(f"{path}: this is also an input; choose another output")


def _identity(path: Path) -> tuple[int, int] | None:
    """Device and inode of a file, the same for all its names; `None` if there is no file."""
    try:
        # Resolved as for writing, since in new/../out.png the folder may not exist yet.
        status = Path(os.path.realpath(path)).stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


def check_side(path: Path, side: int) -> None:
    """Check, before a run, that the output format supports the size of the result.

    Args:
        path: The output path, with one of `OUTPUT_SUFFIXES`.
        side: The longest side of the result in pixels.

    Raises:
        ImageError: If the side is too long for the format.
    """
    longest = _LONGEST_SIDES.get(_FORMATS[path.suffix.lower()], side)
    if side > longest:
        raise ImageError(
            f"{path}: {side} pixels exceed this format's limit of {longest} per side; "
            "choose a .png or .tif output, or a smaller --size"
        )


def holds_alpha(path: Path) -> bool:
    """Whether the output format supports transparency; all but JPEG do."""
    return _FORMATS.get(path.suffix.lower()) != "JPEG"


def _check_bits(path: Path, bits: int) -> None:
    if bits == 16 and _FORMATS[path.suffix.lower()] not in _DEEP_FORMATS:
        raise ConfigError("bits 16 needs a .png or .tif output; choose one, or --bits 8")


def _check_metadata(path: Path, text: Mapping[str, str], metadata: Metadata | None) -> None:
    """Encode a picture of one pixel, to find out whether the metadata is too long."""
    if metadata is not None:
        import numpy as np

        with _image_errors(path, "choose a .png output, or leave out --keep-metadata"):
            encode(np.zeros((1, 1, 3), np.uint8), _FORMATS[path.suffix.lower()], text, metadata)


def save_picture(
    levels: NDArray[Any],
    path: Path,
    *,
    text: Mapping[str, str] | None = None,
    metadata: Metadata | None = None,
) -> None:
    """Save a picture atomically, tagged as sRGB.

    The picture is written to a hidden file in the same folder, which is then
    renamed. If that fails, an existing file stays unchanged. A link is
    followed, a missing folder is created, and a replaced file keeps its
    permissions.

    Args:
        levels: Shape (H, W, 3), sRGB, or (H, W, 4) with an alpha channel;
            uint8, or uint16 for PNG and TIFF.
        path: The output path; its suffix, one of `OUTPUT_SUFFIXES`, selects
            the format.
        text: Texts by keyword. A PNG stores each under its keyword. Other
            formats store them in EXIF: ``Software`` under its own tag, and the
            others as lines of the UserComment.
        metadata: Metadata of the content to copy.

    Raises:
        ConfigError: If the format does not support 16 bits.
        ImageError: If the file cannot be written.
    """
    _output_target(path, OUTPUT_SUFFIXES)
    _check_bits(path, 8 * levels.dtype.itemsize)
    with _image_errors(path, "choose another suffix"):
        encoded = encode(levels, _FORMATS[path.suffix.lower()], text or {}, metadata)
    save_file(encoded, path)


def save_file(data: bytes, path: Path) -> None:
    """Save a file atomically, as `save_picture` does.

    Args:
        data: The bytes of the file.
        path: The output path, with any suffix.

    Raises:
        ImageError: If the file cannot be written.
    """
    target = _output_target(path, [path.suffix.lower()])
    with _image_errors(path, _FOLDER_REMEDY), _temporary_beside(target) as temporary:
        with temporary.open("xb") as file:
            # There may be no old file, or the file system may have no permissions.
            with contextlib.suppress(OSError):
                shutil.copymode(target, temporary)
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(target)


def _output_target(path: Path, suffixes: Sequence[str]) -> Path:
    """Resolve links, and raise an error unless a file with such a suffix may be written there."""
    target = Path(os.path.realpath(path))
    with _image_errors(path, _FOLDER_REMEDY):
        if target.is_dir():
            raise ImageError(f"{path}: this is a folder; name a file in it")
        if path.suffix.lower() not in suffixes:
            raise ImageError(f"{path}: unknown suffix; use one of {' '.join(suffixes)}")
        if os.path.lexists(target) and not (target.is_file() and os.access(target, os.W_OK)):
            raise ImageError(f"{path}: this cannot be overwritten; choose another output")
    return target


@contextlib.contextmanager
def _temporary_beside(target: Path) -> Iterator[Path]:
    """Yield a path for a hidden file in the target's folder, and remove that file at the end."""
    target.parent.mkdir(parents=True, exist_ok=True)
    # Shortened, since file names are limited to 255 bytes.
    temporary = target.with_name(f".{target.name[:40]}.{secrets.token_hex(8)}.tmp")
    try:
        yield temporary
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink()


@contextlib.contextmanager
def _image_errors(path: Path, remedy: str) -> Iterator[None]:
    """Turn errors of the system and of the encoders into an `ImageError`."""
    try:
        yield
    except (OSError, ValueError, struct.error) as error:
        raise ImageError(f"{path}: cannot be saved ({reason(error)}); {remedy}") from error
