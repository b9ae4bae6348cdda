"""The pictures of a run: checked, prepared, brought to each size, and what is kept of them."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor

from styletransfer.choices import PreserveColor
from styletransfer.errors import ConfigError, DivergenceError, ImageError
from styletransfer.settings import Settings
from styletransfer.transfer.colours.preservation import finish_picture
from styletransfer.transfer.inputs import Inputs, check_pictures, prepare_inputs
from styletransfer.transfer.pyramid import Scale
from styletransfer.transfer.regions import Regions
from styletransfer.transfer.resizing import resize
from styletransfer.transfer.stylize import Result, Step, stylize
from styletransfer.transfer.targets import SharedTargets
from styletransfer.vgg.encoder import Encoder

Picture = Callable[[int, int, int], Tensor]

every_colour = pytest.mark.parametrize("how", ["none", "luminance", "match"])

HEIGHT, WIDTH = 24, 40
PAINTED = 18
"""Columns on the left that are painted; the others are kept."""

SCALES = [Scale(20, 12, 2), Scale(WIDTH, HEIGHT, 3)]


def left(styles: int = 1) -> Regions:
    """One region, the left part of the content; the rest is kept."""
    columns = torch.arange(WIDTH) < PAINTED
    shares = columns.float().expand(1, 1, HEIGHT, -1)
    return Regions(shares, (torch.ones(1, 1, 1, 1),) * styles)


@pytest.fixture
def content(smooth: Picture) -> Tensor:
    return smooth(HEIGHT, WIDTH, 0)


@pytest.fixture
def styles(noisy: Picture) -> list[Tensor]:
    return [noisy(40, 30, 1), noisy(20, 50, 2)]


@pytest.fixture
def prepare(content: Tensor, styles: list[Tensor]) -> Callable[..., Inputs]:
    """Prepares the inputs of a run."""

    def make(regions: Regions | None = None, **values: Any) -> Inputs:
        return prepare_inputs(content, styles, None, regions, SCALES, Settings(**values))

    return make


Prepare = Callable[..., Inputs]


# Refusals


def test_regions_need_weights_for_each_style(content: Tensor, styles: list[Tensor]) -> None:
    check_pictures(content, styles, None, left(2), Settings())
    with pytest.raises(ConfigError) as caught:
        check_pictures(content, styles, None, left(1), Settings())
    assert str(caught.value) == "regions need weights for each of the 2 styles, not 1"


@pytest.mark.parametrize("values", [{"content_mask": "mask.png"}, {"style_mask": ("mask.png",)}])
def test_masks_that_are_only_named_are_refused_since_files_are_read_elsewhere(
    values: dict[str, Any], content: Tensor, styles: list[Tensor]
) -> None:
    settings = Settings(**values)
    check_pictures(content, styles[:1], None, left(), settings)
    with pytest.raises(ConfigError, match=r"masks are files: read them with read_regions"):
        check_pictures(content, styles[:1], None, None, settings)


# Sizes


def test_each_style_comes_at_each_of_its_sizes_in_turn(prepare: Prepare) -> None:
    content, styles, regions = prepare(style_scale=(1.0, 0.5)).at(SCALES[0])
    assert content.shape == (1, 3, 12, 20)
    assert [tuple(style.shape[2:]) for style in styles] == [(20, 15), (10, 8), (8, 20), (4, 10)]
    assert regions is None


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("factors", [(1.0,), (0.5, 1.0, 2.0)])
def test_regions_come_at_the_sizes_of_the_pictures(
    factors: tuple[float, ...], scale: Scale, prepare: Prepare
) -> None:
    content, styles, regions = prepare(left(2), style_scale=factors).at(scale)
    assert regions is not None
    assert regions.content.shape[2:] == content.shape[2:]
    assert len(regions.styles) == len(styles) == 2 * len(factors)
    for shares, style in zip(regions.styles, styles, strict=True):
        assert shares.shape[2:] == style.shape[2:]


def test_weights_stay_with_their_style_at_each_of_its_sizes(prepare: Prepare) -> None:
    shares = left().content.expand(-1, 2, -1, -1) / 2
    first, second = (torch.tensor(row).view(1, 2, 1, 1) for row in ([1.0, 0.0], [0.0, 1.0]))
    _, _, regions = prepare(Regions(shares, (first, second)), style_scale=(1.0, 2.0)).at(SCALES[0])
    assert regions is not None
    assert [style.amax((0, 2, 3)).tolist() for style in regions.styles] == [
        *([1, 0], [1, 0], [0, 1], [0, 1])
    ]


# Finishing


@every_colour
def test_without_regions_only_colours_are_finished(
    how: PreserveColor, content: Tensor, prepare: Prepare, noisy: Picture
) -> None:
    image = noisy(HEIGHT, WIDTH, 5)
    expected = finish_picture(image, content, how)
    assert torch.equal(prepare(preserve_color=how).finish(image), expected)


@every_colour
def test_what_is_kept_is_the_content_itself_and_the_rest_is_finished_as_ever(
    how: PreserveColor, content: Tensor, prepare: Prepare, noisy: Picture
) -> None:
    image = noisy(HEIGHT, WIDTH, 5)
    finished = prepare(left(2), preserve_color=how).finish(image)
    assert torch.equal(finished[..., PAINTED:], content[..., PAINTED:])
    painted = finish_picture(image, content, how)[..., :PAINTED]
    assert torch.equal(finished[..., :PAINTED], painted)


@pytest.mark.parametrize("size", [(20, 12), (80, 48)])
def test_at_another_size_what_is_kept_is_the_resized_content(
    size: tuple[int, int], content: Tensor, prepare: Prepare, noisy: Picture
) -> None:
    width, height = size
    finished = prepare(left(2)).finish(noisy(height, width, 5))
    inner = width * (PAINTED + 2) // WIDTH
    assert torch.equal(finished[..., inner:], resize(content, width, height)[..., inner:])


# In a run


class Runs:
    """Quick runs in the narrow network; the right part of the content is kept."""

    def __init__(self, content: Tensor, styles: list[Tensor], encoder: Encoder) -> None:
        self.content, self.styles, self.encoder = content, styles[:1], encoder
        self.regions: Regions | None = left()
        self.targets: SharedTargets | None = None

    def __call__(
        self, on_step: Callable[[Step], bool | None] | None = None, **values: Any
    ) -> Result:
        return stylize(
            self.content,
            self.styles,
            replace(Settings(min_size=20, iterations=(3,)), **values),
            encoder=self.encoder,
            targets=self.targets,
            on_step=on_step,
            regions=self.regions,
        )

    def keeps(self, image: Tensor) -> bool:
        """Whether an image of the content's size keeps what it should, and no more."""
        same = (image == self.content).all(1).all(1)[0]
        return bool(same[PAINTED:].all() and not same[:PAINTED].any())


@pytest.fixture
def run(content: Tensor, styles: list[Tensor], encoder: Encoder) -> Runs:
    return Runs(content, styles, encoder)


@every_colour
@pytest.mark.parametrize("init", ["content", "noise"])
@pytest.mark.parametrize("optimizer", ["lbfgs", "adam"])
def test_the_result_keeps_the_content_to_the_bit(
    optimizer: str, init: str, how: PreserveColor, run: Runs
) -> None:
    assert run.keeps(run(optimizer=optimizer, init=init, preserve_color=how).image)


@pytest.mark.parametrize("at", [20, WIDTH])
def test_a_run_that_is_stopped_keeps_the_content_to_the_bit(at: int, run: Runs) -> None:
    result = run(lambda step: step.scale.width == at and step.iteration == 2)
    assert result.stopped
    assert run.keeps(result.image)


@every_colour
def test_every_step_shows_what_is_kept(how: PreserveColor, run: Runs) -> None:
    shown: list[Tensor] = []
    run(lambda step: shown.append(step.picture()), preserve_color=how)
    assert [picture.shape[3] for picture in shown] == 3 * [20] + 3 * [WIDTH]
    for picture in shown:
        height, width = picture.shape[2:]
        beyond = width * (PAINTED + 2) // WIDTH
        expected = resize(run.content, width, height)
        assert torch.equal(picture[..., beyond:], expected[..., beyond:])


def test_a_run_that_diverges_keeps_the_content_to_the_bit(run: Runs) -> None:
    with pytest.raises(DivergenceError) as caught:
        run(optimizer="adam", learning_rate=100.0)
    assert torch.equal(caught.value.image[..., PAINTED:], run.content[..., PAINTED:])


def test_shares_may_be_in_float64(run: Runs) -> None:
    expected = run().image
    run.regions = Regions(left().content.double(), (torch.ones(1, 1, 1, 1).double(),))
    torch.testing.assert_close(run().image, expected)


def test_one_region_of_everything_paints_like_no_regions_to_the_bit(run: Runs) -> None:
    run.regions = Regions(torch.ones(1, 1, 5, 7), (torch.ones(1, 1, 1, 1),))
    within = run().image
    run.regions = None
    assert torch.equal(within, run().image)


def test_a_region_of_half_of_the_style_paints_otherwise(run: Runs) -> None:
    half = torch.tensor([1.0, 0.0]).view(1, 1, 1, 2)
    run.regions = Regions(torch.ones(1, 1, 1, 1), (half,))
    within = run().image
    run.regions = None
    assert not torch.equal(within, run().image)


def test_runs_that_share_their_targets_equal_their_runs_alone_to_the_bit(run: Runs) -> None:
    weights = ("tv_weight", "style_weight", "content_weight")
    alone = [run(None, **{weight: 0.0}).image for weight in weights]
    run.targets = SharedTargets()
    for single, weight in zip(alone, weights, strict=True):
        assert torch.equal(run(None, **{weight: 0.0}).image, single)


# What is no picture


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda image: (255 * image).byte(), "must be floats, not torch.uint8; divide levels"),
        (lambda image: 255 * image, "must be from 0 to 1, not from "),
        (lambda image: image - 0.5, "must be from 0 to 1, not from -"),
        (lambda image: image * float("nan"), "must be from 0 to 1, not from nan to nan"),
    ],
)
def test_values_that_are_no_colours_are_refused(
    change: Callable[[Tensor], Tensor], message: str, content: Tensor, styles: list[Tensor]
) -> None:
    with pytest.raises(ImageError, match=f"^content {message}"):
        check_pictures(change(content), styles, None, None, Settings())
    with pytest.raises(ImageError, match=f"^style {message}"):
        check_pictures(content, [change(styles[0])], None, None, Settings())
