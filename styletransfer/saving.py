"""Pictures to files, whole or not at all."""

from __future__ import annotations

import contextlib
import io
import os
import secrets
import shutil
import struct
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import PngImagePlugin

from styletransfer.colour import srgb_profile
from styletransfer.errors import ImageError, reason

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from PIL import Image

_FORMATS = {
    ".png": "PNG",
    ".jpg": "JPEG",
    ".jpeg": "JPEG",
    ".webp": "WEBP",
    ".tif": "TIFF",
    ".tiff": "TIFF",
}
_ENCODER_OPTIONS: dict[str, dict[str, Any]] = {
    "PNG": {},
    "JPEG": {"quality": 95, "subsampling": 0},
    "TIFF": {"compression": "tiff_deflate"},
    "WEBP": {"quality": 95},
}
_ELSEWHERE = "free some space or choose another folder"

OUTPUT_SUFFIXES = tuple(_FORMATS)
"""The suffixes that name a format to save in; capitals will do as well."""


def check_output(path: Path, inputs: Sequence[Path]) -> None:
    """Refuse a path that no result could be saved to, before any work is done.

    A missing folder is made, since only that shows that it can be.

    Args:
        path: Where the result is to go, ending in one of `OUTPUT_SUFFIXES`.
        inputs: The pictures that it must not overwrite, nor through links.

    Raises:
        ImageError: If the path names no known format, an input, a folder, or
            a place that may not be written.
    """
    target = _output_target(path)
    with _refused(path, _ELSEWHERE):
        # Asked of the file system, which knows links and whether capitals count.
        if target.exists() and any(each.exists() and target.samefile(each) for each in inputs):
            raise ImageError(f"{path}: this is also an input; choose another output")
        with _temporary_beside(target) as temporary:
            temporary.touch()


def save_picture(
    picture: Image.Image, path: Path, *, text: Mapping[str, str] | None = None
) -> None:
    """Save a picture whole, tagged as sRGB, or leave the file at the path as it was.

    The picture is written to a hidden file in the same folder and then
    renamed, so that nobody ever sees half of it. A link is followed, a missing
    folder made, and the permissions of a replaced file are kept.

    Args:
        picture: Of mode RGB, in sRGB.
        path: Ends in one of `OUTPUT_SUFFIXES`, which tells the format.
        text: Words by keyword, which a PNG carries and other formats drop.

    Raises:
        ImageError: If the file cannot be written.
    """
    target = _output_target(path)
    with _refused(path, "choose another suffix"):
        encoded = _encode(picture, _FORMATS[path.suffix.lower()], text or {})
    with _refused(path, _ELSEWHERE), _temporary_beside(target) as temporary:
        with temporary.open("xb") as file:
            # There may be no old file, or no permissions on that file system.
            with contextlib.suppress(OSError):
                shutil.copymode(target, temporary)
            file.write(encoded)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(target)


def _output_target(path: Path) -> Path:
    """The file to write, links followed; refused if it is none or its suffix is unknown."""
    target = Path(os.path.realpath(path))
    with _refused(path, _ELSEWHERE):
        if target.is_dir():
            raise ImageError(f"{path}: this is a folder; name a file in it")
        if path.suffix.lower() not in _FORMATS:
            raise ImageError(f"{path}: unknown suffix; use one of {' '.join(OUTPUT_SUFFIXES)}")
        if os.path.lexists(target) and not (target.is_file() and os.access(target, os.W_OK)):
            raise ImageError(f"{path}: this may not be overwritten; choose another output")
    return target


def _encode(picture: Image.Image, format_name: str, text: Mapping[str, str]) -> bytes:
    """Encode in memory, so that a picture its format cannot hold never reaches the disk."""
    chunks = PngImagePlugin.PngInfo()
    for keyword, words in text.items():
        chunks.add_text(keyword, words)
    buffer = io.BytesIO()
    options = {**_ENCODER_OPTIONS[format_name], "icc_profile": srgb_profile(), "pnginfo": chunks}
    picture.save(buffer, format_name, **options)
    return buffer.getvalue()


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
