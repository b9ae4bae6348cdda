"""The convolutions alone: the limit of what any such iteration can reach."""

from statistics import median
from time import perf_counter
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from benchmarks import CONTENT
from styletransfer.device.device import retain_memory
from styletransfer.images.tensors import read_image
from styletransfer.settings import Settings
from styletransfer.transfer.pyramid import plan
from styletransfer.transfer.resizing import pad_to_multiple
from styletransfer.transfer.stylize import encoder_for, resize
from styletransfer.vgg.encoder import Encoder, convolutions


class Layer(NamedTuple):
    """One convolution, and what goes into it."""

    name: str
    """Such as ``conv3_2``."""

    position: int
    """Among the network's layers."""

    shape: tuple[int, int, int, int]
    """Of its input: (1, C, H, W)."""


def needed(settings: Settings, height: int, width: int, narrowing: int = 1) -> list[Layer]:
    """List the convolutions that the layers of the settings need.

    Args:
        settings: Network, content layers and style layers.
        height: Of the image, in pixels.
        width: Of the image, in pixels.
        narrowing: Divides the number of channels.

    Returns:
        The convolutions, in order of evaluation.
    """
    layers = []
    deepest = max(layer[4:] for layer in (*settings.content_layers, *settings.style_layers))
    for key, (name, _, channels) in convolutions(settings.network, narrowing).items():
        if name[4:] > deepest:
            break
        halved = 2 ** (int(name[4]) - 1)
        shape = (1, channels, height // halved, width // halved)
        layers.append(Layer(name, int(key.rpartition(".")[2]), shape))
    return layers


def iteration(size: int, warm_up: int, steps: int) -> float:
    """Time the convolutions of one iteration: forward, and the gradient to their input.

    In the precision and the layout of the command, on the canvas that it paints on.

    Args:
        size: Longest side in pixels.
        warm_up: Rounds before those that are timed.
        steps: Rounds that are timed.

    Returns:
        The median, in seconds.
    """
    retain_memory()
    settings = Settings(size=size, min_size=size, device="cpu")
    encoder = encoder_for(settings)
    content = read_image(CONTENT)
    scale = plan(content.shape[3], content.shape[2], settings)[0]
    height, width = pad_to_multiple(resize(content, *scale[:2])).shape[2:]
    rounds = [_Round(encoder, layer) for layer in needed(settings, height, width)]
    seconds = []
    for _ in range(warm_up + steps):
        started = perf_counter()
        for each in rounds:
            each()
        seconds.append(perf_counter() - started)
    return median(seconds[warm_up:])


class _Round:
    """One convolution there and back, on values that lie ready."""

    def __init__(self, encoder: Encoder, layer: Layer) -> None:
        convolution = encoder.layers[layer.position]
        self.weight: Tensor = convolution.weight
        self.bias: Tensor = convolution.bias
        self.values = _random(layer.shape, encoder.dtype).requires_grad_()
        self.grad_output = _random((1, len(self.weight), *layer.shape[2:]), encoder.dtype)

    def __call__(self) -> None:
        result = functional.conv2d(self.values, self.weight, self.bias, padding=1)
        torch.autograd.grad(result, self.values, self.grad_output)


def _random(shape: tuple[int, ...], dtype: torch.dtype) -> Tensor:
    return torch.randn(shape).to(dtype).contiguous(memory_format=torch.channels_last)
