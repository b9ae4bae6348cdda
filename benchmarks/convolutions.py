"""The convolutions of an iteration alone: by PyTorch directly, or our way."""

from dataclasses import dataclass
from statistics import median
from time import perf_counter

import torch
from torch import Tensor
from torch.nn import functional

from benchmarks import CONTENT
from styletransfer.choices import Precision
from styletransfer.device.device import retain_memory
from styletransfer.images.tensors import read_image
from styletransfer.settings import Settings
from styletransfer.transfer.plan import encoder_for
from styletransfer.transfer.resizing import pad_to_multiple, resize_to_side
from styletransfer.vgg.architecture import convolutions
from styletransfer.vgg.encoder import Encoder


@dataclass(frozen=True, slots=True)
class Layer:
    """One convolution and its input."""

    name: str
    """Name of the layer, such as ``conv3_2``."""

    position: int
    """Index among the layers of the network."""

    shape: tuple[int, int, int, int]
    """Shape of its input, (1, C, H, W)."""


def needed(settings: Settings, height: int, width: int, narrowing: int = 1) -> list[Layer]:
    """List the convolutions that the content and style layers need.

    Args:
        settings: Network, content layers and style layers.
        height: Height of the image in pixels.
        width: Width of the image in pixels.
        narrowing: Divides the number of channels.

    Returns:
        The convolutions, in order of evaluation.
    """
    layers = []
    deepest = max(layer[4:] for layer in (*settings.content_layers, *settings.style_layers))
    for key, convolution in convolutions(settings.network, narrowing).items():
        name = convolution.name
        if name[4:] > deepest:
            break
        stride = 2 ** (int(name[4]) - 1)
        shape = (1, convolution.in_channels, height // stride, width // stride)
        layers.append(Layer(name, int(key.rpartition(".")[2]), shape))
    return layers


def iteration(size: int, warm_up: int, steps: int, precision: Precision, direct: bool) -> float:
    """Time the convolutions of one iteration: forward pass and gradient of the input.

    Number format and padded size are those of the command.

    Args:
        size: Longest side in pixels.
        warm_up: Rounds before the timed ones.
        steps: Timed rounds.
        precision: Number format.
        direct: Whether PyTorch computes them, or the kernels of the command.

    Returns:
        The median in seconds.
    """
    retain_memory()
    settings = Settings(size=size, min_size=size, device="cpu", precision=precision)
    encoder = encoder_for(settings)
    height, width = pad_to_multiple(resize_to_side(read_image(CONTENT), size)).shape[2:]
    make = _Direct if direct else _Ours
    rounds = [make(encoder, layer) for layer in needed(settings, height, width)]
    seconds = []
    for _ in range(warm_up + steps):
        started = perf_counter()
        for each in rounds:
            each()
        seconds.append(perf_counter() - started)
    return median(seconds[warm_up:])


class _Direct:
    """Forward pass and input gradient of one convolution by PyTorch, on random values."""

    def __init__(self, encoder: Encoder, layer: Layer) -> None:
        convolution = encoder.layers[layer.position]
        self.weight: Tensor = convolution.weight
        self.bias: Tensor = convolution.bias
        results = (1, len(self.weight), *layer.shape[2:])
        self.values = _random(layer.shape, encoder.dtype, torch.channels_last).requires_grad_()
        self.grad_output = _random(results, encoder.dtype, torch.channels_last)

    def __call__(self) -> None:
        result = functional.conv2d(self.values, self.weight, self.bias, padding=1)
        torch.autograd.grad(result, self.values, self.grad_output)


class _Ours:
    """The same with the kernel and the memory layout of the command."""

    def __init__(self, encoder: Encoder, layer: Layer) -> None:
        if encoder.fast is None:
            raise SystemExit("benchmarks: there are no kernels of our own on this device")
        weight = encoder.layers[layer.position].weight
        results = (1, len(weight), *layer.shape[2:])
        self.values = _random(layer.shape, encoder.dtype, encoder.fast.layout)
        self.grad_output = _random(results, encoder.dtype, encoder.fast.layout)
        self.kernel = encoder.fast.kernel(layer.name, self.values)

    def __call__(self) -> None:
        self.kernel.convolve(self.values)
        self.kernel.convolve(self.grad_output, turned=True)


def _random(shape: tuple[int, ...], dtype: torch.dtype, layout: torch.memory_format) -> Tensor:
    return torch.randn(shape).to(dtype).contiguous(memory_format=layout)
