"""Content and style losses taken from activations on their way to deeper layers.

A tap passes activations on unchanged and adds the gradient of its loss, in
closed form, to the gradient that comes back. Autograd's own sum of the two
takes several times as long as computing them.

`styletransfer.transfer.losses` has the same losses in plain torch.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from styletransfer.vgg.kernels.gram import gram_matrix, positions
from styletransfer.vgg.kernels.network import FastNetwork, is_rectified
from styletransfer.vgg.kernels.padded import Activations, PaddedLayout, writable
from styletransfer.vgg.kernels.relu import relu_backward

_TINY = 1e-12


@dataclass(frozen=True, slots=True)
class Target:
    """What a loss compares with."""

    values: Tensor
    """Activations of shape (1, C, H, W), or Gram matrices of shape (B, C, C) or (1, C, C)."""

    energy: Tensor
    """What the squared error is divided by; it never changes, so it is computed once."""


def content_target(features: Tensor) -> Target:
    """Make the target of `tap_content` from activations of shape (1, C, H, W)."""
    return Target(features, _mean_square(features).clamp_min(_TINY))


def style_target(grams: Tensor) -> Target:
    """Make the target of `tap_style` from Gram matrices of shape (1, C, C)."""
    return Target(grams, _energy(grams).clamp_min(_TINY))


class TappedLosses:
    """Content and style losses of an image, layer by layer, as `losses.LayerLosses`.

    Args:
        network: The network.
        content: Target activations by layer, each of shape (1, C, H, W).
        style: Target Gram matrices by layer, each of shape (1, C, C).
    """

    def __init__(
        self, network: FastNetwork, content: Mapping[str, Tensor], style: Mapping[str, Tensor]
    ) -> None:
        self.network = network
        self.content = {layer: content_target(each) for layer, each in content.items()}
        self.style = {layer: style_target(each) for layer, each in style.items()}

    def __call__(self, image: Tensor) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """Evaluate the losses.

        Args:
            image: Shape (1, 3, H, W), RGB in [0, 1] or around it.

        Returns:
            Content losses and style losses by layer, scalars.
        """
        content: dict[str, Tensor] = {}
        style: dict[str, Tensor] = {}

        def tap(layer: str, features: Activations) -> Activations:
            rectified = is_rectified(layer)
            if layer in self.content:
                features, content[layer] = tap_content(features, self.content[layer], rectified)
            if layer in self.style:
                features, style[layer] = tap_style(features, self.style[layer], rectified)
            return features

        self.network.walk(image, {*self.content, *self.style}, tap)
        return content, style


def tap_content(
    features: Activations, target: Target, rectified: bool = False
) -> tuple[Activations, Tensor]:
    """Take the content loss from activations.

    Args:
        features: Activations of the image.
        target: Made by `content_target`.
        rectified: Whether the activations come out of a ReLU. If so, those of 0
            get no gradient.

    Returns:
        The activations to go on with, for exactly one consumer, and the loss, a
        scalar.
    """
    whole, error = _RelativeError.apply(features.whole, features.layout, target, rectified)
    return features.replaced(whole), error


def tap_style(
    features: Activations, target: Target, rectified: bool = False
) -> tuple[Activations, Tensor]:
    """Take the style loss from activations.

    Args:
        features: Activations of the image. Their padding is overwritten.
        target: Made by `style_target`.
        rectified: As in `tap_content`.

    Returns:
        As `tap_content`.
    """
    whole, error = _RelativeGramError.apply(features.whole, features.layout, target, rectified)
    return features.replaced(whole), error


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
        ctx.save_for_backward(whole, target.values, target.energy)
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
        difference = gram_matrix(Activations(whole, layout)).sub_(target.values)
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
                gradients = positions(into)
                torch.addmm(gradients, positions(one), factor, beta=keep, out=gradients)
        return _masked(gradient, whole, ctx.rectified), None, None, None


def _masked(gradient: Tensor | None, features: Tensor, rectified: bool) -> Tensor | None:
    if gradient is None or not rectified:
        return gradient
    return relu_backward(gradient, features, gradient)


def _energy(matrices: Tensor) -> Tensor:
    """Sums of squares of matrices of shape (B, C, C), shape (B,)."""
    norm: Tensor = torch.linalg.vector_norm(matrices, dim=(1, 2))
    return norm.square()


def _mean_square(values: Tensor) -> Tensor:
    """In float32 or better, with no copy in it."""
    exact = torch.promote_types(values.dtype, torch.float32)
    length: Tensor = torch.linalg.vector_norm(values, dtype=exact)
    return length.square() / values.numel()
