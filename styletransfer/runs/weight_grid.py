"""Lists of weights on a command line, and the paintings that they ask for."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Any, NamedTuple

from styletransfer.errors import ConfigError
from styletransfer.runs.contact_sheet import Axis
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
"""The settings that take a list: in the name of a file, and in words."""


class Variant(NamedTuple):
    """A painting with one choice of the values."""

    values: Mapping[str, float]
    """What varies, by field of `Settings`."""

    settings: Settings
    """All there is to it."""

    output: Path
    """Where the result goes."""

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
            f"{_WEIGHTS[name][1]} {shown(getattr(self.settings, name))}" for name in names
        )


class Sweep(NamedTuple):
    """All paintings that a command line asks for."""

    axes: tuple[Axis, ...]
    """What varies: nothing, one weight or two."""

    variants: tuple[Variant, ...]
    """One for each choice, the last axis changing fastest."""


def sweep_from(config: str | None, given: Mapping[str, Any], styles: int, output: Path) -> Sweep:
    """Read which values of the weights are wanted.

    Args:
        config: As in `settings_from`.
        given: Likewise; a weight may be a tuple of values.
        styles: How many style pictures there are.
        output: Where the sheet goes, or a single result; results of a list
            are named after it, with their values.

    Returns:
        The sweep; without a list it has one variant, which is a plain run.

    Raises:
        ConfigError: If a value is refused, comes twice, or all three weights
            are lists.
    """
    lists = {name: given[name] for name in _WEIGHTS if isinstance(given.get(name), tuple)}
    if len(lists) == len(_WEIGHTS):
        raise ConfigError(
            "all three weights have lists, which no sheet can show; give one of "
            f"{', '.join(map(_flag, lists))} a single number"
        )
    choices = [dict(zip(lists, values, strict=True)) for values in product(*lists.values())]
    settings = settings_of_each(config, [{**given, **choice} for choice in choices], styles)
    for name, values in lists.items():
        for value in values:
            if values.count(value) > 1:
                raise ConfigError(f"{_flag(name)} has {shown(value)} twice; leave one out")
    variants = (
        Variant(choice, each, _named(output, choice))
        for choice, each in zip(choices, settings, strict=True)
    )
    axes = (
        Axis(_capital(_WEIGHTS[name][1]), [*map(shown, values)]) for name, values in lists.items()
    )
    return Sweep(tuple(axes), tuple(variants))


def shown(value: float) -> str:
    """Write a value as short as it can be without becoming another.

    Example:
        >>> [shown(value) for value in (1.0, 0.30, 1e-5)]
        ['1', '0.3', '1e-05']
    """
    return repr(value).removesuffix(".0")


def _flag(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def _capital(words: str) -> str:
    return words[0].upper() + words[1:]


def _named(output: Path, choice: Mapping[str, float]) -> Path:
    """Beside the sheet, with the values in its name; without values the path itself."""
    values = [f"-{_WEIGHTS[name][0]}{shown(value)}" for name, value in choice.items()]
    return output.parent / f"{output.stem}{''.join(values)}{output.suffix}" if values else output
