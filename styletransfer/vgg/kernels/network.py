"""The layers of the network, evaluated with fused ReLUs and fast convolutions."""

from collections.abc import Callable, Collection, Mapping
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from styletransfer.device.device import Convolution
from styletransfer.vgg.kernels import nnpack, winograd
from styletransfer.vgg.kernels.circular import CircularKernel
from styletransfer.vgg.kernels.convolution import AnyKernel, Kernel, convolve
from styletransfer.vgg.kernels.pooling import max_pool
from styletransfer.vgg.kernels.relu import masked, relu

Visit = Callable[[str, Tensor], Tensor]
"""Receives a layer's name and its activations (B, C, H, W); returns those to go on with."""

_POOLINGS: Mapping[str, Callable[[Tensor], Tensor]] = {
    "max": max_pool,
    "avg": partial(functional.avg_pool2d, kernel_size=2),
}


_KERNELS: Mapping[Convolution, Callable[[Tensor, Tensor], AnyKernel]] = {
    "direct": Kernel,
    "nnpack": nnpack.Kernel,
    "winograd": winograd.prepare,
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
        method: How convolutions are computed where that is faster than directly.
    """

    def __init__(
        self,
        names: tuple[str, ...],
        layers: Any,
        prepare: Callable[[Tensor, int], Tensor],
        *,
        pooling: str,
        method: Convolution,
    ) -> None:
        self.names = names
        self.layers = layers
        self.prepare = prepare
        self.pool = _POOLINGS[pooling]
        self.method = method
        nnpacks = method == "nnpack"
        self.layout = torch.contiguous_format if nnpacks else torch.channels_last
        self.kernels: dict[tuple[str, Convolution], AnyKernel] = {}

    def features(
        self, image: Tensor, layers: Collection[str], *, circular: bool = False
    ) -> dict[str, Tensor]:
        """Evaluate the activations of some layers, as `Encoder.forward`.

        Args:
            image: Shape (B, 3, H, W), RGB in [0, 1] or around it.
            layers: Layer names.
            circular: As in `Encoder.forward`.

        Returns:
            Activations of shape (B, C, H_l, W_l) by name.
        """
        features: dict[str, Tensor] = {}

        def take(name: str, values: Tensor) -> Tensor:
            features[name] = masked(values) if is_rectified(name) else values
            return features[name]

        self.walk(image, layers, take, circular=circular)
        return features

    def walk(
        self, image: Tensor, layers: Collection[str], visit: Visit, *, circular: bool = False
    ) -> None:
        """Evaluate the network and pass the activations of some layers to a visitor.

        Args:
            image: As in `features`.
            layers: Layer names.
            visit: Called with the name and the activations of each, from the
                first layer to the deepest. Deeper layers go on with what it
                returns. Where `is_rectified`, it must give no gradient to
                activations of 0, as `relu.masked` does.
            circular: As in `Encoder.forward`.
        """
        if not layers:
            return
        depth = 1 + max(self.names.index(layer) for layer in layers)
        values = self.prepare(image, depth).contiguous(memory_format=self.layout)
        for name in self.names[:depth]:
            values = self._evaluate(name, values, layers, circular)
            if name in layers:
                values = visit(name, values)

    def _evaluate(
        self, name: str, values: Tensor, layers: Collection[str], circular: bool
    ) -> Tensor:
        if name.startswith("conv"):
            return self._convolve(name, values, layers, circular)
        if name.startswith("pool"):
            return self.pool(values)
        if name.replace("relu", "conv") in layers:
            return relu(values)
        # The convolution has applied it; the next consumer masks its gradient.
        return masked(values) if self._is_averaged(name) else values

    def _is_averaged(self, name: str) -> bool:
        """Whether the output of a ReLU goes to a pooling that does not mask its gradient."""
        after = self.names[self.names.index(name) + 1 :][:1]
        return self.pool is not max_pool and any(each.startswith("pool") for each in after)

    def _convolve(
        self, name: str, values: Tensor, layers: Collection[str], circular: bool
    ) -> Tensor:
        index = self.names.index(name)
        # The gradient of a layer that was visited is masked there.
        relu_before = index > 0 and self.names[index - 1] not in layers
        kernel = self.kernel(name, values)
        if circular:
            kernel = CircularKernel(kernel)
        return convolve(values, kernel, relu_before=relu_before, relu_after=name not in layers)

    def kernel(self, name: str, values: Tensor) -> AnyKernel:
        """The kernel of a convolution: the fastest for values of this shape.

        Args:
            name: Its layer's name.
            values: Activations of shape (B, C, H, W).
        """
        layer = self.layers[self.names.index(name)]
        method: Convolution = "direct"
        if self.method == "nnpack" and nnpack.is_worthwhile(values):
            method = "nnpack"
        elif self.method != "direct" and winograd.is_worthwhile(values, layer.weight):
            method = "winograd"
        if (name, method) not in self.kernels:
            self.kernels[name, method] = _KERNELS[method](layer.weight, layer.bias)
        return self.kernels[name, method]


def is_rectified(name: str) -> bool:
    """Whether a layer's activations come out of a ReLU, directly or through a pooling."""
    return not name.startswith("conv")
