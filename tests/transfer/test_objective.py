from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, get_args

import pytest
import torch
from torch import Tensor

from styletransfer.choices import StyleForm, TVForm
from styletransfer.images.tensors import read_image
from styletransfer.settings import Settings
from styletransfer.transfer.losses import content_error
from styletransfer.transfer.objective import Objective, Terms
from styletransfer.transfer.plan import encoder_for
from styletransfer.transfer.style_forms import STYLE_FORMS
from styletransfer.transfer.total_variation import total_variation, total_variation_loss
from styletransfer.vgg.encoder import Encoder, Kernels
from styletransfer.vgg.moments import moments

Picture = Callable[[int, int, int], Tensor]

every_form = pytest.mark.parametrize("form", get_args(StyleForm))

TERMS = ("content", "style", "tv")

HEIGHT, WIDTH = 40, 33


class Case:
    """An image, a content and two styles, with the narrow network."""

    def __init__(self, encoder: Encoder, smooth: Picture, noisy: Picture) -> None:
        self.encoder = encoder
        self.image = noisy(HEIGHT, WIDTH, 0)
        self.content = smooth(HEIGHT, WIDTH, 1)
        self.styles = [noisy(50, 20, 2), smooth(24, 48, 3)]

    def terms(self, styles: Sequence[Tensor] | None = None, /, **values: Any) -> Terms:
        styles = self.styles[:1] if styles is None else styles
        objective = Objective(self.encoder, self.content, styles, Settings(**values))
        return objective(self.image)


@pytest.fixture
def case(encoder: Encoder, smooth: Picture, noisy: Picture) -> Case:
    return Case(encoder, smooth, noisy)


@every_form
def test_the_terms_are_the_weighted_losses_averaged_over_their_layers(
    form: StyleForm, case: Case
) -> None:
    content_layers, style_layers = ("relu3_1", "relu4_2"), ("conv1_1", "relu2_1", "relu4_1")
    terms = case.terms(
        content_weight=2,
        style_weight=3,
        style_form=form,
        tv_weight=5,
        content_layers=content_layers,
        style_layers=style_layers,
        layer_weights=(1.0, 1.0, 1.0),
    )
    layers = (*content_layers, *style_layers)
    of_image, of_content, of_style = (
        dict(case.encoder(picture, layers))
        for picture in (case.image, case.content, case.styles[0])
    )
    content = [
        content_error(of_image[layer], of_content[layer]) / of_style[layer].square().mean()
        for layer in content_layers
    ]
    style = [
        STYLE_FORMS[form](moments(of_style[layer]))(moments(of_image[layer])).squeeze()
        for layer in style_layers
    ]
    torch.testing.assert_close(terms.content, 2 * torch.stack(content).mean())
    torch.testing.assert_close(terms.style, 3 * torch.stack(style).mean())
    torch.testing.assert_close(terms.tv, 5 * total_variation_loss(case.image))


@every_form
def test_the_fast_kernels_and_plain_torch_give_the_same_terms_and_gradient(
    form: StyleForm, case: Case
) -> None:
    settings = Settings(content_layers=("conv4_2",), style_form=form)
    found = []
    for kernels in get_args(Kernels):
        encoder = Encoder(narrowing=16, kernels=kernels)
        encoder.load_state_dict(case.encoder.state_dict())
        encoder.place_on(torch.device("cpu"), torch.float64)
        content, image, *styles = (
            each.double() for each in (case.content, case.image, *case.styles)
        )
        objective = Objective(encoder, content, styles, settings)
        image.requires_grad_()
        terms = objective(image)
        values = (terms.content, terms.style, terms.tv)
        found.append((*values, *torch.autograd.grad(terms.total, image)))
    for fast, plain in zip(*found, strict=True):
        torch.testing.assert_close(fast, plain)


@pytest.mark.parametrize("term", TERMS)
def test_a_weight_scales_its_term_and_no_other(term: str, case: Case) -> None:
    once, thrice = (case.terms(None, **{f"{term}_weight": weight}) for weight in (1, 3))
    for name in TERMS:
        factor = 3 if name == term else 1
        torch.testing.assert_close(getattr(thrice, name), factor * getattr(once, name))


@pytest.mark.parametrize("term", TERMS)
def test_a_term_of_weight_0_is_0_and_leaves_the_others_alone(term: str, case: Case) -> None:
    with_it, without = case.terms(), case.terms(None, **{f"{term}_weight": 0})
    for name in TERMS:
        if (term, name) != ("style", "content"):
            expected = 0 if name == term else getattr(with_it, name).item()
            assert getattr(without, name).item() == expected


def test_without_a_style_the_content_error_is_relative_to_the_content(case: Case) -> None:
    layer = "relu4_2"
    of_image, of_content = (
        dict(case.encoder(picture, [layer]))[layer] for picture in (case.image, case.content)
    )
    expected = content_error(of_image, of_content) / of_content.square().mean()
    torch.testing.assert_close(case.terms(style_weight=0).content, expected)


def test_a_style_of_larger_activations_lets_the_content_go(case: Case) -> None:
    strong, weak = case.styles[0], 0.5 + 0.1 * (case.styles[0] - 0.5)
    assert case.terms([strong]).content < case.terms([weak]).content


@pytest.mark.parametrize(
    ("values", "deepest"),
    [
        ({"content_weight": 0, "style_layers": ("relu2_1",)}, "relu2_1"),
        ({"style_weight": 0, "content_layers": ("relu3_1",)}, "relu3_1"),
        ({"style_weight": 0, "content_weight": 0}, None),
    ],
)
def test_the_network_is_evaluated_for_no_term_of_weight_0(
    values: dict[str, Any], deepest: str | None, case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran: list[str] = []
    fast = case.encoder.fast
    assert fast is not None
    evaluate = fast._evaluate

    def spy(name: str, *rest: Any) -> Tensor:
        ran.append(name)
        return evaluate(name, *rest)

    monkeypatch.setattr(fast, "_evaluate", spy)
    case.terms(**values)
    names = case.encoder.names
    assert set(ran) == set(names[: names.index(deepest) + 1] if deepest else ())


def test_the_content_itself_has_no_content_error(case: Case) -> None:
    case.image = case.content
    assert case.terms().content.item() == 0


@every_form
def test_the_style_itself_has_no_style_error(form: StyleForm, case: Case) -> None:
    case.image = case.content = case.styles[0]
    terms = case.terms(style_form=form, tv_weight=0)
    assert terms.content.item() == 0
    assert terms.style.item() == pytest.approx(0, abs=1e-5)


@pytest.mark.parametrize("form", get_args(TVForm))
def test_the_form_of_the_total_variation_is_the_one_asked_for(form: Any, case: Case) -> None:
    exact = total_variation(case.image, form).item() / (HEIGHT * WIDTH)
    tv = case.terms(tv_weight=1, tv_form=form).tv.item()
    assert tv == pytest.approx(exact, abs=0.002)


# A term of the caller


def test_a_term_of_the_caller_is_added_as_it_is(case: Case) -> None:
    seen: list[Tensor] = []

    def extra(image: Tensor) -> Tensor:
        seen.append(image)
        return 7 * image.square().sum()

    objective = Objective(case.encoder, case.content, case.styles[:1], Settings(), extra_loss=extra)
    terms, plain = objective(case.image), case.terms()
    assert terms.extra is not None
    assert torch.equal(seen[0], case.image)
    torch.testing.assert_close(terms.extra, 7 * case.image.square().sum())
    torch.testing.assert_close(terms.total, plain.total + terms.extra)
    assert plain.extra is None


# Shares


def test_layer_weights_are_shares(case: Case) -> None:
    layers = ("relu1_1", "relu3_1")
    alone = [case.terms(style_layers=(layer,)).style.item() for layer in layers]
    for weights in ((1.0, 3.0), (0.25, 0.75), (200.0, 600.0)):
        style = case.terms(style_layers=layers, layer_weights=weights).style.item()
        assert style == pytest.approx(0.25 * alone[0] + 0.75 * alone[1], rel=1e-5)


# Flat pictures


@every_form
@pytest.mark.parametrize("level", [0.0, 0.5, 1.0])
def test_flat_pictures_cost_a_finite_amount_with_a_finite_gradient(
    level: float, form: StyleForm, case: Case
) -> None:
    flat = torch.full_like(case.content, level)
    for content, style, image in ((flat, flat, flat), (flat, flat, case.image)):
        at = image.clone().requires_grad_()
        loss = Objective(case.encoder, content, [style], Settings(style_form=form))(at).total
        (gradient,) = torch.autograd.grad(loss, at)
        assert loss.isfinite()
        assert gradient.isfinite().all()


# Sizes


SAMPLES = Path(__file__).parents[2] / "samples"


def assert_equal_at_every_size(
    encoder: Encoder, texture: Tensor, other: Tensor, settings: Settings, *, within: float
) -> None:
    """Compare the terms of a repeated texture against another, at three sizes."""
    terms = []
    for size in (128, 256, 512):
        repeats = (1, 1, size // texture.shape[2], size // texture.shape[3])
        image, target = (picture.repeat(repeats) for picture in (texture, other))
        with torch.no_grad():
            found = Objective(encoder, target, [target], settings)(image)
        terms.append((found.content.item(), found.style.item()))
    for of_one_kind in zip(*terms, strict=True):
        assert max(of_one_kind) < (1 + within) * min(of_one_kind)
        assert min(of_one_kind) > 1e-3


@every_form
def test_a_repeated_texture_costs_the_same_at_every_size(
    form: StyleForm, encoder: Encoder, smooth: Picture, noisy: Picture
) -> None:
    texture, other = smooth(32, 32, 0), (smooth(32, 32, 1) + noisy(32, 32, 2)) / 2
    settings = Settings(style_form=form)
    assert_equal_at_every_size(encoder, texture, other, settings, within=0.05)


@pytest.mark.slow
@pytest.mark.weights
@every_form
@pytest.mark.parametrize(
    ("photograph", "painting"),
    [("cat", "night_cafe"), ("coffee", "church_at_auvers"), ("astronaut", "cafe_terrace_at_night")],
)
def test_a_repeated_texture_costs_about_the_same_in_the_real_network(
    photograph: str, painting: str, form: StyleForm
) -> None:
    texture = mirrored(read_image(SAMPLES / f"content/{photograph}.jpg")[..., 100:164, 150:214])
    other = mirrored(read_image(SAMPLES / f"style/{painting}.jpg")[..., 200:264, 300:364])
    settings = Settings(device="cpu", precision="float32", style_form=form)
    # The zeros beyond the border are a larger share of a smaller picture.
    assert_equal_at_every_size(encoder_for(settings), texture, other, settings, within=0.3)


def mirrored(image: Tensor) -> Tensor:
    """Four of an image, so that neither its repetition nor a border makes a seam."""
    pair = torch.cat([image, image.flip(3)], 3)
    return torch.cat([pair, pair.flip(2)], 2)
