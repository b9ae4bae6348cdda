"""What a page can ask of the painting, read from its messages."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, get_type_hints

from styletransfer.errors import ConfigError, quote
from styletransfer.history import LATER
from styletransfer.settings import Settings
from styletransfer.validation import check_value, coerce

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Weights:
    """The weights of the three losses, each 0 or more, at least one above 0."""

    content: float
    style: float
    tv: float

    shares: tuple[float, ...] | None = None
    """Share of each style, at least one above 0. None: equal."""


@dataclass(frozen=True, slots=True)
class Weigh(Weights):
    """Paint on with these weights; shares of None stay as they are."""


@dataclass(frozen=True, slots=True)
class Change:
    """Go on with other settings at the next size or start."""

    settings: Mapping[str, Any]
    """New values by field of `Settings`, those of `history.LATER`; not checked."""


@dataclass(frozen=True, slots=True)
class Pause:
    """Wait before the next step."""


@dataclass(frozen=True, slots=True)
class Resume:
    """Go on after a pause."""


@dataclass(frozen=True, slots=True)
class Mark:
    """Keep the present state, to go back to it later."""


@dataclass(frozen=True, slots=True)
class GoBack:
    """Go back to a marked state."""

    steps: int
    """The number of steps after which the mark was set."""


@dataclass(frozen=True, slots=True)
class Advance:
    """Go on one size further."""


@dataclass(frozen=True, slots=True)
class Restart:
    """Start again at the first size, from the present picture."""


@dataclass(frozen=True, slots=True)
class Save:
    """Save the present picture and go on."""


@dataclass(frozen=True, slots=True)
class Stop:
    """Save the picture and end the run."""


Command = Weigh | Change | Pause | Resume | Mark | GoBack | Advance | Restart | Save | Stop

_PLAIN: Mapping[str, Command] = {
    "pause": Pause(),
    "resume": Resume(),
    "mark": Mark(),
    "advance": Advance(),
    "restart": Restart(),
    "save": Save(),
    "stop": Stop(),
}
_NOT_NEGATIVE = (0.0, math.inf)


def parse_message(text: str) -> dict[str, Any]:
    """Read a message of a page.

    Raises:
        ConfigError: If it is not a JSON object.
    """
    try:
        message = json.loads(text)
    except (ValueError, RecursionError):
        message = None
    if not isinstance(message, dict):
        raise ConfigError(f"the message {quote(text)} is not a JSON object; reload the page")
    return message


def read_command(message: Mapping[str, Any], styles: int) -> Command:
    """Read a command from a message.

    Args:
        message: ``do`` names the command, the other keys are its fields.
        styles: The number of styles.

    Raises:
        ConfigError: If the command is unknown, or a value is refused.

    Example:
        >>> read_command({"do": "weigh", "content": 1, "style": 14, "tv": 0}, styles=1)
        Weigh(content=1.0, style=14.0, tv=0.0, shares=None)
    """
    name = message.get("do")
    if name == "weigh":
        return _weigh(message, styles)
    if name == "change":
        return _change(message.get("settings"))
    if name == "go back":
        steps: Any = message.get("steps")
        check_value("steps", steps, int, _NOT_NEGATIVE)
        return GoBack(steps)
    if not isinstance(name, str) or name not in _PLAIN:
        raise ConfigError(f"unknown command {quote(name)}; reload the page")
    return _PLAIN[name]


def _weigh(message: Mapping[str, Any], styles: int) -> Weigh:
    content, style, tv = (
        _number(f"{name}_weight", message.get(name)) for name in ("content", "style", "tv")
    )
    if content == style == tv == 0:
        raise ConfigError("all three weights are 0: there is nothing to optimize; raise one")
    shares = message.get("shares")
    return Weigh(content, style, tv, None if shares is None else _shares(shares, styles))


def _change(values: Any) -> Change:
    if not isinstance(values, dict) or not values or not {*values} <= {*LATER.values()}:
        raise ConfigError(f"these settings cannot change: {quote(values)}; reload the page")
    hints = get_type_hints(Settings)
    return Change({name: coerce(value, hints[name]) for name, value in values.items()})


def _shares(value: Any, styles: int) -> tuple[float, ...]:
    if not isinstance(value, list) or len(value) != styles:
        raise ConfigError(f"style_blend needs one number for each of the {styles} styles")
    shares = tuple(_number("style_blend", share) for share in value)
    if sum(shares) == 0:
        raise ConfigError("all shares of the styles are 0; raise one")
    return shares


def _number(name: str, value: Any) -> float:
    number = coerce(value, float)
    check_value(name, number, float, _NOT_NEGATIVE)
    return float(number)
