import math
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import get_args, get_type_hints

import pytest
import torch
from torch import Tensor

from styletransfer.images.tensors import read_image
from styletransfer.settings import Settings
from styletransfer.transfer.losses import (
    Tapped,
    Target,
    content_loss,
    content_target,
    gram_matrix,
    style_loss,
    style_target,
    tap_content,
    tap_style,
)
from styletransfer.transfer.stylize import encoder_for
from styletransfer.transfer.total_variation import (
    SMOOTHING,
    TVForm,
    total_variation,
    total_variation_loss,
)
from styletransfer.vgg.encoder import Encoder
from styletransfer.vgg.kernels.padded import Border, pad
from tests.support.marks import BFLOAT16

Picture = Callable[[int, int, int], Tensor]

FORMS: tuple[TVForm, ...] = get_args(TVForm)


def random(*shape: int, seed: int = 0, dtype: torch.dtype = torch.float32) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def gradient(loss: Callable[[Tensor], Tensor], at: Tensor) -> Tensor:
    at = at.detach().requires_grad_()
    (grad_output,) = torch.autograd.grad(loss(at).sum(), at)
    return grad_output


# Gram matrices


@pytest.mark.parametrize("shape", [(1, 2, 5, 7), (3, 4, 1, 1), (1, 1, 64, 65)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, BFLOAT16])
def test_the_gram_matrix_of_ones_is_ones(shape: tuple[int, ...], dtype: torch.dtype) -> None:
    gram = gram_matrix(torch.ones(shape, dtype=dtype))
    assert gram.shape == (shape[0], shape[1], shape[1])
    assert torch.equal(gram, torch.ones_like(gram))


def test_a_gram_matrix_is_as_worked_out_by_hand() -> None:
    # Two channels at two positions: (1, 3) and (2, −1).
    features = torch.tensor([[[[1.0, 3.0]], [[2.0, -1.0]]]])
    # (1·1 + 3·3) / 2 = 5, (1·2 − 3·1) / 2 = −0.5, (2·2 + 1·1) / 2 = 2.5
    assert gram_matrix(features).tolist() == [[[5.0, -0.5], [-0.5, 2.5]]]


def test_each_picture_of_a_batch_has_its_own_gram_matrix() -> None:
    features = random(3, 4, 5, 6)
    alone = torch.cat([gram_matrix(one[None]) for one in features])
    assert torch.equal(gram_matrix(features), alone)


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_the_layout_in_memory_does_not_change_a_gram_matrix(layout: torch.memory_format) -> None:
    features = random(2, 4, 5, 6)
    expected = torch.einsum("bchw,bdhw->bcd", features, features) / 30
    torch.testing.assert_close(gram_matrix(features.contiguous(memory_format=layout)), expected)


@pytest.mark.parametrize("size", [(8, 8), (64, 64), (91, 100), (1, 9001)])
def test_bfloat16_grams_are_summed_in_float32_over_chunks(size: tuple[int, int]) -> None:
    features = random(1, 8, *size).to(torch.bfloat16)
    gram = gram_matrix(features)
    assert gram.dtype == torch.float32
    # Each chunk's sum is rounded to the 8 bits of bfloat16, and no more than that.
    expected = gram_matrix(features.float())
    torch.testing.assert_close(gram, expected, rtol=2**-7, atol=0.01)


@pytest.mark.bfloat16
def test_a_long_bfloat16_sum_does_not_stand_still() -> None:
    ones = torch.ones(1, 2, 1, 4096 * 5 + 1, dtype=torch.bfloat16)
    torch.testing.assert_close(gram_matrix(ones), torch.ones(1, 2, 2), rtol=2**-8, atol=0)


def test_the_gradient_of_the_gram_matrix_is_right() -> None:
    features = random(2, 3, 4, 3, dtype=torch.float64).requires_grad_()
    assert torch.autograd.gradcheck(gram_matrix, (features,))


# Content


def test_equal_features_cost_no_content() -> None:
    features = random(1, 4, 5, 6)
    assert content_loss(features, features).item() == 0


def test_the_content_loss_is_relative_to_the_targets_energy() -> None:
    target = torch.tensor([3.0, 4.0]).view(1, 2, 1, 1)
    # ((4 − 3)² + (6 − 4)²) / (3² + 4²)
    features = torch.tensor([4.0, 6.0]).view(1, 2, 1, 1)
    assert content_loss(features, target).item() == pytest.approx(5 / 25)


@pytest.mark.parametrize("factor", [1e-3, 1.0, 1e4])
def test_the_content_loss_has_no_unit(factor: float) -> None:
    features, target = random(1, 4, 5, 6), random(1, 4, 5, 6, seed=1)
    torch.testing.assert_close(
        content_loss(factor * features, factor * target), content_loss(features, target)
    )


def test_nothing_at_all_has_a_content_error_of_1() -> None:
    target = random(1, 4, 5, 6)
    assert content_loss(torch.zeros_like(target), target).item() == pytest.approx(1)


def test_the_gradient_of_the_content_loss_is_right() -> None:
    features = random(2, 3, 4, 3, dtype=torch.float64).requires_grad_()
    target = random(2, 3, 4, 3, seed=1, dtype=torch.float64)
    assert torch.autograd.gradcheck(partial(content_loss, target=target), (features,))


# Taps


def made(tap: Callable[..., Tapped], values: Tensor) -> Target:
    return style_target(values) if tap is tap_style else content_target(values)


@pytest.mark.parametrize("border", ["repeat", "zeros"])
@pytest.mark.parametrize("rectified", [False, True])
@pytest.mark.parametrize(
    ("tap", "loss"),
    [(tap_content, content_loss), (tap_style, style_loss)],
    ids=["content", "style"],
)
def test_a_tapped_loss_adds_its_gradient_to_what_comes_from_deeper(
    tap: Callable[..., Tapped], loss: Callable[..., Tensor], rectified: bool, border: Border
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
def test_what_the_halo_holds_is_no_part_of_a_loss(
    tap: Callable[..., Tapped], dtype: torch.dtype, border: Border
) -> None:
    features, target = (random(1, 8, 3, 250, seed=seed).relu().to(dtype) for seed in (0, 1))
    target = gram_matrix(target) if tap is tap_style else target

    def tapped(at: Tensor) -> Tensor:
        placed = pad(at, border)
        everything = placed.whole.detach()
        inner = placed.layout.inner(everything).clone()
        everything.fill_(math.nan)
        placed.layout.inner(everything).copy_(inner)
        return tap(placed, made(tap, target)).error

    loss = content_loss if tap is tap_content else style_loss
    found, expected = (gradient(each, features) for each in (tapped, partial(loss, target=target)))
    torch.testing.assert_close(found, expected)


@pytest.mark.parametrize("rectified", [False, True])
@pytest.mark.parametrize("tap", [tap_content, tap_style])
def test_a_tap_whose_error_nobody_wants_lets_the_gradient_pass(
    tap: Callable[..., Tapped], rectified: bool
) -> None:
    features = random(1, 3, 4, 5).relu()
    target = gram_matrix(features) if tap is tap_style else features

    def tapped(at: Tensor) -> Tensor:
        passed = tap(pad(at, "repeat"), made(tap, target), rectified).features
        return (2 * passed.inner).sum()

    through = gradient(tapped, features)
    assert torch.equal(through, 2.0 * ((features > 0) | (not rectified)))


# Style


def plain_style_loss(features: Tensor, target: Tensor) -> Tensor:
    """The formula, left to autograd."""
    positions = features.flatten(2)
    gram = positions @ positions.mT / positions.shape[2]
    error = (gram - target).square().sum((1, 2)) / target.square().sum((1, 2))
    return error.mean()


def test_a_style_equal_to_the_content_costs_nothing() -> None:
    features = random(1, 4, 5, 6)
    assert style_loss(features, gram_matrix(features)).item() == 0


def test_the_style_loss_is_as_worked_out_by_hand() -> None:
    # One channel: G = (1 + 9) / 2 = 5 against A = 4, so (5 − 4)² / 4².
    features = torch.tensor([1.0, 3.0]).view(1, 1, 1, 2)
    assert style_loss(features, torch.full((1, 1, 1), 4.0)).item() == 1 / 16


def test_the_style_loss_ignores_shuffled_positions() -> None:
    features, target = random(1, 4, 6, 6), gram_matrix(random(1, 4, 6, 6, seed=1))
    order = torch.randperm(36, generator=torch.Generator().manual_seed(2))
    shuffled = features.flatten(2)[:, :, order].view(1, 4, 4, 9)
    torch.testing.assert_close(style_loss(shuffled, target), style_loss(features, target))


def test_the_style_loss_of_a_batch_is_the_mean() -> None:
    features, targets = random(3, 4, 5, 6), gram_matrix(random(3, 4, 5, 6, seed=1))
    each = [style_loss(features[i : i + 1], targets[i : i + 1]) for i in range(3)]
    torch.testing.assert_close(style_loss(features, targets), torch.stack(each).mean())


def test_one_style_serves_a_whole_batch() -> None:
    features, target = random(3, 4, 5, 6), gram_matrix(random(1, 4, 5, 6, seed=1))
    repeated = target.expand(3, 4, 4)
    assert torch.equal(style_loss(features, target), style_loss(features, repeated))


@pytest.mark.parametrize("factor", [1e-2, 1.0, 1e3])
def test_the_style_loss_has_no_unit(factor: float) -> None:
    features, style = random(1, 4, 5, 6), random(1, 4, 5, 6, seed=1)
    torch.testing.assert_close(
        style_loss(factor * features, gram_matrix(factor * style)),
        style_loss(features, gram_matrix(style)),
    )


def test_the_gradient_of_the_style_loss_is_right() -> None:
    features = random(2, 3, 4, 3, dtype=torch.float64).requires_grad_()
    target = gram_matrix(random(2, 3, 4, 3, seed=1, dtype=torch.float64))
    assert torch.autograd.gradcheck(partial(style_loss, target=target), (features,))


def test_the_style_loss_may_be_weighted_before_its_gradient() -> None:
    features, target = random(1, 4, 5, 6), gram_matrix(random(1, 4, 5, 6, seed=1))
    once = gradient(partial(style_loss, target=target), features)
    thrice = gradient(lambda at: 3 * style_loss(at, target), features)
    torch.testing.assert_close(thrice, 3 * once)


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_the_closed_form_equals_autograd_in_float32(layout: torch.memory_format) -> None:
    features = random(2, 8, 13, 9).contiguous(memory_format=layout)
    target = gram_matrix(random(2, 8, 13, 9, seed=1))
    torch.testing.assert_close(style_loss(features, target), plain_style_loss(features, target))
    torch.testing.assert_close(
        gradient(partial(style_loss, target=target), features),
        gradient(partial(plain_style_loss, target=target), features),
        rtol=1e-4,
        atol=1e-7,
    )


@pytest.mark.bfloat16
def test_the_closed_form_in_bfloat16_is_near_autograd_in_float32() -> None:
    features = random(1, 8, 70, 80).relu().contiguous(memory_format=torch.channels_last)
    features = features.to(torch.bfloat16)
    target = gram_matrix(random(1, 8, 70, 80, seed=1).relu() * 2)
    loss = style_loss(features, target)
    assert loss.dtype == torch.float32
    torch.testing.assert_close(loss, plain_style_loss(features.float(), target), rtol=0.01, atol=0)
    actual = gradient(partial(style_loss, target=target), features)
    assert actual.dtype == torch.bfloat16
    expected = gradient(partial(plain_style_loss, target=target), features.float())
    assert (actual.float() - expected).norm() < 0.01 * expected.norm()


# Total variation


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


def test_the_forms_are_those_that_the_settings_offer() -> None:
    assert get_type_hints(Settings)["tv_form"] == TVForm


@pytest.mark.parametrize("form", FORMS)
def test_the_total_variation_of_a_known_picture_is_as_worked_out_by_hand(form: TVForm) -> None:
    assert total_variation(KNOWN, form).item() == pytest.approx(BY_HAND[form])


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("size", [(1, 1), (1, 5), (5, 1), (4, 6)])
def test_the_total_variation_of_a_flat_picture_is_0(form: TVForm, size: tuple[int, int]) -> None:
    flat = torch.full((1, 3, *size), 0.3)
    assert total_variation(flat, form).item() == 0
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


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("size", [(4, 3), (1, 5), (5, 1)])
def test_the_gradients_of_the_total_variation_are_right(
    form: TVForm, size: tuple[int, int]
) -> None:
    image = random(2, 3, *size, dtype=torch.float64).requires_grad_()
    assert torch.autograd.gradcheck(partial(total_variation, form=form), (image,))
    assert torch.autograd.gradcheck(partial(total_variation_loss, form=form), (image,))


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


# Flat pictures


@pytest.mark.parametrize("level", [0.0, 1e-6, 1.0])
def test_flat_targets_cost_a_finite_amount(level: float) -> None:
    flat, features = torch.full((1, 4, 5, 6), level), random(1, 4, 5, 6)
    losses = {
        "content": partial(content_loss, target=flat),
        "style": partial(style_loss, target=gram_matrix(flat)),
    }
    for loss in losses.values():
        for image in (flat, features):
            assert loss(image).isfinite()
            assert gradient(loss, image).isfinite().all()


# Sizes


SIZES = (128, 256, 512)
SAMPLES = Path(__file__).parents[2] / "samples"


@pytest.mark.parametrize("form", FORMS)
def test_pixel_noise_has_the_same_tv_loss_at_every_size(form: TVForm, noisy: Picture) -> None:
    losses = [total_variation_loss(noisy(size, size, size), form).item() for size in SIZES]
    assert max(losses) < 1.05 * min(losses)


def terms_by_size(encoder: Encoder, texture: Tensor, other: Tensor) -> list[tuple[float, float]]:
    """Content and style loss of a repeated texture against another, at each size."""
    settings = Settings()
    layers = {*settings.content_layers, *settings.style_layers}
    terms = []
    for size in SIZES:
        repeats = (1, 1, size // texture.shape[2], size // texture.shape[3])
        features, targets = (
            dict(encoder(picture.repeat(repeats), layers)) for picture in (texture, other)
        )
        content = [content_loss(features[name], targets[name]) for name in settings.content_layers]
        style = [
            style_loss(features[name], gram_matrix(targets[name])) for name in settings.style_layers
        ]
        terms.append((torch.stack(content).mean().item(), torch.stack(style).mean().item()))
    return terms


def assert_equal_within_5_percent(terms: list[tuple[float, float]]) -> None:
    for of_one_kind in zip(*terms, strict=True):
        assert max(of_one_kind) < 1.05 * min(of_one_kind)
        assert min(of_one_kind) > 1e-3


def test_a_repeated_texture_costs_the_same_at_every_size(
    encoder: Encoder, smooth: Picture, noisy: Picture
) -> None:
    texture, other = smooth(32, 32, 0), (smooth(32, 32, 1) + noisy(32, 32, 2)) / 2
    assert_equal_within_5_percent(terms_by_size(encoder, texture, other))


@pytest.mark.slow
@pytest.mark.weights
@pytest.mark.parametrize(
    ("photograph", "painting"),
    [("cat", "night_cafe"), ("coffee", "church_at_auvers"), ("astronaut", "cafe_terrace_at_night")],
)
def test_a_repeated_texture_costs_the_same_at_every_size_in_the_real_network(
    photograph: str, painting: str
) -> None:
    texture = mirrored(read_image(SAMPLES / f"content/{photograph}.jpg")[..., 100:164, 150:214])
    other = mirrored(read_image(SAMPLES / f"style/{painting}.jpg")[..., 200:264, 300:364])
    exact = encoder_for(Settings(device="cpu", precision="float32"))
    assert_equal_within_5_percent(terms_by_size(exact, texture, other))


def mirrored(image: Tensor) -> Tensor:
    """Four of an image, so that neither its repetition nor a border makes a seam."""
    pair = torch.cat([image, image.flip(3)], 3)
    return torch.cat([pair, pair.flip(2)], 2)
