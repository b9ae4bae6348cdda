"""Files of network weights, brought into one form.

Whatever was loaded, the network takes RGB in [0, 1] minus a mean. The scale of
the pictures it was trained on is folded into the first convolution. The mean
is not: zero padding comes after it, so it cannot hide in a bias.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from styletransfer.errors import WeightsError
from styletransfer.vgg.weight_files import read_tensors


class Convolution(NamedTuple):
    """A 3×3 convolution that the weights must have."""

    name: str
    out_channels: int
    in_channels: int


class Checkpoint(NamedTuple):
    """The weights of a network that takes RGB in [0, 1] minus the mean."""

    state: dict[str, Tensor]
    """``features.N.weight``, shape (out, in, 3, 3), and ``features.N.bias``; float32."""

    mean: Tensor
    """Shape (3,), RGB, in units of [0, 1]."""


class _Input(NamedTuple):
    """The pictures that a network was trained on, as seen from RGB in [0, 1]."""

    mean: tuple[float, float, float]
    scale: tuple[float, float, float]
    bgr: bool


_TORCHVISION = _Input((0.485, 0.456, 0.406), (1 / 0.229, 1 / 0.224, 1 / 0.225), bgr=False)
_OXFORD = _Input((123.68 / 255, 116.779 / 255, 103.939 / 255), (255, 255, 255), bgr=True)

_INPUTS = {"torchvision": _TORCHVISION, "caffe": _OXFORD, "keras": _OXFORD}

LAYOUTS = tuple(_INPUTS)
"""How a weights file can be laid out.

* ``torchvision``: keys ``features.N.weight``; RGB in [0, 1], normalized by mean and deviation.
* ``caffe``: the same keys; BGR from 0 to 255 minus a mean, as in ``vgg19-d01eb7cb.pth``.
* ``keras``: ``block1_conv1/kernel``, ``block1_conv1_W`` and the like, input
  channels before output channels; BGR as in caffe.
"""


class _Origin(NamedTuple):
    """Where tensors came from, for messages."""

    path: Path
    network: str
    layout: str

    def refusal(self, complaint: str) -> WeightsError:
        """Say what is wrong with the file, and what to do."""
        return WeightsError(
            f"{self.path} {complaint}; give a whole {self.network} with --weights, "
            f"and its layout with --weights-layout ({', '.join(LAYOUTS)}; now {self.layout})"
        )


def load_checkpoint(
    source: str, *, network: str, layout: str, convolutions: Mapping[str, Convolution]
) -> Checkpoint:
    """Load the weights of a network from wherever they are.

    Args:
        source: ``bundled``, ``torchvision`` (downloaded once, then cached), or
            the path of a ``.safetensors``, ``.pth``, ``.pt`` or ``.bin`` file.
        network: ``vgg19`` or ``vgg16``.
        layout: How a file is laid out, one of `LAYOUTS`. Says nothing of the
            other sources, nor of a file in the form of the bundled one.
        convolutions: What to load, by ``features.N``, in order of evaluation;
            whatever else a file holds is ignored.

    Returns:
        The weights, on the CPU.

    Raises:
        WeightsError: If they are damaged, foreign, or out of reach.
    """
    if layout not in LAYOUTS:
        raise WeightsError(f"no layout {layout!r} of weights; known are {', '.join(LAYOUTS)}")
    path, tensors = read_tensors(source, network)
    if source == "torchvision":
        layout = source
    origin = _Origin(path, network, layout)
    if any(key.endswith(".codebook") for key in tensors):
        return _unpack(tensors, convolutions, origin)
    if layout == "keras":
        tensors = _rename_keras(tensors, convolutions, origin)
    return _fold_input(_select(tensors, convolutions, origin), convolutions, layout)


def _unpack(
    packed: Mapping[str, Tensor], convolutions: Mapping[str, Convolution], origin: _Origin
) -> Checkpoint:
    """Look up codes in their codebooks, as in the bundled file."""
    tensors = dict(packed)
    for stem, convolution in convolutions.items():
        codebook, codes = packed.get(f"{stem}.codebook"), packed.get(f"{stem}.weight")
        if codebook is None or codes is None:
            raise origin.refusal(f"has no codebook or no codes for {convolution.name}")
        if codebook.shape != (256,) or codes.dtype != torch.uint8:
            raise origin.refusal(f"has no 256-entry codebook for {convolution.name}")
        tensors[f"{stem}.weight"] = codebook[codes.int()]
    mean = _checked(packed.get("mean"), (3,), "mean", origin)
    return Checkpoint(_select(tensors, convolutions, origin), mean)


_KERAS_KEY = re.compile(
    r"(?:.*/)?block(\d)_conv(\d)[._/](?:(W|kernel|weight)|b|bias)(?:_1)?(?::0)?"
)


def _rename_keras(
    tensors: Mapping[str, Tensor], convolutions: Mapping[str, Convolution], origin: _Origin
) -> dict[str, Tensor]:
    """Give Keras' tensors torchvision's keys and order of axes."""
    stems = {convolution.name: stem for stem, convolution in convolutions.items()}
    renamed: dict[str, Tensor] = {}
    for key, tensor in tensors.items():
        match = _KERAS_KEY.fullmatch(key)
        if not match:
            continue
        block, position, is_weight = match.groups()
        name = f"conv{block}_{position}"
        if name in stems:
            renamed[f"{stems[name]}.{'weight' if is_weight else 'bias'}"] = (
                tensor.permute(3, 2, 0, 1) if tensor.ndim == 4 else tensor
            )
        elif name < max(stems):
            # Of VGG-16 and VGG-19, the one would else load as the other.
            raise origin.refusal(f"has a layer {name}, unlike {origin.network}")
    return renamed


def _select(
    tensors: Mapping[str, Tensor], convolutions: Mapping[str, Convolution], origin: _Origin
) -> dict[str, Tensor]:
    """Take what the network needs, if it is all there and sound."""
    state: dict[str, Tensor] = {}
    for stem, (name, out_channels, in_channels) in convolutions.items():
        for part, shape in (
            ("weight", (out_channels, in_channels, 3, 3)),
            ("bias", (out_channels,)),
        ):
            key = f"{stem}.{part}"
            state[key] = _checked(tensors.get(key), shape, f"{part} of {name}", origin)
    return state


def _checked(tensor: Tensor | None, shape: tuple[int, ...], name: str, origin: _Origin) -> Tensor:
    if tensor is None:
        raise origin.refusal(f"has no {name}")
    if tensor.shape != shape:
        raise origin.refusal(f"has a {name} of shape {tuple(tensor.shape)}, not {shape}")
    if not tensor.is_floating_point():
        raise origin.refusal(f"has a {name} of {tensor.dtype} instead of floating-point numbers")
    tensor = tensor.detach().to(torch.float32).contiguous()
    if not tensor.isfinite().all():
        raise WeightsError(f"{origin.path} is damaged: its {name} is not finite; get it anew")
    return tensor


def _fold_input(
    state: dict[str, Tensor], convolutions: Mapping[str, Convolution], layout: str
) -> Checkpoint:
    """Make the first convolution take RGB in [0, 1] minus the mean."""
    mean, scale, bgr = _INPUTS[layout]
    first = f"{next(iter(convolutions))}.weight"
    weight = state[first].flip(1) if bgr else state[first]
    factor = torch.tensor(scale, dtype=torch.float32).view(1, 3, 1, 1)
    return Checkpoint(state | {first: weight * factor}, torch.tensor(mean, dtype=torch.float32))
