import pytest

from styletransfer.errors import ConfigError
from styletransfer.live.commands import (
    Advance,
    Change,
    GoBack,
    Mark,
    Pause,
    Restart,
    Resume,
    Save,
    Stop,
    Weigh,
    parse_message,
    read_command,
)

WEIGH = {"do": "weigh", "content": 1, "style": 14, "tv": 2}


@pytest.mark.parametrize("kind", [Pause, Resume, Mark, Advance, Restart, Save, Stop])
def test_a_command_without_values_is_named_by_its_type(kind: type) -> None:
    assert read_command({"do": kind.__name__.lower()}, styles=1) == kind()


def test_a_mark_is_named_by_its_steps() -> None:
    assert read_command({"do": "go back", "steps": 12}, styles=1) == GoBack(12)


def test_weights_are_numbers_and_shares_one_for_each_style() -> None:
    assert read_command(WEIGH, styles=1) == Weigh(1.0, 14.0, 2.0)
    assert read_command(WEIGH | {"shares": [1, 0]}, styles=2) == Weigh(1.0, 14.0, 2.0, (1.0, 0.0))


def test_a_change_has_the_types_of_the_settings() -> None:
    settings = {"style_scale": [1], "detail": 0, "style_layers": ["relu1_1"], "size": 64}
    assert read_command({"do": "change", "settings": settings}, styles=1) == Change(
        {"style_scale": (1.0,), "detail": 0.0, "style_layers": ("relu1_1",), "size": 64}
    )


@pytest.mark.parametrize(
    ("message", "words"),
    [
        ({"do": "fly"}, "unknown command 'fly'"),
        ({"do": ["pause"]}, "unknown command"),
        ({}, "unknown command None"),
        ({"do": "go back"}, "steps must be"),
        ({"do": "change"}, "these settings cannot change: None"),
        ({"do": "change", "settings": {}}, "these settings cannot change"),
        ({"do": "change", "settings": {"seed": 1}}, "these settings cannot change"),
        ({"do": "go back", "steps": -1}, "steps must be 0 or more"),
        ({"do": "go back", "steps": 1.5}, "steps must be"),
        (WEIGH | {"tv": -1}, "tv_weight must be 0 or more, not -1"),
        (WEIGH | {"tv": "2"}, "tv_weight must be"),
        (WEIGH | {"tv": True}, "tv_weight must be"),
        (WEIGH | {"tv": None}, "tv_weight must be"),
        (WEIGH | {"style": float("inf")}, "style_weight must be"),
        (WEIGH | {"style": float("nan")}, "style_weight must be"),
        (WEIGH | {"style": 10**400}, "style_weight must be"),
        (WEIGH | {"content": 0, "style": 0, "tv": 0}, "all three weights are 0"),
        (WEIGH | {"shares": [1]}, "one number for each of the 2 styles"),
        (WEIGH | {"shares": 1}, "one number for each of the 2 styles"),
        (WEIGH | {"shares": [0, 0]}, "all shares of the styles are 0"),
        (WEIGH | {"shares": [1, -1]}, "style_blend must be 0 or more"),
    ],
)
def test_other_messages_are_refused_in_one_line(message: dict[str, object], words: str) -> None:
    with pytest.raises(ConfigError, match=words) as refusal:
        read_command(message, styles=2)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("text", ["", "pause", "[]", "1", "[" * 100_000])
def test_a_message_is_a_json_object(text: str) -> None:
    with pytest.raises(ConfigError, match="is not a JSON object"):
        parse_message(text)
