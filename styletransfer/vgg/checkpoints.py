"""Load VGG weights from any source and convert them to one input format.

Every loaded network takes RGB in [0, 1] minus a mean. The input scale that it
was trained with is folded into the first convolution. The mean stays separate:
with zero padding, a changed bias would be wrong along the borders.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from styletransfer.errors import WeightsError
from styletransfer.vgg.weight_files import read_tensors


@dataclass(frozen=True, slots=True)
class Convolution:
    """A 3×3 convolution of the network."""

    name: str
    """Name of the layer, such as ``conv1_1``."""

    out_channels: int
    """Number of output channels."""

    in_channels: int
    """Number of input channels."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """The weights of a network that takes RGB in [0, 1] minus the mean."""

    state: dict[str, Tensor]
    """``features.N.weight``, shape (out, in, 3, 3), and ``features.N.bias``,
    shape (out,); float32."""

    mean: Tensor
    """Shape (3,), RGB, in units of [0, 1]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _InputFormat:
    """The input that a network was trained on, computed from RGB in [0, 1].

    Subtract the mean, then multiply by the scale, then reorder the channels.
    """

    mean: tuple[float, float, float]
    scale: tuple[float, float, float]
    bgr: bool


_INPUT_FORMATS = {
    "torchvision": _InputFormat(
        mean=(0.485, 0.456, 0.406), scale=(1 / 0.229, 1 / 0.224, 1 / 0.225), bgr=False
    ),
    "caffe": _InputFormat(
        mean=(123.68 / 255, 116.779 / 255, 103.939 / 255), scale=(255, 255, 255), bgr=True
    ),
}

LAYOUTS = tuple(_INPUT_FORMATS)
"""The layouts of a weights file; both have the keys ``features.N.weight`` and ``.bias``.

* ``torchvision``: RGB, normalized by mean and standard deviation.
* ``caffe``: BGR from 0 to 255 minus a mean, as in ``vgg19-d01eb7cb.pth``.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Origin:
    """The origin of the tensors, for messages."""

    path: Path
    network: str
    layout: str

    def refusal(self, problem: str) -> WeightsError:
        """Make the error for a file that does not fit the network."""
        return WeightsError(
            f"{self.path} {problem}; pass a complete {self.network} state dict with --weights, "
            f"and its layout with --weights-layout ({' or '.join(LAYOUTS)}; now {self.layout})"
        )


def load_checkpoint(
    source: str, *, network: str, layout: str, convolutions: Mapping[str, Convolution]
) -> Checkpoint:
    """Load the weights of a network.

    Args:
        source: ``bundled``, ``torchvision`` (downloaded once, then cached), or
            the path of a ``.safetensors``, ``.pth``, ``.pt`` or ``.bin`` file.
        network: ``vgg19`` or ``vgg16``.
        layout: The layout of the file, one of `LAYOUTS`; ignored for the other
            sources, and for a file in the format of the bundled one.
        convolutions: The convolutions to load, by ``features.N``, in order of
            evaluation. Other tensors are ignored.

    Returns:
        The weights, on the CPU.

    Raises:
        WeightsError: If the weights are damaged, of another network, or cannot
            be read or downloaded.
    """
    if layout not in LAYOUTS:
        raise WeightsError(f"unknown weights layout {layout!r}; known are {', '.join(LAYOUTS)}")
    path, tensors = read_tensors(source, network)
    if source == "torchvision":
        layout = source
    origin = _Origin(path=path, network=network, layout=layout)
    if any(key.endswith(".codebook") for key in tensors):
        return _unpack(tensors, convolutions, origin)
    return _fold_scale(_select(tensors, convolutions, origin), convolutions, layout)


def _unpack(
    packed: Mapping[str, Tensor], convolutions: Mapping[str, Convolution], origin: _Origin
) -> Checkpoint:
    """Replace codes with the weights in their codebooks, as the bundled file needs."""
    tensors = dict(packed)
    for stem, convolution in convolutions.items():
        codebook, codes = packed.get(f"{stem}.codebook"), packed.get(f"{stem}.weight")
        if codebook is None or codes is None:
            raise origin.refusal(f"has no codebook or no codes for {convolution.name}")
        if codebook.shape != (256,) or codes.dtype != torch.uint8:
            raise origin.refusal(f"has no 256-entry codebook for {convolution.name}")
        tensors[f"{stem}.weight"] = codebook[codes.int()]
    mean = _checked(packed.get("mean"), (3,), "mean", origin)
    return Checkpoint(state=_select(tensors, convolutions, origin), mean=mean)


def _select(
    tensors: Mapping[str, Tensor], convolutions: Mapping[str, Convolution], origin: _Origin
) -> dict[str, Tensor]:
    """Return the weights and biases of the convolutions, checked."""
    state: dict[str, Tensor] = {}
    for stem, convolution in convolutions.items():
        bias_shape = (convolution.out_channels,)
        shapes = {"weight": (*bias_shape, convolution.in_channels, 3, 3), "bias": bias_shape}
        for part, shape in shapes.items():
            key = f"{stem}.{part}"
            state[key] = _checked(tensors.get(key), shape, f"{part} of {convolution.name}", origin)
    return state


def _checked(tensor: Tensor | None, shape: tuple[int, ...], name: str, origin: _Origin) -> Tensor:
    """Return a tensor as float32, or refuse it."""
    if tensor is None:
        raise origin.refusal(f"has no {name}")
    if tensor.shape != shape:
        raise origin.refusal(f"has a {name} of shape {tuple(tensor.shape)}, not {shape}")
    if not tensor.is_floating_point():
        raise origin.refusal(f"has a {name} of {tensor.dtype} instead of floating-point numbers")
    tensor = tensor.detach().to(torch.float32).contiguous()
    if not tensor.isfinite().all():
        raise WeightsError(f"{origin.path} is damaged: its {name} is not finite; download it again")
    return tensor


def _fold_scale(
    state: dict[str, Tensor], convolutions: Mapping[str, Convolution], layout: str
) -> Checkpoint:
    """Convert the first convolution to take RGB in [0, 1] minus the mean."""
    form = _INPUT_FORMATS[layout]
    first = f"{next(iter(convolutions))}.weight"
    weight = state[first].flip(1) if form.bgr else state[first]
    scale = torch.tensor(form.scale, dtype=torch.float32).view(1, 3, 1, 1)
    mean = torch.tensor(form.mean, dtype=torch.float32)
    return Checkpoint(state=state | {first: weight * scale}, mean=mean)
