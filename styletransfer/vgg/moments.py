"""Statistics of a layer's activations that have lost their places, in plain torch.

`styletransfer.vgg.kernels.moments` computes the same faster on a CPU.
"""

from typing import NamedTuple

import torch
from torch import Tensor


class Moments(NamedTuple):
    """What is kept of a layer's activations, once their places are forgotten.

    Both parts may be averaged over several pictures.
    """

    mean: Tensor
    """Mean of each channel, shape (B, C)."""

    gram: Tensor
    """Gram matrices: mean products of two channels, shape (B, C, C)."""

    @property
    def covariance(self) -> Tensor:
        """Covariances of the channels, shape (B, C, C)."""
        return self.gram - self.mean[:, :, None] * self.mean[:, None, :]


def moments(features: Tensor) -> Moments:
    """Mean and Gram matrix of activations.

    ``m = F 1 / (H·W)`` and ``G = F Fᵀ / (H·W)``

    Args:
        features: Activations F of shape (B, C, H, W).

    Returns:
        Both in float32 or better.

    References:
        Gatys et al. (2016), eq. 3. Differs: divided by H·W, so that one style
        weight serves every image size.

    Example:
        >>> moments(torch.ones(1, 2, 5, 7)).gram
        tensor([[[1., 1.],
                 [1., 1.]]])
    """
    exact = torch.promote_types(features.dtype, torch.float32)
    positions = features.to(exact).flatten(2)
    return Moments(positions.mean(2), positions @ positions.mT / positions.shape[2])
