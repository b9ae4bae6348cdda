"""Files to tensors and back: what the rest of the package sees of `decode` and `saving`.

Torch is imported only where a tensor is made, so that a bad input is refused
before the seconds that import takes.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import Image

from styletransfer.errors import ImageError
from styletransfer.images.reading import (
    PICTURE_SUFFIXES,
    Decoded,
    decode_picture,
    is_picture,
    is_whole,
    open_picture,
)
from styletransfer.images.saving import (
    OUTPUT_SUFFIXES,
    check_output,
    check_side,
    holds_alpha,
    refuse_inputs,
    save_picture,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from os import PathLike

    from numpy.typing import NDArray
    from torch import Tensor

    from styletransfer.images.metadata import Metadata

__all__ = [
    "OUTPUT_SUFFIXES",
    "PICTURE_SUFFIXES",
    "Decoded",
    "check_output",
    "check_side",
    "decode_picture",
    "holds_alpha",
    "is_picture",
    "is_whole",
    "open_picture",
    "read_image",
    "refuse_inputs",
    "save_image",
    "save_picture",
    "to_picture",
    "to_tensor",
]


def read_image(
    path: str | PathLike[str],
    *,
    background: str = "white",
    note: Callable[[str], None] | None = None,
) -> Tensor:
    """Read a file as `open_picture` does, into an image of shape (1, 3, H, W) in [0, 1]."""
    return to_tensor(open_picture(Path(path), background=background, note=note))


def save_image(
    image: Tensor,
    path: str | PathLike[str],
    *,
    bits: int = 8,
    alpha: Image.Image | None = None,
    text: Mapping[str, str] | None = None,
    metadata: Metadata | None = None,
) -> None:
    """Save an image whole, or leave the file at the path as it was.

    Args:
        image: Shape (1, 3, H, W), RGB in [0, 1].
        path: Ends in one of `OUTPUT_SUFFIXES`, which tells the format.
        bits: Of each channel: 8, or in a PNG or TIFF 16.
        alpha: Opacity, mode L, of any size: it is brought to the image's.
            A JPEG leaves it out, as any format does if it is opaque all over.
        text: Words by keyword. A PNG carries each under its own; in the EXIF
            block of other formats, ``Software`` has its tag, and the words of
            all others are lines of the UserComment.
        metadata: Of the content, which the file takes over.

    Raises:
        ConfigError: If the format holds no 16 bits.
        ImageError: If a value is not finite, or the file cannot be written.
    """
    path = Path(path)
    levels = _levels(image, bits)
    if alpha is not None and holds_alpha(path):
        levels = _with_alpha(levels, alpha)
    save_picture(levels, path, text=text, metadata=metadata)


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
    return Image.fromarray(_levels(image, 8))


def _levels(image: Tensor, bits: int) -> NDArray[Any]:
    """Whole numbers of 8 or 16 bits, shape (H, W, 3), rounded half up."""
    if image.ndim != 4 or image.shape[:2] != (1, 3):
        raise ValueError(f"an image has the shape (1, 3, H, W), not {tuple(image.shape)}")
    # At 16 bits, a half is beyond what float32 tells apart from its neighbours.
    image = image.detach().float() if bits == 8 else image.detach().cpu().double()
    if not image.isfinite().all():
        raise ImageError("the image holds NaN or infinite values; lower the weights and run again")
    scaled = (image[0].clamp(0, 1) * (2**bits - 1) + 0.5).permute(1, 2, 0)
    levels: NDArray[Any] = scaled.contiguous().cpu().numpy().astype(f"u{bits // 8}")
    return levels


def _with_alpha(levels: NDArray[Any], alpha: Image.Image) -> NDArray[Any]:
    """Add opacity as a fourth channel, unless it is opaque all over."""
    import numpy as np

    height, width, _ = levels.shape
    resized = alpha.convert("F").resize((width, height), Image.Resampling.BICUBIC)
    greatest = np.iinfo(levels.dtype).max
    scaled = np.asarray(resized, np.float64).clip(0, 255) * (greatest / 255) + 0.5
    opaque = scaled.astype(levels.dtype)
    return levels if opaque.min() == greatest else np.dstack([levels, opaque])
