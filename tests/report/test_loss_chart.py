"""The loss chart."""

from xml.etree import ElementTree

import pytest

from styletransfer.report.loss_chart import DARK, LIGHT, axis_limits, draw_chart
from styletransfer.runs.loss_log import Entry
from styletransfer.settings import Settings
from tests.support.results import entries, entry

RUN = entries(Settings())


def drawn(run: list[Entry]) -> str:
    limits = axis_limits([run])
    assert limits is not None
    return draw_chart(run, limits, LIGHT)


def test_the_limits_cover_all_runs_except_low_values_of_the_first_two_iterations() -> None:
    other = entries(Settings(style_weight=50.0))
    other[0] = entry(1, Settings(style_weight=50.0), weighted_content=1e-9)
    found = axis_limits([RUN, other])
    assert found is not None
    lowest, highest = found
    assert RUN[2].weighted_tv / 2 < lowest < RUN[2].weighted_tv
    assert highest > other[0].total


def test_a_run_of_one_iteration_has_limits() -> None:
    assert axis_limits([RUN[:1]]) == (RUN[0].weighted_tv / 1.3, RUN[0].total * 1.3)


def test_without_a_positive_value_there_are_no_limits() -> None:
    zeros = entries(
        Settings(), weighted_content=0.0, weighted_style=0.0, weighted_tv=0.0, total=0.0
    )
    assert axis_limits([zeros]) is None
    assert axis_limits([[]]) is None


def test_the_chart_is_svg_in_the_colours_of_its_palette() -> None:
    limits = (0.001, 10.0)
    for palette, other in ((LIGHT, DARK), (DARK, LIGHT)):
        text = draw_chart(RUN, limits, palette)
        assert ElementTree.fromstring(text).tag == "{http://www.w3.org/2000/svg}svg"
        for name in ("ink", "line", "content", "style", "tv"):
            assert getattr(palette, name) in text
            assert getattr(other, name) not in text


def test_the_same_run_gives_the_same_chart() -> None:
    assert drawn(RUN) == drawn(RUN)


def test_a_term_without_weight_has_no_curve() -> None:
    assert LIGHT.tv in drawn(RUN)
    assert LIGHT.tv not in drawn(entries(Settings(tv_weight=0.0)))


@pytest.mark.parametrize("iterations", [1, 2])
def test_the_shortest_runs_can_be_drawn(iterations: int) -> None:
    assert LIGHT.content in drawn(RUN[:iterations])


@pytest.mark.slow
def test_the_chart_of_a_long_run_stays_small() -> None:
    long = [entry(9, Settings(), iteration=n, total=5.0 + (n % 7) / 100) for n in range(1, 20_001)]
    assert len(drawn(long)) < 400_000
