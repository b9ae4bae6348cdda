"""What an image is compared with, and runs that share it."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, get_args

import pytest
import torch
from torch import Tensor

from styletransfer.settings import Settings
from styletransfer.transfer.objective import Objective, Terms
from styletransfer.transfer.pyramid import Scale
from styletransfer.transfer.regions import Regions
from styletransfer.transfer.targets import (
    SharedTargets,
    Targets,
    blended_moments,
    is_found,
    normalized,
    picture_moments,
)
from styletransfer.vgg.encoder import Encoder, Kernels
from styletransfer.vgg.moments import Moments, moments

Picture = Callable[[int, int, int], Tensor]

LAYERS = ("conv1_1", "relu2_1", "relu4_1")


@pytest.fixture
def styles(smooth: Picture, noisy: Picture) -> list[Tensor]:
    return [noisy(50, 20, 2), smooth(24, 48, 3)]


def halves(style: Tensor) -> Tensor:
    """Two regions of a picture: its left and its right half."""
    right = torch.arange(style.shape[3]) >= style.shape[3] // 2
    return torch.stack([~right, right]).float()[None, :, None].expand(-1, -1, style.shape[2], -1)


def part(found: Moments, region: int) -> Moments:
    """The moments of one of several regions."""
    return Moments(*(each[region, None] for each in found))


# The moments of a picture


@pytest.mark.parametrize("kernels", get_args(Kernels))
@pytest.mark.parametrize("regional", [False, True])
def test_the_moments_of_a_picture_are_those_of_its_activations(
    regional: bool, kernels: Kernels, encoder: Encoder, styles: list[Tensor]
) -> None:
    narrow = Encoder(narrowing=16, kernels=kernels)
    narrow.load_state_dict(encoder.state_dict())
    narrow.place_on(torch.device("cpu"), torch.float32)
    shares = narrow.follow(halves(styles[0]), LAYERS) if regional else {}
    found = picture_moments(narrow, styles[0], LAYERS, shares or None)
    assert list(found) == list(LAYERS)
    for layer, features in narrow(styles[0], LAYERS).items():
        torch.testing.assert_close(found[layer], moments(features, shares.get(layer)))


def test_a_region_is_found_where_it_has_a_position() -> None:
    shares = torch.stack([torch.ones(4, 5), torch.zeros(4, 5), torch.full((4, 5), 1e-5)])
    assert is_found(moments(torch.ones(1, 3, 4, 5), shares)).tolist() == [True, False, True]


def test_normalized_weights_are_shares() -> None:
    assert normalized([3, 1, 0]) == [0.75, 0.25, 0]


# A blend


@pytest.mark.parametrize("blend", [(1.0, 4.0), (0.2, 0.8), None])
def test_styles_are_blended_by_their_shares_of_the_moments(
    blend: tuple[float, ...] | None, encoder: Encoder, styles: list[Tensor]
) -> None:
    first, second = (0.2, 0.8) if blend else (0.5, 0.5)
    found = blended_moments(encoder, styles, LAYERS, Settings(style_blend=blend))
    alone = [picture_moments(encoder, style, LAYERS) for style in styles]
    for layer in LAYERS:
        pairs = zip(*(each[layer] for each in alone), strict=True)
        expected = Moments(*(first * one + second * other for one, other in pairs))
        torch.testing.assert_close(found[layer], expected)


@pytest.mark.parametrize("which", [0, 1])
def test_a_share_of_1_is_that_style_alone_to_the_bit(
    which: int, encoder: Encoder, styles: list[Tensor]
) -> None:
    settings = Settings(style_blend=(1.0, 0.0) if which == 0 else (0.0, 1.0))
    blended = blended_moments(encoder, styles, LAYERS, settings)
    alone = picture_moments(encoder, styles[which], LAYERS)
    for layer in LAYERS:
        assert torch.equal(blended[layer].mean, alone[layer].mean)
        assert torch.equal(blended[layer].gram, alone[layer].gram)


@pytest.mark.parametrize("blend", [(1.0, 4.0), None])
def test_each_size_of_a_style_has_an_equal_part_of_its_share(
    blend: tuple[float, ...] | None, encoder: Encoder, styles: list[Tensor]
) -> None:
    sizes = [each for style in styles for each in (style, style[..., ::2, ::2])]
    settings = Settings(style_blend=blend)
    found = blended_moments(encoder, sizes, LAYERS, settings)
    large, small = (blended_moments(encoder, sizes[n::2], LAYERS, settings) for n in (0, 1))
    for layer in LAYERS:
        pairs = zip(large[layer], small[layer], strict=True)
        torch.testing.assert_close(found[layer], Moments(*((a + b) / 2 for a, b in pairs)))


# Regions


def test_a_region_has_the_moments_of_its_part_of_the_style(
    encoder: Encoder, styles: list[Tensor]
) -> None:
    shares = halves(styles[1])
    regions = Regions(torch.ones(1, 2, 1, 1) / 2, (shares,))
    found = blended_moments(encoder, styles[1:], LAYERS, Settings(), regions)
    followed = encoder.follow(shares, LAYERS)
    for layer, features in encoder(styles[1], LAYERS).items():
        torch.testing.assert_close(found[layer], moments(features, followed[layer]))


@pytest.mark.parametrize("blend", [(1.0, 3.0), None])
def test_a_region_is_blended_of_the_styles_that_have_it(
    blend: tuple[float, ...] | None, encoder: Encoder, styles: list[Tensor]
) -> None:
    # The first region is in both styles, the second in the second only.
    weights = tuple(
        torch.tensor(each).view(1, 2, 1, 1).expand(-1, -1, *style.shape[2:])
        for each, style in zip(([1.0, 0.0], [1.0, 1.0]), styles, strict=True)
    )
    regions, settings = Regions(torch.ones(1, 2, 1, 1) / 2, weights), Settings(style_blend=blend)
    found = blended_moments(encoder, styles, LAYERS, settings, regions)
    both = blended_moments(encoder, styles, LAYERS, settings)
    second = picture_moments(encoder, styles[1], LAYERS)
    for layer in LAYERS:
        torch.testing.assert_close(part(found[layer], 0), both[layer])
        torch.testing.assert_close(part(found[layer], 1), second[layer])


def test_a_region_that_no_style_shows_in_a_layer_has_moments_of_0_there(
    encoder: Encoder, noisy: Picture
) -> None:
    # The poolings drop the last 4 of 36 columns.
    style, weights = noisy(32, 36, 0), torch.zeros(1, 1, 32, 36)
    weights[..., 32:] = 1
    regions = Regions(torch.ones(1, 1, 1, 1), (weights,))
    found = blended_moments(encoder, [style], ("relu1_1", "relu5_1"), Settings(), regions)
    assert is_found(found["relu1_1"]).tolist() == [True]
    assert is_found(found["relu5_1"]).tolist() == [False]
    assert not found["relu5_1"].mean.any()


# Shared targets


def test_targets_are_shared_at_each_size() -> None:
    shared, settings = SharedTargets(), Settings()
    first = shared.at(Scale(32, 24, 3), settings)
    assert first is shared.at(Scale(32, 24, 9), settings)
    assert first is not shared.at(Scale(24, 32, 3), settings)


@pytest.mark.parametrize(
    ("at_start", "later", "kept"),
    [
        ({}, {"style_scale": (0.5,)}, ["content"]),
        ({}, {"style_blend": (1.0,)}, ["content"]),
        ({}, {"size": 64, "detail": 0.5, "style_layers": ("relu1_1",)}, ["content", "style"]),
        ({"preserve_color": "match"}, {"size": 64}, []),
    ],
)
def test_what_other_settings_decide_is_not_shared(
    encoder: Encoder, at_start: dict[str, Any], later: dict[str, Any], kept: list[str]
) -> None:
    settings = Settings(**at_start)
    shared, content, scale = SharedTargets(), torch.zeros(1, 3, 24, 32), Scale(32, 24, 3)
    shared.check(encoder, content, [content], settings)
    first, other = shared.at(scale, settings), shared.at(scale, replace(settings, **later))
    terms = ("content", "style")
    assert [term for term in terms if getattr(first, term) is getattr(other, term)] == kept


VARIANTS: list[dict[str, Any]] = [
    {"content_weight": 0, "style_weight": 0},
    {"content_weight": 0},
    {"style_weight": 0},
    {"tv_weight": 0},
    {"content_weight": 3, "style_weight": 0.5, "style_form": "gram"},
    {"style_form": "moments"},
    {"content_weight": 0, "tv_weight": 0},
]


class Case:
    """An image and a content, with or without regions."""

    def __init__(self, encoder: Encoder, styles: list[Tensor], regional: bool) -> None:
        self.encoder, self.styles = encoder, styles
        self.image, self.content = torch.rand(2, 1, 3, 40, 33, generator=torch.Generator())
        left = halves(self.content)[:, :1]
        self.regions: Regions | None = None
        if regional:
            self.regions = Regions(left, tuple(halves(style)[:, :1] for style in styles))

    def objective(self, targets: Targets | None, **values: Any) -> Objective:
        return Objective(
            self.encoder,
            self.content,
            self.styles,
            Settings(**values),
            targets,
            regions=self.regions,
        )

    def terms(self, targets: Targets | None, **values: Any) -> Terms:
        return self.objective(targets, **values)(self.image)


@pytest.fixture(params=[False, True], ids=["whole", "regions"])
def case(request: pytest.FixtureRequest, encoder: Encoder, styles: list[Tensor]) -> Case:
    return Case(encoder, styles, request.param)


@pytest.mark.parametrize("order", [1, -1])
def test_shared_targets_change_no_bit_of_a_term_whatever_weights_and_form(
    order: int, case: Case
) -> None:
    targets = Targets()
    for values in VARIANTS[::order]:
        assert case.terms(targets, **values) == case.terms(None, **values)


def test_shared_targets_are_computed_once_and_none_for_a_weight_of_0(
    case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    targets, counts = Targets(), []
    calls: list[object] = []
    fast = case.encoder.fast
    assert fast is not None
    walk = fast.walk

    def spy(*rest: Any, **named: Any) -> None:
        calls.append(rest)
        walk(*rest, **named)

    monkeypatch.setattr(fast, "walk", spy)
    for values in VARIANTS:
        calls.clear()
        case.objective(targets, **values)
        counts.append(len(calls))

    content, styles = 1, 2
    assert counts == [0, styles, content, styles, 0, 0, 0]
