import pytest
from torchvision.models.vgg import cfgs

from styletransfer.errors import ConfigError
from styletransfer.layers import BLOCKS, check_layers, layer_names


@pytest.mark.parametrize(
    ("network", "name", "number"),
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
def test_a_layer_stands_where_torchvision_numbers_it(network: str, name: str, number: int) -> None:
    assert layer_names(network).index(name) == number


@pytest.mark.parametrize(("network", "letter"), [("vgg16", "D"), ("vgg19", "E")])
def test_the_blocks_are_those_of_torchvision(network: str, letter: str) -> None:
    expected = [name[:4] for entry in cfgs[letter] for name in
                (["pool"] if entry == "M" else ["conv", "relu"])]  # fmt: skip
    assert [name[:4] for name in layer_names(network)] == expected


@pytest.mark.parametrize("network", BLOCKS)
def test_every_convolution_and_every_relu_may_be_asked_for(network: str) -> None:
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
def test_layers_that_cannot_be_used_are_refused(
    layers: tuple[str, ...], network: str, phrases: list[str]
) -> None:
    with pytest.raises(ConfigError) as caught:
        check_layers("style_layers", layers, network)
    message = str(caught.value)
    assert "\n" not in message
    assert all(phrase in message for phrase in ["style_layers", *phrases])
