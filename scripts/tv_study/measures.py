"""Measures that the study adds to `styletransfer.report.quality`."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch.nn import functional

from styletransfer.report.quality import flat_pixels

if TYPE_CHECKING:
    from torch import Tensor

_BINOMIAL = [math.comb(8, k) / 2**8 for k in range(9)]

WHITE_NOISE_SHARE = math.comb(16, 8) / 2**16
"""What `alternation` finds in independent noise, relative to its standard deviation."""


@dataclass(frozen=True, slots=True)
class Alternation:
    """Amplitudes of patterns that alternate from pixel to pixel, in levels of 255."""

    columns: float
    """Alternation along x."""

    rows: float
    """Alternation along y."""

    checkerboard: float
    """Alternation along both."""


def alternation(image: Tensor, content: Tensor) -> Alternation:
    """Measure patterns at the Nyquist frequency in the flat parts of the content.

    Root mean square of the image after a 9×9 filter that passes only the highest
    frequency: binomial weights with alternating signs along x, y or both.
    Independent noise of standard deviation σ gives `WHITE_NOISE_SHARE` · σ in each.

    Args:
        image: The result, shape (1, 3, H, W) with H and W at least 9, in [0, 1].
        content: The content at the same size.

    Example:
        >>> board = torch.tensor([[0.0, 1.0], [1.0, 0.0]]).repeat(1, 3, 8, 8)
        >>> found = alternation(board, torch.zeros(1, 3, 16, 16))
        >>> round(found.columns, 1), round(found.rows, 1), round(found.checkerboard, 1)
        (0.0, 0.0, 127.5)
    """
    low = torch.tensor(_BINOMIAL)
    high = low * torch.tensor([1.0, -1.0]).repeat(5)[:9]
    kernels = torch.stack([torch.outer(*pair) for pair in ((low, high), (high, low), (high, high))])
    filtered = functional.conv2d(image.transpose(0, 1), kernels[:, None])
    flat = filtered[..., flat_pixels(content, border=4)]
    columns, rows, checkerboard = (flat.square().mean((0, 2)).sqrt() * 255).tolist()
    return Alternation(columns, rows, checkerboard)


def spread(region: Tensor) -> float:
    """Standard deviation of colour, as root mean square over the channels.

    Args:
        region: Shape (1, 3, H, W), in [0, 1].

    Returns:
        The spread in levels of 255.
    """
    return 255 * region.var((2, 3), correction=0).mean().sqrt().item()


def crop(image: Tensor, box: tuple[float, float, float, float]) -> Tensor:
    """Crop an image to whole pixels.

    Args:
        image: Shape (1, 3, H, W).
        box: Left, top, right and bottom, as fractions of width and height.
    """
    height, width = image.shape[2:]
    left, right = (round(width * fraction) for fraction in box[::2])
    top, bottom = (round(height * fraction) for fraction in box[1::2])
    return image[..., top:bottom, left:right]
