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
