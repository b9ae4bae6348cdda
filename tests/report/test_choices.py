"""How a result is chosen among several."""

from styletransfer.report.choices import Choice, picker
from styletransfer.settings import Settings
from tests.support.results import FOUR, ONE, SIX


def test_one_result_leaves_no_choice_but_itself() -> None:
    assert picker(ONE) == ([Choice("result", ["1"])], [(0,)], ["1"])


def test_each_setting_that_varies_is_a_choice_of_its_own() -> None:
    choices, places, titles = picker(SIX)
    assert choices == [
        Choice("style_weight", ["1", "5"]),
        Choice("tv_weight", ["0", "1", "3"]),
    ]
    assert places == [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2)]
    assert titles[4] == "style_weight 5, tv_weight 1"


def test_values_stay_in_the_order_in_which_they_were_given() -> None:
    assert picker(FOUR[::-1]).choices == [Choice("tv_weight", ["3", "1", "0.3", "0"])]


def test_the_results_may_come_in_any_order() -> None:
    assert picker([SIX[n] for n in (5, 0, 4, 1, 3, 2)]).places == [
        *((0, 0), (1, 1), (0, 2), (1, 2), (0, 1), (1, 0))
    ]


def test_where_a_combination_has_no_result_or_two_each_result_is_a_choice() -> None:
    for settings in (SIX[:5], [*SIX, SIX[0]], [Settings(), Settings()]):
        (choice,), places, titles = picker(settings)
        assert choice == Choice("result", titles)
        assert places == [(number,) for number in range(len(settings))]
