import pytest

from styletransfer.history import Event
from styletransfer.live.commands import (
    Advance,
    Change,
    Command,
    GoBack,
    Mark,
    Pause,
    Restart,
    Resume,
    Save,
    Stop,
    Weigh,
)
from styletransfer.live.events import events_of, joined

WEIGH = Weigh(1.0, 14.0, 3.0)


def texts(command: Command, *, is_draft: bool = False, is_largest: bool = False) -> list[str]:
    return [str(each) for each in events_of(command, 7, is_draft=is_draft, is_largest=is_largest)]


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        (WEIGH, ["7:weigh=1/14/3"]),
        (Weigh(1.0, 14.0, 3.0, (2.0, 1.0)), ["7:weigh=1/14/3", "7:blend=2/1"]),
        (GoBack(3), ["7:back=3"]),
        (Change({"style_scale": (0.5, 1.0), "detail": 0.3}), ["7:scale=0.5/1", "7:detail=0.3"]),
        (Change({"style_layers": ("relu1_1", "relu2_1")}), ["7:layers=relu1_1/relu2_1"]),
        (Change({"size": 1024}), ["7:size=1024"]),
        (Mark(), ["7:mark"]),
        (Advance(), ["7:next"]),
        (Restart(), ["7:first"]),
        (Stop(), ["7:stop"]),
        (Pause(), []),
        (Resume(), []),
        (Save(), []),
    ],
)
def test_a_command_becomes_events(command: Command, expected: list[str]) -> None:
    assert texts(command) == expected


def test_new_weights_repeat_a_draft_that_is_done() -> None:
    assert texts(WEIGH, is_draft=True) == ["7:weigh=1/14/3", "7:repeat"]


def test_a_draft_that_is_done_goes_on_by_itself_and_the_largest_size_no_further() -> None:
    assert texts(Advance(), is_draft=True) == []
    assert texts(Advance(), is_largest=True) == []


def test_weights_that_were_not_used_are_left_out() -> None:
    one, other, blend = Event(7, "weigh", (1,)), Event(7, "weigh", (2,)), Event(7, "blend", (1,))
    mark = Event(7, "mark")
    assert joined([mark, one], [other]) == [mark, other]
    assert joined([one, blend], [other, blend]) == [other, blend]
    assert joined([one, blend], [other]) == [one, blend, other], "the shares are still needed"
    assert joined([one, mark], [other]) == [one, mark, other], "the mark has them"
