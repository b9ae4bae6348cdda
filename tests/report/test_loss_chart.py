"""The curves of the terms."""

import re
from xml.etree import ElementTree

import pytest

from styletransfer.report.loss_chart import draw, limits
from styletransfer.runs.loss_log import Entry
from styletransfer.settings import Settings
from tests.support.results import entries

RUN = entries(Settings())
XLINK = 'xmlns:xlink="http://www.w3.org/1999/xlink"'


def drawn(run: list[Entry], name: str = "a") -> str:
    within = limits([run])
    assert within is not None
    return draw(run, within, name)


def test_the_limits_hold_all_runs_but_what_the_first_two_steps_come_from() -> None:
    other = entries(Settings(style_weight=50.0))
    other[0] = other[0]._replace(weighted_content=1e-9)
    found = limits([RUN, other])
    assert found is not None
    lowest, highest = found
    assert RUN[2].weighted_tv / 2 < lowest < RUN[2].weighted_tv
    assert highest > other[0].total


def test_a_run_of_one_step_has_its_limits_too() -> None:
    assert limits([RUN[:1]]) == (RUN[0].weighted_tv / 1.3, RUN[0].total * 1.3)


def test_without_a_value_above_0_there_are_no_limits() -> None:
    nothing = [
        entry._replace(weighted_content=0.0, weighted_style=0.0, weighted_tv=0.0, total=0.0)
        for entry in RUN
    ]
    assert limits([nothing]) is None
    assert limits([[]]) is None


def test_a_drawing_is_one_element_in_the_colours_of_the_page() -> None:
    text = drawn(RUN)
    root = ElementTree.fromstring(text.replace("<svg ", f"<svg {XLINK} ", 1))

    assert root.tag == "svg"
    assert "#" not in re.sub(r'(url\(|href=")#a-\w+', "", text), "no colour of its own"
    for colour in ("currentColor", "var(--line)", "var(--total)", "var(--style)", "var(--tv)"):
        assert colour in text
    words = [each.text for each in root.iter("text")]
    assert {"48 px", "96 px", "loss", "content", "style", "tv"} <= set(words)


def test_a_term_without_weight_has_no_curve() -> None:
    assert "var(--tv)" not in drawn(entries(Settings(tv_weight=0.0)))


@pytest.mark.parametrize("steps", [1, 2])
def test_the_shortest_runs_are_drawn_too(steps: int) -> None:
    assert "var(--total)" in drawn(RUN[:steps])


def test_a_long_run_takes_little_more_room() -> None:
    long = [RUN[0]._replace(iteration=n, total=5.0 + (n % 7) / 100) for n in range(1, 20_001)]
    assert len(drawn(long)) < 400_000


def test_what_is_named_bears_the_name_of_the_drawing() -> None:
    names = re.findall(r'\bid="([^"]+)"', drawn(RUN, "curves-7"))
    assert names
    assert all(name.startswith("curves-7-") for name in names)
