"""The layers of the VGG networks, as modules and as descriptions."""

from torch import nn

from styletransfer.layers import layer_names, width
from styletransfer.vgg.checkpoints import Convolution


def make_modules(network: str, pooling: str, narrowing: int) -> nn.Sequential:
    """The layers under torchvision's numbers, so that state dicts for its networks fit."""
    described = convolutions(network, narrowing)
    pool = nn.MaxPool2d if pooling == "max" else nn.AvgPool2d
    modules = nn.Sequential()
    for number, name in enumerate(layer_names(network)):
        if name.startswith("conv"):
            convolution = described[f"features.{number}"]
            channels = convolution.in_channels, convolution.out_channels
            modules.append(nn.Conv2d(*channels, 3, padding=1))
        else:
            modules.append(nn.ReLU() if name.startswith("relu") else pool(2))
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
            found = width(name) // narrowing
            described[f"features.{number}"] = Convolution(name, found, channels)
            channels = found
    return described
