"""Files to tensors and back; the only module that touches pictures on disk.

Torch is imported only where a tensor is made, so that a bad input is refused
before the seconds that import takes.
"""

from __future__ import annotations

import contextlib
import io
import os
import secrets
import shutil
import struct
import warnings
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import Image, ImageOps, PngImagePlugin, UnidentifiedImageError

from styletransfer.errors import ImageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from torch import Tensor

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
_READABLE_MODES = ("RGB", "RGBA", "L", "LA", "P", "PA", "1")
_BOMB = (Image.DecompressionBombError, Image.DecompressionBombWarning)

# What Pillow's decoders raise on damaged files. Interruption and exhausted
# memory are no fault of the file, and pass.
_DAMAGE = (
    *(ArithmeticError, AttributeError, EOFError, LookupError, OSError, RuntimeError),
    *(SyntaxError, TypeError, ValueError, struct.error, zlib.error),
)

OUTPUT_SUFFIXES = tuple(_FORMATS)
"""The suffixes that name a format to save in; capitals will do as well."""


def open_picture(path: Path) -> Image.Image:
    """Decode a picture file whole, upright, in RGB.

    Its content tells the format, never its suffix. The EXIF orientation is
    applied, and transparent parts are laid on white.

    Args:
        path: RGB, grey or palette, 8 bits a channel, in any format that
            Pillow reads.

    Raises:
        ImageError: If the file is missing, no picture, damaged, cut short,
            too large to decode safely, or of another mode (CMYK, 16 bits, …).
    """
    try:
        picture = _decode(path)
    except (*_BOMB, *_DAMAGE) as error:
        raise ImageError(f"{path}: {_why_unreadable(path, error)}") from error
    if picture.mode not in _READABLE_MODES:
        raise ImageError(f"{path}: mode {picture.mode} is not supported; convert it to 8-bit RGB")
    if picture.has_transparency_data:
        white = Image.new("RGBA", picture.size, "white")
        picture = Image.alpha_composite(white, picture.convert("RGBA"))
    return picture.convert("RGB")


def read_image(path: Path) -> Tensor:
    """Read a file as `open_picture` does, into an image of shape (1, 3, H, W) in [0, 1]."""
    return to_tensor(open_picture(path))


def to_tensor(picture: Image.Image) -> Tensor:
    """Turn a picture of mode RGB into an image of shape (1, 3, H, W), float32 in [0, 1].

    Example:
        >>> to_tensor(Image.new("RGB", (3, 2), "white")).shape
        torch.Size([1, 3, 2, 3])
    """
    import numpy as np
    import torch

    levels = torch.from_numpy(np.array(picture))
    return levels.permute(2, 0, 1).unsqueeze(0).contiguous().float() / 255


def to_picture(image: Tensor) -> Image.Image:
    """Turn an image into a picture of mode RGB, 8 bits a channel.

    Args:
        image: Shape (1, 3, H, W), RGB, clamped to [0, 1] and rounded half up.

    Raises:
        ImageError: If a value is NaN or infinite: no picture shows that.
        ValueError: If the shape is another one.

    Example:
        >>> to_picture(to_tensor(Image.new("RGB", (3, 2), "teal"))).getpixel((0, 0))
        (0, 128, 128)
    """
    if image.ndim != 4 or image.shape[:2] != (1, 3):
        raise ValueError(f"an image has the shape (1, 3, H, W), not {tuple(image.shape)}")
    image = image.detach().float()
    if not image.isfinite().all():
        raise ImageError("the image holds NaN or infinite values; lower the weights and run again")
    levels = (image[0].clamp(0, 1) * 255 + 0.5).byte()
    return Image.fromarray(levels.permute(1, 2, 0).contiguous().cpu().numpy())


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


def save_image(image: Tensor, path: Path, *, text: Mapping[str, str] | None = None) -> None:
    """Save an image whole, or leave the file at the path as it was.

    The picture is written to a hidden file in the same folder and then
    renamed, so that nobody ever sees half of it. A link is followed, a missing
    folder made, and the permissions of a replaced file are kept.

    Args:
        image: Shape (1, 3, H, W), RGB in [0, 1].
        path: Ends in one of `OUTPUT_SUFFIXES`, which tells the format.
        text: Words by keyword, which a PNG carries and other formats drop.

    Raises:
        ImageError: If a value is not finite, or the file cannot be written.
    """
    picture = to_picture(image)
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


def _decode(path: Path) -> Image.Image:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        with Image.open(path) as picture:
            picture.load()
            # In place, the pixels turn before the EXIF block is rewritten: a
            # damaged block then costs at most the orientation, never the picture.
            with contextlib.suppress(*_DAMAGE):
                ImageOps.exif_transpose(picture, in_place=True)
            return picture


def _why_unreadable(path: Path, error: Exception) -> str:
    if isinstance(error, _BOMB):
        return f"over {Image.MAX_IMAGE_PIXELS} pixels are not safe to decode; scale it down first"
    if isinstance(error, OSError) and error.errno is not None:
        return f"{_reason(error)}; give the path of a picture that you may read"
    if path.stat().st_size == 0:
        return "the file is empty; get it again"
    if isinstance(error, UnidentifiedImageError):
        return "not a whole picture in a known format; convert it to PNG or JPEG, or get it again"
    return f"the picture is damaged or cut short ({_reason(error)}); get it again"


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
    picture.save(buffer, format_name, **_ENCODER_OPTIONS[format_name], pnginfo=chunks)
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
        raise ImageError(f"{path}: cannot be saved ({_reason(error)}); {remedy}") from error


def _reason(error: Exception) -> str:
    """What the system or Pillow says, on one line."""
    words = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return " ".join(words.split())
