"""Lists of weights on the command line, and the runs of the sweep that they ask for."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any

from styletransfer.errors import ConfigError
from styletransfer.images.contact_sheet import Axis
from styletransfer.option_text import format_value, option_name
from styletransfer.runs.resolve import settings_of_each

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from styletransfer.settings import Settings

_WEIGHTS = {
    "content_weight": ("content", "content weight"),
    "style_weight": ("style", "style weight"),
    "tv_weight": ("tv", "TV weight"),
}
"""The settings that take a list: their names in a file name, and in words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """One combination of values."""

    values: Mapping[str, float]
    """The weights that vary, by field of `Settings`."""

    settings: Settings
    """All settings."""

    output: Path
    """Where the result is saved."""

    @property
    def label(self) -> str:
        """The values in words, such as ``style weight 5, TV weight 0.3``."""
        return self._words(name for name in _WEIGHTS if name in self.values)

    @property
    def constants(self) -> str:
        """The weights that do not vary, such as ``Content weight 1``."""
        return _capital(self._words(name for name in _WEIGHTS if name not in self.values))

    def _words(self, names: Iterable[str]) -> str:
        return ", ".join(
            f"{_WEIGHTS[name][1]} {format_value(getattr(self.settings, name))}" for name in names
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Sweep:
    """All runs that a command line asks for."""

    axes: tuple[Axis, ...]
    """What varies: nothing, one weight or two."""

    variants: tuple[Variant, ...]
    """One for each combination; the values of the last axis change fastest."""


def sweep_from(config: str | None, given: Mapping[str, Any], styles: int, output: Path) -> Sweep:
    """Read which values of the weights to try.

    Args:
        config: As in `settings_of_each`.
        given: One command line, as in `settings_of_each`; a weight may be a tuple of values.
        styles: Number of style pictures.
        output: The contact sheet, or the only result. The results of a sweep are
            named after it and their values.

    Returns:
        The sweep; without a list it has one variant, which is an ordinary run.

    Raises:
        ConfigError: If a value is refused or occurs twice, or all three weights
            are lists.
    """
    lists = {name: given[name] for name in _WEIGHTS if isinstance(given.get(name), tuple)}
    if len(lists) == len(_WEIGHTS):
        raise ConfigError(
            "all three weights are lists, but a contact sheet shows two at most; "
            f"give one of {', '.join(map(option_name, lists))} a single number"
        )
    choices = [dict(zip(lists, values, strict=True)) for values in product(*lists.values())]
    settings = settings_of_each(config, [{**given, **choice} for choice in choices], styles)
    for name, values in lists.items():
        for value in values:
            if values.count(value) > 1:
                raise ConfigError(f"{option_name(name)} has {format_value(value)} twice; omit one")
    variants = (
        Variant(values=choice, settings=each, output=_output(output, choice))
        for choice, each in zip(choices, settings, strict=True)
    )
    axes = (
        Axis(name=_capital(_WEIGHTS[name][1]), values=tuple(map(format_value, values)))
        for name, values in lists.items()
    )
    return Sweep(axes=tuple(axes), variants=tuple(variants))


def _capital(words: str) -> str:
    return words[0].upper() + words[1:]


def _output(sheet: Path, choice: Mapping[str, float]) -> Path:
    """Append the values to the name of the sheet; without values it is the result itself."""
    values = [f"-{_WEIGHTS[name][0]}{format_value(value)}" for name, value in choice.items()]
    return sheet.parent / f"{sheet.stem}{''.join(values)}{sheet.suffix}" if values else sheet
