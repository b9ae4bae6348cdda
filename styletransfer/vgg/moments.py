"""Statistics of a layer's activations that have lost their places, in plain torch.

`styletransfer.vgg.kernels.moments` computes the same faster on a CPU.
"""

from typing import NamedTuple

import torch
from torch import Tensor

LEAST_SHARE = 1e-6
"""Least sum of shares, in positions, so that a region without any has finite moments."""


class Moments(NamedTuple):
    """What is kept of a layer's activations, once their places are forgotten.

    B counts pictures, or the regions of one. Both parts may be averaged over
    several pictures.
    """

    mean: Tensor
    """Mean of each channel, shape (B, C)."""

    gram: Tensor
    """Gram matrices: mean products of two channels, shape (B, C, C)."""

    @property
    def covariance(self) -> Tensor:
        """Covariances of the channels, shape (B, C, C)."""
        return self.gram - self.mean[:, :, None] * self.mean[:, None, :]


def moments(features: Tensor, shares: Tensor | None = None) -> Moments:
    """Mean and Gram matrix of activations, of the whole picture or of its regions.

    ``m = F 1 / (H·W)`` and ``G = F Fᵀ / (H·W)``; of a region with the share w of each
    position ``m = F w / Σw`` and ``G = F diag(w) Fᵀ / Σw``.

    Args:
        features: Activations F of shape (B, C, H, W).
        shares: Share of each position in R regions, shape (R, H, W), from 0 to 1;
            only for B = 1. None: the whole picture.

    Returns:
        Both in float32 or better, for B pictures or R regions; 0 for a region
        without any position.

    References:
        Gatys et al. (2016), eq. 3. Differs: divided by H·W, so that one style
        weight serves every image size. Regions: Gatys et al. (2017), eq. 5. Differs:
        shares are not squared, so that those of neighbouring regions sum to 1.

    Example:
        >>> moments(torch.ones(1, 2, 5, 7)).gram
        tensor([[[1., 1.],
                 [1., 1.]]])
    """
    exact = torch.promote_types(features.dtype, torch.float32)
    positions = features.to(exact).flatten(2)
    if shares is None:
        return Moments(positions.mean(2), positions @ positions.mT / positions.shape[2])
    weights = shares.to(positions).flatten(1)
    weights = weights / weights.sum(1, keepdim=True).clamp_min(LEAST_SHARE)
    weighted = positions * weights[:, None]
    return Moments(weighted.sum(2), weighted @ positions.mT)
