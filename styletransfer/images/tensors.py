"""Picture files to tensors and back.

Re-exports what the rest of the package uses of `reading` and `saving`. Torch is
imported inside functions, so that a bad input is reported before the seconds
which that import takes.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from styletransfer.images.decoders.limits import Limits
from styletransfer.images.formats import PICTURE_SUFFIXES
from styletransfer.images.levels import QuantizedImage, as_picture, strips
from styletransfer.images.opening import is_picture, is_raw
from styletransfer.images.reading import Decoded, decode_picture, is_complete, open_picture
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

    from PIL import Image
    from torch import Tensor

    from styletransfer.images.metadata import Metadata

__all__ = [
    "OUTPUT_SUFFIXES",
    "PICTURE_SUFFIXES",
    "Decoded",
    "Limits",
    "check_output",
    "check_side",
    "decode_picture",
    "holds_alpha",
    "is_complete",
    "is_picture",
    "is_raw",
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
    """Read a picture file as a tensor.

    Args:
        path: A file in any format that `decode_picture` reads.
        background: The sRGB colour, a name or #rrggbb, on which transparent
            pictures are composited.
        note: Called with a message about anything the user may not expect.

    Returns:
        Shape (1, 3, H, W), sRGB in [0, 1], float32, upright.

    Raises:
        ImageError: If the file cannot be read as a picture.
        ValueError: If `background` is not a colour.
    """
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
    """Save an image atomically: if that fails, an existing file stays unchanged.

    Args:
        image: Shape (1, 3, H, W), sRGB; values are clamped to [0, 1].
        path: The output path; its suffix, one of `OUTPUT_SUFFIXES`, selects
            the format.
        bits: Bits per channel: 8, or 16 for PNG and TIFF.
        alpha: Alpha channel, mode L, of any size; it is resized to the image's.
            It is not stored in a JPEG, nor if it is opaque everywhere.
        text: Texts to store by keyword; see `save_picture`.
        metadata: Metadata of the content to copy.

    Raises:
        ConfigError: If the format does not support 16 bits.
        ImageError: If a value is NaN or infinite, or the file cannot be written.
        ValueError: If the image has another shape.
    """
    path = Path(path)
    levels = QuantizedImage(image, bits, alpha if holds_alpha(path) else None)
    save_picture(levels, path, text=text, metadata=metadata)


def to_tensor(picture: Image.Image) -> Tensor:
    """Convert a picture to a tensor of shape (1, 3, H, W), RGB in [0, 1], float32.

    Transparency and colour profile are left out; `read_image` heeds them.

    Example:
        >>> from PIL import Image
        >>> to_tensor(Image.new("RGB", (3, 2), "white")).shape
        torch.Size([1, 3, 2, 3])
    """
    import numpy as np
    import torch

    width, height = picture.size
    image = torch.empty(1, 3, height, width, dtype=torch.float32, device="cpu")
    for rows in strips(width, height):
        strip = picture.crop((0, rows.start, width, rows.stop)).convert("RGB")
        image[0, :, rows] = torch.from_numpy(np.array(strip)).permute(2, 0, 1)
    return image.div_(255)


def to_picture(image: Tensor) -> Image.Image:
    """Convert a tensor to a picture of mode RGB, 8 bits per channel.

    Args:
        image: Shape (1, 3, H, W), RGB; values are clamped to [0, 1] and rounded
            half up.

    Raises:
        ImageError: If a value is NaN or infinite.
        ValueError: If the image has another shape.

    Example:
        >>> from PIL import Image
        >>> to_picture(to_tensor(Image.new("RGB", (3, 2), "teal"))).getpixel((0, 0))
        (0, 128, 128)
    """
    return as_picture(QuantizedImage(image, 8))
