"""How a result is chosen among several: by the settings that vary."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, NamedTuple

from styletransfer.runs.resolve import shown
from styletransfer.settings import Settings, field_names

if TYPE_CHECKING:
    from collections.abc import Sequence


class Choice(NamedTuple):
    """A row of the picker."""

    name: str
    """Of a setting; ``result``: of all that vary, together."""

    labels: list[str]
    """What may be chosen."""


class Picker(NamedTuple):
    """What can be chosen, and what that leads to."""

    choices: list[Choice]
    """One for each setting that varies, if every combination has its result; else a single one."""

    places: list[tuple[int, ...]]
    """For each result, the number of its label in each choice, from 0."""

    titles: list[str]
    """For each result, what tells it from the others."""


def picker(settings: Sequence[Settings]) -> Picker:
    """Say how each of some results is chosen.

    Args:
        settings: Of the results.

    Example:
        >>> picker([Settings(tv_weight=0.3), Settings(tv_weight=3.0)])
        Picker(choices=[Choice(name='tv_weight', labels=['0.3', '3'])],
               places=[(0,), (1,)], titles=['tv_weight 0.3', 'tv_weight 3'])
    """
    values = _values(settings)
    places = [
        tuple(each.index(getattr(one, name)) for name, each in values.items()) for one in settings
    ]
    titles = [
        ", ".join(f"{name} {shown(getattr(one, name))}" for name in values) or str(number)
        for number, one in enumerate(settings, 1)
    ]
    every = list(product(*(range(len(each)) for each in values.values())))
    if values and sorted(places) == every:
        choices = [Choice(name, [shown(value) for value in each]) for name, each in values.items()]
        return Picker(choices, places, titles)
    return Picker([Choice("result", titles)], [(n,) for n in range(len(settings))], titles)


def _values(settings: Sequence[Settings]) -> dict[str, list[object]]:
    """The settings that vary, each with its values in the order of the results."""
    found = {
        name: list(dict.fromkeys(getattr(each, name) for each in settings))
        for name in field_names()
    }
    return {name: values for name, values in found.items() if len(values) > 1}
