"""Which style each region of a mask takes."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from PIL import Image

from styletransfer.errors import ConfigError
from styletransfer.masks.assignment import assign_regions, check_style_masks
from styletransfer.regions import WHITE, Region, parse_regions
from tests.support.masks import stripes

MASK = Path("mask.png")
SAMPLES = Path(__file__).parents[2] / "samples"


def assigned(
    colours: Sequence[str],
    styles: int,
    named: Sequence[str] | None = None,
    *,
    by_colour: bool = False,
) -> list[str]:
    """What each colour of a mask takes, such as ``white=1``."""
    mask = (MASK, stripes(*colours))
    return [str(one) for one in assign_regions(mask, named, styles, by_colour=by_colour)]


def refusal(
    colours: Sequence[str],
    styles: int,
    named: Sequence[str] | None = None,
    *,
    by_colour: bool = False,
) -> str:
    with pytest.raises(ConfigError) as caught:
        assigned(colours, styles, named, by_colour=by_colour)
    line = str(caught.value)
    assert "\n" not in line
    return line


# By order


@pytest.mark.parametrize(
    ("colours", "styles", "expected"),
    [
        (["black", "white"], 1, ["white=1", "black=keep"]),
        (["black", "white"], 2, ["white=1", "black=2"]),
        (["blue", "red"], 1, ["red=1", "blue=keep"]),
        (["blue", "yellow", "red"], 2, ["yellow=1", "red=2", "blue=keep"]),
        (["blue", "yellow", "red"], 3, ["yellow=1", "red=2", "blue=3"]),
    ],
)
def test_styles_go_to_colours_from_the_lightest_and_one_colour_more_is_kept(
    colours: list[str], styles: int, expected: list[str]
) -> None:
    assert assigned(colours, styles) == expected


@pytest.mark.parametrize("styles", [1, 2])
def test_a_mask_of_one_colour_takes_all_styles(styles: int) -> None:
    assert assigned(["black"], styles) == ["black=styles"]


@pytest.mark.parametrize(
    ("colours", "styles", "start"),
    [
        (["blue", "yellow", "red"], 1, "3 regions (yellow, red, blue), but there is 1 style; "),
        (["blue", "yellow", "red", "lime"], 2, "4 regions (yellow, lime, red, blue), but there "),
        (["white", "black"], 3, "2 regions (white, black), but there are 3 styles; "),
    ],
)
def test_other_numbers_of_colours_and_styles_are_refused(
    colours: list[str], styles: int, start: str
) -> None:
    assert refusal(colours, styles).startswith(f"mask.png has {start}")


@pytest.mark.parametrize("styles", [1, 2])
def test_the_example_of_a_refusal_can_be_followed(styles: int) -> None:
    colours = ["blue", "yellow", "red", "lime"]
    line = refusal(colours, styles)
    assert "say what each takes, such as --regions yellow=1,lime=" in line
    example = line.rpartition(" ")[2].split(",")
    assert assigned(colours, styles, example) == example


# By name


@pytest.mark.parametrize(
    ("colours", "styles", "named"),
    [
        (["white", "black"], 1, ["black=1", "white=keep"]),
        (["white", "black"], 1, ["white=1", "black=1"]),
        (["red", "blue", "yellow"], 2, ["red=2", "blue=1", "yellow=2"]),
        (["red", "blue", "yellow"], 1, ["red=keep", "blue=1", "yellow=keep"]),
        (["red"], 1, ["red=1"]),
        # A level of a grey mask may be named, too.
        (["white", "grey", "black"], 2, ["white=1", "grey=2", "black=keep"]),
    ],
)
def test_named_colours_take_what_is_said_in_the_order_in_which_it_is_said(
    colours: list[str], styles: int, named: list[str]
) -> None:
    assert assigned(colours, styles, named) == named


def test_a_name_fits_a_colour_that_a_noisy_file_has_changed() -> None:
    assert assigned(["#fd0102", "#0100fe"], 1, ["red=1", "blue=keep"]) == ["red=1", "blue=keep"]


@pytest.mark.parametrize(
    ("styles", "named", "line"),
    [
        (
            1,
            ["red=1", "lime=1", "blue=keep"],
            "--regions: nothing in mask.png is lime; its regions are red, blue",
        ),
        (
            1,
            ["red=1"],
            "--regions says nothing about blue of mask.png; add blue=keep, or =1 for the first "
            "style",
        ),
        (1, ["red=1", "blue=2"], "--regions blue=2: there is only 1 style"),
        (2, ["red=1", "blue=3"], "--regions blue=3: there are only 2 styles"),
        (
            1,
            ["red=keep", "blue=keep"],
            "every region is kept, so there is nothing to paint; give one a style",
        ),
        (2, ["red=2", "blue=2"], "no region takes style 1; give it one, or leave it out"),
        (2, ["red=1", "blue=keep"], "no region takes style 2; give it one, or leave it out"),
    ],
)
def test_names_that_do_not_fit_are_refused(styles: int, named: list[str], line: str) -> None:
    assert refusal(["red", "blue"], styles, named) == line


# With masks of the styles


@pytest.mark.parametrize("styles", [1, 2])
@pytest.mark.parametrize("colours", [["white", "black"], ["white", "red", "blue"]])
def test_with_style_masks_each_colour_takes_what_has_it_there(
    colours: list[str], styles: int
) -> None:
    found = assigned(colours, styles, by_colour=True)
    assert found == [f"{colour}=styles" for colour in colours]


def test_without_a_content_mask_all_of_the_content_is_white() -> None:
    assert assign_regions(None, None, 2, by_colour=True) == [Region(WHITE, None)]


def test_a_colour_may_take_its_own_parts_of_one_style() -> None:
    named = ["white=2", "black=1"]
    assert assigned(["white", "black"], 2, named, by_colour=True) == named


STYLES = [
    (Path("first.png"), stripes("red", "blue")),
    (Path("second.png"), stripes("red", "red", "yellow")),
]
"""The masks of two styles."""


@pytest.mark.parametrize(
    "regions",
    [
        [Region((255, 0, 0), None), Region((0, 0, 255), None)],
        parse_regions(["blue=1", "red=2"]),
        parse_regions(["red=2", "blue=1", "lime=keep"]),
        [Region((254, 1, 2), None)],
    ],
    ids=["by colour", "by number", "with a kept one", "with noise"],
)
def test_a_region_needs_its_colour_in_a_style_that_it_takes(regions: list[Region]) -> None:
    check_style_masks(STYLES, MASK, regions)


def test_a_style_mask_that_no_region_needs_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"^second\.png: no region takes a colour of this mask"):
        check_style_masks(STYLES, MASK, parse_regions(["red=1", "blue=1"]))


@pytest.mark.parametrize(
    ("regions", "content", "line"),
    [
        (
            [Region((0, 255, 0), None)],
            MASK,
            "first.png and second.png: nothing here is lime, which mask.png has; "
            "paint a part in lime",
        ),
        (
            parse_regions(["blue=2"]),
            MASK,
            "second.png: nothing here is blue, which mask.png has; paint a part in blue",
        ),
        (
            [Region(WHITE, None)],
            None,
            "first.png and second.png: nothing here is white; paint a part in white",
        ),
    ],
)
def test_a_region_whose_colour_no_style_has_is_refused(
    regions: list[Region], content: Path | None, line: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        check_style_masks(STYLES, content, regions)
    assert str(caught.value) == line


def test_a_photograph_is_no_mask() -> None:
    photograph = Image.open(SAMPLES / "content" / "coffee.jpg").convert("RGB")
    with pytest.raises(ConfigError, match="this is no mask"):
        assign_regions((MASK, photograph), None, 1, by_colour=False)
