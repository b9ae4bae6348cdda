"""The layers of the network, evaluated with padding, fused ReLUs and fast convolutions."""

from collections.abc import Callable, Collection, Mapping
from copy import copy
from functools import partial
from typing import Any, Self

from torch import Tensor

from styletransfer.vgg.kernels import convolution, winograd
from styletransfer.vgg.kernels.padded import Activations, Border, pad
from styletransfer.vgg.kernels.pooling import average_pool, max_pool
from styletransfer.vgg.kernels.relu import masked, relu

Visit = Callable[[str, Activations], Activations]
"""Receives a layer's name and its activations; returns the activations to go on with."""

_POOLINGS: Mapping[str, Callable[[Activations], Activations]] = {
    "max": max_pool,
    "avg": average_pool,
}


class FastNetwork:
    """The layers of an `Encoder`, evaluated by the functions of this folder.

    Args:
        names: Layer names, in the order of evaluation.
        layers: The modules of the same positions; a convolution has a weight
            and a bias.
        prepare: Turns an image of shape (B, 3, H, W) into the input of the
            first so many layers.
        pooling: ``max`` or ``avg``.
        border: What lies beyond the border, at every layer.
        use_winograd: Whether wide convolutions go by `winograd`.
    """

    def __init__(
        self,
        names: tuple[str, ...],
        layers: Any,
        prepare: Callable[[Tensor, int], Tensor],
        *,
        pooling: str,
        border: Border,
        use_winograd: bool,
    ) -> None:
        self.names = names
        self.layers = layers
        self.prepare = prepare
        self.pool = _POOLINGS[pooling]
        self.border: Border = border
        self.use_winograd = use_winograd
        self.kernels: dict[str, convolution.Kernel] = {}
        self.winograd_kernels: dict[str, winograd.Kernel] = {}

    def with_border(self, border: Border) -> Self:
        """The same network with something else beyond the border."""
        other = copy(self)
        other.border = border
        return other

    def features(self, image: Tensor, layers: Collection[str]) -> dict[str, Tensor]:
        """Evaluate the activations of some layers, as `Encoder.forward`.

        Args:
            image: Shape (B, 3, H, W), RGB in [0, 1] or around it.
            layers: Layer names.

        Returns:
            Activations of shape (B, C, H_l, W_l) by name.
        """
        features: dict[str, Tensor] = {}

        def take(name: str, values: Activations) -> Activations:
            shown = _masked(values) if is_rectified(name) else values
            features[name] = shown.inner
            return shown

        self.walk(image, layers, take)
        return features

    def walk(self, image: Tensor, layers: Collection[str], visit: Visit) -> None:
        """Evaluate the network and pass the activations of some layers to a visitor.

        Args:
            image: As in `features`.
            layers: Layer names.
            visit: Called with the name and the activations of each, from the
                first layer to the deepest. Deeper layers go on with what it
                returns. Where `is_rectified`, it must give no gradient to
                activations of 0, as `relu.masked` does.
        """
        if not layers:
            return
        depth = 1 + max(self.names.index(layer) for layer in layers)
        values = pad(self.prepare(image, depth), self.border)
        for name in self.names[:depth]:
            values = self._evaluate(name, values, layers)
            if name in layers:
                values = visit(name, values)

    def _evaluate(self, name: str, values: Activations, layers: Collection[str]) -> Activations:
        if name.startswith("conv"):
            return self._convolve(name, values, layers)
        if name.startswith("pool"):
            return self.pool(values)
        if name.replace("relu", "conv") in layers:
            return values.replaced(relu(values.whole))
        # The convolution has applied it; the next consumer masks its gradient.
        return _masked(values) if self._is_averaged(name) else values

    def _is_averaged(self, name: str) -> bool:
        """Whether the output of a ReLU goes to a pooling that does not mask its gradient."""
        after = self.names[self.names.index(name) + 1 :][:1]
        return self.pool is not max_pool and any(each.startswith("pool") for each in after)

    def _convolve(self, name: str, values: Activations, layers: Collection[str]) -> Activations:
        """Evaluate one convolution, by Winograd's method where that is faster."""
        index = self.names.index(name)
        layer = self.layers[index]
        # The gradient of a layer that was visited is masked there.
        relu_before = index > 0 and self.names[index - 1] not in layers
        relu_after = name not in layers
        if self.use_winograd and winograd.is_worthwhile(values, layer.weight):
            if name not in self.winograd_kernels:
                self.winograd_kernels[name] = winograd.prepare(layer.weight, layer.bias)
            by = partial(winograd.convolve, values, self.winograd_kernels[name])
        else:
            if name not in self.kernels:
                self.kernels[name] = convolution.Kernel(layer.weight, layer.bias)
            by = partial(convolution.convolve, values, self.kernels[name])
        return by(relu_before=relu_before, relu_after=relu_after)


def is_rectified(name: str) -> bool:
    """Whether a layer's activations come out of a ReLU, directly or through a pooling."""
    return not name.startswith("conv")


def _masked(values: Activations) -> Activations:
    return values.replaced(masked(values.whole))
