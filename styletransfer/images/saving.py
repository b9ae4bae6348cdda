"""Pictures to files, whole or not at all."""

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
_LONGEST_SIDES = {"JPEG": 65_500, "WEBP": 16_383}  # pixels, as their encoders take them
_ELSEWHERE = "free some space or choose another folder"

OUTPUT_SUFFIXES = tuple(_FORMATS)
"""The suffixes that name a format to save in; capitals will do as well."""


def check_output(
    path: Path,
    inputs: Sequence[Path],
    *,
    bits: int = 8,
    text: Mapping[str, str] | None = None,
    metadata: Metadata | None = None,
) -> None:
    """Refuse a path that no result could be saved to, before any work is done.

    A missing folder is made, since only that shows that it can be.

    Args:
        path: Where the result is to go, ending in one of `OUTPUT_SUFFIXES`.
        inputs: The pictures that it must not overwrite, nor through links.
        bits: Of each channel, 8 or 16.
        text: What the result will carry, as in `save_picture`.
        metadata: What it will take over.

    Raises:
        ConfigError: If the format holds no 16 bits.
        ImageError: If the path names no known format, an input, a folder, or
            a place that may not be written, or the format cannot hold the
            metadata.
    """
    target = _output_target(path, OUTPUT_SUFFIXES)
    _check_bits(path, bits)
    _check_metadata(path, text or {}, metadata)
    _check_place(path, target, inputs)


def check_file(path: Path, suffixes: Sequence[str], inputs: Sequence[Path]) -> None:
    """Refuse a path that no other file than a picture could be saved to, as `check_output` does.

    Args:
        path: Where the file is to go; a missing folder is made.
        suffixes: Those that it may end in, in small letters.
        inputs: The files that it must not overwrite, nor through links.

    Raises:
        ImageError: If it is refused.
    """
    _check_place(path, _output_target(path, suffixes), inputs)


def _check_place(path: Path, target: Path, inputs: Sequence[Path]) -> None:
    refuse_inputs([path], inputs)
    with _refused(path, _ELSEWHERE), _temporary_beside(target) as temporary:
        temporary.touch()


def refuse_inputs(paths: Iterable[Path], inputs: Iterable[Path]) -> None:
    """Refuse paths to save to where an input is, were it through links.

    Args:
        paths: Where files are to go.
        inputs: The files that they must not overwrite.

    Raises:
        ImageError: If one would.
    """
    files = {_identity(each) for each in inputs} - {None}
    for path in paths:
        if _identity(path) in files:
            raise ImageError(f"{path}: this is also an input; choose another output")


def _identity(path: Path) -> tuple[int, int] | None:
    """By what the system knows a file, whatever links and capitals; None if it sees none."""
    try:
        # The path as it will be written to: in new/../out.png, a folder may be missing.
        status = Path(os.path.realpath(path)).stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


def check_side(path: Path, side: int) -> None:
    """Refuse a picture too large for the format of its path, before any work is done.

    Args:
        path: Where the result is to go, ending in one of `OUTPUT_SUFFIXES`.
        side: The result's longest side in pixels.

    Raises:
        ImageError: If no encoder takes that.
    """
    longest = _LONGEST_SIDES.get(_FORMATS[path.suffix.lower()], side)
    if side > longest:
        raise ImageError(
            f"{path}: {side} pixels a side do not fit, {longest} do; "
            "choose a .png or .tif output, or a smaller --size"
        )


def holds_alpha(path: Path) -> bool:
    """Whether the format that a path names holds opacity: all but JPEG do."""
    return _FORMATS.get(path.suffix.lower()) != "JPEG"


def _check_bits(path: Path, bits: int) -> None:
    if bits == 16 and _FORMATS[path.suffix.lower()] not in _DEEP_FORMATS:
        raise ConfigError("bits 16 needs a .png or .tif output; choose one, or --bits 8")


def _check_metadata(path: Path, text: Mapping[str, str], metadata: Metadata | None) -> None:
    """Refuse metadata too long for the format, as is seen by a picture of one pixel."""
    if metadata is not None:
        import numpy as np

        with _refused(path, "choose a .png output, or leave out --keep-metadata"):
            encode(np.zeros((1, 1, 3), np.uint8), _FORMATS[path.suffix.lower()], text, metadata)


def save_picture(
    levels: NDArray[Any],
    path: Path,
    *,
    text: Mapping[str, str] | None = None,
    metadata: Metadata | None = None,
) -> None:
    """Save a picture whole, tagged as sRGB, or leave the file at the path as it was.

    The picture is written to a hidden file in the same folder and then
    renamed, so that nobody ever sees half of it. A link is followed, a missing
    folder made, and the permissions of a replaced file are kept.

    Args:
        levels: Shape (H, W, 3), RGB in sRGB, or (H, W, 4) with opacity as
            well; uint8, or for PNG and TIFF uint16.
        path: Ends in one of `OUTPUT_SUFFIXES`, which tells the format.
        text: Words by keyword. A PNG carries each under its own; in the EXIF
            block of other formats, ``Software`` has its tag, and the words of
            all others are lines of the UserComment.
        metadata: Of the content, which the file takes over.

    Raises:
        ConfigError: If the format holds no 16 bits.
        ImageError: If the file cannot be written.
    """
    _output_target(path, OUTPUT_SUFFIXES)
    _check_bits(path, 8 * levels.dtype.itemsize)
    with _refused(path, "choose another suffix"):
        encoded = encode(levels, _FORMATS[path.suffix.lower()], text or {}, metadata)
    save_file(encoded, path)


def save_file(data: bytes, path: Path) -> None:
    """Save a file whole, as `save_picture` does, or leave the one at the path as it was.

    Args:
        data: What it holds.
        path: Where it goes, whatever its suffix.

    Raises:
        ImageError: If it cannot be written.
    """
    target = _output_target(path, [path.suffix.lower()])
    with _refused(path, _ELSEWHERE), _temporary_beside(target) as temporary:
        with temporary.open("xb") as file:
            # There may be no old file, or no permissions on that file system.
            with contextlib.suppress(OSError):
                shutil.copymode(target, temporary)
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(target)


def _output_target(path: Path, suffixes: Sequence[str]) -> Path:
    """The file to write, links followed; refused if it is none or its suffix is unknown."""
    target = Path(os.path.realpath(path))
    with _refused(path, _ELSEWHERE):
        if target.is_dir():
            raise ImageError(f"{path}: this is a folder; name a file in it")
        if path.suffix.lower() not in suffixes:
            raise ImageError(f"{path}: unknown suffix; use one of {' '.join(suffixes)}")
        if os.path.lexists(target) and not (target.is_file() and os.access(target, os.W_OK)):
            raise ImageError(f"{path}: this may not be overwritten; choose another output")
    return target


@contextlib.contextmanager
def _temporary_beside(target: Path) -> Iterator[Path]:
    """A hidden path in the target's folder, which is made; gone afterwards in any case."""
    target.parent.mkdir(parents=True, exist_ok=True)
    # The target's name is cut, since a file name holds 255 bytes.
    temporary = target.with_name(f".{target.name[:40]}.{secrets.token_hex(8)}.tmp")
    try:
        yield temporary
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink()


@contextlib.contextmanager
def _refused(path: Path, remedy: str) -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError, struct.error) as error:
        raise ImageError(f"{path}: cannot be saved ({reason(error)}); {remedy}") from error
