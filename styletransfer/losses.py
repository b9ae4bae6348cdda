"""The terms that a picture is optimized for.

Each term is a pure number: an error relative to its target, or a mean per
pixel. To first order, one set of weights therefore serves every picture size
and every network.
"""

from typing import Any, Literal

import torch
from torch import Tensor
from torch.nn import functional

from styletransfer.arena import like

TVForm = Literal["isotropic", "anisotropic", "squared"]

SMOOTHING = 1e-3
"""The ε under the root of the total variation loss, in units of [0, 1]."""

_TINY = 1e-12
_CHUNK = 4096


def gram_matrix(features: Tensor) -> Tensor:
    """Correlations between channels, averaged over positions.

    Args:
        features: Activations of shape (B, C, H, W).

    Returns:
        Symmetric float32 matrices of shape (B, C, C); float64 for float64
        activations. bfloat16 activations are multiplied as they are and summed
        in float32 over chunks of positions.

    References:
        Gatys et al. (2016), eq. 3. Differs: divided by H·W, so that one style
        weight serves every image size.

    Example:
        >>> gram_matrix(torch.ones(1, 2, 5, 7))
        tensor([[[1., 1.],
                 [1., 1.]]])
    """
    return torch.stack([_gram(_positions(one)) for one in features])


def content_loss(features: Tensor, target: Tensor) -> Tensor:
    """Relative squared error of activations.

    ``mean((F − T)²) / mean(T²)``

    Args:
        features: Activations F of the image, shape (B, C, H, W).
        target: Activations T of the content picture, the same shape.

    Returns:
        A scalar, 0 and up; float32 or better.

    References:
        Gatys et al. (2016), eq. 1. Differs: relative to the target's energy,
        so that the term is a pure number.
    """
    error: Tensor = _RelativeError.apply(features, target)
    return error


class _RelativeError(torch.autograd.Function):
    """`content_loss`, with its gradient in closed form.

    ``∂/∂F = 2 (F − T) / (n mean(T²))`` for n activations. Autograd's own way
    would keep several copies in float32 until it is wanted.
    """

    @staticmethod
    def forward(ctx: Any, features: Tensor, target: Tensor) -> Tensor:
        exact = _at_least_float32(target)
        energy = exact.square().mean().clamp_min(_TINY)
        ctx.save_for_backward(features, target, energy)
        return (features - exact).square().mean() / energy

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Tensor) -> tuple[Tensor, None]:
        features, target, energy = ctx.saved_tensors
        difference = features - _at_least_float32(target)
        slope = grad_outputs[0] * (2 / (features.numel() * energy))
        return difference.mul_(slope).to(features.dtype), None


def style_loss(features: Tensor, target: Tensor) -> Tensor:
    """Relative squared error of the Gram matrix of one layer.

    ``‖G(F) − A‖²_F / ‖A‖²_F``

    Args:
        features: Activations F of the image, shape (B, C, H, W).
        target: Gram matrices A of the style, shape (B, C, C) or (1, C, C).

    Returns:
        A scalar, 0 and up: the mean over the batch.

    References:
        Gatys et al. (2016), eq. 4–6. Differs: relative to the target's norm
        instead of divided by 4 C² (H·W)², so that a layer's share does not
        hang on its width or its usual brightness.
    """
    error: Tensor = _RelativeGramError.apply(features, target)
    return error


class _RelativeGramError(torch.autograd.Function):
    """`style_loss`, with its gradient in closed form.

    ``∂/∂F = 4 (G − A) F / (B H·W ‖A‖²)``. Autograd's own way through a batched
    product costs more than all convolutions of the network together.
    """

    @staticmethod
    def forward(ctx: Any, features: Tensor, target: Tensor) -> Tensor:
        difference = gram_matrix(features) - target
        energy = target.square().sum((1, 2)).clamp_min(_TINY)
        batch, _, height, width = features.shape
        slope = difference * (4 / (batch * height * width * energy))[:, None, None]
        ctx.save_for_backward(features, slope)
        return (difference.square().sum((1, 2)) / energy).mean()

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Tensor) -> tuple[Tensor, None]:
        features, slope = ctx.saved_tensors
        slope = (slope * grad_outputs[0]).to(features.dtype)
        # Channels last, as the features are: to add gradients of two layouts
        # takes longer than to compute them.
        gradient = like(features, features.shape[1])
        for one, into, factor in zip(features, gradient, slope, strict=True):
            torch.mm(_positions(one), factor, out=_positions(into))
        return gradient, None


def _positions(features: Tensor) -> Tensor:
    """View activations (C, H, W) as (H·W, C): no copy if channels come last."""
    return features.permute(1, 2, 0).flatten(0, 1)


def _gram(positions: Tensor) -> Tensor:
    """FᵀF / (H·W) of activations (H·W, C), summed in float32 or better."""
    if positions.dtype in {torch.float32, torch.float64}:
        return positions.T @ positions / len(positions)
    whole = len(positions) // _CHUNK * _CHUNK
    chunks, rest = positions[:whole].unflatten(0, (whole // _CHUNK, _CHUNK)), positions[whole:]
    products = torch.bmm(chunks.mT, chunks).float().sum(0) + (rest.T @ rest).float()
    return products / len(positions)


def _at_least_float32(values: Tensor) -> Tensor:
    return values if values.dtype == torch.float64 else values.float()


def total_variation(image: Tensor, form: TVForm = "isotropic") -> Tensor:
    """Total variation: how much neighbouring pixels differ, summed.

    ``Σ_{i,j} √((x_{i+1,j} − x_{i,j})² + (x_{i,j+1} − x_{i,j})²)`` per channel,
    then averaged over the channels. A difference that would reach outside the
    image is 0. The gradient is 0 where the root is 0.

    Args:
        image: Shape (B, C, H, W).
        form: ``isotropic`` as above, ``anisotropic`` for Σ|dx| + |dy|, or
            ``squared`` for Σ dx² + dy².

    Returns:
        Shape (B,), 0 and up, in units of the image.

    References:
        Rudin, Osher & Fatemi (1992); the colour average is the channel-wise
        form of Blomgren & Chan (1998).

    Example:
        >>> total_variation(torch.tensor([[[[0.0, 4.0], [3.0, 0.0]]]]))
        tensor([12.])
    """
    down, right = _differences(image)
    each: Tensor
    if form == "isotropic":
        each = torch.linalg.vector_norm(torch.stack((down, right)), dim=0)
    elif form == "anisotropic":
        each = down.abs() + right.abs()
    else:
        each = down.square() + right.square()
    return each.sum((2, 3)).mean(1)


def total_variation_loss(
    image: Tensor, form: TVForm = "isotropic", smoothing: float = SMOOTHING
) -> Tensor:
    """Total variation per pixel, with its corners rounded off.

    Args:
        image: Shape (B, C, H, W), values around [0, 1].
        form: As in `total_variation`.
        smoothing: ε in units of the image: the root becomes √(· + ε²) − ε and
            the absolute value likewise, so that flat regions have a gradient
            that fades to 0. The squared form needs none.

    Returns:
        A scalar, 0 and up: the mean over the batch. At most ε below
        ``total_variation(image) / (H·W)``; the anisotropic form, of two
        rounded corners, at most 2 ε.
    """
    down, right = _differences(image)
    if form == "isotropic":
        each = (down.square() + right.square() + smoothing**2).sqrt() - smoothing
    elif form == "anisotropic":
        each = (down.square() + smoothing**2).sqrt() + (right.square() + smoothing**2).sqrt()
        each = each - 2 * smoothing
    else:
        each = down.square() + right.square()
    return each.mean()


def _differences(image: Tensor) -> tuple[Tensor, Tensor]:
    """Differences to the pixel below and to the right; 0 at the last one."""
    down = functional.pad(image.diff(dim=2), (0, 0, 0, 1))
    right = functional.pad(image.diff(dim=3), (0, 1, 0, 0))
    return down, right
