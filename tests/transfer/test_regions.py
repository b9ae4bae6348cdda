"""Regions of a picture, and what they change in the objective."""

from collections.abc import Callable
from typing import Any, get_args

import pytest
import torch
from torch import Tensor

from styletransfer.choices import StyleForm
from styletransfer.errors import ImageError
from styletransfer.settings import Settings
from styletransfer.transfer.objective import Objective, Terms
from styletransfer.transfer.regions import Regions
from styletransfer.transfer.style_forms import STYLE_FORMS
from styletransfer.vgg.encoder import Encoder, Kernels
from styletransfer.vgg.moments import moments

Picture = Callable[[int, int, int], Tensor]

every_form = pytest.mark.parametrize("form", get_args(StyleForm))

ALL = torch.ones(1, 1, 1, 1)


def columns(width: int, *counts: int, height: int = 32) -> Tensor:
    """One region of full height after another, each so many columns wide."""
    shares = torch.zeros(1, len(counts), height, width)
    start = 0
    for region, count in enumerate(counts):
        shares[:, region, :, start : start + count] = 1
        start += count
    return shares


# Refusals


@pytest.mark.parametrize(
    ("content", "styles", "message"),
    [
        (torch.ones(4, 4), [ALL], "content must have shape (1, R, H, W), not (4, 4)"),
        (torch.ones(1, 1, 0, 4), [ALL], "content must have shape (1, 1, H, W), not (1, 1, 0, 4)"),
        (columns(4, 1, 1), [ALL], "styles must have shape (1, 2, H, W), not (1, 1, 1, 1)"),
        (ALL, [ALL, ALL[0]], "styles must have shape (1, 1, H, W), not (1, 1, 1)"),
        (1.1 * ALL, [ALL], "content must be from 0 to 1"),
        (float("nan") * ALL, [ALL], "content must be from 0 to 1"),
        (ALL.bool(), [ALL], "content must be floats, not torch.bool"),
        (ALL, [ALL.byte()], "styles must be floats, not torch.uint8"),
        (ALL, [ALL, 2 * ALL], "styles must be from 0 to 1"),
        (
            torch.full((1, 2, 4, 4), 0.6),
            [torch.ones(1, 2, 1, 1)],
            "the shares of a pixel of the content must sum to at most 1",
        ),
        (
            columns(4, 2, 2),
            [columns(4, 4, 0), columns(9, 1, 0)],
            "each region needs a style with a weight above 0",
        ),
        (ALL, [], "each region needs a style with a weight above 0"),
    ],
)
def test_what_are_no_shares_is_refused(content: Tensor, styles: list[Tensor], message: str) -> None:
    with pytest.raises(ImageError) as caught:
        Regions(content, tuple(styles))
    assert str(caught.value) == f"regions: {message}"


# Areas and what is kept


def test_the_area_of_a_region_is_its_share_of_the_content() -> None:
    regions = Regions(columns(8, 2, 4), (torch.ones(1, 2, 1, 1),))
    assert regions.areas.tolist() == [0.25, 0.5]


def test_regions_are_whole_if_all_of_the_content_takes_all_of_the_styles() -> None:
    ones = torch.ones(1, 1, 5, 7)
    assert Regions(ones, (ALL, ones)).is_whole
    assert not Regions(columns(8, 7), (ALL,)).is_whole
    assert not Regions(ALL, (ALL, columns(8, 7))).is_whole
    assert not Regions(columns(8, 4, 4), (torch.ones(1, 2, 1, 1),)).is_whole


@pytest.mark.parametrize("size", [(8, 32), (16, 64), (5, 9), (1, 1)])
def test_nothing_is_kept_where_all_is_painted(size: tuple[int, int]) -> None:
    levels = torch.randint(256, (1, 1, 32, 8), generator=torch.Generator().manual_seed(0))
    content = torch.cat([levels, 255 - levels], 1).float() / 255
    assert Regions(content, (torch.ones(1, 2, 1, 1),)).kept_at(*size) is None


def test_what_belongs_to_no_region_is_kept_exactly() -> None:
    kept = Regions(columns(8, 2), (ALL,)).kept_at(8, 32)
    assert kept is not None
    assert torch.equal(kept, 1 - columns(8, 2))


@pytest.mark.parametrize("size", [(32, 16), (64, 64), (24, 40)])
def test_beyond_the_soft_edge_of_a_resized_mask_pixels_are_kept_or_painted_as_a_whole(
    size: tuple[int, int],
) -> None:
    width, height = size
    kept = Regions(columns(32, 16), (ALL,)).kept_at(width, height)
    assert kept is not None
    assert kept.shape == (1, 1, height, width)
    edge = max(1, round(width / 32))
    assert not kept[..., : width // 2 - edge].any()
    assert (kept[..., width // 2 + edge :] == 1).all()


# Sizes


@pytest.mark.parametrize("size", [(9, 5), (64, 50), (1, 1), (200, 3)])
def test_resized_shares_are_shares(size: tuple[int, int]) -> None:
    shares = torch.rand(1, 3, 20, 30, generator=torch.Generator().manual_seed(0))
    regions = Regions(shares / shares.sum(1, keepdim=True), (torch.ones(1, 3, 1, 1),))
    resized = regions.resized(size, [size])
    assert resized.content.shape[2:] == resized.styles[0].shape[2:] == size[::-1]
    torch.testing.assert_close(resized.content.sum(1), torch.ones(1, *size[::-1]))
    assert torch.equal(resized.styles[0], torch.ones(1, 3, *size[::-1]))


def test_a_single_pixel_of_a_style_is_not_lost_in_a_smaller_one() -> None:
    speck = torch.zeros(1, 1, 100, 100)
    speck[..., 37, 62] = 1 / 255
    assert Regions(ALL, (speck,)).resized((1, 1), [(7, 3)]).styles[0].any()


def test_the_content_is_mirrored_up_to_multiples_of_16_like_its_picture() -> None:
    shares = columns(20, 4, 10, height=5)
    padded = Regions(shares.double(), (columns(7, 3, 4),)).padded(like=torch.zeros(1))
    assert padded.content.shape == (1, 2, 16, 32)
    assert torch.equal(padded.content[..., :5, :20], shares)
    assert torch.equal(padded.content[..., :5, 20:], shares.flip(3)[..., :12])
    assert padded.styles[0].shape == (1, 2, 32, 7)


# In the objective


class Case:
    """An image, a content and two styles in float64, with the narrow network."""

    def __init__(self, encoder: Encoder, smooth: Picture, noisy: Picture) -> None:
        self.encoder = narrow(encoder)
        self.image = noisy(32, 48, 0).double()
        self.content = smooth(32, 48, 1).double()
        self.styles = [noisy(50, 20, 2).double(), smooth(24, 48, 3).double()]

    def objective(self, regions: Regions | None, **values: Any) -> Objective:
        return Objective(
            self.encoder, self.content, self.styles, Settings(**values), regions=regions
        )

    def terms(self, regions: Regions | None, **values: Any) -> Terms:
        return self.objective(regions, **values)(self.image)

    def whole(self, *rows: tuple[int, ...]) -> tuple[Tensor, ...]:
        """Weights of all pixels of a style, one row for each style, for each region."""
        return tuple(
            torch.tensor(row).double().view(1, -1, 1, 1).expand(-1, -1, *style.shape[2:])
            for row, style in zip(rows, self.styles, strict=True)
        )


def narrow(encoder: Encoder, kernels: Kernels = "auto") -> Encoder:
    """The narrow network in float64."""
    exact = Encoder(narrowing=16, kernels=kernels)
    exact.load_state_dict(encoder.state_dict())
    return exact.place_on(torch.device("cpu"), torch.float64)


@pytest.fixture
def case(encoder: Encoder, smooth: Picture, noisy: Picture) -> Case:
    return Case(encoder, smooth, noisy)


def values_and_gradient(objective: Objective, image: Tensor) -> tuple[Tensor, ...]:
    image = image.clone().requires_grad_()
    terms = objective(image)
    (gradient,) = torch.autograd.grad(terms.total, image)
    return terms.content, terms.style, terms.tv, gradient


@every_form
@pytest.mark.parametrize("tileable", [False, True])
def test_one_region_of_everything_equals_no_regions(
    tileable: bool, form: StyleForm, case: Case
) -> None:
    found = [
        values_and_gradient(case.objective(regions, style_form=form, tileable=tileable), case.image)
        for regions in (Regions(columns(48, 48).double(), case.whole((1,), (1,))), None)
    ]
    torch.testing.assert_close(*found)


def test_a_region_weighs_as_much_as_its_area(case: Case) -> None:
    case.image = case.content
    half = Regions(torch.full((1, 1, 32, 48), 0.5).double(), case.whole((1,), (1,)))
    torch.testing.assert_close(case.terms(half).style, case.terms(None).style / 2)


@every_form
def test_the_style_term_is_the_sum_over_regions_each_with_its_own_style(
    form: StyleForm, case: Case
) -> None:
    layers = ("relu1_1", "relu3_1")
    shares = columns(48, 12, 36).double()
    found = case.terms(
        Regions(shares, case.whole((1, 0), (0, 1))),
        style_form=form,
        style_weight=1,
        style_layers=layers,
        layer_weights=(1.0, 1.0),
    )
    of_image, *of_styles = (case.encoder(each, layers) for each in (case.image, *case.styles))
    followed = case.encoder.follow(shares, layers)
    expected = torch.zeros(()).double()
    for layer in layers:
        for region, (area, of_style) in enumerate(zip((0.25, 0.75), of_styles, strict=True)):
            error = STYLE_FORMS[form](moments(of_style[layer]))
            inside = moments(of_image[layer], followed[layer][region, None])
            expected = expected + area * error(inside).squeeze() / 2
    torch.testing.assert_close(found.style, expected)


@every_form
def test_a_picture_of_two_halves_fits_the_styles_that_its_halves_are_made_of(
    form: StyleForm, case: Case, smooth: Picture
) -> None:
    case.styles = [case.image, smooth(32, 48, 5).double()]
    case.image = torch.cat([case.styles[0][..., :24], case.styles[1][..., 24:]], 3)
    halves = columns(48, 24, 24).double()
    left, right = halves[:, :1], halves[:, 1:]
    parts = (torch.cat([left, 0 * left], 1), torch.cat([0 * right, right], 1))
    own, other = (
        case.terms(Regions(halves, tuple(each)), style_form=form).style
        for each in (parts, [part.flip(1) for part in parts])
    )
    assert own < 0.2 * other


def test_content_is_measured_in_the_unit_of_the_styles_by_area(case: Case) -> None:
    def content(*counts: int, styles: tuple[tuple[int, ...], ...]) -> Tensor:
        regions = Regions(columns(48, *counts).double(), case.whole(*styles))
        return case.terms(regions, style_layers=("relu4_1",)).content

    first = content(48, styles=((1,), (0,)))
    second = content(48, styles=((0,), (1,)))
    both = content(12, 36, styles=((1, 0), (0, 1)))
    torch.testing.assert_close(1 / both, 0.25 / first + 0.75 / second)


def test_kept_pixels_get_no_gradient_and_do_not_matter(case: Case) -> None:
    regions = Regions(columns(48, 20).double(), case.whole((1,), (1,)))
    objective = case.objective(regions)
    *terms, gradient = values_and_gradient(objective, case.image)
    assert not gradient[..., 20:].any()
    assert gradient[..., :20].all()
    moved = case.image.clone()
    moved[..., 20:] = 7
    assert values_and_gradient(objective, moved)[:3] == tuple(terms)


@pytest.mark.parametrize("tileable", [False, True])
def test_the_fast_kernels_and_plain_torch_agree_on_regions(
    tileable: bool, encoder: Encoder, case: Case
) -> None:
    found = []
    for kernels in get_args(Kernels):
        case.encoder = narrow(encoder, kernels)
        regions = Regions(columns(48, 9, 20).double(), case.whole((1, 0), (1, 1)))
        found.append(values_and_gradient(case.objective(regions, tileable=tileable), case.image))
    torch.testing.assert_close(*found)


@every_form
def test_a_style_region_too_small_for_the_deepest_layers_is_left_out_there(
    form: StyleForm, case: Case, noisy: Picture
) -> None:
    # The poolings drop the last 4 of 36 columns.
    case.styles = [noisy(32, 36, 5).double()]
    regions = Regions(columns(48, 12, 36).double(), (columns(36, 32, 4).double(),))
    objective = case.objective(regions, style_form=form)
    assert objective.areas["relu1_1"].tolist() == [0.25, 0.75]
    assert objective.areas["relu5_1"].tolist() == [0.25, 0]
    *terms, gradient = values_and_gradient(objective, case.image)
    assert all(term.isfinite() for term in terms)
    assert gradient.isfinite().all()


def test_where_no_style_shows_any_region_the_content_is_measured_in_its_own_unit(
    case: Case, noisy: Picture
) -> None:
    case.styles = [noisy(32, 36, 5).double()]
    strip = torch.cat([torch.zeros(1, 1, 32, 32), torch.ones(1, 1, 32, 4)], 3).double()
    found = case.terms(Regions(columns(48, 48).double(), (strip,)))
    torch.testing.assert_close(found.content, case.terms(None, style_weight=0).content)
