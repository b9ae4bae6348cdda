"""The history of a run that was steered: what was done, and after how many steps."""

import math
import re
from collections.abc import Sequence
from typing import NamedTuple

from styletransfer.errors import ConfigError, quote

WEIGH = "weigh"
"""New weights of content, style and total variation, such as ``12:weigh=1/20/2``."""

BLEND = "blend"
"""New shares of the styles, such as ``12:blend=2/1``."""

BACK = "back"
"""Back to where the run was marked, such as ``40:back=20``."""

MARK, NEXT, FIRST, REPEAT, STOP = "mark", "next", "first", "repeat", "stop"
"""Mark the place; go to the next size; begin at the first size with the present picture;
take the iterations of this size once more; end the run. Such as ``20:mark``."""

_VALUES = {WEIGH: 3, BLEND: None, BACK: 1, MARK: 0, NEXT: 0, FIRST: 0, REPEAT: 0, STOP: 0}
"""How many values each has; None: any number from one up."""

_FORM = re.compile(r"([0-9]{1,9}):([a-z]+)(?:=(.+))?")


class Event(NamedTuple):
    """Something that was done."""

    steps: int
    """After how many steps of the run, over all sizes."""

    kind: str
    """What was done."""

    values: tuple[float, ...] = ()
    """Its values, 0 or more."""

    def __str__(self) -> str:
        """As in `Settings.history`."""
        values = "/".join(repr(value).removesuffix(".0") for value in self.values)
        return f"{self.steps}:{self.kind}" + (f"={values}" if values else "")


def parse_history(texts: Sequence[str]) -> list[Event]:
    """Read `Settings.history`.

    Args:
        texts: Events in order, such as ``12:weigh=1/20/2``.

    Raises:
        ConfigError: If one is not of that form, they are out of order, or one goes
            back to a place that was not marked.

    Example:
        >>> parse_history(["20:mark", "40:back=20"])[1]
        Event(steps=40, kind='back', values=(20.0,))
    """
    events = [_parse(text) for text in texts]
    marked: set[float] = set()
    for event, text, before in zip(events, texts, [None, *events], strict=False):
        if before is not None and event.steps < before.steps:
            raise ConfigError(f"history: {quote(text)} comes after {quote(str(before))}")
        if event.kind == MARK:
            marked.add(event.steps)
        if event.kind == BACK and event.values[0] not in marked:
            raise ConfigError(f"history: {quote(text)} goes back to where there is no mark")
    return events


def _parse(text: str) -> Event:
    found = _FORM.fullmatch(text)
    try:
        if found is None:
            raise ValueError(text)
        steps, kind, values = found.groups()
        numbers = tuple(float(value) for value in (values or "").split("/") if value)
        wanted = _VALUES[kind]
        if not int(steps) or len(numbers) != (max(1, len(numbers)) if wanted is None else wanted):
            raise ValueError(text)
        if not all(0 <= number < math.inf for number in numbers):
            raise ValueError(text)
        if kind in {WEIGH, BLEND} and not sum(numbers):
            raise ValueError(text)
    except (KeyError, ValueError) as error:
        raise ConfigError(
            f"history: {quote(text)} is none of 12:weigh=1/20/2, 12:blend=2/1, 20:mark, "
            "40:back=20, 45:next, 50:first, 60:repeat and 70:stop"
        ) from error
    return Event(int(steps), kind, numbers)
