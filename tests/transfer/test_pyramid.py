import math
from fractions import Fraction
from itertools import pairwise
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from styletransfer.settings import DEFAULT_SIZE, Settings
from styletransfer.transfer.pyramid import GRID, fit, plan_scales, pyramid, round_half_up

SIDES = st.integers(1, 65_535)


@pytest.mark.parametrize(
    ("size", "min_size", "expected"),
    [
        (512, 128, [128, 256, 512]),
        (500, 128, [125, 250, 500]),
        (128, 128, [128]),
        (100, 128, [100]),
        (181, 128, [181]),
        (230, 128, [230]),
        (231, 128, [116, 231]),
        (384, 128, [192, 384]),
        (4096, 128, [128, 256, 512, 1024, 2048, 4096]),
        (511, 128, [128, 256, 511]),
        (64, 4096, [64]),
        (1, 1, [1]),
        (3, 1, [2, 3]),
        (23, 1, [1, 3, 6, 12, 23]),
    ],
)
def test_the_sizes_double_up_to_the_last(size: int, min_size: int, expected: list[int]) -> None:
    assert pyramid(size, min_size) == expected


@given(SIDES, SIDES)
def test_the_sizes_grow_end_at_the_last_and_begin_near_the_least(size: int, min_size: int) -> None:
    sizes = pyramid(size, min_size)
    assert sizes[-1] == size
    assert sizes == sorted(set(sizes))
    if size >= min_size:
        assert 0.9 * min_size - 0.5 <= sizes[0] <= 1.8 * min_size + 0.5
    for smaller, larger in pairwise(sizes):
        assert abs(larger - 2 * smaller) <= 1


@pytest.mark.parametrize(
    ("width", "height", "size", "expected"),
    [
        (451, 300, 512, (512, 341)),
        (300, 451, 512, (341, 512)),
        (7, 7, 100, (100, 100)),
        (4000, 1, 100, (100, 1)),
        (1, 4000, 100, (1, 100)),
        (200, 5, 100, (100, 3)),
        (512, 335, 512, (512, 335)),
        (82, 41, 333, (333, 167)),
    ],
)
def test_a_rectangle_keeps_its_shape(
    width: int, height: int, size: int, expected: tuple[int, int]
) -> None:
    assert fit(width, height, size) == expected


@given(SIDES, SIDES, SIDES)
def test_the_longest_side_is_exactly_the_size(width: int, height: int, size: int) -> None:
    fitted = fit(width, height, size)
    assert max(fitted) == size
    assert min(fitted) >= 1
    assert fit(width, height, max(width, height)) == (width, height)


@given(SIDES, SIDES, SIDES)
def test_the_other_side_is_rounded_half_up_and_so_off_by_at_most_half_a_pixel(
    width: int, height: int, size: int
) -> None:
    shape = Fraction(min(width, height), max(width, height))
    shortest = min(fit(width, height, size))
    assert shortest == max(1, math.floor(shape * size + Fraction(1, 2)))
    assert shortest == 1 or abs(shortest - shape * size) <= Fraction(1, 2)


@pytest.mark.parametrize(("value", "whole"), [(0.5, 1), (1.5, 2), (2.5, 3), (2.49, 2), (7.0, 7)])
def test_halves_are_rounded_up(value: float, whole: int) -> None:
    assert round_half_up(value) == whole


@pytest.mark.parametrize(
    ("width", "height", "size", "expected"),
    [
        (80, 60, None, (80, 60)),
        (48, 48, None, (48, 48)),
        (1, 1, None, (1, 1)),
        (DEFAULT_SIZE * 2, DEFAULT_SIZE, None, (DEFAULT_SIZE, DEFAULT_SIZE // 2)),
        (80, 60, 160, (160, 120)),
        (3000, 2000, 300, (300, 200)),
    ],
)
def test_no_picture_is_enlarged_unasked(
    width: int, height: int, size: int | None, expected: tuple[int, int]
) -> None:
    assert plan_scales(width, height, Settings(size=size))[-1].size == expected


@given(st.integers(1, 20_000), st.integers(1, 20_000))
def test_the_original_size_is_the_contents_own_to_the_pixel(width: int, height: int) -> None:
    assert plan_scales(width, height, Settings(size="original"))[-1].size == (width, height)


@given(st.integers(1, 20_000), st.integers(1, 20_000), st.integers(1, 5000))
def test_a_size_is_exact_and_the_other_side_within_a_pixel_of_the_proportion(
    width: int, height: int, size: int
) -> None:
    result = plan_scales(width, height, Settings(size=size))[-1].size
    assert max(result) == size
    other = size * min(width, height) / max(width, height)
    assert abs(min(result) - max(1, other)) <= 0.5


@pytest.mark.parametrize(
    ("iterations", "expected"),
    [((7,), [7, 7, 7]), ((7, 5), [7, 5, 5]), ((7, 5, 3), [7, 5, 3]), ((7, 5, 3, 1), [7, 5, 3])],
)
def test_the_last_number_of_iterations_serves_all_further_sizes(
    iterations: tuple[int, ...], expected: list[int]
) -> None:
    settings = Settings(size=400, min_size=100, iterations=iterations)
    scales = plan_scales(400, 200, settings)
    assert [scale.iterations for scale in scales] == expected
    assert [scale.size for scale in scales] == [(100, 50), (200, 100), (400, 200)]


@pytest.mark.parametrize(
    ("width", "height", "size", "expected"),
    [
        (600, 400, None, [(128, 80), (256, 176), (512, 336)]),
        (400, 600, None, [(80, 128), (176, 256), (336, 512)]),
        (256, 256, None, [(128, 128), (256, 256)]),
        (500, 500, "original", [(128, 128), (256, 256), (496, 496)]),
        (500, 24, "original", [(128, 16), (256, 16), (496, 32)]),
        (4, 1, None, [(16, 16)]),
    ],
)
def test_the_sides_of_a_tileable_picture_are_rounded_to_multiples_of_16(
    width: int,
    height: int,
    size: int | Literal["original"] | None,
    expected: list[tuple[int, int]],
) -> None:
    scales = plan_scales(width, height, Settings(size=size, tileable=True))
    assert [scale.size for scale in scales] == expected


@given(SIDES, SIDES, SIDES)
def test_no_side_of_a_tileable_picture_is_rounded_further_than_needed(
    width: int, height: int, size: int
) -> None:
    exact, rounded = (
        plan_scales(width, height, Settings(size=size, tileable=tileable))[-1].size
        for tileable in (False, True)
    )
    for side, multiple in zip(exact, rounded, strict=True):
        assert multiple % GRID == 0
        assert multiple == GRID if side < GRID else abs(multiple - side) <= GRID / 2


@given(SIDES, SIDES, SIDES, SIDES)
def test_no_two_sizes_of_a_tileable_picture_are_equal(
    width: int, height: int, size: int, min_size: int
) -> None:
    settings = Settings(size=size, min_size=min_size, tileable=True)
    sizes = [scale.size for scale in plan_scales(width, height, settings)]
    assert sizes == sorted(set(sizes))


def test_a_size_that_is_left_out_takes_no_iterations() -> None:
    settings = Settings(size=40, min_size=10, iterations=(7, 5, 3), tileable=True)
    scales = plan_scales(40, 40, settings)
    assert [(scale.size, scale.iterations) for scale in scales] == [((16, 16), 7), ((48, 48), 5)]
