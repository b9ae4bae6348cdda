"""The choices on the report page."""

from styletransfer.report.choices import Choice, Selector, build_selector
from styletransfer.settings import Settings
from tests.support.results import FOUR, ONE, SIX


def test_a_single_result_is_the_only_choice() -> None:
    assert build_selector(ONE) == Selector([Choice("result", ["1"])], [(0,)], ["1"])


def test_each_setting_that_varies_is_a_choice() -> None:
    selector = build_selector(SIX)
    assert selector.choices == [
        Choice("style_weight", ["1", "14"]),
        Choice("tv_weight", ["0", "1", "3"]),
    ]
    assert selector.indices == [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2)]
    assert selector.titles[4] == "style_weight 14, tv_weight 1"


def test_values_keep_the_order_of_the_results() -> None:
    assert build_selector(FOUR[::-1]).choices == [Choice("tv_weight", ["3", "1", "0.3", "0"])]


def test_the_results_may_come_in_any_order() -> None:
    assert build_selector([SIX[n] for n in (5, 0, 4, 1, 3, 2)]).indices == [
        *((0, 0), (1, 1), (0, 2), (1, 2), (0, 1), (1, 0))
    ]


def test_with_a_missing_or_doubled_combination_each_result_is_a_choice() -> None:
    for settings in (SIX[:5], [*SIX, SIX[0]], [Settings(), Settings()]):
        selector = build_selector(settings)
        assert selector.choices == [Choice("result", selector.titles)]
        assert selector.indices == [(number,) for number in range(len(settings))]
