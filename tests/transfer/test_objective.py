from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any, get_args

import pytest
import torch
from torch import Tensor

from styletransfer.settings import Settings
from styletransfer.transfer.losses import content_loss, gram_matrix, style_loss
from styletransfer.transfer.objective import Objective, Targets, Terms
from styletransfer.transfer.total_variation import total_variation, total_variation_loss
from styletransfer.vgg.encoder import Encoder, Kernels
from styletransfer.vgg.kernels.padded import Activations

Picture = Callable[[int, int, int], Tensor]

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


def test_the_terms_are_the_weighted_losses_averaged_over_their_layers(case: Case) -> None:
    content_layers, style_layers = ("relu3_1", "relu4_2"), ("conv1_1", "relu2_1", "relu4_1")
    terms = case.terms(
        content_weight=2,
        style_weight=3,
        tv_weight=5,
        content_layers=content_layers,
        style_layers=style_layers,
    )
    layers = (*content_layers, *style_layers)
    of_image, of_content, of_style = (
        dict(case.encoder(picture, layers))
        for picture in (case.image, case.content, case.styles[0])
    )
    content = [content_loss(of_image[layer], of_content[layer]) for layer in content_layers]
    style = [style_loss(of_image[layer], gram_matrix(of_style[layer])) for layer in style_layers]
    torch.testing.assert_close(terms.content, 2 * torch.stack(content).mean())
    torch.testing.assert_close(terms.style, 3 * torch.stack(style).mean())
    torch.testing.assert_close(terms.tv, 5 * total_variation_loss(case.image))


def test_the_fast_kernels_and_plain_torch_give_the_same_terms_and_gradient(case: Case) -> None:
    found = []
    for kernels in get_args(Kernels):
        encoder = Encoder(narrowing=16, kernels=kernels)
        encoder.load_state_dict(case.encoder.state_dict())
        encoder.place_on(torch.device("cpu"), torch.float64)
        content, image, *styles = (
            each.double() for each in (case.content, case.image, *case.styles)
        )
        objective = Objective(encoder, content, styles, Settings(content_layers=("conv4_2",)))
        image.requires_grad_()
        terms = objective(image)
        values = (terms.content, terms.style, terms.tv)
        found.append((*values, *torch.autograd.grad(terms.total, image)))
    for fast, plain in zip(*found, strict=True):
        torch.testing.assert_close(fast, plain)


@pytest.mark.parametrize("term", ["content", "style", "tv"])
def test_a_weight_scales_its_term_and_no_other(term: str, case: Case) -> None:
    once, thrice = (case.terms(None, **{f"{term}_weight": weight}) for weight in (1, 3))
    for name, value in asdict(once).items():
        factor = 3 if name == term else 1
        torch.testing.assert_close(getattr(thrice, name), factor * value)


@pytest.mark.parametrize("term", ["content", "style", "tv"])
def test_a_term_of_weight_0_is_0_and_leaves_the_others_alone(term: str, case: Case) -> None:
    with_it, without = case.terms(), case.terms(None, **{f"{term}_weight": 0})
    for name, value in asdict(without).items():
        assert value.item() == (0 if name == term else getattr(with_it, name).item())


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

    def spy(name: str, *rest: Any) -> Activations:
        ran.append(name)
        return evaluate(name, *rest)

    monkeypatch.setattr(fast, "_evaluate", spy)
    case.terms(**values)
    names = case.encoder.names
    assert set(ran) == set(names[: names.index(deepest) + 1] if deepest else ())


def test_the_content_itself_has_no_content_error(case: Case) -> None:
    case.image = case.content
    assert case.terms().content.item() == 0


def test_the_style_itself_has_no_style_error(case: Case) -> None:
    case.image = case.content = case.styles[0]
    terms = case.terms(tv_weight=0)
    assert (terms.content.item(), terms.style.item()) == (0, 0)


@pytest.mark.parametrize("form", ["isotropic", "anisotropic", "squared"])
def test_the_form_of_the_total_variation_is_the_one_asked_for(form: Any, case: Case) -> None:
    exact = total_variation(case.image, form).item() / (HEIGHT * WIDTH)
    tv = case.terms(tv_weight=1, tv_form=form).tv.item()
    assert tv == pytest.approx(exact, abs=0.002)


# Shares


def test_layer_weights_are_shares(case: Case) -> None:
    layers = ("relu1_1", "relu3_1")
    alone = [case.terms(style_layers=(layer,)).style.item() for layer in layers]
    for weights in ((1.0, 3.0), (0.25, 0.75), (200.0, 600.0)):
        style = case.terms(style_layers=layers, layer_weights=weights).style.item()
        assert style == pytest.approx(0.25 * alone[0] + 0.75 * alone[1], rel=1e-5)


def test_a_style_is_blended_by_its_share_of_the_gram_matrices(case: Case) -> None:
    layers = ("relu2_1",)
    grams = [gram_matrix(dict(case.encoder(style, layers))["relu2_1"]) for style in case.styles]
    features = dict(case.encoder(case.image, layers))["relu2_1"]
    expected = style_loss(features, 0.2 * grams[0] + 0.8 * grams[1])
    for blend in ((1.0, 4.0), (0.2, 0.8)):
        terms = case.terms(case.styles, style_layers=layers, style_weight=1, style_blend=blend)
        torch.testing.assert_close(terms.style, expected)


def test_styles_are_blended_equally_by_default(case: Case) -> None:
    told = case.terms(case.styles, style_blend=(3.0, 3.0))
    assert case.terms(case.styles) == told


@pytest.mark.parametrize("which", [0, 1])
def test_a_share_of_1_is_that_style_alone_to_the_bit(which: int, case: Case) -> None:
    blend = (1.0, 0.0) if which == 0 else (0.0, 1.0)
    blended = case.terms(case.styles, style_blend=blend)
    assert torch.equal(blended.style, case.terms([case.styles[which]]).style)


# Flat pictures


@pytest.mark.parametrize("level", [0.0, 0.5, 1.0])
def test_flat_pictures_cost_a_finite_amount_with_a_finite_gradient(
    level: float, case: Case
) -> None:
    flat = torch.full_like(case.content, level)
    for content, style, image in ((flat, flat, flat), (flat, flat, case.image)):
        at = image.clone().requires_grad_()
        loss = Objective(case.encoder, content, [style], Settings())(at).total
        (gradient,) = torch.autograd.grad(loss, at)
        assert loss.isfinite()
        assert gradient.isfinite().all()


# Shared targets


WEIGHTS: list[dict[str, Any]] = [
    {"content_weight": 0, "style_weight": 0},
    {"content_weight": 0},
    {"style_weight": 0},
    {"tv_weight": 0},
    {"content_weight": 3, "style_weight": 0.5},
    {"content_weight": 0, "tv_weight": 0},
]


@pytest.mark.parametrize("order", [1, -1])
def test_shared_targets_change_no_bit_of_a_term_whatever_the_weights(
    order: int, case: Case
) -> None:
    targets = Targets()
    for values in WEIGHTS[::order]:
        settings = Settings(**values)
        shared = Objective(case.encoder, case.content, case.styles, settings, targets)
        assert shared(case.image) == case.terms(case.styles, **values)


def test_shared_targets_are_computed_once_and_none_for_a_weight_of_0(
    case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    targets, counts = Targets(), []
    calls: list[object] = []
    fast = case.encoder.fast
    assert fast is not None
    walk = fast.walk

    def spy(*rest: Any) -> None:
        calls.append(rest)
        walk(*rest)

    monkeypatch.setattr(fast, "walk", spy)
    for values in WEIGHTS:
        calls.clear()
        Objective(case.encoder, case.content, case.styles, Settings(**values), targets)
        counts.append(len(calls))

    assert counts == [0, 2, 1, 0, 0, 0]
