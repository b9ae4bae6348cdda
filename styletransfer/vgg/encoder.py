"""The VGG networks whose activations say what a picture shows and how.

Simonyan & Zisserman (2014), numbered as in torchvision: blocks of 3×3
convolutions, each followed by a ReLU, with a pooling after each block.
Differs: beyond its border, a picture goes on instead of ending in zeros.
"""

from collections.abc import Callable, Collection, Mapping
from functools import cache, partial
from typing import Any, Self

import torch
from torch import Tensor, nn
from torch.nn import functional

from styletransfer.device.device import prefers_winograd
from styletransfer.layers import layer_names
from styletransfer.vgg.checkpoints import Checkpoint, Convolution, load_checkpoint
from styletransfer.vgg.kernels import convolution, winograd
from styletransfer.vgg.kernels.padded import Activations, Border, pad
from styletransfer.vgg.kernels.pooling import average_pool, max_pool
from styletransfer.vgg.kernels.relu import masked, relu

WIDTHS = (64, 128, 256, 512, 512)
"""Channels of each block."""

_POOLINGS: Mapping[str, Callable[[Activations], Activations]] = {
    "max": max_pool,
    "avg": average_pool,
}


Visit = Callable[[str, Activations], Activations]
"""Takes a layer's name and its activations, and returns those to go on with."""


def is_rectified(name: str) -> bool:
    """Whether a layer's activations come out of a ReLU, perhaps through a pooling."""
    return not name.startswith("conv")


class Encoder(nn.Module):
    """A VGG network with named layers, evaluated only as deep as asked.

    Args:
        network: ``vgg19`` or ``vgg16``.
        checkpoint: Its weights. None: random ones from torch's global generator.
        pooling: ``max``, or ``avg`` as Gatys et al. preferred.
        narrowing: Divides the number of channels; for tests.
        border: What lies beyond the picture's border, at every layer.
    """

    def __init__(
        self,
        network: str = "vgg19",
        checkpoint: Checkpoint | None = None,
        *,
        pooling: str = "max",
        narrowing: int = 1,
        border: Border = "repeat",
    ) -> None:
        super().__init__()
        self.names = layer_names(network)
        self.pool = _POOLINGS[pooling]
        self.border: Border = border
        self.use_winograd = False
        self.kernels: dict[str, convolution.Kernel] = {}
        self.transformed: dict[str, winograd.Kernel] = {}
        self.mean: Tensor
        self.layers: Any  # A Sequential, whose types know of no weights.
        if checkpoint is None:
            self.layers = _modules(network, narrowing)
            self.register_buffer("mean", torch.full((3,), 0.5))
        else:
            with torch.device("meta"):
                self.layers = _modules(network, narrowing)
            state = {key.removeprefix("features."): v for key, v in checkpoint.state.items()}
            self.layers.load_state_dict(state, assign=True)
            self.register_buffer("mean", checkpoint.mean)
        self.requires_grad_(False)

    @property
    def dtype(self) -> torch.dtype:
        """The number format of the convolutions."""
        dtype: torch.dtype = next(self.layers.parameters()).dtype
        return dtype

    def place_on(self, device: torch.device, dtype: torch.dtype) -> Self:
        """Move to a device and a number format, channels last.

        Channels-last convolutions are faster everywhere, and in bfloat16 by a
        factor; the mean stays in float32. Where products are what takes the
        time, the wider layers get by with a quarter of them.
        """
        self.layers.to(device, dtype, memory_format=torch.channels_last)
        self.mean = self.mean.to(device, torch.promote_types(dtype, torch.float32))
        self.use_winograd = prefers_winograd(device, dtype)
        self.kernels.clear()
        self.transformed.clear()
        return self

    def forward(self, image: Tensor, layers: Collection[str]) -> dict[str, Tensor]:
        """Evaluate the activations of some layers.

        Args:
            image: Shape (B, 3, H, W), RGB in [0, 1] or around it.
            layers: Layer names.

        Returns:
            By name, from the first layer to the deepest, activations of shape
            (B, C, H_l, W_l) in the encoder's number format. A picture thinner
            than the deepest pooling allows is widened by repeating its last
            rows or columns.
        """
        features: dict[str, Tensor] = {}

        def take(name: str, values: Activations) -> Activations:
            shown = _masked(values) if is_rectified(name) else values
            features[name] = shown.inner
            return shown

        self.walk(image, layers, take)
        return features

    def walk(self, image: Tensor, layers: Collection[str], visit: Visit) -> None:
        """Evaluate the network, and show the activations of some layers on the way.

        Args:
            image: As in `forward`.
            layers: Layer names.
            visit: Called with the name and the activations of each, from the
                first layer to the deepest. What it returns goes on to the
                deeper layers; where `is_rectified`, it sees to it that
                activations of 0 get no gradient, as `masked` does.
        """
        if not layers:
            return
        depth = self._depth(layers)
        values = self._prepare(image, depth)
        for name in self.names[:depth]:
            values = self._evaluate(name, values, layers)
            if name in layers:
                values = visit(name, values)

    def _depth(self, layers: Collection[str]) -> int:
        """How many of the network's layers it takes to show some of them."""
        return 1 + max(self.names.index(layer) for layer in layers)

    def _prepare(self, image: Tensor, depth: int) -> Activations:
        height, width = image.shape[-2:]
        least = 2 ** sum(name.startswith("pool") for name in self.names[:depth])
        if min(height, width) < least:
            missing = (0, max(0, least - width), 0, max(0, least - height))
            image = functional.pad(image, missing, mode="replicate")
        return pad((image - self.mean[:, None, None]).to(self.dtype), self.border)

    def _evaluate(self, name: str, values: Activations, layers: Collection[str]) -> Activations:
        if name.startswith("conv"):
            return self._convolve(name, values, layers)
        if name.startswith("pool"):
            return self.pool(values)
        if name.replace("relu", "conv") in layers:
            return values.replaced(relu(values.whole))
        # The convolution has done it; what takes it up has to mask the gradient.
        return _masked(values) if self._is_averaged(name) else values

    def _is_averaged(self, name: str) -> bool:
        """Whether the results of a ReLU go to a pooling that gives gradients to those of 0."""
        after = self.names[self.names.index(name) + 1 :][:1]
        return self.pool is not max_pool and any(each.startswith("pool") for each in after)

    def _convolve(self, name: str, values: Activations, layers: Collection[str]) -> Activations:
        """Evaluate one convolution, by whichever way is the shorter."""
        index = self.names.index(name)
        layer = self.layers[index]
        # A layer that was shown has had its gradient masked.
        relu_before = index > 0 and self.names[index - 1] not in layers
        relu_after = name not in layers
        if self.use_winograd and winograd.is_worthwhile(values, layer.weight):
            if name not in self.transformed:
                self.transformed[name] = winograd.prepare(layer.weight, layer.bias)
            by = partial(winograd.convolve, values, self.transformed[name])
        else:
            if name not in self.kernels:
                self.kernels[name] = convolution.Kernel(layer.weight, layer.bias)
            by = partial(convolution.convolve, values, self.kernels[name])
        return by(relu_before=relu_before, relu_after=relu_after)


def _masked(values: Activations) -> Activations:
    return values.replaced(masked(values.whole))


@cache
def load_encoder(
    network: str, weights: str, layout: str, pooling: str, device: torch.device, dtype: torch.dtype
) -> Encoder:
    """Load a network, once in a process.

    Args:
        network: ``vgg19`` or ``vgg16``.
        weights: ``bundled``, ``torchvision`` or the path of a file.
        layout: How such a file is laid out.
        pooling: ``max`` or ``avg``.
        device: Where to evaluate it.
        dtype: The number format of its convolutions.

    Returns:
        The encoder.

    Raises:
        WeightsError: If the weights are damaged, foreign or out of reach.
    """
    checkpoint = load_checkpoint(
        weights, network=network, layout=layout, convolutions=convolutions(network)
    )
    return Encoder(network, checkpoint, pooling=pooling).place_on(device, dtype)


def _modules(network: str, narrowing: int) -> nn.Sequential:
    """The layers under torchvision's numbers, so that state dicts for its networks fit."""
    described = convolutions(network, narrowing)
    modules = nn.Sequential()
    for number, name in enumerate(layer_names(network)):
        if name.startswith("conv"):
            _, outputs, inputs = described[f"features.{number}"]
            modules.append(nn.Conv2d(inputs, outputs, 3, padding=1))
        else:
            modules.append(nn.ReLU() if name.startswith("relu") else nn.MaxPool2d(2))
    return modules


def convolutions(network: str, narrowing: int = 1) -> dict[str, Convolution]:
    """Describe the convolutions of a network, by their key in a state dict.

    Args:
        network: ``vgg19`` or ``vgg16``.
        narrowing: Divides the number of channels.

    Returns:
        The convolutions by ``features.N``, in order of evaluation.
    """
    described: dict[str, Convolution] = {}
    channels = 3
    for number, name in enumerate(layer_names(network)):
        if name.startswith("conv"):
            width = WIDTHS[int(name[4]) - 1] // narrowing
            described[f"features.{number}"] = Convolution(name, width, channels)
            channels = width
    return described
