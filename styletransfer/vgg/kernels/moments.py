"""Means and Gram matrices of activations, in chunks."""

from collections.abc import Collection, Mapping

import torch
from torch import Tensor

from styletransfer.vgg.kernels.network import FastNetwork
from styletransfer.vgg.moments import LEAST_SHARE, Moments

_CHUNK = 12288
"""Positions that are converted to float32 at a time."""


def network_moments(
    network: FastNetwork,
    image: Tensor,
    layers: Collection[str],
    shares: Mapping[str, Tensor] | None = None,
) -> dict[str, Moments]:
    """Moments of an image by layer, as `vgg.moments.moments` of each.

    Args:
        network: The network.
        image: Shape (1, 3, H, W), RGB in [0, 1].
        layers: Layer names.
        shares: Shares of regions by layer, see `vgg.moments.moments`. None: the
            whole picture.

    Returns:
        Moments in float32 or better, from the first layer to the deepest.
    """
    found: dict[str, Moments] = {}

    def add(layer: str, features: Tensor) -> Tensor:
        found[layer] = moments(features, None if shares is None else shares[layer])
        return features

    network.walk(image, layers, add)
    return found


def moments(features: Tensor, shares: Tensor | None = None) -> Moments:
    """Compute `vgg.moments.moments`.

    bfloat16 activations are multiplied in float32: rounded products would hide
    all but the largest eigenvalues.

    Args:
        features: Activations of shape (B, C, H, W).
        shares: As there.

    Returns:
        Both in float32; float64 for float64.
    """
    if shares is None:
        each = [_averages(positions(one)) for one in features]
    else:
        flat = positions(features[0])
        each = [_averages_of_region(flat, region.flatten()) for region in shares]
    means, grams = zip(*each, strict=True)
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


def _averages_of_region(flat: Tensor, shares: Tensor) -> tuple[Tensor, Tensor]:
    """Fᵀw / Σw and Fᵀ diag(w) F / Σw of activations F (n, C) and shares w (n).

    Only positions of the region are read, so disjoint regions cost as much as the whole.
    """
    exact = torch.promote_types(flat.dtype, torch.float32)
    total = flat.new_zeros(flat.shape[1], dtype=exact)
    gram = flat.new_zeros(flat.shape[1], flat.shape[1], dtype=exact)
    for chosen in inside(shares):
        values, weights = flat[chosen].to(exact), shares[chosen].to(exact)
        total += weights @ values
        gram.addmm_(values.T * weights, values)
    count = shares.sum(dtype=exact).clamp_min(LEAST_SHARE)
    return total.div_(count), gram.div_(count)


def inside(shares: Tensor) -> tuple[Tensor, ...]:
    """Indices of the positions that have a share (n) above 0, in chunks."""
    chunks: tuple[Tensor, ...] = shares.nonzero().flatten().split(_CHUNK)
    return chunks
