"""Content errors and moments taken from activations on their way to deeper layers.

A tap passes activations on unchanged and adds the gradient of what it took, in
closed form, to the gradient that comes back. Autograd's own sum of the two
takes several times as long as computing them.

`styletransfer.transfer.losses` has the same in plain torch.
"""

from collections.abc import Collection, Mapping
from typing import Any, overload

import torch
from torch import Tensor

from styletransfer.device.allocator import empty_as, layout_of
from styletransfer.vgg.kernels.moments import inside, moments, positions
from styletransfer.vgg.kernels.network import FastNetwork, is_rectified
from styletransfer.vgg.kernels.relu import relu_backward
from styletransfer.vgg.moments import LEAST_SHARE, Moments


class TappedStatistics:
    """Content errors and moments of an image, layer by layer, as `losses.LayerStatistics`.

    Args:
        network: The network.
        content: Target activations by layer, each of shape (1, C, H, W).
        style_layers: Layers whose moments are wanted.
        shares: Shares of regions by style layer, see `vgg.moments.moments`. None:
            the whole picture.
        circular: As in `FastNetwork.walk`.
    """

    def __init__(
        self,
        network: FastNetwork,
        content: Mapping[str, Tensor],
        style_layers: Collection[str],
        shares: Mapping[str, Tensor] | None = None,
        *,
        circular: bool = False,
    ) -> None:
        self.network = network
        self.content = content
        self.style_layers = style_layers
        self.shares = shares
        self.circular = circular

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
                shares = None if self.shares is None else self.shares[layer]
                features, style[layer] = tap_moments(features, rectified, shares)
            return features

        layers = {*self.content, *self.style_layers}
        self.network.walk(image, layers, tap, circular=self.circular)
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


def tap_moments(
    features: Tensor, rectified: bool = False, shares: Tensor | None = None
) -> tuple[Tensor, Moments]:
    """Take the moments from activations.

    Args:
        features: Activations of shape (B, C, H, W).
        rectified: As in `tap_content`.
        shares: Shares of regions, see `vgg.moments.moments`.

    Returns:
        The activations to go on with, for exactly one consumer, and the moments.
    """
    passed, mean, gram = _Moments.apply(features, rectified, shares)
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
        gradient = writable(passed, features)
        if grad_output is not None:
            difference = (features - target).mul_(grad_output * (2 / target.numel()))
            gradient = difference if gradient is None else gradient.add_(difference)
        return masked_gradient(gradient, features, ctx.rectified), None, None


class _Moments(torch.autograd.Function):
    """`tap_moments`, with its gradient in closed form.

    ``∂/∂F = (b 1ᵀ + (Q + Qᵀ) F) / (H·W)`` for gradients b of the mean and Q of the
    Gram matrix; for each region ``∂/∂F = (b wᵀ + (Q + Qᵀ) F diag(w)) / Σw``. Autograd's
    own way through a batched product costs more than all convolutions of the network
    together.
    """

    @staticmethod
    def forward(
        ctx: Any, features: Tensor, rectified: bool, shares: Tensor | None
    ) -> tuple[Tensor, Tensor, Tensor]:
        ctx.set_materialize_grads(False)
        ctx.rectified = rectified
        ctx.shares = shares
        ctx.save_for_backward(features)
        return features.view_as(features), *moments(features, shares)

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Tensor | None) -> tuple[Tensor | None, None, None]:
        passed, of_mean, of_gram = grad_outputs
        (features,) = ctx.saved_tensors
        gradient = writable(passed, features)
        if of_mean is not None or of_gram is not None:
            keep = gradient is not None
            if gradient is None:
                gradient = empty_as(features, features.shape[1])
            if ctx.shares is None:
                _add_gradient(gradient, features, of_mean, of_gram, keep)
            else:
                into = gradient if keep else gradient.zero_()
                _add_gradient_of_regions(into, features, of_mean, of_gram, ctx.shares)
        return masked_gradient(gradient, features, ctx.rectified), None, None


def _add_gradient(
    gradient: Tensor,
    features: Tensor,
    of_mean: Tensor | None,
    of_gram: Tensor | None,
    keep: bool,
) -> None:
    """Add the gradient of the moments of whole pictures; without `keep`, overwrite."""
    count = features.shape[2] * features.shape[3]
    for index, one in enumerate(gradient):
        into = positions(one)
        if of_gram is not None:
            factors = (of_gram[index] + of_gram[index].T).div_(count).to(features.dtype)
            torch.addmm(into, positions(features[index]), factors, beta=int(keep), out=into)
        elif not keep:
            into.zero_()
        if of_mean is not None:
            into.add_((of_mean[index] / count).to(features.dtype))


def _add_gradient_of_regions(
    gradient: Tensor,
    features: Tensor,
    of_mean: Tensor | None,
    of_gram: Tensor | None,
    shares: Tensor,
) -> None:
    """Add the gradient of the moments of regions, position by position inside each."""
    into, values = positions(gradient[0]), positions(features[0])
    for index, region in enumerate(shares.to(features.dtype).flatten(1)):
        count = shares[index].sum().clamp_min(LEAST_SHARE)
        for chosen in inside(region):
            change = values.new_zeros(len(chosen), values.shape[1])
            if of_gram is not None:
                factors = (of_gram[index] + of_gram[index].T).div_(count).to(features.dtype)
                torch.mm(values[chosen], factors, out=change)
            if of_mean is not None:
                change.add_((of_mean[index] / count).to(features.dtype))
            into.index_add_(0, chosen, change.mul_(region[chosen, None]))


@overload
def writable(gradient: Tensor, features: Tensor) -> Tensor: ...
@overload
def writable(gradient: None, features: Tensor) -> None: ...
def writable(gradient: Tensor | None, features: Tensor) -> Tensor | None:
    """A gradient in the layout of the activations, copied only if it is not, as when expanded."""
    return None if gradient is None else gradient.contiguous(memory_format=layout_of(features))


@overload
def masked_gradient(gradient: Tensor, features: Tensor, rectified: bool) -> Tensor: ...
@overload
def masked_gradient(
    gradient: Tensor | None, features: Tensor, rectified: bool
) -> Tensor | None: ...
def masked_gradient(gradient: Tensor | None, features: Tensor, rectified: bool) -> Tensor | None:
    """A gradient, in place, without that of activations of 0 if they come out of a ReLU."""
    if gradient is None or not rectified:
        return gradient
    return relu_backward(gradient, features, gradient)


def _mean_square(values: Tensor) -> Tensor:
    """In float32 or better, with no copy in it."""
    exact = torch.promote_types(values.dtype, torch.float32)
    length: Tensor = torch.linalg.vector_norm(values, dtype=exact)
    return length.square() / values.numel()
