"""The canvas: what a picture is painted on, a little larger than itself."""

import torch
from torch import Tensor

GRID = 16
"""Pixels of the image that one position of the fifth block stands for."""


def pad_to_multiple(image: Tensor) -> Tensor:
    """Mirror an image at its lower and right border, up to whole multiples of `GRID`.

    The pooling before the deepest layers passes over what is left beyond a
    multiple, and those rows would be painted otherwise than the rest.

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
        there = torch.arange(side + -side % GRID, device=image.device) % (2 * side)
        image = image.index_select(dim, torch.minimum(there, 2 * side - 1 - there))
    return image


def crop(image: Tensor, width: int, height: int) -> Tensor:
    """Cut the picture of a width and a height in pixels out of its canvas."""
    return image[:, :, :height, :width]
