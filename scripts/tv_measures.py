"""What the study of total variation measures beyond `styletransfer.report.quality`.

Part of `scripts/tv_study.py`.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
from torch.nn import functional

from styletransfer.report.quality import flat_pixels

if TYPE_CHECKING:
    from torch import Tensor

_BINOMIAL = [math.comb(8, k) / 2**8 for k in range(9)]


def nyquist(image: Tensor, content: Tensor) -> tuple[float, float, float]:
    """How much the flat parts alternate from pixel to pixel.

    The root of the mean square of what is left by a filter of 9×9 pixels that
    passes the highest frequency there is and takes out all that is slower:
    binomial weights with alternating signs along x, along y, or both.

    Args:
        image: The result, shape (1, 3, H, W), at least 9 pixels each way.
        content: What it shows, of the same size.

    Returns:
        Along x (columns alternate), along y (rows do) and diagonal (a
        checkerboard), in levels: the pattern's amplitude. Independent noise of
        σ comes to 0.196 σ in each.

    Example:
        >>> board = torch.tensor([[0.0, 1.0], [1.0, 0.0]]).repeat(1, 3, 8, 8)
        >>> [round(value, 1) for value in nyquist(board, torch.zeros(1, 3, 16, 16))]
        [0.0, 0.0, 127.5]
    """
    slow = torch.tensor(_BINOMIAL)
    fast = slow * torch.tensor([1.0, -1.0]).repeat(5)[:9]
    kernels = torch.stack(
        [torch.outer(*pair) for pair in ((slow, fast), (fast, slow), (fast, fast))]
    )
    left = functional.conv2d(image.transpose(0, 1), kernels[:, None])
    x, y, diagonal = left[..., flat_pixels(content, border=4)].square().mean((0, 2)).sqrt() * 255
    return x.item(), y.item(), diagonal.item()


def spread(region: Tensor) -> float:
    """The standard deviation of colour: the root mean square over the channels, in levels.

    Args:
        region: Shape (1, 3, H, W), in [0, 1].
    """
    return 255 * region.var((2, 3), correction=0).mean().sqrt().item()


def crop(image: Tensor, box: tuple[float, float, float, float]) -> Tensor:
    """Cut a part out of an image.

    Args:
        image: Shape (1, 3, H, W).
        box: Left, top, right and bottom, as shares of the sides.

    Returns:
        The part, in whole pixels.
    """
    height, width = image.shape[2:]
    left, right = (round(width * share) for share in box[::2])
    top, bottom = (round(height * share) for share in box[1::2])
    return image[..., top:bottom, left:right]
