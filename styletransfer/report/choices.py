"""The choices on the report page: which settings vary, and which result each choice shows."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING

from styletransfer.option_text import format_value
from styletransfer.settings import Settings, field_names

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True)
class Choice:
    """One row of radio buttons."""

    name: str
    """The setting that is chosen, or ``result`` if each result has its own button."""

    labels: list[str]
    """The values of the buttons."""


@dataclass(frozen=True, slots=True)
class Selector:
    """All choices on the page, and the results that they lead to."""

    choices: list[Choice]
    """One per varying setting if every combination of values has exactly one
    result; otherwise a single choice among all results."""

    indices: list[tuple[int, ...]]
    """For each result, the index of its label in each choice, from 0."""

    titles: list[str]
    """For each result, the values that distinguish it from the others."""


def build_selector(settings: Sequence[Settings]) -> Selector:
    """Find out which settings vary, and how to choose among the results by them.

    Args:
        settings: The settings of each result.

    Example:
        >>> selector = build_selector([Settings(tv_weight=0.3), Settings(tv_weight=3.0)])
        >>> selector.choices, selector.indices
        ([Choice(name='tv_weight', labels=['0.3', '3'])], [(0,), (1,)])
        >>> selector.titles
        ['tv_weight 0.3', 'tv_weight 3']
    """
    values = _varying(settings)
    indices = [
        tuple(each.index(getattr(one, name)) for name, each in values.items()) for one in settings
    ]
    titles = [
        ", ".join(f"{name} {format_value(getattr(one, name))}" for name in values) or str(number)
        for number, one in enumerate(settings, 1)
    ]
    combinations = list(product(*(range(len(each)) for each in values.values())))
    if values and sorted(indices) == combinations:
        choices = [
            Choice(name, [format_value(value) for value in each]) for name, each in values.items()
        ]
        return Selector(choices, indices, titles)
    return Selector([Choice("result", titles)], [(n,) for n in range(len(settings))], titles)


def _varying(settings: Sequence[Settings]) -> dict[str, list[object]]:
    """The settings that vary, each with its values in the order of the results."""
    found = {
        name: list(dict.fromkeys(getattr(each, name) for each in settings))
        for name in field_names()
    }
    return {name: values for name, values in found.items() if len(values) > 1}
