"""The history of a run that was steered."""

import pytest

from styletransfer.errors import ConfigError
from styletransfer.history import LATER, Event, later_event, parse_history

HISTORY = [
    *("3:weigh=1/20/0", "3:blend=2/0.5", "12:mark", "30:back=12", "31:next"),
    *("40:first", "41:scale=0.5/1", "41:detail=0.3", "41:layers=relu1_1/relu2_1", "41:size=1024"),
    *("50:repeat", "51:stop"),
]


def test_events_are_read_and_written_alike() -> None:
    events = parse_history(HISTORY)
    assert events[0] == Event(3, "weigh", (1.0, 20.0, 0.0))
    assert [str(event) for event in events] == HISTORY


def test_later_changes_are_fields_of_the_settings_and_back() -> None:
    later = [event for event in parse_history(HISTORY) if event.later]
    changes = {field: value for event in later for field, value in event.later.items()}
    assert changes == {
        "style_scale": (0.5, 1.0),
        "detail": 0.3,
        "style_layers": ("relu1_1", "relu2_1"),
        "size": 1024,
    }
    assert [*changes] == [*LATER.values()]
    assert [later_event(41, *each) for each in changes.items()] == later


@pytest.mark.parametrize(
    "text",
    [
        *("weigh=1/2/3", "0:mark", "3:weigh=1/2", "3:weigh=0/0/0", "3:weigh=1/2/-3", "3:mark=1"),
        *("3:blend", "3:blend=0/0", "3:weigh=1/2/inf", "3:jump", "3:back", "x:mark", ""),
        *("3:scale", "3:detail=0.1/0.2", "3:size=64.5", "3:size", "3:size=a"),
    ],
)
def test_what_is_no_event_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match=r"history: .* is none of 12:weigh="):
        parse_history([text])


def test_events_out_of_order_and_unknown_marks_are_refused() -> None:
    with pytest.raises(ConfigError, match="'3:next' comes after '4:next'"):
        parse_history(["4:next", "3:next"])
    with pytest.raises(ConfigError, match="'9:back=2' goes back to where there is no mark"):
        parse_history(["3:mark", "9:back=2"])
