from functools import partial
from typing import Literal

import pytest
import torch
from torch import Tensor

from styletransfer.choices import StyleForm
from styletransfer.transfer.losses import LayerStatistics, content_error
from styletransfer.transfer.style_forms import STYLE_FORMS
from styletransfer.vgg.encoder import Encoder
from styletransfer.vgg.kernels.loss_taps import (
    TappedStatistics,
    tap_content,
    tap_moments,
)
from styletransfer.vgg.moments import Moments, moments
from tests.support.tensors import gradient, random

Kind = Literal["content", "mean", "gram", "mean and gram"]

every_kind = pytest.mark.parametrize("kind", ["content", "mean", "gram", "mean and gram"])
every_form = pytest.mark.parametrize("form", list(STYLE_FORMS))


def weighted(kind: Kind, found: Moments) -> Tensor:
    """A loss of moments, whose gradient for the Gram matrix is not symmetric."""
    channels = found.mean.shape[1]
    weights = random(channels, 1 + channels, seed=2, dtype=found.mean.dtype)
    loss = found.mean.new_zeros(())
    if "mean" in kind:
        loss = loss + (found.mean * weights[:, 0]).sum()
    if "gram" in kind:
        loss = loss + (found.gram * weights[:, 1:]).sum()
    return loss


def plain(kind: Kind, features: Tensor, other: Tensor) -> Tensor:
    return (
        content_error(features, other) if kind == "content" else weighted(kind, moments(features))
    )


def tap(
    kind: Kind, features: Tensor, other: Tensor, rectified: bool = False
) -> tuple[Tensor, Tensor]:
    if kind == "content":
        return tap_content(features, other, rectified)
    passed, found = tap_moments(features, rectified)
    return passed, weighted(kind, found)


def tapped_error(
    form: StyleForm, features: Tensor, target: Moments, shares: Tensor | None = None
) -> Tensor:
    return STYLE_FORMS[form](target)(tap_moments(features, shares=shares)[1])


def plain_error(
    form: StyleForm, features: Tensor, target: Moments, shares: Tensor | None = None
) -> Tensor:
    return STYLE_FORMS[form](target)(moments(features, shares))


def regions_of(*size: int) -> Tensor:
    """A hard region, a soft one and one without positions, that leave some positions out."""
    hard, soft = random(*size, seed=3) > 0.5, random(*size, seed=4)
    return torch.stack([hard.float(), soft.clamp(0, 1) * ~hard, torch.zeros(size)])


def test_tapped_moments_equal_those_of_plain_torch() -> None:
    features = random(2, 3, 4, 5, dtype=torch.float64)
    passed, found = tap_moments(features)
    assert torch.equal(passed, features)
    torch.testing.assert_close(found, moments(features))


@pytest.mark.parametrize("rectified", [False, True])
@pytest.mark.parametrize("consumed", [False, True])
@every_kind
def test_a_tap_adds_its_gradient_to_what_comes_from_deeper(
    kind: Kind, consumed: bool, rectified: bool
) -> None:
    features = random(2, 3, 4, 5, dtype=torch.float64).relu()
    other = random(2, 3, 4, 5, seed=1, dtype=torch.float64)

    def tapped(at: Tensor) -> Tensor:
        passed, loss = tap(kind, at, other, rectified)
        assert torch.equal(passed, at)
        return 3 * loss + (passed * other).sum() if consumed else 3 * loss

    def apart(at: Tensor) -> Tensor:
        loss = 3 * plain(kind, at, other)
        return loss + (at * other).sum() if consumed else loss

    expected = gradient(apart, features) * (features > 0 if rectified else 1)
    torch.testing.assert_close(gradient(tapped, features), expected)


@every_kind
def test_a_gradient_that_stands_for_many_numbers_is_not_overwritten(kind: Kind) -> None:
    features = random(1, 3, 4, 5).requires_grad_()
    passed, loss = tap(kind, features, random(1, 3, 4, 5, seed=1))
    one = torch.ones(())
    torch.autograd.grad((passed, loss), features, (one.expand(1, 3, 4, 5), torch.ones(())))
    assert one.item() == 1


@pytest.mark.parametrize("rectified", [False, True])
@every_kind
def test_a_tap_whose_loss_is_not_used_passes_the_gradient_on(kind: Kind, rectified: bool) -> None:
    features = random(1, 3, 4, 5).relu()

    def tapped(at: Tensor) -> Tensor:
        return 2 * tap(kind, at, features, rectified)[0].sum()

    through = gradient(tapped, features)
    assert torch.equal(through, 2.0 * ((features > 0) | (not rectified)))


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
@every_form
def test_the_closed_form_equals_autograd_in_float32(
    form: StyleForm, layout: torch.memory_format
) -> None:
    features = random(2, 8, 13, 9).contiguous(memory_format=layout)
    target = moments(random(2, 8, 13, 9, seed=1))
    tapped, apart = (partial(error, form, target=target) for error in (tapped_error, plain_error))
    torch.testing.assert_close(tapped(features), apart(features))
    torch.testing.assert_close(
        gradient(tapped, features), gradient(apart, features), rtol=1e-4, atol=1e-7
    )


@pytest.mark.bfloat16
@every_form
def test_the_closed_form_in_bfloat16_is_near_autograd_in_float32(form: StyleForm) -> None:
    features = random(1, 8, 70, 80).relu().contiguous(memory_format=torch.channels_last)
    features = features.to(torch.bfloat16)
    target = moments(random(1, 8, 70, 80, seed=1).relu() * 2)
    tapped, apart = (partial(error, form, target=target) for error in (tapped_error, plain_error))
    loss = tapped(features)
    assert loss.dtype == torch.float32
    torch.testing.assert_close(loss, apart(features.float()), rtol=1e-4, atol=0)
    actual = gradient(tapped, features)
    assert actual.dtype == torch.bfloat16
    expected = gradient(apart, features.float())
    assert (actual.float() - expected).norm() < 0.01 * expected.norm()


@pytest.mark.parametrize("regional", [False, True], ids=["whole", "regions"])
@pytest.mark.parametrize("circular", [False, True])
def test_tapped_statistics_of_a_network_equal_those_in_plain_torch(
    circular: bool, regional: bool, encoder: Encoder
) -> None:
    narrow = Encoder(narrowing=16)
    narrow.load_state_dict(encoder.state_dict())
    narrow = narrow.place_on(torch.device("cpu"), torch.float64)
    image, other = (random(1, 3, 17, 20, seed=seed, dtype=torch.float64) for seed in (0, 1))
    content = dict(narrow(other, {"relu2_1", "conv3_1"}, circular=circular))
    layers = ("conv1_1", "relu2_1", "relu3_1")
    shares = narrow.follow(regions_of(17, 20)[None], layers) if regional else None
    assert narrow.fast is not None
    found = []
    for statistics in (
        TappedStatistics(narrow.fast, content, layers, shares, circular=circular),
        LayerStatistics(narrow, content, layers, shares, circular=circular),
    ):
        at = image.clone().requires_grad_()
        losses, style = statistics(at)
        total = torch.stack([*losses.values()]).sum()
        for each in style.values():
            total = total + weighted("mean and gram", each)
        found.append((losses, style, torch.autograd.grad(total, at)))
    torch.testing.assert_close(*found)


# Regions


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("rectified", [False, True])
@pytest.mark.parametrize("consumed", [False, True])
@pytest.mark.parametrize("kind", ["mean", "gram", "mean and gram"])
def test_a_tap_of_regions_adds_its_gradient_to_what_comes_from_deeper(
    kind: Kind, consumed: bool, rectified: bool, layout: torch.memory_format
) -> None:
    features = random(1, 3, 4, 5, dtype=torch.float64).relu().contiguous(memory_format=layout)
    other, shares = random(1, 3, 4, 5, seed=1, dtype=torch.float64), regions_of(4, 5)

    def tapped(at: Tensor) -> Tensor:
        passed, found = tap_moments(at, rectified, shares)
        assert torch.equal(passed, at)
        loss = 3 * weighted(kind, found)
        return loss + (passed * other).sum() if consumed else loss

    def apart(at: Tensor) -> Tensor:
        loss = 3 * weighted(kind, moments(at, shares))
        return loss + (at * other).sum() if consumed else loss

    expected = gradient(apart, features) * (features > 0 if rectified else 1)
    torch.testing.assert_close(gradient(tapped, features), expected)


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_the_closed_form_of_regions_passes_gradcheck(layout: torch.memory_format) -> None:
    features = random(1, 3, 4, 5, dtype=torch.float64).contiguous(memory_format=layout)
    shares = regions_of(4, 5)

    def tapped(at: Tensor) -> tuple[Tensor, ...]:
        passed, found = tap_moments(at, shares=shares)
        return passed.square(), *found

    assert torch.autograd.gradcheck(tapped, (features.requires_grad_(),))


def test_a_region_of_everything_equals_no_regions() -> None:
    features, ones = random(1, 8, 13, 9), torch.ones(1, 13, 9)
    target = moments(random(1, 8, 13, 9, seed=1))
    whole, region = (partial(tapped_error, "gram", target=target, shares=s) for s in (None, ones))
    torch.testing.assert_close(region(features), whole(features))
    torch.testing.assert_close(gradient(region, features), gradient(whole, features))


def test_what_lies_in_no_region_gets_no_gradient() -> None:
    features, shares = random(1, 3, 4, 5), regions_of(4, 5)
    outside = shares.sum(0) == 0
    found = gradient(
        lambda at: weighted("mean and gram", tap_moments(at, shares=shares)[1]), features
    )
    assert outside.any()
    assert not found[0, :, outside].any()
    assert found[0, :, ~outside].all()


def test_many_positions_of_a_region_are_taken_in_chunks() -> None:
    features = random(1, 2, 130, 200, dtype=torch.float64)
    shares = torch.stack([random(130, 200, seed=1).sigmoid(), torch.ones(130, 200)])
    target = moments(random(2, 2, 5, 6, seed=2, dtype=torch.float64))
    tapped, apart = (
        partial(error, "gram", target=target, shares=shares)
        for error in (tapped_error, plain_error)
    )
    torch.testing.assert_close(tapped(features), apart(features))
    torch.testing.assert_close(gradient(tapped, features), gradient(apart, features))


@pytest.mark.bfloat16
@every_form
def test_the_closed_form_of_regions_in_bfloat16_is_near_autograd_in_float32(
    form: StyleForm,
) -> None:
    features = random(1, 8, 70, 80).relu().contiguous(memory_format=torch.channels_last)
    features, shares = features.to(torch.bfloat16), regions_of(70, 80)[:2]
    target = moments(random(2, 8, 70, 80, seed=1).relu() * 2)
    tapped, apart = (
        partial(error, form, target=target, shares=shares) for error in (tapped_error, plain_error)
    )
    torch.testing.assert_close(tapped(features), apart(features.float()), rtol=1e-4, atol=0)
    actual, expected = gradient(tapped, features), gradient(apart, features.float())
    assert actual.dtype == torch.bfloat16
    assert (actual.float() - expected).norm() < 0.02 * expected.norm()
