"""The history of a run that was steered: what was done, and after how many steps."""

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

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

SCALE, DETAIL, LAYERS, SIZE = "scale", "detail", "layers", "size"
"""Another scale of the styles, share of detail, choice of style layers, or longest side of the
result. They act once the run leaves its size. Such as ``12:scale=0.5``,
``12:layers=relu1_1/relu2_1``."""

LATER: Mapping[str, str] = {
    SCALE: "style_scale",
    DETAIL: "detail",
    LAYERS: "style_layers",
    SIZE: "size",
}
"""The field of `Settings` that each of these changes."""

_VALUES = {
    WEIGH: 3,
    BLEND: None,
    SCALE: None,
    DETAIL: 1,
    LAYERS: 0,
    SIZE: 1,
    BACK: 1,
    **dict.fromkeys((MARK, NEXT, FIRST, REPEAT, STOP), 0),
}
"""How many numbers each has; None: any number from one up."""

_FORM = re.compile(r"([0-9]{1,9}):([a-z]+)(?:=(.+))?")


class Event(NamedTuple):
    """Something that was done."""

    steps: int
    """After how many steps of the run, over all sizes."""

    kind: str
    """What was done."""

    values: tuple[float, ...] = ()
    """Its values, 0 or more."""

    names: tuple[str, ...] = ()
    """Its layers."""

    def __str__(self) -> str:
        """As in `Settings.history`."""
        values = "/".join([*(repr(value).removesuffix(".0") for value in self.values), *self.names])
        return f"{self.steps}:{self.kind}" + (f"={values}" if values else "")

    @property
    def later(self) -> dict[str, Any]:
        """What it changes once the run leaves its size, by field of `Settings`."""
        if self.kind not in LATER:
            return {}
        value: Any = self.names or self.values
        if self.kind in {DETAIL, SIZE}:
            value = int(value[0]) if self.kind == SIZE else value[0]
        return {LATER[self.kind]: value}


def later_event(steps: int, field: str, value: Any) -> Event:
    """Return the event that changes a field of `Settings` once the run leaves its size.

    Example:
        >>> str(later_event(12, "style_scale", (0.5,)))
        '12:scale=0.5'
    """
    kind = next(kind for kind, changed in LATER.items() if changed == field)
    if kind == LAYERS:
        return Event(steps, kind, names=tuple(value))
    values = value if isinstance(value, tuple) else (value,)
    return Event(steps, kind, tuple(float(each) for each in values))


def parse_history(texts: Sequence[str]) -> list[Event]:
    """Read `Settings.history`.

    Args:
        texts: Events in order, such as ``12:weigh=1/20/2``.

    Raises:
        ConfigError: If one is not of that form, they are out of order, or one goes
            back to a place that was not marked.

    Example:
        >>> parse_history(["20:mark", "40:back=20"])[1]
        Event(steps=40, kind='back', values=(20.0,), names=())
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
        names = tuple((values or "").split("/")) if kind == LAYERS else ()
        numbers = () if names else tuple(map(float, filter(None, (values or "").split("/"))))
        _check_numbers(kind, numbers)
        if not int(steps):
            raise ValueError(text)
    except (KeyError, ValueError) as error:
        raise ConfigError(
            f"history: {quote(text)} is none of 12:weigh=1/20/2, 12:blend=2/1, 12:scale=0.5, "
            "12:detail=0.3, 12:layers=relu1_1/relu2_1, 12:size=1024, 20:mark, 40:back=20, "
            "45:next, 50:first, 60:repeat and 70:stop"
        ) from error
    return Event(int(steps), kind, numbers, names)


def _check_numbers(kind: str, numbers: Sequence[float]) -> None:
    """Raise KeyError or ValueError if a kind does not have such numbers."""
    wanted = _VALUES[kind]
    if len(numbers) != (max(1, len(numbers)) if wanted is None else wanted):
        raise ValueError(kind)
    if not all(0 <= number < math.inf for number in numbers):
        raise ValueError(kind)
    if kind in {WEIGH, BLEND} and not sum(numbers):
        raise ValueError(kind)
    if kind == SIZE and not numbers[0].is_integer():
        raise ValueError(kind)
