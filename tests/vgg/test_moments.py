import pytest
import torch
from torch import Tensor

from styletransfer.vgg.moments import Moments, moments
from tests.support.tensors import random


@pytest.mark.parametrize("shape", [(1, 2, 5, 7), (3, 4, 1, 1), (1, 1, 64, 65)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_mean_and_gram_matrix_of_ones_are_ones_without_covariance(
    shape: tuple[int, ...], dtype: torch.dtype
) -> None:
    found = moments(torch.ones(shape, dtype=dtype))
    exact = torch.float64 if dtype == torch.float64 else torch.float32
    ones = torch.ones(shape[0], shape[1], shape[1], dtype=exact)
    assert torch.equal(found.mean, ones[:, 0])
    assert torch.equal(found.gram, ones)
    assert torch.equal(found.covariance, torch.zeros_like(ones))


def test_the_moments_are_as_worked_out_by_hand() -> None:
    # Two channels at two positions: (1, 3) and (2, −1).
    found = moments(torch.tensor([[[[1.0, 3.0]], [[2.0, -1.0]]]]))
    assert found.mean.tolist() == [[2.0, 0.5]]
    # (1·1 + 3·3) / 2 = 5, (1·2 − 3·1) / 2 = −0.5, (2·2 + 1·1) / 2 = 2.5
    assert found.gram.tolist() == [[[5.0, -0.5], [-0.5, 2.5]]]
    # 5 − 2·2 = 1, −0.5 − 2·0.5 = −1.5, 2.5 − 0.5·0.5 = 2.25
    assert found.covariance.tolist() == [[[1.0, -1.5], [-1.5, 2.25]]]


def test_each_picture_of_a_batch_has_its_own_moments() -> None:
    features = random(3, 4, 5, 6)
    alone = [moments(one[None]) for one in features]
    for found, parts in zip(moments(features), zip(*alone, strict=True), strict=True):
        torch.testing.assert_close(found, torch.cat(parts))


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_the_layout_in_memory_does_not_change_the_moments(layout: torch.memory_format) -> None:
    features = random(2, 4, 5, 6)
    found = moments(features.contiguous(memory_format=layout))
    torch.testing.assert_close(found.mean, features.mean((2, 3)))
    expected = torch.einsum("bchw,bdhw->bcd", features, features) / 30
    torch.testing.assert_close(found.gram, expected)


def test_the_covariance_is_that_of_the_channels() -> None:
    features = random(3, 4, 5, 6, dtype=torch.float64) + 2
    expected = torch.stack([torch.cov(one, correction=0) for one in features.flatten(2)])
    torch.testing.assert_close(moments(features).covariance, expected)


def test_the_same_value_added_everywhere_leaves_the_covariance_alone() -> None:
    features, level = random(1, 4, 5, 6, dtype=torch.float64), random(1, 4, 1, 1, seed=1).double()
    torch.testing.assert_close(moments(features + level).covariance, moments(features).covariance)


def test_moments_averaged_over_halves_of_a_picture_are_those_of_the_picture() -> None:
    features = random(1, 4, 6, 6, dtype=torch.float64)
    halves = [moments(half) for half in features.split(3, dim=2)]
    averaged = Moments(*(sum(parts) / 2 for parts in zip(*halves, strict=True)))
    whole = moments(features)
    for name in ("mean", "gram", "covariance"):
        torch.testing.assert_close(getattr(averaged, name), getattr(whole, name))


def test_the_gradient_of_the_moments_is_right() -> None:
    features = random(2, 3, 4, 3, dtype=torch.float64).requires_grad_()

    def parts(features: Tensor) -> tuple[Tensor, ...]:
        found = moments(features)
        return found.mean, found.gram, found.covariance

    assert torch.autograd.gradcheck(parts, (features,))


# Regions


def halves(*size: int) -> Tensor:
    """Two soft regions that share each position, and a third without any: shape (3, H, W)."""
    first = random(*size, dtype=torch.float64).sigmoid()
    return torch.stack([first, 1 - first, torch.zeros_like(first)])


@pytest.mark.parametrize("share", [1.0, 0.5, 1e-3])
def test_an_equal_share_of_every_position_changes_nothing(share: float) -> None:
    features = random(1, 4, 5, 6, dtype=torch.float64)
    found = moments(features, torch.full((1, 5, 6), share))
    torch.testing.assert_close(found, moments(features))


def test_a_region_has_the_moments_of_its_positions_alone() -> None:
    features = random(1, 4, 5, 6, dtype=torch.float64)
    inside = random(5, 6, seed=1) > 0
    found = moments(features, torch.stack([inside, ~inside]))
    for index, chosen in enumerate((inside, ~inside)):
        alone = moments(features[:, :, chosen][..., None])
        torch.testing.assert_close(Moments(*(part[index, None] for part in found)), alone)


def test_the_moments_of_a_soft_region_are_as_worked_out_by_hand() -> None:
    # Two channels at two positions, (1, 5) and (2, −2), with shares 3/4 and 1/4.
    features = torch.tensor([[[[1.0, 5.0]], [[2.0, -2.0]]]])
    found = moments(features, torch.tensor([[[0.75, 0.25]]]))
    # (3·1 + 5) / 4 = 2 and (3·2 − 2) / 4 = 1
    assert found.mean.tolist() == [[2.0, 1.0]]
    # (3·1 + 25) / 4 = 7, (3·2 − 10) / 4 = −1, (3·4 + 4) / 4 = 4
    assert found.gram.tolist() == [[[7.0, -1.0], [-1.0, 4.0]]]


def test_the_moments_of_regions_weighted_by_their_areas_sum_to_those_of_the_whole() -> None:
    features, shares = random(1, 4, 5, 6, dtype=torch.float64), halves(5, 6)
    areas = shares.mean((1, 2))
    summed = [
        (areas.view(-1, *[1] * (part.ndim - 1)) * part).sum(0, keepdim=True)
        for part in moments(features, shares)
    ]
    torch.testing.assert_close(Moments(*summed), moments(features))


def test_a_region_without_positions_has_moments_of_0() -> None:
    found = moments(random(1, 4, 5, 6), torch.zeros(1, 5, 6))
    assert torch.equal(found.mean, torch.zeros(1, 4))
    assert torch.equal(found.gram, torch.zeros(1, 4, 4))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_the_moments_of_regions_are_in_float32_or_better(dtype: torch.dtype) -> None:
    found = moments(torch.ones(1, 2, 3, 4, dtype=dtype), torch.ones(2, 3, 4))
    exact = torch.float64 if dtype == torch.float64 else torch.float32
    torch.testing.assert_close(found.gram, torch.ones(2, 2, 2, dtype=exact))
    torch.testing.assert_close(found.mean, torch.ones(2, 2, dtype=exact))


def test_the_gradient_of_the_moments_of_regions_is_right() -> None:
    features = random(1, 3, 4, 3, dtype=torch.float64).requires_grad_()
    assert torch.autograd.gradcheck(
        lambda features: tuple(moments(features, halves(4, 3))), (features,)
    )
