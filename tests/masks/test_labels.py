"""The colours of a mask that name regions, and the share of each pixel in them."""

import io
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageColor, ImageDraw, ImageFilter

from styletransfer.masks.labels import are_found, divide, find_labels, measure_areas, other_labels
from styletransfer.regions import BLACK, WHITE, Colour, colour_name
from tests.support.masks import stripes
from tests.support.pictures import noise

GREY = (128, 128, 128)

MASKS = [
    ("white", "black"),
    ("red", "blue"),
    ("white", "red", "black"),
    ("#f08030", "#3080f0", "#30c030"),
    ("white", "yellow", "magenta", "blue", "black"),
]
"""Colours of masks, from the lightest to the darkest or not."""


def blobs(*colours: str) -> Image.Image:
    """Large round blobs on the first colour, with hard edges."""
    mask = Image.new("RGB", (192 * len(colours), 320), colours[0])
    draw = ImageDraw.Draw(mask)
    for number, colour in enumerate(colours[1:], start=1):
        draw.ellipse((192 * number - 112, 40, 192 * number + 112, 280), colour)
    return mask


def as_jpeg(mask: Image.Image, quality: int = 75) -> Image.Image:
    """The mask once it was saved as a JPEG."""
    file = io.BytesIO()
    mask.save(file, "JPEG", quality=quality)
    with Image.open(file) as picture:
        return picture.convert("RGB")


def soft_edge(first: str, second: str) -> tuple[Image.Image, NDArray[Any]]:
    """A wide edge from one colour to another, and the share of the second in each column."""
    share = ((np.arange(500) - 217.5) / 64).clip(0, 1)
    ends = [np.array(ImageColor.getrgb(colour)) for colour in (first, second)]
    row = (1 - share)[:, None] * ends[0] + share[:, None] * ends[1]
    return Image.fromarray(row.round().astype(np.uint8)[None].repeat(4, 0)), share


def names(labels: Sequence[Colour]) -> list[str]:
    return [colour_name(label) for label in labels]


# Labels


@pytest.mark.parametrize("colour", ["black", "white", "red", "grey", "#102030"])
def test_a_flat_mask_has_one_label(colour: str) -> None:
    assert find_labels(stripes(colour)) == [ImageColor.getrgb(colour)]


def test_a_flat_mask_stays_flat_in_a_noisy_file() -> None:
    assert find_labels(stripes("#804020", "#7d4123", "#804020")) == [(128, 64, 32)]


@pytest.mark.parametrize(
    "mask",
    [
        stripes("black", "white"),
        stripes("#333", "#999", "#fff"),
        Image.linear_gradient("L").convert("RGB"),
        as_jpeg(blobs("black", "white")),
    ],
    ids=["two levels", "three levels", "gradient", "JPEG"],
)
def test_a_grey_mask_has_white_and_black(mask: Image.Image) -> None:
    assert find_labels(mask) == [WHITE, BLACK]


def test_flat_colours_are_labels_from_the_lightest_to_the_darkest() -> None:
    mask = stripes("blue", "black", "yellow", "red", "white", "green")
    assert names(find_labels(mask)) == ["white", "yellow", "green", "red", "blue", "black"]


def test_the_order_of_labels_does_not_depend_on_their_areas() -> None:
    assert names(find_labels(stripes("red", "blue", "blue", "blue"))) == ["red", "blue"]


@pytest.mark.parametrize(("columns", "found"), [(1, ["red", "blue"]), (3, ["lime", "red", "blue"])])
def test_specks_of_less_than_a_hundredth_are_no_label(columns: int, found: list[str]) -> None:
    mask = stripes("red", "blue", width=100)
    mask.paste("lime", (30, 0, 30 + columns, 16))
    assert names(find_labels(mask)) == found


def test_colours_that_look_alike_are_one_label() -> None:
    assert names(find_labels(stripes("red", "red", "#e61919", "blue"))) == ["red", "blue"]


@pytest.mark.parametrize("radius", [1, 3, 5])
@pytest.mark.parametrize("colours", MASKS)
def test_soft_edges_are_no_label(colours: tuple[str, ...], radius: int) -> None:
    mask = blobs(*colours)
    soft = mask.filter(ImageFilter.GaussianBlur(radius))
    assert find_labels(soft) == find_labels(mask)


# Shares


@pytest.mark.parametrize("colours", MASKS)
def test_a_pixel_of_a_labels_colour_is_all_of_this_label(colours: tuple[str, ...]) -> None:
    labels = [ImageColor.getrgb(colour)[:3] for colour in colours]
    levels = divide(stripes(*colours), labels)
    expected = 255 * np.eye(len(colours), dtype=np.uint8).repeat(20, 1)[:, None].repeat(16, 1)
    np.testing.assert_array_equal(levels, expected)


@pytest.mark.parametrize("colours", [*MASKS, ("red",)])
@pytest.mark.parametrize("seed", range(3))
def test_the_shares_of_a_pixel_sum_to_255_whatever_its_colour(
    colours: tuple[str, ...], seed: int
) -> None:
    labels = [ImageColor.getrgb(colour)[:3] for colour in colours]
    levels = divide(noise(40, 30, seed), labels)
    assert levels.shape == (len(colours), 30, 40)
    assert (levels.sum(0, dtype=int) == 255).all()


@pytest.mark.parametrize(
    ("first", "second"), [("white", "black"), ("red", "blue"), ("#306090", "#c0b010")]
)
def test_a_soft_edge_is_divided_linearly_between_its_two_colours(first: str, second: str) -> None:
    mask, share = soft_edge(first, second)
    labels = [ImageColor.getrgb(colour)[:3] for colour in (first, second)]
    levels = divide(mask, labels)[:, 0].astype(float)
    # What holds less than a twentieth of the other colour is pure.
    expected = 255 * ((share - 0.05) / 0.9).clip(0, 1)
    np.testing.assert_allclose(levels[1], expected, atol=2)
    np.testing.assert_array_equal(levels[0], 255 - levels[1])
    assert levels[1][share < 0.045].max() == 0
    assert levels[1][share > 0.955].min() == 255


def test_the_middle_of_an_edge_is_half_of_either() -> None:
    (first,), (second,) = divide(stripes("#808080"), [WHITE, BLACK])[:, :1, 0]
    assert abs(int(first) - int(second)) <= 2


def test_a_soft_edge_has_no_part_in_a_third_colour() -> None:
    mask, _ = soft_edge("red", "blue")
    levels = divide(mask, [WHITE, (255, 0, 0), (0, 0, 255)])
    assert levels[0].max() == 0


@pytest.mark.parametrize(("first", "second", "third"), [(0, 1, 2), (1, 2, 0)])
def test_a_soft_edge_lies_between_neighbours_even_among_labels_in_one_line(
    first: int, second: int, third: int
) -> None:
    labels = [WHITE, GREY, BLACK]
    mask, _ = soft_edge(colour_name(labels[first]), colour_name(labels[second]))
    assert divide(mask, labels)[third].max() == 0


def test_noise_divides_no_pixel_even_among_labels_in_one_line() -> None:
    levels = divide(stripes("#7d7d7d", "#838383"), [WHITE, GREY, BLACK])
    assert (levels[1] == 255).all()


def test_other_colours_take_their_pixels() -> None:
    mask, labels = stripes("red", "blue", "white"), [(255, 0, 0), (0, 0, 255)]
    levels = divide(mask, labels)
    assert (levels[:, :, 40:] == 0).all()
    assert (levels[:, :, :40].sum(0, dtype=int) == 255).all()
    assert other_labels(mask, labels) == [WHITE]
    assert other_labels(mask, [*labels, WHITE]) == []


def test_what_is_too_small_for_a_label_belongs_to_those_that_it_is_a_mixture_of() -> None:
    mask = stripes("red", "blue", width=100)
    mask.paste("purple", (30, 0, 31, 16))
    levels = divide(mask, find_labels(mask))
    assert np.abs(levels[:, :, 30].astype(int) - 127).max() <= 1


def test_a_large_mask_is_divided_like_a_small_one() -> None:
    small = blobs("red", "blue", "white").filter(ImageFilter.GaussianBlur(2))
    labels = find_labels(small)
    large = small.resize((3 * small.width, 3 * small.height), Image.Resampling.NEAREST)
    assert large.width * large.height > 1 << 20
    expected = divide(small, labels).repeat(3, 1).repeat(3, 2)
    np.testing.assert_array_equal(divide(large, labels), expected)


# Areas


@pytest.mark.parametrize("colours", MASKS)
def test_the_areas_are_the_means_of_the_shares(colours: tuple[str, ...]) -> None:
    mask = blobs(*colours).filter(ImageFilter.GaussianBlur(3))
    labels = find_labels(mask)
    areas = measure_areas(mask, labels)
    assert areas == pytest.approx(divide(mask, labels).mean((1, 2)) / 255)
    assert sum(areas) == pytest.approx(1)


def test_a_colour_that_is_not_there_has_no_area() -> None:
    assert measure_areas(stripes("red", "red", "blue"), [(0, 255, 0), (255, 0, 0)]) == [
        0,
        pytest.approx(2 / 3),
    ]


def test_a_small_part_is_found_and_a_soft_edge_is_none() -> None:
    mask = stripes("red", "blue", width=100)
    soft = mask.filter(ImageFilter.GaussianBlur(3))
    mask.paste("lime", (30, 0, 34, 4))
    assert are_found(mask, [(255, 0, 0), (0, 255, 0), WHITE]) == [True, True, False]
    assert are_found(soft, [(255, 0, 0), GREY, (0, 0, 255)]) == [True, False, True]


# JPEG


@pytest.mark.parametrize("quality", [75, 95])
@pytest.mark.parametrize("absent", range(3))
@pytest.mark.parametrize(
    "colours",
    [
        ("red", "lime", "blue"),
        ("white", "red", "blue"),
        ("yellow", "blue", "red"),
        ("white", "black", "red"),
    ],
)
def test_specks_at_the_edges_of_a_jpeg_are_no_part(
    colours: tuple[str, ...], absent: int, quality: int
) -> None:
    labels = [ImageColor.getrgb(colour)[:3] for colour in colours]
    mask = blobs(*(colour for n, colour in enumerate(colours) if n != absent))
    found = are_found(as_jpeg(mask, quality), labels)
    assert found == [n != absent for n in range(3)]


@pytest.mark.parametrize("colours", MASKS)
def test_noise_of_a_jpeg_adds_no_label_and_hardly_moves_one(colours: tuple[str, ...]) -> None:
    mask = blobs(*colours)
    labels, found = find_labels(mask), find_labels(as_jpeg(mask))
    assert len(found) == len(labels)
    assert np.abs(np.subtract(found, labels)).max() <= 4


@pytest.mark.parametrize("colours", MASKS)
def test_noise_of_a_jpeg_changes_shares_at_edges_only(colours: tuple[str, ...]) -> None:
    mask = blobs(*colours)
    before, after = (divide(each, find_labels(each)) for each in (mask, as_jpeg(mask)))
    apart = np.abs(in_blocks(after) - in_blocks(before))
    flat = np.ptp(in_blocks(before), axis=(2, 4)).max(0) == 0
    assert flat.mean() > 0.5
    # The outermost pixels of a block take part of their colour from the next one.
    assert apart[:, :, 1:-1, :, 1:-1].max((0, 2, 4))[flat].max() == 0
    # And at edges by little on the whole.
    assert np.abs(after.mean((1, 2)) - before.mean((1, 2))).max() < 0.01 * 255


def in_blocks(levels: NDArray[Any]) -> NDArray[Any]:
    """Shares in the blocks of a JPEG, shape (labels, rows, 16, columns, 16)."""
    count, height, width = levels.shape
    return levels.astype(int).reshape(count, height // 16, 16, width // 16, 16)
