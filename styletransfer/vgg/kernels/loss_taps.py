"""Content errors and moments taken from activations on their way to deeper layers.

A tap passes activations on unchanged and adds the gradient of what it took, in
closed form, to the gradient that comes back. Autograd's own sum of the two
takes several times as long as computing them.

`styletransfer.transfer.losses` has the same in plain torch.
"""

from collections.abc import Collection, Mapping
from typing import Any

import torch
from torch import Tensor

from styletransfer.device.allocator import empty_as, layout_of
from styletransfer.vgg.kernels.moments import moments, positions
from styletransfer.vgg.kernels.network import FastNetwork, is_rectified
from styletransfer.vgg.kernels.relu import relu_backward
from styletransfer.vgg.moments import Moments


class TappedStatistics:
    """Content errors and moments of an image, layer by layer, as `losses.LayerStatistics`.

    Args:
        network: The network.
        content: Target activations by layer, each of shape (1, C, H, W).
        style_layers: Layers whose moments are wanted.
    """

    def __init__(
        self, network: FastNetwork, content: Mapping[str, Tensor], style_layers: Collection[str]
    ) -> None:
        self.network = network
        self.content = content
        self.style_layers = style_layers

    def __call__(self, image: Tensor) -> tuple[dict[str, Tensor], dict[str, Moments]]:
        """Evaluate the network.

        Args:
            image: Shape (1, 3, H, W), RGB in [0, 1] or around it.

        Returns:
            Content errors by layer, scalars, and moments by layer.
        """
        content: dict[str, Tensor] = {}
        style: dict[str, Moments] = {}

        def tap(layer: str, features: Tensor) -> Tensor:
            rectified = is_rectified(layer)
            if layer in self.content:
                features, content[layer] = tap_content(features, self.content[layer], rectified)
            if layer in self.style_layers:
                features, style[layer] = tap_moments(features, rectified)
            return features

        self.network.walk(image, {*self.content, *self.style_layers}, tap)
        return content, style


def tap_content(features: Tensor, target: Tensor, rectified: bool = False) -> tuple[Tensor, Tensor]:
    """Take the content error from activations.

    Args:
        features: Activations of the image, shape (1, C, H, W).
        target: Activations of the content, the same shape.
        rectified: Whether the activations come out of a ReLU. If so, those of 0
            get no gradient.

    Returns:
        The activations to go on with, for exactly one consumer, and the error, a
        scalar.
    """
    passed, error = _ContentError.apply(features, target, rectified)
    return passed, error


def tap_moments(features: Tensor, rectified: bool = False) -> tuple[Tensor, Moments]:
    """Take the moments from activations.

    Args:
        features: Activations of shape (B, C, H, W).
        rectified: As in `tap_content`.

    Returns:
        The activations to go on with, for exactly one consumer, and the moments.
    """
    passed, mean, gram = _Moments.apply(features, rectified)
    return passed, Moments(mean, gram)


class _ContentError(torch.autograd.Function):
    """`tap_content`, with its gradient in closed form.

    ``∂/∂F = 2 (F − T) / n`` for n activations. Autograd's own way
    would keep several copies in float32 until it is wanted.
    """

    @staticmethod
    def forward(
        ctx: Any, features: Tensor, target: Tensor, rectified: bool
    ) -> tuple[Tensor, Tensor]:
        ctx.set_materialize_grads(False)
        ctx.rectified = rectified
        ctx.save_for_backward(features, target)
        return features.view_as(features), _mean_square(features - target)

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Tensor | None) -> tuple[Tensor | None, None, None]:
        passed, grad_output = grad_outputs
        features, target = ctx.saved_tensors
        gradient = _writable(passed, features)
        if grad_output is not None:
            difference = (features - target).mul_(grad_output * (2 / target.numel()))
            gradient = difference if gradient is None else gradient.add_(difference)
        return _masked(gradient, features, ctx.rectified), None, None


class _Moments(torch.autograd.Function):
    """`tap_moments`, with its gradient in closed form.

    ``∂/∂F = (b 1ᵀ + (Q + Qᵀ) F) / (H·W)`` for gradients b of the mean and Q of the
    Gram matrix. Autograd's own way through a batched product costs more than all
    convolutions of the network together.
    """

    @staticmethod
    def forward(ctx: Any, features: Tensor, rectified: bool) -> tuple[Tensor, Tensor, Tensor]:
        ctx.set_materialize_grads(False)
        ctx.rectified = rectified
        ctx.save_for_backward(features)
        return features.view_as(features), *moments(features)

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Tensor | None) -> tuple[Tensor | None, None]:
        passed, of_mean, of_gram = grad_outputs
        (features,) = ctx.saved_tensors
        gradient = _writable(passed, features)
        if of_mean is not None or of_gram is not None:
            keep = int(gradient is not None)
            if gradient is None:
                gradient = empty_as(features, features.shape[1])
            count = features.shape[2] * features.shape[3]
            for index, one in enumerate(gradient):
                into = positions(one)
                if of_gram is not None:
                    factors = (of_gram[index] + of_gram[index].T).div_(count).to(features.dtype)
                    torch.addmm(into, positions(features[index]), factors, beta=keep, out=into)
                elif not keep:
                    into.zero_()
                if of_mean is not None:
                    into.add_((of_mean[index] / count).to(features.dtype))
        return _masked(gradient, features, ctx.rectified), None


def _writable(gradient: Tensor | None, features: Tensor) -> Tensor | None:
    """A gradient in the layout of the activations, copied only if it is not, as when expanded."""
    return None if gradient is None else gradient.contiguous(memory_format=layout_of(features))


def _masked(gradient: Tensor | None, features: Tensor, rectified: bool) -> Tensor | None:
    if gradient is None or not rectified:
        return gradient
    return relu_backward(gradient, features, gradient)


def _mean_square(values: Tensor) -> Tensor:
    """In float32 or better, with no copy in it."""
    exact = torch.promote_types(values.dtype, torch.float32)
    length: Tensor = torch.linalg.vector_norm(values, dtype=exact)
    return length.square() / values.numel()
