"""The terms of content and style that a picture is optimized for.

Each is a pure number, an error relative to its target, as total variation is a
mean per pixel. To first order, one set of weights therefore serves every picture
size and every network.
"""

import math
from typing import Any, NamedTuple

import torch
from torch import Tensor

from styletransfer.vgg.kernels.padded import Activations, PaddedLayout, pad, writable
from styletransfer.vgg.kernels.relu import relu_backward

_TINY = 1e-12
_CHUNK = 12288
"""Positions whose products bfloat16 may hold the sum of."""


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
    return gram_matrices(pad(features, "zeros"))


def gram_matrices(features: Activations) -> Tensor:
    """`gram_matrix` of activations with a halo, which is overwritten.

    What is beside the picture is 0 in the products: less work than a copy without it.
    """
    features.layout.clear_sides(features.whole)
    positions = features.layout.height * features.layout.width
    each = features.layout.rows(features.whole)
    return torch.stack([_gram(_positions(one), positions) for one in each])


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
    return tap_content(pad(features, "zeros"), content_target(target)).error


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
    return tap_style(pad(features, "zeros"), style_target(target)).error


class Target(NamedTuple):
    """What a loss compares to, and how large that is: worked out once, since it never changes."""

    values: Tensor
    """As in `content_loss` or `style_loss`."""

    energy: Tensor
    """What the squared error is relative to."""


def content_target(features: Tensor) -> Target:
    """The target of `tap_content`, from activations as in `content_loss`."""
    return Target(features, _mean_square(features).clamp_min(_TINY))


def style_target(grams: Tensor) -> Target:
    """The target of `tap_style`, from Gram matrices as in `style_loss`."""
    return Target(grams, _energy(grams).clamp_min(_TINY))


class Tapped(NamedTuple):
    """Activations that a loss was taken from on their way."""

    features: Activations
    """To go on with, in one way only: what takes them up brings its gradient here first,
    and the loss adds its own to it in place. To let autograd add the two takes several
    times as long as to compute them."""

    error: Tensor
    """The loss, a scalar."""


def tap_content(features: Activations, target: Target, rectified: bool = False) -> Tapped:
    """`content_loss`, on the way to deeper layers.

    Args:
        features: Of the image, at H × W positions.
        target: Made by `content_target`.
        rectified: Whether the activations come out of a ReLU: those that it
            made 0 get no gradient.
    """
    whole, error = _RelativeError.apply(features.whole, features.layout, target, rectified)
    return Tapped(features.replaced(whole), error)


def tap_style(features: Activations, target: Target, rectified: bool = False) -> Tapped:
    """`style_loss`, on the way to deeper layers.

    Args:
        features: Of the image. Their halo is overwritten.
        target: Made by `style_target`.
        rectified: As in `tap_content`.
    """
    whole, error = _RelativeGramError.apply(features.whole, features.layout, target, rectified)
    return Tapped(features.replaced(whole), error)


class _RelativeError(torch.autograd.Function):
    """`tap_content`, with its gradient in closed form.

    ``∂/∂F = 2 (F − T) / (n mean(T²))`` for n activations. Autograd's own way
    would keep several copies in float32 until it is wanted.
    """

    @staticmethod
    def forward(
        ctx: Any, whole: Tensor, layout: PaddedLayout, target: Target, rectified: bool
    ) -> tuple[Tensor, Tensor]:
        ctx.set_materialize_grads(False)
        ctx.layout, ctx.rectified = layout, rectified
        ctx.save_for_backward(whole, *target)
        error = _mean_square(layout.inner(whole) - target.values) / target.energy
        return whole.view_as(whole), error

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Tensor | None) -> tuple[Tensor | None, None, None, None]:
        passed, grad_output = grad_outputs
        whole, values, energy = ctx.saved_tensors
        gradient = None if passed is None else writable(passed)
        if grad_output is not None:
            difference = ctx.layout.inner(whole) - values
            difference.mul_(grad_output * (2 / (values.numel() * energy)))
            if gradient is None:
                gradient = ctx.layout.allocate(whole, whole.shape[1])
                ctx.layout.inner(gradient).copy_(difference)
            else:
                ctx.layout.inner(gradient).add_(difference)
        return _masked(gradient, whole, ctx.rectified), None, None, None


class _RelativeGramError(torch.autograd.Function):
    """`tap_style`, with its gradient in closed form.

    ``∂/∂F = 4 (G − A) F / (B H·W ‖A‖²)``. Autograd's own way through a batched
    product costs more than all convolutions of the network together.
    """

    @staticmethod
    def forward(
        ctx: Any, whole: Tensor, layout: PaddedLayout, target: Target, rectified: bool
    ) -> tuple[Tensor, Tensor]:
        ctx.set_materialize_grads(False)
        difference = gram_matrices(Activations(whole, layout)).sub_(target.values)
        ctx.layout, ctx.rectified = layout, rectified
        unit = 4 / (len(whole) * layout.height * layout.width * target.energy)
        ctx.save_for_backward(whole, difference, unit)
        return whole.view_as(whole), (_energy(difference) / target.energy).mean()

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Tensor | None) -> tuple[Tensor | None, None, None, None]:
        passed, grad_output = grad_outputs
        whole, difference, unit = ctx.saved_tensors
        gradient = None if passed is None else writable(passed)
        if grad_output is not None:
            factors = (difference * (unit * grad_output)[:, None, None]).to(whole.dtype)
            keep = int(gradient is not None)
            if gradient is None:
                gradient = ctx.layout.allocate(whole, whole.shape[1])
            each = ctx.layout.rows(whole), ctx.layout.rows(gradient), factors
            for one, into, factor in zip(*each, strict=True):
                room = _positions(into)
                torch.addmm(room, _positions(one), factor, beta=keep, out=room)
        return _masked(gradient, whole, ctx.rectified), None, None, None


def _masked(gradient: Tensor | None, features: Tensor, rectified: bool) -> Tensor | None:
    if gradient is None or not rectified:
        return gradient
    return relu_backward(gradient, features, gradient)


def _positions(features: Tensor) -> Tensor:
    """View activations (C, H, W) as (H·W, C): no copy if channels come last."""
    return features.permute(1, 2, 0).flatten(0, 1)


def _gram(positions: Tensor, count: int) -> Tensor:
    """FᵀF of activations (positions, C) over the count, summed in float32 or better."""
    least = math.ceil(len(positions) / _CHUNK)
    if least == 1 or positions.dtype in {torch.float32, torch.float64}:
        exact = torch.promote_types(positions.dtype, torch.float32)
        return (positions.T @ positions).to(exact).div_(count)
    equal = next((n for n in range(least, 2 * least) if not len(positions) % n), least)
    whole = len(positions) // equal * equal
    chunks, rest = positions[:whole].unflatten(0, (equal, -1)), positions[whole:]
    products = torch.bmm(chunks.mT, chunks).sum(0, dtype=torch.float32)
    if len(rest):
        products += rest.T @ rest
    return products.div_(count)


def _energy(matrices: Tensor) -> Tensor:
    """Sums of squares of matrices of shape (B, C, C), shape (B,)."""
    norm: Tensor = torch.linalg.vector_norm(matrices, dim=(1, 2))
    return norm.square()


def _mean_square(values: Tensor) -> Tensor:
    """In float32 or better, with no copy in it."""
    exact = torch.promote_types(values.dtype, torch.float32)
    length: Tensor = torch.linalg.vector_norm(values, dtype=exact)
    return length.square() / values.numel()
