import math
from collections.abc import Callable
from functools import partial

import pytest
import torch
from torch import Tensor

from styletransfer.transfer.losses import content_loss, gram_matrix, style_loss
from styletransfer.vgg.kernels.loss_taps import (
    Target,
    content_target,
    style_target,
    tap_content,
    tap_style,
)
from styletransfer.vgg.kernels.padded import Activations, Border, pad
from tests.support.marks import BFLOAT16
from tests.support.tensors import gradient, random

Tap = Callable[..., tuple[Activations, Tensor]]


def tapped_style_loss(features: Tensor, target: Tensor) -> Tensor:
    return tap_style(pad(features, "zeros"), style_target(target))[1]


def made(tap: Tap, values: Tensor) -> Target:
    return style_target(values) if tap is tap_style else content_target(values)


@pytest.mark.parametrize("border", ["repeat", "zeros"])
@pytest.mark.parametrize("rectified", [False, True])
@pytest.mark.parametrize(
    ("tap", "loss"),
    [(tap_content, content_loss), (tap_style, style_loss)],
    ids=["content", "style"],
)
def test_a_tapped_loss_adds_its_gradient_to_what_comes_from_deeper(
    tap: Tap, loss: Callable[..., Tensor], rectified: bool, border: Border
) -> None:
    features = random(2, 3, 4, 5, dtype=torch.float64).relu()
    other = random(2, 3, 4, 5, seed=1, dtype=torch.float64)
    target = gram_matrix(other) if tap is tap_style else other

    def tapped(at: Tensor) -> Tensor:
        passed, error = tap(pad(at, border), made(tap, target), rectified)
        assert torch.equal(passed.inner, at)
        return 3 * error + (passed.inner * other).sum()

    def apart(at: Tensor) -> Tensor:
        return 3 * loss(at, target) + (at * other).sum()

    expected = gradient(apart, features) * (features > 0 if rectified else 1)
    torch.testing.assert_close(gradient(tapped, features), expected)


@pytest.mark.parametrize("border", ["repeat", "zeros"])
@pytest.mark.parametrize("dtype", [torch.float64, BFLOAT16])
@pytest.mark.parametrize("tap", [tap_content, tap_style])
def test_values_in_the_padding_do_not_change_a_loss(
    tap: Tap, dtype: torch.dtype, border: Border
) -> None:
    features, target = (random(1, 8, 3, 250, seed=seed).relu().to(dtype) for seed in (0, 1))
    target = gram_matrix(target) if tap is tap_style else target

    def tapped(at: Tensor) -> Tensor:
        placed = pad(at, border)
        everything = placed.whole.detach()
        inner = placed.layout.inner(everything).clone()
        everything.fill_(math.nan)
        placed.layout.inner(everything).copy_(inner)
        return tap(placed, made(tap, target))[1]

    loss = content_loss if tap is tap_content else style_loss
    found, expected = (gradient(each, features) for each in (tapped, partial(loss, target=target)))
    torch.testing.assert_close(found, expected)


@pytest.mark.parametrize("rectified", [False, True])
@pytest.mark.parametrize("tap", [tap_content, tap_style])
def test_a_tap_whose_loss_is_not_used_passes_the_gradient_on(tap: Tap, rectified: bool) -> None:
    features = random(1, 3, 4, 5).relu()
    target = gram_matrix(features) if tap is tap_style else features

    def tapped(at: Tensor) -> Tensor:
        passed = tap(pad(at, "repeat"), made(tap, target), rectified)[0]
        return (2 * passed.inner).sum()

    through = gradient(tapped, features)
    assert torch.equal(through, 2.0 * ((features > 0) | (not rectified)))


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_the_closed_form_equals_autograd_in_float32(layout: torch.memory_format) -> None:
    features = random(2, 8, 13, 9).contiguous(memory_format=layout)
    target = gram_matrix(random(2, 8, 13, 9, seed=1))
    torch.testing.assert_close(tapped_style_loss(features, target), style_loss(features, target))
    torch.testing.assert_close(
        gradient(partial(tapped_style_loss, target=target), features),
        gradient(partial(style_loss, target=target), features),
        rtol=1e-4,
        atol=1e-7,
    )


@pytest.mark.bfloat16
def test_the_closed_form_in_bfloat16_is_near_autograd_in_float32() -> None:
    features = random(1, 8, 70, 80).relu().contiguous(memory_format=torch.channels_last)
    features = features.to(torch.bfloat16)
    target = gram_matrix(random(1, 8, 70, 80, seed=1).relu() * 2)
    loss = tapped_style_loss(features, target)
    assert loss.dtype == torch.float32
    torch.testing.assert_close(loss, style_loss(features.float(), target), rtol=0.01, atol=0)
    actual = gradient(partial(tapped_style_loss, target=target), features)
    assert actual.dtype == torch.bfloat16
    expected = gradient(partial(style_loss, target=target), features.float())
    assert (actual.float() - expected).norm() < 0.01 * expected.norm()
