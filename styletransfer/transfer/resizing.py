"""Resizing of images, and padding to whole positions of the deepest layers."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

from styletransfer.transfer.pyramid import GRID, Scale, fit


def resize(image: Tensor, width: int, height: int, *, circular: bool = False) -> Tensor:
    """Resize an image with an antialiased bicubic filter.

    Args:
        image: Shape (1, 3, H, W), RGB in [0, 1].
        width: In pixels.
        height: In pixels.
        circular: Whether the filter sees the opposite border beyond a border, so
            that a picture whose opposite borders fit together stays one.

    Returns:
        Shape (1, 3, `height`, `width`), clamped to [0, 1]; the image itself if
        it has that size.
    """
    if image.shape[2:] == (height, width):
        return image
    return _bicubic(image, width, height, circular).clamp(0, 1)


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
    content: Tensor,
    styles: Sequence[Tensor],
    scale: Scale,
    style_scale: Sequence[float],
    *,
    circular: bool = False,
) -> tuple[Tensor, list[Tensor]]:
    """Resize content and styles to a size of a run.

    Args:
        content: Shape (1, 3, H, W), RGB in [0, 1].
        styles: Pictures of that form.
        scale: The size.
        style_scale: As `Settings.style_scale`.
        circular: As in `resize`, for the content.

    Returns:
        Content and styles, each as `resize`; each style at all of its sizes in turn.
    """
    sides = [scale.longest_side * factor for factor in style_scale]
    painted = [resize_to_side(style, side) for style in styles for side in sides]
    return resize(content, *scale.size, circular=circular), painted


def enlarge_change(
    image: Tensor, first: Tensor, width: int, height: int, *, circular: bool = False
) -> Tensor:
    """Bring the result of one size to a larger one by enlarging what has changed.

    The fine detail that only the larger size can hold is taken from the first
    image. Optimizing it from a blurred picture would take a sixth of the
    iterations of a size more, and faces would suffer.

    Args:
        image: The result of a smaller size, shape (1, 3, H, W), RGB in [0, 1].
        first: What the run started from, at any size, same form.
        width: In pixels.
        height: In pixels.
        circular: As in `resize`.

    Returns:
        Shape (1, 3, `height`, `width`), clamped to [0, 1]; the image itself if
        it has that size.
    """
    if image.shape[2:] == (height, width):
        return image
    change = image - resize(first, image.shape[3], image.shape[2], circular=circular)
    enlarged = _bicubic(change, width, height, circular)
    return (resize(first, width, height, circular=circular) + enlarged).clamp(0, 1)


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


def _bicubic(field: Tensor, width: int, height: int, circular: bool) -> Tensor:
    if not circular:
        return functional.interpolate(field, (height, width), mode="bicubic", antialias=True)
    zero = field.new_zeros(())
    for dim, side in ((2, height), (3, width)):
        positions, weights = _taps(field.shape[dim], side)
        weights = weights.to(field)[..., None] if dim == 2 else weights.to(field)
        taps = zip(positions.to(field.device), weights, strict=True)
        field = sum((field.index_select(dim, at) * weight for at, weight in taps), zero)
    return field


def _taps(source: int, side: int) -> tuple[Tensor, Tensor]:
    """What each pixel of a resized row is made of, if the row is repeated.

    The weights are those of torch's antialiased bicubic filter. That filter cannot
    be used on a padded row unless the padding is a whole number of pixels before
    and after, and for many sizes that takes whole copies of the picture.

    Args:
        source: Pixels of the row.
        side: Pixels of the resized row.

    Returns:
        Pixels of the row and their weights, which sum to 1: both of shape (K, `side`).

    References:
        Keys (1981), eq. 4 (a = −1/2), widened by the factor of the reduction.
    """
    stretch = max(1.0, source / side)
    centres = (torch.arange(side, dtype=torch.float64) + 0.5) * source / side
    reach = torch.arange(math.ceil(4 * stretch) + 1)[:, None]
    positions = (centres - 2 * stretch).floor().long() + reach
    distances = ((positions + 0.5 - centres) / stretch).abs()
    near = (1.5 * distances - 2.5) * distances.square() + 1
    far = ((2.5 - 0.5 * distances) * distances - 4) * distances + 2
    weights = near.where(distances < 1, far.where(distances < 2, 0))
    return positions % source, weights / weights.sum(0)
