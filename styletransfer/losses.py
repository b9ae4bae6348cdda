"""The terms that a picture is optimized for.

Each term is a pure number: an error relative to its target, or a mean per
pixel. To first order, one set of weights therefore serves every picture size
and every network.
"""

import math
from typing import Any, Literal, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from styletransfer.arena import like
from styletransfer.rectifier import rectify_slope

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
    return tap_content(features, target).error


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
    return tap_style(features, target).error


class Tapped(NamedTuple):
    """Activations that a loss was taken from on their way."""

    features: Tensor
    """To go on with, shape (B, C, H, W), in one way only: what takes them up brings its
    gradient here first, and the loss adds its own to it in place. To let autograd add
    the two takes several times as long as to compute them."""

    error: Tensor
    """The loss, a scalar."""


def tap_content(features: Tensor, target: Tensor, rectified: bool = False) -> Tapped:
    """`content_loss`, on the way to deeper layers.

    Args:
        features: As in `content_loss`.
        target: As in `content_loss`.
        rectified: Whether the activations come out of a ReLU: those that it
            made 0 get no gradient.
    """
    return Tapped(*_RelativeError.apply(features, target, rectified))


def tap_style(features: Tensor, target: Tensor, rectified: bool = False) -> Tapped:
    """`style_loss`, on the way to deeper layers.

    Args:
        features: As in `style_loss`.
        target: As in `style_loss`.
        rectified: As in `tap_content`.
    """
    return Tapped(*_RelativeGramError.apply(features, target, rectified))


class _RelativeError(torch.autograd.Function):
    """`tap_content`, with its gradient in closed form.

    ``∂/∂F = 2 (F − T) / (n mean(T²))`` for n activations. Autograd's own way
    would keep several copies in float32 until it is wanted.
    """

    @staticmethod
    def forward(
        ctx: Any, features: Tensor, target: Tensor, rectified: bool
    ) -> tuple[Tensor, Tensor]:
        ctx.set_materialize_grads(False)
        energy = _mean_square(target).clamp_min(_TINY)
        ctx.rectified = rectified
        ctx.save_for_backward(features, target, energy)
        return features.view_as(features), _mean_square(features - target) / energy

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Tensor | None) -> tuple[Tensor | None, None, None]:
        passed, slope = grad_outputs
        features, target, energy = ctx.saved_tensors
        if slope is None:
            return _passed_on(passed, features, ctx.rectified), None, None
        difference = features - target
        difference.mul_(slope * (2 / (features.numel() * energy)))
        gradient = difference if passed is None else _own(passed, features).add_(difference)
        return _masked(gradient, features, ctx.rectified), None, None


class _RelativeGramError(torch.autograd.Function):
    """`tap_style`, with its gradient in closed form.

    ``∂/∂F = 4 (G − A) F / (B H·W ‖A‖²)``. Autograd's own way through a batched
    product costs more than all convolutions of the network together.
    """

    @staticmethod
    def forward(
        ctx: Any, features: Tensor, target: Tensor, rectified: bool
    ) -> tuple[Tensor, Tensor]:
        ctx.set_materialize_grads(False)
        difference = gram_matrix(features).sub_(target)
        energy = _energy(target).clamp_min(_TINY)
        batch, _, height, width = features.shape
        ctx.rectified = rectified
        ctx.save_for_backward(features, difference, 4 / (batch * height * width * energy))
        error = (_energy(difference) / energy).mean()
        return features.view_as(features), error

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Tensor | None) -> tuple[Tensor | None, None, None]:
        passed, slope = grad_outputs
        features, difference, unit = ctx.saved_tensors
        if slope is None:
            return _passed_on(passed, features, ctx.rectified), None, None
        factors = (difference * (unit * slope)[:, None, None]).to(features.dtype)
        # Channels last, as the features are: to add gradients of two layouts
        # takes longer than to compute them.
        room = like(features, features.shape[1]) if passed is None else _own(passed, features)
        for one, into, factor in zip(features, room, factors, strict=True):
            gradient = _positions(into)
            keep = int(passed is not None)
            torch.addmm(gradient, _positions(one), factor, beta=keep, out=gradient)
        return _masked(room, features, ctx.rectified), None, None


def _passed_on(passed: Tensor | None, features: Tensor, rectified: bool) -> Tensor | None:
    """The gradient where nobody wants the error."""
    return None if passed is None else _masked(_own(passed, features), features, rectified)


def _own(passed: Tensor, features: Tensor) -> Tensor:
    """A gradient that may be overwritten: itself, unless it only stands for many numbers."""
    if passed.stride() == features.stride():
        return passed
    return like(features, features.shape[1]).copy_(passed)


def _masked(gradient: Tensor, features: Tensor, rectified: bool) -> Tensor:
    return rectify_slope(gradient, features, gradient) if rectified else gradient


def _positions(features: Tensor) -> Tensor:
    """View activations (C, H, W) as (H·W, C): no copy if channels come last."""
    return features.permute(1, 2, 0).flatten(0, 1)


def _gram(positions: Tensor) -> Tensor:
    """FᵀF / (H·W) of activations (H·W, C), summed in float32 or better."""
    if positions.dtype in {torch.float32, torch.float64}:
        return positions.T @ positions / len(positions)
    least = math.ceil(len(positions) / _CHUNK)
    count = next((n for n in range(least, 2 * least) if not len(positions) % n), least)
    whole = len(positions) // count * count
    chunks, rest = positions[:whole].unflatten(0, (count, -1)), positions[whole:]
    products = torch.bmm(chunks.mT, chunks).sum(0, dtype=torch.float32)
    if len(rest):
        products += rest.T @ rest
    return products.div_(len(positions))


def _energy(matrices: Tensor) -> Tensor:
    """Sums of squares of matrices of shape (B, C, C), shape (B,)."""
    norm: Tensor = torch.linalg.vector_norm(matrices, dim=(1, 2))
    return norm.square()


def _mean_square(values: Tensor) -> Tensor:
    """In float32 or better, with no copy in it."""
    exact = torch.promote_types(values.dtype, torch.float32)
    length: Tensor = torch.linalg.vector_norm(values, dtype=exact)
    return length.square() / values.numel()


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
    loss: Tensor = _TotalVariation.apply(image, form, smoothing)
    return loss


class _TotalVariation(torch.autograd.Function):
    """`total_variation_loss`, with its gradient in closed form.

    Each difference d pulls at the two pixels it is between, by ``∂/∂d``: its share
    ``d / √(· + ε²)`` of the root, or ``2 d``. Autograd's own way takes three times as long.
    """

    @staticmethod
    def forward(ctx: Any, image: Tensor, form: TVForm, smoothing: float) -> Tensor:
        down, right = _differences(image)
        if form == "squared":
            each = down.square().addcmul_(right, right)
            pulls = down.mul_(2), right.mul_(2)
        elif form == "anisotropic":
            roots = [pair.square().add_(smoothing**2).sqrt_() for pair in (down, right)]
            each = roots[0] + roots[1] - 2 * smoothing
            pulls = down.div_(roots[0]), right.div_(roots[1])
        else:
            root = down.square().addcmul_(right, right).add_(smoothing**2).sqrt_()
            each = root - smoothing
            pulls = down.div_(root), right.div_(root)
        ctx.save_for_backward(*pulls)
        return each.mean()

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Tensor) -> tuple[Tensor, None, None]:
        down, right = ctx.saved_tensors
        gradient = -(down + right)
        gradient[:, :, 1:] += down[:, :, :-1]
        gradient[..., 1:] += right[..., :-1]
        return gradient.mul_(grad_outputs[0] / gradient.numel()), None, None


def _differences(image: Tensor) -> tuple[Tensor, Tensor]:
    """Differences to the pixel below and to the right; 0 at the last one."""
    down = functional.pad(image.diff(dim=2), (0, 0, 0, 1))
    right = functional.pad(image.diff(dim=3), (0, 1, 0, 0))
    return down, right
