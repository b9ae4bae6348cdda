"""Shares of regions, followed down to the layers of the network."""

from typing import get_args

import pytest
import torch
from torch import Tensor

from styletransfer.vgg.encoder import Encoder, Kernels

LAYERS = ("conv1_1", "relu2_1", "pool2", "relu3_1", "relu4_2", "relu5_1")
SIDES = {"conv1_1": 1, "relu2_1": 2, "pool2": 4, "relu3_1": 4, "relu4_2": 8, "relu5_1": 16}
"""Pixels of the square that a position of each layer stands for."""


def shares_of(regions: int, height: int, width: int) -> Tensor:
    """Random shares that sum to 1."""
    values = torch.rand(1, regions, height, width, generator=torch.Generator().manual_seed(0))
    return values / values.sum(1, keepdim=True)


@pytest.mark.parametrize("layer", LAYERS)
@pytest.mark.parametrize(("height", "width"), [(32, 48), (33, 47), (16, 95)])
def test_a_position_has_the_mean_share_of_the_pixels_that_it_stands_for(
    height: int, width: int, layer: str, encoder: Encoder
) -> None:
    shares, side = shares_of(3, height, width), SIDES[layer]
    rows, columns = height // side, width // side
    # The poolings drop what fills no square.
    whole = shares[0, :, : rows * side, : columns * side]
    expected = whole.reshape(3, rows, side, columns, side).mean((2, 4))
    torch.testing.assert_close(encoder.follow(shares, [layer])[layer], expected)


@pytest.mark.parametrize("kernels", get_args(Kernels))
@pytest.mark.parametrize("pooling", ["max", "avg"])
@pytest.mark.parametrize(
    ("height", "width"), [(32, 48), (33, 47), (17, 31), (3, 100), (100, 3), (1, 1), (15, 15)]
)
def test_the_shares_have_the_places_of_the_activations(
    height: int, width: int, pooling: str, kernels: Kernels
) -> None:
    encoder = Encoder(narrowing=16, pooling=pooling, kernels=kernels)
    encoder.place_on(torch.device("cpu"), torch.float32)
    features = encoder(torch.zeros(1, 3, height, width), LAYERS)
    followed = encoder.follow(shares_of(2, height, width), LAYERS)
    assert list(followed) == list(features)
    for layer, shares in followed.items():
        assert shares.shape == (2, *features[layer].shape[2:])


@pytest.mark.parametrize(("height", "width"), [(32, 48), (17, 31), (3, 100), (1, 1)])
def test_shares_stay_shares(height: int, width: int, encoder: Encoder) -> None:
    for shares in encoder.follow(shares_of(3, height, width), LAYERS).values():
        assert 0 <= shares.min() <= shares.max() <= 1
        torch.testing.assert_close(shares.sum(0), torch.ones_like(shares[0]))


@pytest.mark.parametrize(("height", "width"), [(32, 48), (17, 31), (3, 100), (1, 1)])
def test_a_region_of_everything_stays_one_to_the_bit(
    height: int, width: int, encoder: Encoder
) -> None:
    for shares in encoder.follow(torch.ones(1, 1, height, width), LAYERS).values():
        assert torch.equal(shares, torch.ones_like(shares))


def test_a_thin_picture_is_widened_by_its_last_column(encoder: Encoder) -> None:
    # Three columns become sixteen: one of the first region and fifteen of the second.
    shares = torch.tensor([[1.0, 0.0, 0.0], [0.0, 1.0, 1.0]])[None, :, None].expand(1, 2, 32, 3)
    followed = encoder.follow(shares, ["relu5_1"])["relu5_1"]
    assert followed.tolist() == [[[1 / 16], [1 / 16]], [[15 / 16], [15 / 16]]]


def test_a_region_at_the_dropped_border_has_no_place_in_the_deepest_layers(
    encoder: Encoder,
) -> None:
    shares = torch.zeros(1, 1, 32, 45)
    shares[..., 44:] = 1
    followed = encoder.follow(shares, ["relu1_1", "relu5_1"])
    assert followed["relu1_1"].any()
    assert not followed["relu5_1"].any()


def test_without_layers_nothing_is_followed(encoder: Encoder) -> None:
    assert encoder.follow(shares_of(2, 8, 8), ()) == {}
