"""Resizing of images, and padding to whole positions of the deepest layers."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

from styletransfer.transfer.pyramid import Scale, fit

GRID = 16
"""Pixels of the image that one position of the fifth block covers."""


def resize(image: Tensor, width: int, height: int) -> Tensor:
    """Resize an image with an antialiased bicubic filter.

    Args:
        image: Shape (1, 3, H, W), RGB in [0, 1].
        width: In pixels.
        height: In pixels.

    Returns:
        Shape (1, 3, `height`, `width`), clamped to [0, 1]; the image itself if
        it has that size.
    """
    if image.shape[2:] == (height, width):
        return image
    return _bicubic(image, width, height).clamp(0, 1)


def resize_to_side(image: Tensor, side: float) -> Tensor:
    """Resize an image so that its longest side is `side`, keeping its aspect ratio.

    Args:
        image: Shape (1, 3, H, W), RGB in [0, 1].
        side: In pixels; rounded, at least 1.

    Returns:
        As `resize`.
    """
    return resize(image, *fit(image.shape[3], image.shape[2], max(1, round(side))))


def resize_to_scale(
    content: Tensor, styles: Sequence[Tensor], scale: Scale, style_scale: float
) -> tuple[Tensor, list[Tensor]]:
    """Resize content and styles to a size of a run.

    Args:
        content: Shape (1, 3, H, W), RGB in [0, 1].
        styles: Pictures of that form.
        scale: The size.
        style_scale: As `Settings.style_scale`.

    Returns:
        Content and styles, each as `resize`.
    """
    side = scale.longest_side * style_scale
    return resize(content, *scale.size), [resize_to_side(style, side) for style in styles]


def enlarge_change(image: Tensor, first: Tensor, width: int, height: int) -> Tensor:
    """Bring the result of one size to a larger one by enlarging what has changed.

    The fine detail that only the larger size can hold is taken from the first
    image. Optimizing it from a blurred picture would take a sixth of the
    iterations of a size more, and faces would suffer.

    Args:
        image: The result of a smaller size, shape (1, 3, H, W), RGB in [0, 1].
        first: What the run started from, at any size, same form.
        width: In pixels.
        height: In pixels.

    Returns:
        Shape (1, 3, `height`, `width`), clamped to [0, 1]; the image itself if
        it has that size.
    """
    if image.shape[2:] == (height, width):
        return image
    change = image - resize(first, image.shape[3], image.shape[2])
    return (resize(first, width, height) + _bicubic(change, width, height)).clamp(0, 1)


def pad_to_multiple(image: Tensor) -> Tensor:
    """Mirror an image at its lower and right border, up to multiples of `GRID`.

    The poolings drop rows and columns beyond the last whole position. Without
    the padding those pixels would get no gradient from the deepest layers.

    Args:
        image: Shape (1, 3, H, W).

    Returns:
        Shape (1, 3, H', W'); the image is its upper left part.

    Example:
        >>> pad_to_multiple(torch.zeros(1, 3, 341, 512)).shape
        torch.Size([1, 3, 352, 512])
    """
    for dim in (2, 3):
        side = image.shape[dim]
        positions = torch.arange(side + -side % GRID, device=image.device) % (2 * side)
        image = image.index_select(dim, torch.minimum(positions, 2 * side - 1 - positions))
    return image


def crop(image: Tensor, width: int, height: int) -> Tensor:
    """Undo `pad_to_multiple`: the upper left part of `width` × `height` pixels, a view."""
    return image[:, :, :height, :width]


def _bicubic(field: Tensor, width: int, height: int) -> Tensor:
    return functional.interpolate(field, (height, width), mode="bicubic", antialias=True)
