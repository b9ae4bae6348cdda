"""What is said about the colours of a mask."""

import pytest
from PIL import ImageColor

from styletransfer.errors import ConfigError
from styletransfer.regions import KEEP, Region, colour_name, parse_regions
from styletransfer.settings import Settings

RED = (255, 0, 0)


@pytest.mark.parametrize(
    ("text", "region"),
    [
        ("red=1", Region(RED, 1)),
        ("red=keep", Region(RED, KEEP)),
        ("#ff0000=12", Region(RED, 12)),
        ("#f00=999", Region(RED, 999)),
        ("Red = 2", Region(RED, 2)),
        ("rgb(255,0,0)=1", Region(RED, 1)),
    ],
)
def test_a_colour_takes_a_style_or_is_kept(text: str, region: Region) -> None:
    assert parse_regions([text]) == [region]


def test_regions_stay_in_their_order() -> None:
    texts = ["black=keep", "white=2", "red=1"]
    assert list(map(str, parse_regions(texts))) == texts


@pytest.mark.parametrize(
    "text",
    [
        *("", "=", "red", "red=", "=1", "rouge=1", "#ff00=x", "red=0", "red=-1", "red=1000"),
        *("red=1.0", "red=1=2", "red=²", "red=Keep", "red=none", "#ff000080=1", "#ff000080=keep"),
        *("rouge=keep", "x" * 1000),
    ],
)
def test_any_other_text_is_refused_with_two_examples(text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_regions(["white=1", text])
    line = str(caught.value)
    assert line.startswith(
        "regions must be colours with the number of a style or keep, such as white=1 or "
        f"black=keep, not '{text[:100]}"
    )
    assert len(line) < 400


@pytest.mark.parametrize("again", ["red=1", "red=2", "#ff0000=keep"])
def test_a_colour_that_is_named_twice_is_refused(again: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_regions(["white=1", "red=1", again])
    assert str(caught.value) == "regions names red twice; name each colour once"


def test_settings_refuse_wrong_regions() -> None:
    assert Settings(regions=("red=1",)).regions == ("red=1",)
    with pytest.raises(ConfigError, match="regions must be colours"):
        Settings(regions=("red",))


def test_a_region_that_takes_all_styles_says_so() -> None:
    assert str(Region(RED, None)) == "red=styles"


@pytest.mark.parametrize("colour", sorted({*map(ImageColor.getrgb, ImageColor.colormap)}))
def test_the_name_of_a_colour_names_this_colour(colour: tuple[int, int, int]) -> None:
    assert ImageColor.getrgb(colour_name(colour)) == colour
    assert not colour_name(colour).startswith("#")


@pytest.mark.parametrize(
    ("colour", "name"),
    [
        ((0, 255, 255), "cyan"),
        ((255, 0, 255), "magenta"),
        ((128, 128, 128), "grey"),
        ((1, 2, 255), "#0102ff"),
    ],
)
def test_a_colour_has_its_most_common_name_or_else_its_digits(
    colour: tuple[int, int, int], name: str
) -> None:
    assert colour_name(colour) == name
