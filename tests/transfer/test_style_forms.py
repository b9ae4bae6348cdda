"""The forms of the style loss, each beside a calculation of its own."""

import math
from collections.abc import Callable
from typing import get_args

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from styletransfer.choices import StyleForm
from styletransfer.transfer.style_forms import (
    DIRECTIONS,
    SMOOTHING,
    STYLE_FORMS,
    GramError,
    MomentsError,
    WassersteinError,
)
from styletransfer.vgg.moments import Moments, moments
from tests.support.tensors import gradient, random

every_form = pytest.mark.parametrize("form", get_args(StyleForm))
many_or_few = pytest.mark.parametrize("positions", [500, 2], ids=["regular", "singular"])


def features_of(seed: int, channels: int = 4, positions: int = 500, pictures: int = 1) -> Tensor:
    """Correlated activations in float64, some of them 0, as those of a layer are."""
    mixing = random(channels, channels, seed=seed, dtype=torch.float64)
    scales = torch.arange(1, channels + 1, dtype=torch.float64)
    values = random(pictures, channels, positions, seed=seed + 1, dtype=torch.float64)
    return functional.relu(mixing / scales @ values + 0.3).view(pictures, channels, -1, 2)


def error(form: StyleForm, style: Tensor) -> Callable[[Tensor], Tensor]:
    """The errors of activations whose target are those of a style, one for each picture."""
    of_target = STYLE_FORMS[form](moments(style))
    return lambda features: of_target(moments(features))


def gaussian(mean: list[float], covariance: Tensor) -> Moments:
    """The moments of a known distribution."""
    mean_of = torch.tensor([mean], dtype=torch.float64)
    covariance = covariance.double()[None]
    return Moments(mean_of, covariance + mean_of[:, :, None] * mean_of[:, None, :])


def root(matrix: Tensor) -> Tensor:
    """The square root of a symmetric matrix without negative eigenvalues."""
    values, vectors = torch.linalg.eigh(matrix)
    found: Tensor = vectors @ values.clamp_min(0).sqrt().diag() @ vectors.T
    return found


def test_there_is_an_error_for_every_form_of_the_settings() -> None:
    assert set(STYLE_FORMS) == set(get_args(StyleForm))


# Every form


@every_form
@many_or_few
def test_a_style_equal_to_the_image_costs_nothing_and_pulls_nowhere(
    positions: int, form: StyleForm
) -> None:
    features = features_of(0, positions=positions)
    loss = error(form, features)
    assert loss(features).item() == pytest.approx(0, abs=1e-9)
    assert gradient(loss, features).norm() < 1e-9


@every_form
def test_other_statistics_cost_something(form: StyleForm) -> None:
    assert error(form, features_of(0))(features_of(1)) > 0.01


@every_form
def test_a_style_loss_ignores_shuffled_positions(form: StyleForm) -> None:
    features, loss = features_of(0), error(form, features_of(1))
    order = torch.randperm(500, generator=torch.Generator().manual_seed(2))
    shuffled = features.flatten(2)[:, :, order].unflatten(2, (20, 25))
    torch.testing.assert_close(loss(shuffled), loss(features))


@every_form
def test_a_style_loss_ignores_a_rotation_of_the_channels(form: StyleForm) -> None:
    features, style = features_of(0), features_of(1)
    rotation, _ = torch.linalg.qr(random(4, 4, dtype=torch.float64))
    turned = (torch.einsum("cd,bdhw->bchw", rotation, each) for each in (style, features))
    loss = error(form, next(turned))
    torch.testing.assert_close(loss(next(turned)), error(form, style)(features))


@every_form
@pytest.mark.parametrize("factor", [1e-2, 1e3])
def test_a_style_loss_has_no_unit(factor: float, form: StyleForm) -> None:
    features, style = features_of(0), features_of(1)
    torch.testing.assert_close(
        error(form, factor * style)(factor * features), error(form, style)(features)
    )


@every_form
def test_each_picture_of_a_batch_has_its_own_error(form: StyleForm) -> None:
    features, styles = features_of(0, pictures=3), features_of(1, pictures=3)
    each = [error(form, styles[i : i + 1])(features[i : i + 1]) for i in range(3)]
    torch.testing.assert_close(error(form, styles)(features), torch.cat(each))


@every_form
def test_one_style_serves_a_whole_batch(form: StyleForm) -> None:
    features, style = features_of(0, pictures=3), features_of(1)
    repeated = error(form, style.expand(3, -1, -1, -1))
    torch.testing.assert_close(error(form, style)(features), repeated(features))


@every_form
@pytest.mark.parametrize("style_positions", [500, 2], ids=["regular", "singular"])
@pytest.mark.parametrize("positions", [8, 2], ids=["regular", "singular"])
def test_the_gradient_of_a_style_loss_is_right(
    positions: int, style_positions: int, form: StyleForm
) -> None:
    features = random(2, 3, positions // 2, 2, dtype=torch.float64).requires_grad_()
    loss = error(form, features_of(1, channels=3, positions=style_positions, pictures=2))
    assert torch.autograd.gradcheck(loss, (features,))


@every_form
def test_a_style_loss_may_be_weighted_before_its_gradient(form: StyleForm) -> None:
    features, loss = features_of(0), error(form, features_of(1))
    thrice = gradient(lambda at: 3 * loss(at), features)
    torch.testing.assert_close(thrice, 3 * gradient(loss, features))


@every_form
@pytest.mark.parametrize("channels", [1, 4, DIRECTIONS + 8])
@pytest.mark.parametrize("level", [0.0, 1e-6, 0.1, 1.0, 300.7])
def test_flat_styles_cost_a_finite_amount(level: float, channels: int, form: StyleForm) -> None:
    flat, features = torch.full((1, channels, 7, 9), level), random(1, channels, 7, 9)
    loss = error(form, flat)
    assert loss(flat).item() == pytest.approx(0, abs=1e-3)
    for image in (flat, 3.3 * flat, features):
        assert loss(image).isfinite()
        assert gradient(loss, image).isfinite().all()


@every_form
@pytest.mark.parametrize("level", [0.0, 0.1, 300.7])
def test_a_flat_image_costs_a_finite_amount(level: float, form: StyleForm) -> None:
    flat, loss = torch.full((1, 4, 7, 9), level), error(form, random(1, 4, 7, 9))
    assert loss(flat).isfinite()
    assert gradient(loss, flat).isfinite().all()


@every_form
@pytest.mark.parametrize("positions", [1000, 30])
def test_float32_is_near_float64(positions: int, form: StyleForm) -> None:
    features, style = (features_of(seed, channels=64, positions=positions) for seed in (0, 1))
    exact, loss = error(form, style), error(form, style.float())
    found = loss(features.float())
    assert found.dtype == torch.float32
    torch.testing.assert_close(found.double(), exact(features), rtol=1e-5, atol=0)
    expected = gradient(exact, features)
    actual = gradient(loss, features.float())
    assert actual.dtype == torch.float32
    assert (actual - expected).norm() < 1e-3 * expected.norm()


@every_form
def test_in_float32_a_style_equal_to_the_image_costs_next_to_nothing(form: StyleForm) -> None:
    features = features_of(0, channels=64, positions=30).float()
    other = features_of(1, channels=64, positions=30).float()
    loss = error(form, features)
    assert loss(features).item() == pytest.approx(0, abs=1e-6)
    assert gradient(loss, features).norm() < 1e-3 * gradient(loss, other).norm()


# Gram matrices


def test_the_error_of_a_gram_matrix_is_as_worked_out_by_hand() -> None:
    # One channel: G = (1 + 9) / 2 = 5 against A = 4, so (5 − 4)² / 4².
    image = moments(torch.tensor([1.0, 3.0]).view(1, 1, 1, 2))
    style = Moments(torch.zeros(1, 1), torch.full((1, 1, 1), 4.0))
    assert GramError(style)(image).item() == 1 / 16


def test_the_error_of_gram_matrices_is_relative_to_the_styles() -> None:
    features, style = features_of(0), features_of(1)
    gram, target = (
        torch.einsum("chw,dhw->cd", each[0], each[0]) / 500 for each in (features, style)
    )
    expected = (gram - target).square().sum() / target.square().sum()
    torch.testing.assert_close(error("gram", style)(features), expected[None])


# Means and covariances


def test_the_error_of_moments_is_as_worked_out_by_hand() -> None:
    # One channel: mean 2 against 4, variance 1 against 4, so ½ (2² / 4²) + ½ (3² / 4²).
    image = moments(torch.tensor([1.0, 3.0]).view(1, 1, 1, 2))
    style = Moments(torch.full((1, 1), 4.0), torch.full((1, 1, 1), 20.0))
    assert MomentsError(style)(image).item() == 13 / 32


def test_the_error_of_moments_is_relative_to_the_styles() -> None:
    features, style = (features_of(seed)[0].flatten(1) for seed in (0, 1))
    means, mean = features.mean(1) - style.mean(1), style.mean(1)
    target = torch.cov(style, correction=0)
    spreads = torch.cov(features, correction=0) - target
    expected = (means.norm() / mean.norm()) ** 2 / 2 + (spreads.norm() / target.norm()) ** 2 / 2
    torch.testing.assert_close(
        error("moments", style[None, :, None])(features[None, :, None]), expected[None]
    )


# Wasserstein distances


def test_the_distance_of_one_channel_is_as_worked_out_by_hand() -> None:
    # Mean 2 against 4, standard deviation 1 against 2, so (2² + 1²) / (4² + 2²).
    image, style = gaussian([2], torch.eye(1)), gaussian([4], 4 * torch.eye(1))
    found = WassersteinError(style)(image).item()
    assert found == pytest.approx(5 / 20, rel=1e-3)
    added = SMOOTHING * 4
    spread = (math.sqrt(1 + added) - math.sqrt(4 + added)) ** 2
    assert found == pytest.approx((2**2 + spread) / 20, rel=1e-12)


def test_the_distance_of_uncorrelated_channels_is_that_of_their_deviations() -> None:
    image, style = torch.tensor([1.0, 9.0, 0.0]).double(), torch.tensor([4.0, 1.0, 4.0]).double()
    found = WassersteinError(gaussian([1, 2, 3], style.diag()))(gaussian([0, 2, 5], image.diag()))
    # Means: 1² + 0² + 2² = 5. Deviations, but for the smoothing: 1² + 2² + 2² = 9.
    # Relative to means 1² + 2² + 3² = 14 and variances 4 + 1 + 4 = 9.
    assert found.item() == pytest.approx((5 + 9) / 23, rel=0.02)
    added = SMOOTHING * 9 / 3
    spread = ((image + added).sqrt() - (style + added).sqrt()).square().sum().item()
    assert found.item() == pytest.approx((5 + spread) / 23, rel=1e-12)


def test_the_distance_of_features_that_only_move_is_that_of_their_means() -> None:
    style = features_of(0)
    step = random(1, 4, 1, 1, dtype=torch.float64)
    expected = step.square().sum() / style.square().sum(1).mean()
    torch.testing.assert_close(error("wasserstein", style)(style + step), expected[None])


@many_or_few
def test_the_distance_agrees_with_its_formula(positions: int) -> None:
    features, style = (features_of(seed, positions=positions)[0].flatten(1) for seed in (0, 1))
    raw = [torch.cov(each, correction=0) for each in (features, style)]
    added = SMOOTHING * raw[1].trace() / 4 * torch.eye(4)
    image, target = (each + added for each in raw)
    means = (features.mean(1) - style.mean(1)).square().sum()
    energy = style.mean(1).square().sum() + raw[1].trace()
    # The eigenvalues of ΣΞ are those of Ξ^½ Σ Ξ^½.
    overlaps = (
        root(root(target) @ image @ root(target)).trace(),
        torch.linalg.eigvals(image @ target).real.sqrt().sum(),
    )
    found = error("wasserstein", style[None, :, None])(features[None, :, None])
    for overlap in overlaps:
        expected = (means + (image + target).trace() - 2 * overlap) / energy
        torch.testing.assert_close(found, expected[None])


@pytest.mark.parametrize("seed", range(3))
def test_no_pairing_of_positions_moves_them_by_less_than_the_distance(seed: int) -> None:
    features, style = features_of(seed, positions=20), features_of(seed + 3, positions=20)
    energy = style.square().sum(1).mean()
    distance = error("wasserstein", style)(features)
    flat, goal = features[0].flatten(1), style[0].flatten(1)
    for shift in range(20):
        moved = (flat.roll(shift, 1) - goal).square().sum(0).mean() / energy
        assert distance < moved


@pytest.mark.parametrize("seed", range(3))
def test_the_linear_map_onto_the_style_moves_by_about_the_distance(seed: int) -> None:
    features = features_of(seed, channels=3)[0].flatten(1)
    target = torch.cov(features_of(seed + 3, channels=3)[0].flatten(1), correction=0)
    spread = torch.cov(features, correction=0)
    # T = Σ^−½ (Σ^½ Ξ Σ^½)^½ Σ^−½ makes the covariance Ξ of Σ with the least movement.
    inverse = root(spread).inverse()
    linear = inverse @ root(root(spread) @ target @ root(spread)) @ inverse
    centred = features - features.mean(1, keepdim=True)
    moved = (linear @ centred - centred).square().sum(0).mean() / target.trace()
    style = gaussian([0, 0, 0], target)
    found = WassersteinError(style)(moments(centred[None, :, None]))
    assert found.item() == pytest.approx(moved.item(), rel=0.05)


# Wasserstein distances of many channels

WIDE = DIRECTIONS + 8


@pytest.mark.parametrize("positions", [1000, 150])
def test_beyond_the_first_directions_only_variances_are_compared(positions: int) -> None:
    features, style = (features_of(seed, WIDE, positions)[0].flatten(1) for seed in (0, 1))
    raw = [torch.cov(each, correction=0) for each in (features, style)]
    added = SMOOTHING * raw[1].trace() / WIDE * torch.eye(WIDE)
    image, target = (each + added for each in raw)
    means = (features.mean(1) - style.mean(1)).square().sum()
    energy = style.mean(1).square().sum() + raw[1].trace()
    values, vectors = (each.flip(-1) for each in torch.linalg.eigh(target))
    # In the style's principal directions.
    turned, scales = vectors.T @ image @ vectors, values.sqrt()
    product = scales[:, None] * turned * scales
    overlap = root(product[:DIRECTIONS, :DIRECTIONS]).trace()
    overlap += product.diagonal()[DIRECTIONS:].sqrt().sum()
    expected = (means + (image + target).trace() - 2 * overlap) / energy
    found = error("wasserstein", style[None, :, None])(features[None, :, None])
    # Within a plane of equal variances, a direction is arbitrary.
    rounding = 1e-7 if positions > WIDE else 1e-2
    torch.testing.assert_close(found, expected[None], rtol=rounding, atol=0)
    complete = (means + (image + target).trace() - 2 * root(product).trace()) / energy
    assert 0.95 * complete < found < complete * (1 + 1e-9)


@pytest.mark.parametrize("positions", [1000, 150])
def test_a_wide_style_equal_to_the_image_costs_nothing_and_pulls_nowhere(positions: int) -> None:
    features = features_of(0, WIDE, positions)
    loss = error("wasserstein", features)
    assert loss(features).item() == pytest.approx(0, abs=1e-9)
    assert gradient(loss, features).norm() < 1e-9


@pytest.mark.parametrize("positions", [1000, 150])
def test_the_gradient_of_the_distance_of_many_channels_is_right(positions: int) -> None:
    loss = error("wasserstein", features_of(1, WIDE, positions))
    features = random(1, WIDE, 6, 2, dtype=torch.float64).requires_grad_()
    assert torch.autograd.gradcheck(loss, (features,), fast_mode=True)
