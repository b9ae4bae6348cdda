"""Means and Gram matrices of activations, in chunks."""

from collections.abc import Collection

import torch
from torch import Tensor

from styletransfer.vgg.kernels.network import FastNetwork
from styletransfer.vgg.moments import Moments

_CHUNK = 12288
"""Positions that are converted to float32 at a time."""


def network_moments(
    network: FastNetwork, image: Tensor, layers: Collection[str]
) -> dict[str, Moments]:
    """Moments of an image by layer, as `vgg.moments.moments` of each.

    Args:
        network: The network.
        image: Shape (1, 3, H, W), RGB in [0, 1].
        layers: Layer names.

    Returns:
        Moments in float32 or better, from the first layer to the deepest.
    """
    found: dict[str, Moments] = {}

    def add(layer: str, features: Tensor) -> Tensor:
        found[layer] = moments(features)
        return features

    network.walk(image, layers, add)
    return found


def moments(features: Tensor) -> Moments:
    """Compute `vgg.moments.moments`.

    bfloat16 activations are multiplied in float32: rounded products would hide
    all but the largest eigenvalues.

    Args:
        features: Activations of shape (B, C, H, W).

    Returns:
        Both in float32; float64 for float64.
    """
    means, grams = zip(*(_averages(positions(one)) for one in features), strict=True)
    return Moments(torch.stack(means), torch.stack(grams))


def positions(features: Tensor) -> Tensor:
    """View activations (C, H, W) as (H·W, C): no copy if channels come last."""
    return features.permute(1, 2, 0).flatten(0, 1)


def _averages(flat: Tensor) -> tuple[Tensor, Tensor]:
    """Fᵀ1 / n and FᵀF / n of activations F (n, C), computed in float32 or better."""
    count, channels = flat.shape
    exact = torch.promote_types(flat.dtype, torch.float32)
    total = flat.new_zeros(channels, dtype=exact)
    gram = flat.new_zeros(channels, channels, dtype=exact)
    for chunk in flat.split(_CHUNK):
        values = chunk.to(exact)
        total += values.sum(0)
        gram.addmm_(values.T, values)
    return total.div_(count), gram.div_(count)
