import pytest
import torch
from torch import Tensor

from styletransfer.vgg import moments as plain
from styletransfer.vgg.encoder import Encoder
from styletransfer.vgg.kernels.moments import moments, network_moments
from tests.support.tensors import random


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("size", [(1, 1), (5, 6), (3, 250), (80, 160)])
def test_they_equal_the_formulas_in_plain_torch(
    size: tuple[int, int], dtype: torch.dtype, layout: torch.memory_format
) -> None:
    features = random(2, 4, *size, dtype=dtype).contiguous(memory_format=layout)
    torch.testing.assert_close(moments(features), plain.moments(features))


@pytest.mark.parametrize("size", [(8, 8), (64, 64), (3, 250), (91, 200)])
def test_moments_of_bfloat16_are_computed_in_float32(size: tuple[int, int]) -> None:
    features = random(2, 8, *size).relu().to(torch.bfloat16)
    expected = plain.moments(features.double())
    for part, exact in zip(moments(features), expected, strict=True):
        assert part.dtype == torch.float32
        assert (part - exact).norm() < 1e-5 * exact.norm()


def test_a_long_bfloat16_sum_does_not_stand_still() -> None:
    ones = torch.ones(1, 2, 1, 4096 * 5 + 1, dtype=torch.bfloat16)
    found = moments(ones)
    torch.testing.assert_close(found.mean, torch.ones(1, 2), rtol=1e-6, atol=0)
    torch.testing.assert_close(found.gram, torch.ones(1, 2, 2), rtol=1e-6, atol=0)


def test_the_moments_of_a_network_are_those_of_its_features(encoder: Encoder) -> None:
    layers = ("relu3_1", "conv1_1", "relu1_1")
    image = random(1, 3, 17, 20).sigmoid()
    assert encoder.fast is not None
    found = network_moments(encoder.fast, image, layers)
    assert list(found) == ["conv1_1", "relu1_1", "relu3_1"]
    for layer, features in encoder(image, layers).items():
        torch.testing.assert_close(found[layer], plain.moments(features))


# Regions


def regions_of(*size: int) -> Tensor:
    """A hard region, a soft one, everything, and nothing: shape (4, H, W)."""
    hard = random(*size, seed=2) > 0
    soft = random(*size, seed=3).sigmoid() * ~hard
    return torch.stack([hard, soft, torch.ones(size), torch.zeros(size)])


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("size", [(1, 1), (5, 6), (3, 250), (80, 160)])
def test_moments_of_regions_equal_the_formulas_in_plain_torch(
    size: tuple[int, int], dtype: torch.dtype, layout: torch.memory_format
) -> None:
    features = random(1, 4, *size, dtype=dtype).contiguous(memory_format=layout)
    shares = regions_of(*size)
    torch.testing.assert_close(moments(features, shares), plain.moments(features, shares))


@pytest.mark.parametrize("size", [(8, 8), (91, 200)])
def test_moments_of_regions_of_bfloat16_are_computed_in_float32(size: tuple[int, int]) -> None:
    features, shares = random(1, 8, *size).relu().to(torch.bfloat16), regions_of(*size)
    expected = plain.moments(features.double(), shares)
    for part, exact in zip(moments(features, shares), expected, strict=True):
        assert part.dtype == torch.float32
        assert (part - exact).norm() < 1e-5 * exact.norm()


def test_a_region_without_positions_has_moments_of_0() -> None:
    found = moments(random(1, 4, 5, 6), torch.zeros(1, 5, 6))
    assert torch.equal(found.mean, torch.zeros(1, 4))
    assert torch.equal(found.gram, torch.zeros(1, 4, 4))


def test_the_moments_of_a_network_in_regions_are_those_of_its_features(encoder: Encoder) -> None:
    layers = ("relu3_1", "conv1_1", "relu1_1")
    image = random(1, 3, 17, 20).sigmoid()
    shares = encoder.follow(regions_of(17, 20)[None], layers)
    assert encoder.fast is not None
    found = network_moments(encoder.fast, image, layers, shares)
    assert list(found) == ["conv1_1", "relu1_1", "relu3_1"]
    for layer, features in encoder(image, layers).items():
        torch.testing.assert_close(found[layer], plain.moments(features, shares[layer]))
