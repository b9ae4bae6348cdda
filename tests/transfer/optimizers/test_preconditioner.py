import math
from collections.abc import Callable
from itertools import pairwise

import pytest
import torch
from torch import Tensor

from styletransfer.transfer.optimizers.frequency import FrequencyPreconditioner
from styletransfer.transfer.optimizers.preconditioner import CurvaturePreconditioner

CPU = torch.device("cpu")
SIZES = [(8, 8), (9, 7), (16, 5), (1, 1), (1, 9), (200, 4), (3, 64), (2, 2)]


def random(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize(("height", "width"), SIZES)
@pytest.mark.parametrize("exponent", [0.5, 1.0, 2.0])
def test_the_filter_is_its_own_transpose(height: int, width: int, exponent: float) -> None:
    filtered = FrequencyPreconditioner(height, width, exponent, CPU)
    left, right = random(3, height, width), random(3, height, width, seed=1)
    one, other = (filtered(left) * right).sum(), (left * filtered(right)).sum()
    torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize(("height", "width"), SIZES)
def test_a_filter_keeps_the_shape(height: int, width: int) -> None:
    filtered = FrequencyPreconditioner(height, width, 0.5, CPU)(random(2, 3, height, width))
    assert filtered.shape == (2, 3, height, width)
    assert filtered.isfinite().all()


def test_an_exponent_of_0_is_the_identity_to_the_bit() -> None:
    field = random(1, 3, 9, 7)
    assert torch.equal(FrequencyPreconditioner(9, 7, 0, CPU)(field), field)


@pytest.mark.parametrize(("height", "width"), [(16, 16), (15, 21), (12, 40)])
@pytest.mark.parametrize("exponent", [0.5, 1.0])
@pytest.mark.parametrize("cycles", [(0, 0), (0, 1), (1, 0), (2, 3), (5, 6)])
def test_a_wave_is_lifted_by_the_gain_of_its_frequency(
    height: int, width: int, exponent: float, cycles: tuple[int, int]
) -> None:
    down = torch.arange(height)[:, None] * (cycles[0] / height)
    right = torch.arange(width) * (cycles[1] / width)
    wave = torch.cos(2 * math.pi * (down + right))
    frequency = max(math.hypot(cycles[0] / height, cycles[1] / width), 1 / max(height, width))
    gain = (frequency / 0.5) ** -exponent
    filtered = FrequencyPreconditioner(height, width, exponent, CPU)(wave)
    torch.testing.assert_close(filtered, gain * wave, rtol=1e-4, atol=1e-4)


def test_the_finest_stripes_are_left_alone() -> None:
    stripes = torch.tensor([1.0, -1.0]).repeat(6, 6)
    filtered = FrequencyPreconditioner(6, 12, 0.5, CPU)(stripes)
    torch.testing.assert_close(filtered, stripes)


# What is learnt from steps


def learnt(
    height: int, width: int, hessian: Callable[[Tensor], Tensor], pairs: int = 40
) -> CurvaturePreconditioner:
    """After steps of white noise, along which the gradient changed by the Hessian."""
    preconditioner = CurvaturePreconditioner(height, width, 0.5, CPU)
    for seed in range(pairs):
        step = random(1, 3, height, width, seed=seed)
        preconditioner.update(step, hessian(step))
    return preconditioner


def mixed(step: Tensor) -> Tensor:
    """A positive Hessian of other curvature in each place, colour and frequency."""
    places = torch.linspace(1, 9, step.shape[3]) * torch.linspace(1, 3, step.shape[2])[:, None]
    colours = torch.tensor([1.0, 5.0, 25.0]).view(3, 1, 1)
    smooth = FrequencyPreconditioner(step.shape[2], step.shape[3], 0.5, CPU)
    return places.sqrt() * smooth(smooth(places.sqrt() * step * colours)) + 0.1 * step


@pytest.mark.parametrize("curvature", [1e-6, 1.0, 300.0])
@pytest.mark.parametrize(("height", "width"), SIZES)
def test_a_curvature_that_is_everywhere_the_same_is_found(
    height: int, width: int, curvature: float
) -> None:
    found = learnt(height, width, lambda step: curvature * step)
    gradient = random(1, 3, height, width, seed=99)
    torch.testing.assert_close(found(curvature * gradient), gradient, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("pairs", [0, 1, 2, 10])
@pytest.mark.parametrize(("height", "width"), SIZES)
def test_the_estimate_is_symmetric_and_positive(height: int, width: int, pairs: int) -> None:
    found = learnt(height, width, mixed, pairs)
    left, right = (random(1, 3, height, width, seed=seed) for seed in (98, 99))
    one, other = (found(left) * right).sum(), (left * found(right)).sum()
    torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-4 * found(left).norm().item())
    assert (found(left) * left).sum() > 0


def test_cells_have_factors_of_their_own() -> None:
    stiff = torch.ones(64, 64)
    stiff[:, 32:] = 30
    found = learnt(64, 64, lambda step: stiff * step)
    after = found(random(1, 3, 64, 64, seed=99)).square().mean((0, 1, 2)).sqrt()
    # Away from the edge between them.
    ratio = after[:24].mean() / after[40:].mean()
    assert ratio.item() == pytest.approx(30, rel=0.1)
    assert after[:24].mean().item() == pytest.approx(1, rel=0.25)


def test_brightness_and_hues_have_gains_of_their_own() -> None:
    opponent = torch.tensor([[1.0, 1.0, 1.0], [1.0, 0.0, -1.0], [1.0, -2.0, 1.0]])
    opponent /= opponent.norm(dim=1, keepdim=True)
    hessian = opponent.T @ torch.diag(torch.tensor([1.0, 5.0, 25.0])) @ opponent
    found = learnt(32, 40, lambda step: torch.einsum("ij,bjhw->bihw", hessian, step))
    for colour, expected in zip(opponent, (1.0, 0.2, 0.04), strict=True):
        gradient = colour.view(1, 3, 1, 1) * random(1, 1, 32, 40, seed=99)
        torch.testing.assert_close(found(gradient), expected * gradient, rtol=0.1, atol=0.1)


@pytest.mark.parametrize("cycles", [1, 3, 6, 12, 24])
def test_frequencies_have_gains_of_their_own(cycles: int) -> None:
    rising = FrequencyPreconditioner(64, 64, -1.0, CPU)
    found = learnt(64, 64, rising)
    wave = torch.cos(2 * math.pi * cycles / 64 * torch.arange(64)).expand(1, 3, 64, 64)
    after = found(rising(wave))
    # An octave has one curvature, by the mean square: here 4 times as large at its end.
    assert 0.6 < (after.norm() / wave.norm()).item() < 1.6


@pytest.mark.parametrize("pairs", [0, 1])
def test_before_there_are_two_pairs_it_is_the_fixed_filter_twice(pairs: int) -> None:
    found, gradient = learnt(12, 20, mixed, pairs), random(1, 3, 12, 20, seed=99)
    fixed = FrequencyPreconditioner(12, 20, 0.5, CPU)
    expected, after = fixed(fixed(gradient)), found(gradient)
    torch.testing.assert_close(after / after.norm(), expected / expected.norm())


def test_the_newest_step_and_its_change_decide_how_long_the_next_is() -> None:
    found = learnt(16, 16, lambda step: step, pairs=41)
    step = random(1, 3, 16, 16, seed=99)
    before = found(step).norm()
    # Along a step that changed the gradient four times as much as all before it.
    found.update(step, 4 * step)
    assert 0.3 * before < found(step).norm() < 0.95 * before


def test_every_other_later_pair_updates_the_diagonal() -> None:
    gradient = random(1, 3, 12, 12, seed=99)
    results = [learnt(12, 12, mixed, pairs)(gradient) for pairs in range(1, 11)]
    changed = [not torch.equal(*pair) for pair in pairwise(results)]
    assert changed == [True, True, True, True, True, False, True, False, True]


def test_a_reset_returns_to_the_fixed_filter() -> None:
    found, gradient = learnt(9, 7, mixed), random(1, 3, 9, 7, seed=99)
    found.reset()
    assert torch.equal(found(gradient), CurvaturePreconditioner(9, 7, 0.5, CPU)(gradient))


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_steps_that_leave_whole_bands_untouched_do_no_harm(value: float) -> None:
    found = CurvaturePreconditioner(16, 24, 0.5, CPU)
    step = torch.full((1, 3, 16, 24), value)
    step[..., 8:12, 8:12] = 1
    for _ in range(5):
        found.update(step, 2 * step)
    after = found(random(1, 3, 16, 24, seed=99))
    assert after.isfinite().all()
    assert 0.1 < after.square().mean().sqrt() < 10
