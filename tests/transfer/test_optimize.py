import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Literal

import pytest
import torch
from torch import Tensor

from styletransfer.choices import TVForm
from styletransfer.errors import DivergenceError
from styletransfer.images.tensors import read_image
from styletransfer.settings import Settings
from styletransfer.transfer.best import DIVERGENCE_RATIO, MAX_DIVERGENCES
from styletransfer.transfer.objective import Losses, Objective, Terms
from styletransfer.transfer.optimize import REJECT_RATIO, WINDOW, Descent, optimize
from styletransfer.transfer.optimizers.choice import FIRST_STEP
from styletransfer.transfer.optimizers.penalties import GAMUT_WEIGHT
from styletransfer.transfer.plan import encoder_for
from styletransfer.transfer.resizing import resize
from styletransfer.transfer.total_variation import total_variation, total_variation_loss
from styletransfer.vgg.encoder import Encoder

Picture = Callable[[int, int, int], Tensor]

SAMPLES = Path(__file__).parents[2] / "samples"
Optimizer = Literal["lbfgs", "adam"]
OPTIMIZERS: tuple[Optimizer, ...] = ("lbfgs", "adam")
GREY = torch.full((1, 3, 8, 9), 0.5)


def toward(target: Tensor) -> Callable[[Tensor], Terms]:
    """The mean squared distance to a picture, as a content term."""

    def objective(image: Tensor) -> Terms:
        zero = image.new_zeros(())
        return Terms((image - target).square().mean(), zero, zero)

    return objective


def alone(optimizer: Optimizer) -> Settings:
    """Settings for an objective that is a content term of weight 1."""
    return Settings(optimizer=optimizer, content_weight=1, style_weight=0, tv_weight=0)


def total(objective: Callable[[Tensor], Terms], image: Tensor) -> float:
    return objective(image).total.item()


class Scripted:
    """An objective whose losses are read from a script, whatever the image."""

    def __init__(self, *losses: float) -> None:
        self.losses = losses
        self.seen: list[Tensor] = []

    def __call__(self, image: Tensor) -> Terms:
        loss = self.losses[len(self.seen)]
        self.seen.append(image.detach().clone())
        zero = image.new_zeros(())
        return Terms(loss + (image - image.detach()).sum(), zero, zero)


# Steps


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_the_image_moves_to_where_the_objective_is_low(
    optimizer: Optimizer, noisy: Picture
) -> None:
    target = noisy(8, 9, 0)
    result = optimize(toward(target), GREY, 100, alone(optimizer))
    assert (result.image - target).abs().max() < 0.02
    assert result.iterations == 100
    assert not result.stopped


@pytest.mark.parametrize("iterations", [1, 4])
def test_the_start_and_every_step_are_evaluated_and_every_step_is_reported(iterations: int) -> None:
    objective = Scripted(*range(10, 0, -1))
    told: list[tuple[int, Losses, Tensor]] = []

    def tell(descent: Descent) -> None:
        told.append((descent.steps, descent.losses, descent.image))

    optimize(objective, GREY, iterations, Settings(), tell)
    assert len(objective.seen) == iterations + 1
    assert torch.equal(objective.seen[0], GREY)
    steps = range(1, iterations + 1)
    assert [step[:2] for step in told] == [(step, Losses(10 - step, 0, 0)) for step in steps]
    assert all(torch.equal(step[2], objective.seen[step[0]]) for step in told)


def test_the_caller_may_stop_after_any_step() -> None:
    objective = Scripted(*range(10, 0, -1))
    result = optimize(objective, GREY, 9, Settings(), lambda descent: descent.steps == 3)
    assert (result.iterations, result.stopped) == (3, True)
    assert len(objective.seen) == 4
    assert torch.equal(result.image, objective.seen[-1].clamp(0, 1))


def test_the_best_image_is_returned_not_the_last() -> None:
    objective = Scripted(5, 3, 1, 2, 4)
    result = optimize(objective, GREY, 4, Settings())
    assert torch.equal(result.image, objective.seen[2].clamp(0, 1))
    assert result.losses == Losses(1, 0, 0)
    assert result.iterations == 4


def test_the_losses_are_those_of_the_image_returned(encoder: Encoder, smooth: Picture) -> None:
    start = smooth(24, 24, 0)
    objective = Objective(encoder, start, [smooth(24, 24, 1)], Settings())
    result = optimize(objective, start, 5, Settings())
    # The clamp comes after the evaluation, and does little here.
    assert total(objective, result.image) == pytest.approx(result.losses.total, rel=0.05)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_an_image_outside_the_range_is_drawn_back_and_clamped_at_the_end(
    optimizer: Optimizer,
) -> None:
    target = torch.full_like(GREY, 1.2)
    target[..., :4] = -0.2
    seen: list[Tensor] = []

    def objective(image: Tensor) -> Terms:
        seen.append(image.detach())
        return toward(target)(image)

    result = optimize(objective, GREY, 200, alone(optimizer))
    # Where the slope of 1 for the distance equals that of `GAMUT_WEIGHT` for the penalty.
    beyond = 0.2 / (1 + GAMUT_WEIGHT)
    assert seen[-1].max().item() == pytest.approx(1 + beyond, abs=1e-3)
    assert seen[-1].min().item() == pytest.approx(-beyond, abs=1e-3)
    assert (result.image.min().item(), result.image.max().item()) == (0, 1)
    assert result.losses.penalty == pytest.approx(GAMUT_WEIGHT * beyond**2, rel=0.1)


def test_the_start_is_left_as_it_was(noisy: Picture) -> None:
    start = noisy(8, 9, 0)
    before = start.clone()
    optimize(toward(GREY), start, 3, Settings())
    assert torch.equal(start, before)


# The early end


def test_a_loss_that_stops_falling_ends_a_size_if_a_tolerance_is_set() -> None:
    losses = [10.0, *[9.999] * 50]
    result = optimize(Scripted(*losses), GREY, 40, Settings(tolerance=0.01))
    assert result.iterations == WINDOW
    assert not result.stopped
    assert optimize(Scripted(*losses), GREY, 40, Settings(tolerance=0)).iterations == 40


def test_a_loss_that_falls_fast_enough_does_not() -> None:
    falling = [0.8**step for step in range(41)]
    assert optimize(Scripted(*falling), GREY, 40, Settings(tolerance=0.5)).iterations == 40


def test_the_end_comes_when_the_fall_slows_down() -> None:
    losses = [0.5 ** min(step, 7) for step in range(41)]
    result = optimize(Scripted(*losses), GREY, 40, Settings(tolerance=0.01))
    assert result.iterations == 7 + WINDOW


# The guard


FAR = 3 * DIVERGENCE_RATIO * 1.01


@pytest.mark.parametrize(
    "bad", [[math.nan], [math.inf], [-math.inf], [FAR] * (MAX_DIVERGENCES + 1)]
)
def test_a_loss_that_diverges_ends_the_run_and_keeps_the_best_image(
    bad: list[float],
) -> None:
    objective = Scripted(5, 3, 4, *bad, 1)
    settings = Settings(content_weight=1, style_weight=1, tv_weight=1)
    with pytest.raises(DivergenceError, match="--learning-rate") as caught:
        optimize(objective, GREY, 8, settings)
    assert torch.equal(caught.value.image, objective.seen[1].clamp(0, 1))
    assert f"{bad[-1]:.3g} after a best of 3" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_a_first_loss_that_is_not_finite_keeps_the_start(bad: float) -> None:
    with pytest.raises(DivergenceError) as caught:
        optimize(Scripted(bad), GREY, 4, Settings())
    assert torch.equal(caught.value.image, GREY)


def test_an_image_with_nan_ends_the_run_even_if_its_loss_is_finite() -> None:
    start = GREY.clone()
    start[..., 0, 0] = math.nan
    with pytest.raises(DivergenceError, match="nan after a best of inf"):
        optimize(Scripted(1, 1), start, 1, Settings())


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_a_divergence_is_rejected_if_shorter_steps_help(optimizer: Optimizer) -> None:
    settings = Settings(content_weight=1, style_weight=1, tv_weight=1, optimizer=optimizer)
    objective = Scripted(5, 3, *[FAR] * MAX_DIVERGENCES, 2)
    result = optimize(objective, GREY, 2 + MAX_DIVERGENCES, settings)
    assert result.losses.total == 2


def test_a_loss_that_rises_less_than_the_divergence_ratio_is_accepted() -> None:
    result = optimize(Scripted(5, 3, 3 * DIVERGENCE_RATIO * 0.99, 2), GREY, 3, Settings())
    assert result.losses.total == 2


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_a_step_that_more_than_doubles_the_loss_is_rejected(optimizer: Optimizer) -> None:
    objective = Scripted(1, 0.9, 0.9 * REJECT_RATIO * 1.1, 0.8)
    optimize(objective, GREY, 3, Settings(optimizer=optimizer))
    _, best, worse, again = objective.seen
    assert 0 < (again - best).abs().max() < (worse - best).abs().max()


@pytest.mark.parametrize("size", [64, 1024])
@pytest.mark.parametrize(("optimizer", "longest"), [("lbfgs", FIRST_STEP), ("adam", 0.1)])
def test_the_first_step_is_short_at_every_size(
    optimizer: Optimizer, longest: float, size: int, smooth: Picture
) -> None:
    start = smooth(8, size, 0)
    objective = toward(1 - start)
    result = optimize(objective, start, 1, Settings(optimizer=optimizer))
    assert 0 < result.losses.total < total(objective, start)
    assert (result.image - start).square().mean().sqrt() <= 1.001 * longest


def test_a_start_of_almost_no_loss_is_no_reason_to_give_up() -> None:
    settings = Settings(content_weight=1, style_weight=0, tv_weight=0.001)
    result = optimize(Scripted(1e-5, 0.5, 0.1), GREY, 2, settings)
    assert result.losses.total == pytest.approx(1e-5)
    assert result.iterations == 2


def test_the_content_may_be_smoothed_without_any_style(encoder: Encoder, smooth: Picture) -> None:
    content = smooth(48, 48, 0)
    settings = Settings(style_weight=0, tv_weight=1e-4)
    result = optimize(Objective(encoder, content, [], settings), content, 20, settings)
    assert result.iterations == 20


def test_a_learning_rate_out_of_all_bounds_diverges_with_a_picture(
    encoder: Encoder, smooth: Picture, noisy: Picture
) -> None:
    settings = Settings(optimizer="adam", learning_rate=100)
    content = smooth(24, 24, 0)
    objective = Objective(encoder, content, [noisy(24, 24, 1)], settings)
    with pytest.raises(DivergenceError) as caught:
        optimize(objective, content, 20, settings)
    assert caught.value.image.isfinite().all()
    assert caught.value.image.shape == content.shape


def test_lbfgs_finds_its_way_back_from_such_a_rate(
    encoder: Encoder, smooth: Picture, noisy: Picture
) -> None:
    settings = Settings(learning_rate=100)
    content = smooth(24, 24, 0)
    objective = Objective(encoder, content, [noisy(24, 24, 1)], settings)
    result = optimize(objective, content, 20, settings)
    assert result.losses.total < total(objective, content)


# Real objectives


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("size", [64, 512, 1024])
def test_the_image_moves_at_every_size(
    size: int,
    optimizer: Optimizer,
    encoder: Encoder,
    smooth: Picture,
    noisy: Picture,
) -> None:
    # Shallow layers only: in a random network, the deep ones diverge.
    layers = ("relu1_1", "relu2_1", "relu3_1")
    settings = Settings(optimizer=optimizer, content_layers=("relu3_1",), style_layers=layers)
    start = (smooth(size, size, 0) + noisy(size, size, 1)) / 2
    objective = Objective(encoder, start, [smooth(64, 64, 2)], settings)
    result = optimize(objective, start, 4, settings)
    assert (result.image - start).abs().mean() > 0.003
    assert result.losses.total < 0.95 * total(objective, start)


@pytest.mark.parametrize("scale", [1e-6, 1e6])
def test_the_steps_do_not_depend_on_the_unit_of_the_loss(
    scale: float, encoder: Encoder, smooth: Picture, noisy: Picture
) -> None:
    content = smooth(32, 40, 0)
    losses = []
    for unit in (1, scale):
        settings = Settings(content_weight=unit, style_weight=10 * unit, tv_weight=unit)
        objective = Objective(encoder, content, [noisy(40, 30, 1)], settings)
        losses.append(optimize(objective, content, 12, settings).losses.total / unit)
    assert losses[1] == pytest.approx(losses[0], rel=0.02)


@pytest.mark.slow
@pytest.mark.weights
def test_a_learned_preconditioner_saves_steps_in_the_real_network() -> None:
    content = resize(read_image(SAMPLES / "content" / "astronaut.jpg"), 96, 96)
    style = resize(read_image(SAMPLES / "style" / "cafe_terrace_at_night.jpg"), 76, 96)
    settings = Settings(content_weight=1, style_weight=10, tv_weight=1)
    objective = Objective(encoder_for(settings), content, [style], settings)
    steps = 30

    def path(exponent: float) -> list[float]:
        losses: list[float] = []
        optimize(
            objective,
            content,
            steps,
            replace(settings, preconditioning=exponent),
            lambda descent: losses.append(descent.losses.total),
        )
        return losses

    goal = min(path(0.0))
    needed = next(step for step, loss in enumerate(path(0.5), start=1) if loss <= goal)
    assert needed <= 0.7 * steps


# What total variation is for


def stylized(encoder: Encoder, content: Tensor, style: Tensor, settings: Settings) -> Tensor:
    return optimize(Objective(encoder, content, [style], settings), content, 25, settings).image


@pytest.mark.slow
@pytest.mark.parametrize("size", [(32, 32), (48, 64), (65, 33)])
@pytest.mark.parametrize("form", ["isotropic", "anisotropic", "squared"])
def test_more_tv_weight_leaves_less_variation(
    form: TVForm, size: tuple[int, int], encoder: Encoder, smooth: Picture, noisy: Picture
) -> None:
    content, style = (smooth(*size, 0) + 0.3 * noisy(*size, 1)).clamp(0, 1), noisy(40, 40, 2)
    settings = Settings(content_weight=1, style_weight=10, tv_form=form, layer_weights=(1,) * 5)
    variations = [
        total_variation(
            stylized(encoder, content, style, replace(settings, tv_weight=weight)), form
        ).item()
        for weight in (0, 1, 3, 10, 30)
    ]
    assert variations == sorted(variations, reverse=True)
    assert variations[-1] < 0.5 * variations[0]


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_a_tv_weight_of_0_is_the_run_without_the_term_to_the_bit(
    optimizer: Optimizer, encoder: Encoder, smooth: Picture, noisy: Picture
) -> None:
    content, style = smooth(40, 33, 0), noisy(40, 40, 1)
    settings = Settings(tv_weight=0, optimizer=optimizer)
    whole = Objective(encoder, content, [style], settings)

    def without(image: Tensor) -> Terms:
        return replace(whole(image), tv=image.new_zeros(()))

    expected = optimize(without, content, 10, settings).image
    assert torch.equal(optimize(whole, content, 10, settings).image, expected)
    weighted = Objective(encoder, content, [style], replace(settings, tv_weight=1.0))
    assert not torch.equal(optimize(weighted, content, 10, settings).image, expected)


def test_at_equal_noise_reduction_isotropic_keeps_an_edge_sharper_than_squared() -> None:
    edge = torch.full((1, 3, 32, 32), 0.25)
    edge[..., 16:] = 0.75
    noise = 0.05 * torch.randn(edge.shape, generator=torch.Generator().manual_seed(0))
    noisy_edge = edge + noise

    def denoised(form: TVForm, weight: float) -> Tensor:
        def objective(image: Tensor) -> Terms:
            zero = image.new_zeros(())
            fidelity = (image - noisy_edge).square().mean() / 2
            return Terms(fidelity, zero, weight * total_variation_loss(image, form))

        return optimize(
            objective, noisy_edge, 60, Settings(preconditioning=0, style_weight=0)
        ).image

    def residual(image: Tensor) -> float:
        """Noise left in the flat parts, as a share of what was there."""
        flat = [*range(2, 12), *range(20, 30)]
        return ((image - edge)[..., flat].std() / noise[..., flat].std()).item()

    def contrast(image: Tensor) -> float:
        return (image[..., 16].mean() - image[..., 15].mean()).item() / 0.5

    contrasts = {}
    for form in ("isotropic", "squared"):
        low, high = 1e-4, 10.0
        for _ in range(14):
            middle = math.sqrt(low * high)
            low, high = (low, middle) if residual(denoised(form, middle)) < 0.4 else (middle, high)
        image = denoised(form, high)
        assert residual(image) == pytest.approx(0.4, abs=0.02)
        contrasts[form] = contrast(image)
    assert contrasts["isotropic"] > 0.9
    assert contrasts["squared"] < 0.75
