import math
from collections.abc import Callable
from functools import partial
from typing import get_args

import pytest
import torch
from torch import Tensor

from styletransfer.choices import TVForm
from styletransfer.transfer.total_variation import (
    SMOOTHING,
    total_variation,
    total_variation_loss,
)
from tests.support.tensors import gradient, random

Picture = Callable[[int, int, int], Tensor]

FORMS: tuple[TVForm, ...] = get_args(TVForm)


KNOWN = torch.tensor([[[[0.0, 3.0, 3.0], [4.0, 3.0, 8.0], [4.0, 4.0, 0.0]]]])
"""A 3×3 picture whose variation can be worked out by hand:

    x        down        right
    0 3 3    4  0  5     3 0 0
    4 3 8    0  1 −8    −1 5 0
    4 4 0    0  0  0     0 −4 0
"""

BY_HAND: dict[TVForm, float] = {
    # 5 + 0 + 5, then 1 + √(1² + 5²) + 8, then 0 + 4 + 0
    "isotropic": 10 + 9 + math.sqrt(26) + 4,
    # |down|: 4 + 0 + 5 + 0 + 1 + 8 = 18; |right|: 3 + 0 + 1 + 5 + 0 + 4 = 13
    "anisotropic": 31,
    # down²: 16 + 25 + 1 + 64 = 106; right²: 9 + 1 + 25 + 16 = 51
    "squared": 157,
}

CIRCULAR_BY_HAND: dict[TVForm, float] = {
    # The last row goes down to the first by −4 −1 3, the last column right by −3 −4 4:
    # 5 + 0 + √(5² + 3²), then 1 + √(1² + 5²) + √(8² + 4²), then 4 + √(1² + 4²) + 5
    "isotropic": 5 + math.sqrt(34) + 1 + math.sqrt(26) + math.sqrt(80) + 4 + math.sqrt(17) + 5,
    # |down|: 18 + 8; |right|: 13 + 11
    "anisotropic": 50,
    # down²: 106 + 16 + 1 + 9; right²: 51 + 9 + 16 + 16
    "squared": 224,
}


@pytest.mark.parametrize("form", FORMS)
def test_the_total_variation_of_a_known_picture_is_as_worked_out_by_hand(form: TVForm) -> None:
    assert total_variation(KNOWN, form).item() == pytest.approx(BY_HAND[form])
    circular = total_variation(KNOWN, form, circular=True)
    assert circular.item() == pytest.approx(CIRCULAR_BY_HAND[form])


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("shifts", [(1, 0), (0, -2), (3, 5)])
def test_the_circular_total_variation_ignores_where_a_picture_begins(
    shifts: tuple[int, int], form: TVForm
) -> None:
    image = random(2, 3, 7, 9, dtype=torch.float64)
    for measure in (total_variation, total_variation_loss):
        circular = partial(measure, form=form, circular=True)
        rolled = image.roll(shifts, (2, 3))
        torch.testing.assert_close(circular(rolled), circular(image))
        expected = gradient(circular, image).roll(shifts, (2, 3))
        torch.testing.assert_close(gradient(circular, rolled), expected)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("size", [(1, 1), (1, 5), (5, 1), (4, 6)])
def test_the_total_variation_of_a_flat_picture_is_0(form: TVForm, size: tuple[int, int]) -> None:
    flat = torch.full((1, 3, *size), 0.3)
    assert total_variation(flat, form).item() == 0
    assert total_variation(flat, form, circular=True).item() == 0
    assert total_variation_loss(flat, form).item() == pytest.approx(0, abs=1e-9)
    for measure in (total_variation, total_variation_loss):
        assert torch.equal(gradient(partial(measure, form=form), flat), torch.zeros_like(flat))


@pytest.mark.parametrize("form", FORMS)
def test_the_channels_are_averaged_and_the_batch_is_not(form: TVForm) -> None:
    channels = torch.cat([KNOWN, 0 * KNOWN], 1)
    batch = torch.cat([channels, 0 * channels])
    expected = torch.tensor([BY_HAND[form] / 2, 0])
    torch.testing.assert_close(total_variation(batch, form), expected)


@pytest.mark.parametrize("form", FORMS)
def test_the_loss_is_the_total_variation_per_pixel_up_to_its_smoothing(form: TVForm) -> None:
    corners = 2 if form == "anisotropic" else 1
    for scale in (1.0, 0.1, SMOOTHING, 0.0):
        image = scale * random(2, 3, 7, 9).sigmoid()
        exact = total_variation(image, form).mean() / (7 * 9)
        gap = (exact - total_variation_loss(image, form)).item()
        assert -1e-7 <= gap <= corners * SMOOTHING


@pytest.mark.parametrize("form", FORMS)
def test_the_loss_without_smoothing_is_the_total_variation_per_pixel(form: TVForm) -> None:
    image = random(1, 3, 7, 9)
    exact = total_variation(image, form).mean() / (7 * 9)
    torch.testing.assert_close(total_variation_loss(image, form, smoothing=0), exact)


@pytest.mark.parametrize("circular", [False, True])
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("size", [(4, 3), (1, 5), (5, 1)])
def test_the_gradients_of_the_total_variation_are_right(
    size: tuple[int, int], form: TVForm, circular: bool
) -> None:
    image = random(2, 3, *size, dtype=torch.float64).requires_grad_()
    for measure in (total_variation, total_variation_loss):
        assert torch.autograd.gradcheck(partial(measure, form=form, circular=circular), (image,))


@pytest.mark.parametrize("form", FORMS)
def test_the_gradient_of_the_total_variation_is_0_where_nothing_varies(form: TVForm) -> None:
    image = torch.zeros(1, 1, 6, 6)
    image[..., 5:] = 1.0
    grad_output = gradient(partial(total_variation, form=form), image)
    assert grad_output.isfinite().all()
    assert not grad_output[..., :4].any()
    assert grad_output[..., 4:].any()


def test_only_the_isotropic_form_is_blind_to_the_direction_of_a_slope() -> None:
    down, right = torch.meshgrid(torch.arange(300.0), torch.arange(300.0), indexing="ij")
    # Both planes rise by 5 a pixel, the first by 4 downward and by 3 to the right.
    slanted, straight = (4 * down + 3 * right)[None, None], 5 * right[None, None]
    ratio = {
        form: (total_variation(slanted, form) / total_variation(straight, form)).item()
        for form in FORMS
    }
    assert ratio == pytest.approx({"isotropic": 1, "squared": 1, "anisotropic": 7 / 5}, rel=0.01)


@pytest.mark.parametrize("form", FORMS)
def test_pixel_noise_has_the_same_tv_loss_at_every_size(form: TVForm, noisy: Picture) -> None:
    losses = [
        total_variation_loss(noisy(size, size, size), form).item() for size in (128, 256, 512)
    ]
    assert max(losses) < 1.05 * min(losses)
