"""The masks of a run."""

from pathlib import Path

import pytest
import torch
from PIL import Image, ImageFilter

from styletransfer.errors import ConfigError, ImageError
from styletransfer.masks.region_masks import RegionMasks, mask_files, open_masks, read_regions
from styletransfer.settings import Settings
from tests.support.masks import stripes


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Masks of some colours, as the current folder."""
    monkeypatch.chdir(tmp_path)
    for name in (
        "red-blue",
        "blue-black",
        "white-black",
        "red-red-blue-yellow",
        "black",
        "red-yellow",
    ):
        stripes(*name.split("-")).save(f"{name}.png")
    return tmp_path


def opened(settings: Settings, styles: int = 1) -> RegionMasks:
    masks = open_masks(settings, styles)
    assert masks is not None
    return masks


# Files


def test_the_masks_of_the_settings_are_files_and_a_tilde_the_home_folder() -> None:
    settings = Settings(content_mask="~/mask.png", style_mask=("a.png", "b.png"))
    assert mask_files(settings) == [Path.home() / "mask.png", Path("a.png"), Path("b.png")]
    assert mask_files(Settings()) == []


def test_without_masks_there_are_no_regions() -> None:
    assert open_masks(Settings(), 2) is None
    assert read_regions(Settings(), 2) is None


@pytest.mark.parametrize(
    "settings",
    [
        Settings(content_mask="none.png"),
        Settings(style_mask=("none.png",)),
        Settings(content_mask="red-blue.png", style_mask=("none.png",)),
    ],
)
def test_a_mask_that_cannot_be_read_is_refused_by_its_name(settings: Settings) -> None:
    with pytest.raises(ImageError, match=r"^none\.png: No such file"):
        open_masks(settings, 1)


def test_what_is_odd_about_a_mask_is_told() -> None:
    frames = [stripes("red", "blue"), stripes("blue", "red")]
    frames[0].save("moving.gif", save_all=True, append_images=frames[1:])
    lines: list[str] = []
    open_masks(Settings(content_mask="moving.gif"), 1, lines.append)
    assert lines == ["moving.gif: it is animated; only the first frame is used"]


# In words


def test_the_regions_are_described_with_their_areas() -> None:
    masks = opened(Settings(content_mask="red-red-blue-yellow.png"), 2)
    assert masks.describe() == [
        {"colour": "yellow", "takes": 1, "area": 0.25},
        {"colour": "red", "takes": 2, "area": 0.5},
        {"colour": "blue", "takes": "keep", "area": 0.25},
    ]
    assert str(masks) == "yellow 25 % style 1, red 50 % style 2, blue 25 % kept"


@pytest.mark.parametrize(
    ("settings", "colour", "words"),
    [
        (Settings(style_mask=("white-black.png",)), "white", "white 100 % by colour"),
        (Settings(content_mask="black.png"), "black", "black 100 % all styles"),
    ],
)
def test_a_region_may_take_all_styles_by_colour_or_as_a_whole(
    settings: Settings, colour: str, words: str
) -> None:
    masks = opened(settings)
    assert masks.describe() == [{"colour": colour, "takes": None, "area": 1.0}]
    assert str(masks) == words


def test_the_areas_are_rounded_only_where_they_are_described() -> None:
    stripes("red", "blue", "blue").save("thirds.png")
    masks = opened(Settings(content_mask="thirds.png"))
    assert masks.areas == [pytest.approx(1 / 3), pytest.approx(2 / 3)]
    assert [each["area"] for each in masks.describe()] == [0.3333, 0.6667]


def test_the_painted_area_is_all_that_is_not_kept() -> None:
    assert opened(Settings(content_mask="red-red-blue-yellow.png"), 2).painted == 0.75
    assert opened(Settings(style_mask=("white-black.png",))).painted == 1


# As tensors


def test_each_painted_region_has_a_layer_and_a_kept_one_has_none() -> None:
    regions = read_regions(Settings(content_mask="red-red-blue-yellow.png"), 2)
    assert regions is not None
    assert regions.content.shape == (1, 2, 16, 80)
    yellow, red = regions.content[0]
    assert torch.equal(yellow, (torch.arange(80) >= 60).float().expand(16, 80))
    assert torch.equal(red, (torch.arange(80) < 40).float().expand(16, 80))


def test_without_style_masks_a_region_takes_all_of_its_style() -> None:
    regions = read_regions(Settings(content_mask="red-red-blue-yellow.png"), 2)
    assert regions is not None
    assert [each.flatten().tolist() for each in regions.styles] == [[1, 0], [0, 1]]


def test_a_region_takes_the_style_that_is_named_for_it() -> None:
    settings = Settings(content_mask="white-black.png", regions=("black=1", "white=2"))
    regions = read_regions(settings, 2)
    assert regions is not None
    black, white = regions.content[0]
    assert (black[0, 0], white[0, 0]) == (0, 1), "white is on the left"
    assert [each.flatten().tolist() for each in regions.styles] == [[1, 0], [0, 1]]


def test_with_style_masks_a_region_takes_the_parts_of_its_colour() -> None:
    masks = ("red-blue.png", "red-yellow.png")
    settings = Settings(content_mask="red-blue.png", style_mask=masks)
    regions = read_regions(settings, 2)
    assert regions is not None
    left = (torch.arange(40) < 20).float().expand(16, 40)
    assert torch.equal(regions.styles[0], torch.stack([left, 1 - left])[None])
    assert torch.equal(regions.styles[1], torch.stack([left, 0 * left])[None])


def test_a_region_with_a_number_takes_the_parts_of_that_style_only() -> None:
    masks = ("red-blue.png", "red-yellow.png")
    settings = Settings(content_mask="red-blue.png", style_mask=masks, regions=("red=2", "blue=1"))
    regions = read_regions(settings, 2)
    assert regions is not None
    assert [each.mean((0, 2, 3)).tolist() for each in regions.styles] == [[0, 0.5], [0.5, 0]]


def test_with_style_masks_alone_white_of_the_styles_is_used_for_all() -> None:
    regions = read_regions(Settings(style_mask=("white-black.png",)), 1)
    assert regions is not None
    assert regions.content.flatten().tolist() == [1]
    assert torch.equal(regions.styles[0][0, 0, 0], (torch.arange(40) < 20).float())


def test_specks_at_the_edges_of_a_jpeg_give_a_style_no_colour_that_it_lacks() -> None:
    stripes("white", "red", "black").save("three.png")
    ring = Image.radial_gradient("L").point(lambda level: 255 * (level > 128))
    Image.merge("RGB", [Image.new("L", ring.size, 255), ring, ring]).save("white-red.jpg")
    masks = ("three.png", "white-red.jpg")
    regions = read_regions(Settings(content_mask="three.png", style_mask=masks), 2)
    assert regions is not None
    assert [bool(each.any()) for each in regions.styles[1][0]] == [True, True, False]


def test_the_shares_of_a_soft_edge_sum_to_one() -> None:
    large = stripes("red", "blue", "yellow").resize((600, 16), Image.Resampling.NEAREST)
    large.filter(ImageFilter.GaussianBlur(2)).save("soft.png")
    regions = read_regions(Settings(content_mask="soft.png"), 3)
    assert regions is not None
    torch.testing.assert_close(regions.content.sum(1), torch.ones(1, 16, 600))
    assert ((regions.content > 0) & (regions.content < 1)).any()


# A blend


@pytest.mark.parametrize(
    "values",
    [
        {"content_mask": "white-black.png"},
        {"content_mask": "red-blue.png", "regions": ("red=1", "blue=2")},
        {
            "content_mask": "red-blue.png",
            "style_mask": ("red-yellow.png", "blue-black.png"),
        },
        {
            "content_mask": "red-yellow.png",
            "style_mask": ("red-blue.png", "red-yellow.png"),
            "regions": ("red=1", "yellow=2"),
        },
    ],
)
def test_a_blend_is_refused_where_no_region_takes_two_styles(values: dict[str, object]) -> None:
    settings = Settings().with_values({**values, "style_blend": (1.0, 2.0)})
    with pytest.raises(ConfigError) as caught:
        open_masks(settings, 2)
    assert str(caught.value) == "--style-blend has no effect: no region takes two styles"


@pytest.mark.parametrize(
    "values",
    [
        {"content_mask": "red-blue.png", "style_mask": ("red-blue.png", "red-yellow.png")},
        {"style_mask": ("white-black.png", "white-black.png")},
    ],
)
def test_a_blend_is_accepted_where_a_region_takes_two_styles(values: dict[str, object]) -> None:
    masks = opened(Settings().with_values({**values, "style_blend": (1.0, 2.0)}), 2)
    assert {region.takes for region in masks.regions} == {None}


def test_all_styles_are_blended_beneath_a_mask_of_one_colour() -> None:
    masks = opened(Settings(content_mask="black.png", style_blend=(1.0, 2.0)), 2)
    assert masks.to_regions().is_whole


# What the user is told


def test_a_transparent_mask_is_refused() -> None:
    Image.new("RGBA", (20, 10), (255, 255, 255, 128)).save("clear.png")
    with pytest.raises(ImageError, match=r"^clear\.png: a mask must not be transparent"):
        open_masks(Settings(content_mask="clear.png"), 1)


@pytest.mark.parametrize(("size", "told"), [((40, 16), 0), ((400, 161), 0), ((40, 20), 1)])
def test_a_mask_of_other_proportions_is_reported(size: tuple[int, int], told: int) -> None:
    masks = open_masks(Settings(content_mask="white-black.png"), 1)
    assert masks is not None
    lines: list[str] = []
    masks.warn_about_proportions(size, lines.append)
    assert len(lines) == told


def test_a_colour_that_jpeg_has_moved_is_called_by_its_name() -> None:
    stripes("red", "blue", width=64).save("moved.jpg", quality=75)
    masks = open_masks(Settings(content_mask="moved.jpg"), 1)
    assert masks is not None
    assert str(masks) == "red 50 % style 1, blue 50 % kept"
