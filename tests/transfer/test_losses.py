from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
import torch
from torch import Tensor

from styletransfer.images.tensors import read_image
from styletransfer.settings import Settings
from styletransfer.transfer.losses import content_loss, gram_matrix, style_loss
from styletransfer.transfer.stylize import encoder_for
from styletransfer.vgg.encoder import Encoder
from tests.support.tensors import gradient, random

Picture = Callable[[int, int, int], Tensor]


# Gram matrices


@pytest.mark.parametrize("shape", [(1, 2, 5, 7), (3, 4, 1, 1), (1, 1, 64, 65)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
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


# Style


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
