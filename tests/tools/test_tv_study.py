"""The study of total variation: the page agrees with its numbers, the measures with theory."""

import math
import re
from pathlib import Path

import pytest
import torch

from scripts.tv_study.measures import Alternation, alternation, crop, spread
from scripts.tv_study.runs import PAIRS, Pair, Run, weight_at
from scripts.tv_study.tables import GRIDS, SIZES, TARGETS, WEIGHTS, Numbers, matched, with_tables

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "total-variation.md").read_text(encoding="utf-8")
NUMBERS = Numbers.from_json((DOCS / "total-variation.json").read_text(encoding="utf-8"))
SMALLEST = SIZES[0]


def test_the_tables_of_the_page_are_made_from_its_numbers() -> None:
    assert with_tables(PAGE, NUMBERS) == PAGE


def test_the_page_shows_each_figure_and_all_are_small() -> None:
    figures = {path.name: path.stat().st_size for path in DOCS.glob("tv-*")}
    assert set(re.findall(r"\]\((tv-[^)]+)\)", PAGE)) == set(figures)
    assert sum(figures.values()) < 1_500_000


# The claims of the page


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: pair.content)
def test_a_higher_weight_leaves_less_variation(pair: Pair) -> None:
    runs = [Run(pair.content, SMALLEST, tv_weight=weight) for weight in WEIGHTS]
    left = [NUMBERS.runs[run].tv for run in runs if run in NUMBERS.runs]
    assert len(left) >= 2
    assert left == sorted(left, reverse=True)


@pytest.mark.parametrize("target", TARGETS)
def test_forms_are_compared_at_equal_noise(target: float) -> None:
    runs = matched(NUMBERS.runs, PAIRS[0].content, SMALLEST, target)
    left = [measured.noise for _, measured in runs]
    assert len(left) == len(GRIDS)
    assert max(left) / min(left) < 1.1


# Measures


def amplitudes(found: Alternation) -> tuple[float, float, float]:
    return found.columns, found.rows, found.checkerboard


def test_a_checkerboard_alternates_in_both_directions_and_stripes_in_one() -> None:
    content = torch.zeros(1, 3, 16, 16)
    board = torch.tensor([[0.0, 1.0], [1.0, 0.0]]).repeat(1, 3, 8, 8)
    stripes = torch.tensor([[0.0, 1.0]]).repeat(1, 3, 16, 8)
    assert amplitudes(alternation(board, content)) == pytest.approx((0, 0, 127.5))
    assert amplitudes(alternation(stripes, content)) == pytest.approx((127.5, 0, 0))
    turned = stripes.transpose(2, 3)
    assert amplitudes(alternation(turned, content)) == pytest.approx((0, 127.5, 0))


def test_a_ramp_does_not_alternate_and_independent_noise_does_by_a_known_share() -> None:
    content = torch.zeros(1, 3, 128, 128)
    ramp = torch.linspace(0, 1, 128).expand(1, 3, 128, 128)
    noise = torch.randn(1, 3, 128, 128, generator=torch.Generator().manual_seed(0))
    assert amplitudes(alternation(ramp, content)) == pytest.approx((0, 0, 0), abs=1e-4)
    share = 255 * math.comb(16, 8) / 2**16
    assert amplitudes(alternation(noise, content)) == pytest.approx((share,) * 3, rel=0.05)


def test_the_spread_of_two_colours_is_half_their_distance() -> None:
    image = torch.zeros(1, 3, 4, 8)
    image[..., 4:] = 0.4
    assert spread(image) == pytest.approx(0.2 * 255)
    assert spread(crop(image, (0.5, 0, 1, 1))) == 0


@pytest.mark.parametrize(("left", "weight"), [(4, 2), (1, 16), (0.5, 64), (16, 0.5)])
def test_a_weight_is_interpolated_or_extrapolated(left: float, weight: float) -> None:
    points = [(1.0, 8.0), (4.0, 2.0), (16.0, 1.0)]
    assert weight_at(left, points) == pytest.approx(weight)
