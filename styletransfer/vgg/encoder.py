"""The VGG networks, whose activations describe what a picture shows and how.

Simonyan & Zisserman (2014), numbered as in torchvision: blocks of 3×3
convolutions, each followed by a ReLU, and a pooling after each block. Beyond
the border of a picture, every convolution sees zeros, as in the original, or on
request the opposite border.
"""

from collections.abc import Collection
from functools import cache
from typing import Any, Literal, Self

import torch
from torch import Tensor, nn
from torch.nn import functional

from styletransfer.device.device import choose_convolution
from styletransfer.layers import layer_names, reach, stride
from styletransfer.vgg.architecture import convolutions, make_modules
from styletransfer.vgg.checkpoints import Checkpoint, load_checkpoint
from styletransfer.vgg.kernels.network import FastNetwork

Kernels = Literal["auto", "plain"]
"""How layers are evaluated: by `vgg.kernels` on a CPU and plain torch elsewhere, or plain."""


class Encoder(nn.Module):
    """A VGG network with named layers, evaluated only as deep as asked.

    Args:
        network: ``vgg19`` or ``vgg16``.
        checkpoint: Its weights. None: random ones from torch's global generator.
        pooling: ``max``, or ``avg`` as Gatys et al. preferred.
        narrowing: Divides the number of channels; for tests.
        kernels: ``auto``: the fast evaluation of `vgg.kernels` on a CPU, plain
            torch on other devices, where nothing faster has been measured.
            ``plain``: plain torch, the reference that the fast one is tested
            against.
    """

    def __init__(
        self,
        network: str = "vgg19",
        checkpoint: Checkpoint | None = None,
        *,
        pooling: str = "max",
        narrowing: int = 1,
        kernels: Kernels = "auto",
    ) -> None:
        super().__init__()
        self.names = layer_names(network)
        self.pooling = pooling
        self.kernels: Kernels = kernels
        self.fast: FastNetwork | None = None
        self.mean: Tensor
        self.layers: Any  # A Sequential, whose types know of no weights.
        if checkpoint is None:
            self.layers = make_modules(network, pooling, narrowing)
            self.register_buffer("mean", torch.full((3,), 0.5))
        else:
            with torch.device("meta"):
                self.layers = make_modules(network, pooling, narrowing)
            state = {key.removeprefix("features."): v for key, v in checkpoint.state.items()}
            self.layers.load_state_dict(state, assign=True)
            self.register_buffer("mean", checkpoint.mean)
        self.requires_grad_(False)

    @property
    def dtype(self) -> torch.dtype:
        """The number format of the convolutions."""
        dtype: torch.dtype = next(self.layers.parameters()).dtype
        return dtype

    @property
    def device(self) -> torch.device:
        """Where the network is evaluated."""
        return self.mean.device

    def place_on(self, device: torch.device, dtype: torch.dtype) -> Self:
        """Move to a device and a number format, channels last.

        Channels-last convolutions are faster everywhere, in bfloat16 by a
        factor. The mean stays in float32.

        Args:
            device: Where to evaluate the network.
            dtype: The number format of the convolutions.

        Returns:
            The encoder itself.
        """
        self.layers.to(device, dtype, memory_format=torch.channels_last)
        self.mean = self.mean.to(device, torch.promote_types(dtype, torch.float32))
        self.fast = None
        if self.kernels == "auto" and device.type == "cpu":
            self.fast = FastNetwork(
                self.names,
                self.layers,
                self._prepare,
                pooling=self.pooling,
                method=choose_convolution(device, dtype),
            )
        return self

    def forward(
        self, image: Tensor, layers: Collection[str], *, circular: bool = False
    ) -> dict[str, Tensor]:
        """Evaluate the activations of some layers.

        Args:
            image: Shape (B, 3, H, W), RGB in [0, 1] or around it.
            layers: Layer names.
            circular: Whether a convolution sees the opposite border instead of
                zeros, as if the picture were repeated. Its sides should be
                multiples of 16: of others the poolings drop the last rows or
                columns, and deeper layers see the opposite border of the rest.

        Returns:
            By name, from the first layer to the deepest, activations of shape
            (B, C, H_l, W_l) in the encoder's number format. A picture thinner
            than the deepest pooling allows is widened by repeating its last
            rows or columns.

        Raises:
            ValueError: If a layer is unknown.
        """
        if self.fast is not None:
            return self.fast.features(image, layers, circular=circular)
        features: dict[str, Tensor] = {}
        if not layers:
            return features
        depth = 1 + max(self.names.index(layer) for layer in layers)
        values = self._prepare(image, depth)
        for name, layer in zip(self.names[:depth], self.layers, strict=False):
            wraps = circular and name.startswith("conv")
            values = _convolve_circularly(values, layer) if wraps else layer(values)
            if name in layers:
                features[name] = values
        return features

    def stride(self, layer: str) -> int:
        """As `layers.stride`."""
        return stride(self.names, layer)

    def reach(self, layers: Collection[str]) -> int:
        """As `layers.reach`."""
        return reach(self.names, layers)

    def follow(self, shares: Tensor, layers: Collection[str]) -> dict[str, Tensor]:
        """Follow the shares of regions down to some layers.

        A position of a layer stands for a square of pixels, of which it takes the mean.

        Args:
            shares: Share of each pixel in R regions, shape (1, R, H, W).
            layers: Layer names, as in `forward`.

        Returns:
            Shares of shape (R, H_l, W_l) by name.
        """
        found: dict[str, Tensor] = {}
        if not layers:
            return found
        depth = 1 + max(self.names.index(layer) for layer in layers)
        shares = self._widen(shares, depth)
        for name in self.names[:depth]:
            if name.startswith("pool"):
                shares = functional.avg_pool2d(shares, 2)
            if name in layers:
                found[name] = shares[0]
        return found

    def _prepare(self, image: Tensor, depth: int) -> Tensor:
        """Centre an image for the first `depth` layers."""
        return (self._widen(image, depth) - self.mean[:, None, None]).to(self.dtype)

    def _widen(self, image: Tensor, depth: int) -> Tensor:
        """Make an image wide enough for the poolings of the first `depth` layers."""
        height, width = image.shape[-2:]
        least = 2 ** sum(name.startswith("pool") for name in self.names[:depth])
        if min(height, width) >= least:
            return image
        missing = (0, max(0, least - width), 0, max(0, least - height))
        return functional.pad(image, missing, mode="replicate")


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


def _convolve_circularly(values: Tensor, layer: nn.Conv2d) -> Tensor:
    """A convolution of the network that sees the opposite border instead of zeros."""
    padded = functional.pad(values, (1, 1, 1, 1), mode="circular")
    return functional.conv2d(padded, layer.weight, layer.bias)
