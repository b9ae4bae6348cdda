from itertools import chain
from typing import get_args

import pytest
from torchvision.models.vgg import cfgs

from styletransfer.choices import Network
from styletransfer.errors import ConfigError
from styletransfer.layers import BLOCKS, check_layers, default_share, layer_names


@pytest.mark.parametrize(
    ("network", "name", "index"),
    [
        ("vgg19", "conv1_1", 0),
        ("vgg19", "relu1_1", 1),
        ("vgg19", "pool1", 4),
        ("vgg19", "relu4_2", 22),
        ("vgg19", "conv5_1", 28),
        ("vgg19", "relu5_4", 35),
        ("vgg19", "pool5", 36),
        ("vgg16", "relu3_3", 15),
        ("vgg16", "relu5_3", 29),
        ("vgg16", "pool5", 30),
    ],
)
def test_a_layer_has_the_index_that_it_has_in_torchvision(
    network: str, name: str, index: int
) -> None:
    assert layer_names(network).index(name) == index


@pytest.mark.parametrize(("network", "letter"), [("vgg16", "D"), ("vgg19", "E")])
def test_the_layers_are_those_of_torchvision_in_the_same_order(network: str, letter: str) -> None:
    kinds = (["pool"] if entry == "M" else ["conv", "relu"] for entry in cfgs[letter])
    expected = list(chain.from_iterable(kinds))
    assert [name[:4] for name in layer_names(network)] == expected


def test_the_networks_are_the_choices_of_the_setting() -> None:
    assert set(BLOCKS) == set(get_args(Network))


@pytest.mark.parametrize("network", BLOCKS)
def test_every_convolution_and_every_relu_is_accepted(network: str) -> None:
    layers = tuple(name for name in layer_names(network) if not name.startswith("pool"))
    check_layers("style_layers", layers, network)


@pytest.mark.parametrize(
    ("layers", "network", "phrases"),
    [
        ((), "vgg19", ["at least one layer", "relu4_1"]),
        (("relu4_9",), "vgg19", ["vgg19 has no layer 'relu4_9'", "relu1_1 … relu5_4"]),
        (("relu3_4",), "vgg16", ["vgg16 has no layer 'relu3_4'", "conv1_1 … conv5_3"]),
        (("pool3",), "vgg19", ["no layer 'pool3'"]),
        (("22",), "vgg19", ["no layer '22'"]),
        (("relu1_1", "conv1_1", "relu1_1"), "vgg19", ["a layer twice: relu1_1, conv1_1, relu1_1"]),
    ],
)
def test_unknown_repeated_and_missing_layers_are_refused(
    layers: tuple[str, ...], network: str, phrases: list[str]
) -> None:
    with pytest.raises(ConfigError) as caught:
        check_layers("style_layers", layers, network)
    message = str(caught.value)
    assert "\n" not in message
    assert all(phrase in message for phrase in ["style_layers", *phrases])


@pytest.mark.parametrize(("layer", "share"), [("relu1_1", 5), ("conv4_4", 1.5), ("relu5_1", 0.2)])
def test_a_deeper_block_has_a_lower_default_weight(layer: str, share: float) -> None:
    assert default_share(layer) == share
