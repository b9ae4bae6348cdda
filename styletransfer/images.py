"""Files to tensors and back: what the rest of the package sees of `decode` and `saving`.

Torch is imported only where a tensor is made, so that a bad input is refused
before the seconds that import takes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from PIL import Image

from styletransfer.decode import PICTURE_SUFFIXES, is_picture, is_whole, open_picture
from styletransfer.errors import ImageError
from styletransfer.saving import OUTPUT_SUFFIXES, check_output, save_picture

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from torch import Tensor

__all__ = [
    "OUTPUT_SUFFIXES",
    "PICTURE_SUFFIXES",
    "check_output",
    "is_picture",
    "is_whole",
    "open_picture",
    "read_image",
    "save_image",
    "to_picture",
    "to_tensor",
]


def read_image(
    path: Path, *, background: str = "white", note: Callable[[str], None] | None = None
) -> Tensor:
    """Read a file as `open_picture` does, into an image of shape (1, 3, H, W) in [0, 1]."""
    return to_tensor(open_picture(path, background=background, note=note))


def save_image(image: Tensor, path: Path, *, text: Mapping[str, str] | None = None) -> None:
    """Save an image whole, or leave the file at the path as it was.

    Args:
        image: Shape (1, 3, H, W), RGB in [0, 1].
        path: Ends in one of `OUTPUT_SUFFIXES`, which tells the format.
        text: Words by keyword, which a PNG carries and other formats drop.

    Raises:
        ImageError: If a value is not finite, or the file cannot be written.
    """
    save_picture(to_picture(image), path, text=text)


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
