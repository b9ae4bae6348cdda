"""The page on total variation: its tables are made of its numbers, its figures are there."""

import math
import re
from pathlib import Path

import pytest
import torch

from scripts.tv_measures import crop, nyquist, spread
from scripts.tv_runs import PAIRS, Pair, Run, weight_at
from scripts.tv_tables import GRIDS, SIZES, TARGETS, WEIGHTS, Numbers, matched, tables, with_tables

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "total-variation.md").read_text(encoding="utf-8")
NUMBERS = Numbers.from_json((DOCS / "total-variation.json").read_text(encoding="utf-8"))
SMALLEST = SIZES[0]


def test_the_tables_of_the_page_are_those_of_its_numbers() -> None:
    assert with_tables(PAGE, NUMBERS) == PAGE


@pytest.mark.parametrize("name", tables(NUMBERS))
def test_each_table_has_its_place_on_the_page(name: str) -> None:
    assert len(re.findall(f"<!-- {name}: written by ", PAGE)) == 1


def test_each_figure_is_on_the_page_and_all_are_small() -> None:
    figures = {path.name: path.stat().st_size for path in DOCS.glob("tv-*")}
    assert set(re.findall(r"\]\((tv-[^)]+)\)", PAGE)) == set(figures)
    assert sum(figures.values()) < 1_500_000


def test_numbers_are_read_as_they_were_written() -> None:
    assert Numbers.from_json(NUMBERS.as_json()) == NUMBERS


# What the page says of the four aims, held against its numbers


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: pair.content)
def test_more_weight_leaves_less_variation(pair: Pair) -> None:
    runs = [Run(pair.content, SMALLEST, tv_weight=weight) for weight in WEIGHTS]
    left = [NUMBERS.runs[run].tv for run in runs if run in NUMBERS.runs]
    assert len(left) >= 2
    assert left == sorted(left, reverse=True)


@pytest.mark.parametrize("target", TARGETS)
def test_forms_are_compared_at_equal_noise(target: float) -> None:
    runs = matched(NUMBERS.runs, PAIRS[0].content, SMALLEST, target)
    left = [what.noise for _, what in runs]
    assert len(left) == len(GRIDS)
    assert max(left) / min(left) < 1.1


# Measures


def test_a_checkerboard_alternates_in_both_directions_and_stripes_in_one() -> None:
    content = torch.zeros(1, 3, 16, 16)
    board = torch.tensor([[0.0, 1.0], [1.0, 0.0]]).repeat(1, 3, 8, 8)
    stripes = torch.tensor([[0.0, 1.0]]).repeat(1, 3, 16, 8)
    assert nyquist(board, content) == pytest.approx((0, 0, 127.5))
    assert nyquist(stripes, content) == pytest.approx((127.5, 0, 0))
    assert nyquist(stripes.transpose(2, 3), content) == pytest.approx((0, 127.5, 0))


def test_a_slope_does_not_alternate_and_independent_noise_does_by_its_known_share() -> None:
    content = torch.zeros(1, 3, 128, 128)
    grad_output = torch.linspace(0, 1, 128).expand(1, 3, 128, 128)
    noise = torch.randn(1, 3, 128, 128, generator=torch.Generator().manual_seed(0))
    assert nyquist(grad_output, content) == pytest.approx((0, 0, 0), abs=1e-4)
    share = 255 * math.comb(16, 8) / 2**16
    assert nyquist(noise, content) == pytest.approx((share, share, share), rel=0.05)


def test_the_spread_of_two_colours_is_half_their_distance() -> None:
    image = torch.zeros(1, 3, 4, 8)
    image[..., 4:] = 0.4
    assert spread(image) == pytest.approx(0.2 * 255)
    assert spread(crop(image, (0.5, 0, 1, 1))) == 0


@pytest.mark.parametrize(("left", "weight"), [(4, 2), (1, 16), (0.5, 64), (16, 0.5)])
def test_a_weight_is_read_between_the_nearest_known_ones_or_beyond(
    left: float, weight: float
) -> None:
    points = [(1.0, 8.0), (4.0, 2.0), (16.0, 1.0)]
    assert weight_at(left, points) == pytest.approx(weight)
