from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from styletransfer.settings import Settings
from styletransfer.transfer.optimizers.penalties import CHROMA_WEIGHT, GAMUT_WEIGHT, Penalties

Picture = Callable[[int, int, int], Tensor]


def test_the_weights_follow_those_of_the_run() -> None:
    found = Penalties.of(Settings(content_weight=2, style_weight=30, tv_weight=5, tileable=True))
    assert found == Penalties(gamut=37 * GAMUT_WEIGHT, chroma=30 * CHROMA_WEIGHT, circular=True)


def test_values_in_range_without_colour_cost_nothing(noisy: Picture) -> None:
    grey = noisy(8, 9, 0)[:, :1].expand(-1, 3, -1, -1)
    penalty, gradient = Penalties(gamut=3, chroma=5)(grey)
    assert penalty.item() == pytest.approx(0, abs=1e-6)
    assert gradient.abs().max().item() == pytest.approx(0, abs=1e-6)


def test_a_value_outside_costs_the_square_of_its_distance() -> None:
    image = torch.full((1, 3, 2, 2), 0.5)
    image[:, :, 0, 0] = 1.5
    penalty, gradient = Penalties(gamut=6, chroma=0)(image)
    assert penalty.item() == pytest.approx(6 * 0.25 / 4)
    assert gradient[:, :, 0, 0].flatten().tolist() == pytest.approx([6 * 2 * 0.5 / 12] * 3)


def test_colours_cost_their_squared_differences_without_the_grey_part() -> None:
    image = torch.full((1, 3, 1, 2), 0.2)
    image[0, 0, 0, 1] = 0.5  # 0.3 more red: 0.2, -0.1 and -0.1 beside the mean of 0.1
    penalty, _ = Penalties(gamut=0, chroma=1)(image)
    assert penalty.item() == pytest.approx((0.04 + 0.01 + 0.01) / 6)


def test_borders_count_only_where_they_meet(smooth: Picture) -> None:
    image = smooth(6, 7, 0)
    image[..., :3, :] = torch.tensor([1.0, 0.0, 0.0])[:, None, None]
    image[..., 3:, :] = torch.tensor([0.0, 0.0, 1.0])[:, None, None]
    open_ended, _ = Penalties(gamut=0, chroma=1)(image)
    circular, _ = Penalties(gamut=0, chroma=1, circular=True)(image)
    assert circular.item() == pytest.approx(2 * open_ended.item())


@pytest.mark.parametrize("circular", [False, True])
def test_the_gradient_is_the_slope(noisy: Picture, circular: bool) -> None:
    image = (2 * noisy(5, 6, 0) - 0.5).double()
    direction = noisy(5, 6, 1).double() - 0.5
    penalties = Penalties(gamut=2, chroma=3, circular=circular)
    gradient = penalties(image)[1]
    step = 1e-6
    ends = [penalties(image + sign * step * direction)[0].item() for sign in (1, -1)]
    slope = (ends[0] - ends[1]) / (2 * step)
    assert (gradient * direction).sum().item() == pytest.approx(slope, rel=1e-6)
