"""Gram matrices of padded activations."""

import math
from collections.abc import Collection

import torch
from torch import Tensor

from styletransfer.vgg.kernels.network import FastNetwork
from styletransfer.vgg.kernels.padded import Activations

_CHUNK = 12288
"""Positions whose products are summed in bfloat16 before they go on in float32."""


def gram_matrices(
    network: FastNetwork, image: Tensor, layers: Collection[str]
) -> dict[str, Tensor]:
    """Gram matrices of an image by layer, as `losses.gram_matrix` of each.

    Args:
        network: The network.
        image: Shape (1, 3, H, W), RGB in [0, 1].
        layers: Layer names.

    Returns:
        Float32 matrices of shape (1, C, C), from the first layer to the deepest.
    """
    grams: dict[str, Tensor] = {}

    def add(layer: str, features: Activations) -> Activations:
        grams[layer] = gram_matrix(features)
        return features

    network.walk(image, layers, add)
    return grams


def gram_matrix(features: Activations) -> Tensor:
    """Compute `losses.gram_matrix` of padded activations; their padding is overwritten.

    Zeros in the padding add nothing to the products, which is faster than
    copying the activations without it. bfloat16 activations are multiplied in
    that format and summed in float32 over chunks of positions.

    Args:
        features: Activations of C channels.

    Returns:
        Symmetric float32 matrices of shape (B, C, C); float64 for float64.
    """
    features.layout.clear_sides(features.whole)
    count = features.layout.height * features.layout.width
    each = features.layout.rows(features.whole)
    return torch.stack([_gram(positions(one), count) for one in each])


def positions(features: Tensor) -> Tensor:
    """View activations (C, H, W) as (H·W, C): no copy if channels come last."""
    return features.permute(1, 2, 0).flatten(0, 1)


def _gram(flat: Tensor, count: int) -> Tensor:
    """FᵀF / count of activations F (positions, C), summed in float32 or better."""
    least = math.ceil(len(flat) / _CHUNK)
    if least == 1 or flat.dtype in {torch.float32, torch.float64}:
        exact = torch.promote_types(flat.dtype, torch.float32)
        return (flat.T @ flat).to(exact).div_(count)
    # Chunks of equal size go through one batched product.
    equal = next((n for n in range(least, 2 * least) if not len(flat) % n), least)
    whole = len(flat) // equal * equal
    chunks, rest = flat[:whole].unflatten(0, (equal, -1)), flat[whole:]
    products = torch.bmm(chunks.mT, chunks).sum(0, dtype=torch.float32)
    if len(rest):
        products += rest.T @ rest
    return products.div_(count)
