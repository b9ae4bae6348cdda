"""The command line that repeats a run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from styletransfer.option_text import format_value, option_name
from styletransfer.runs.resolve import INEFFECTIVE
from styletransfer.settings import Settings, field_names

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_DEFAULTS = Settings()


def repeat_command(
    content: Path, styles: Sequence[Path], output: Path, settings: Settings
) -> list[str]:
    """Write the command that produces a result again.

    It needs no configuration file: every setting that matters is an option.

    Args:
        content: The content picture.
        styles: The style pictures.
        output: The file of the result.
        settings: The settings of the run. Those that equal the default or have
            no effect are left out.

    Returns:
        The command and its arguments, not quoted.
    """
    words = ["stylize", _as_argument(content), *map(_as_argument, styles)]
    words += ["-o", _as_argument(output)]
    for name in field_names():
        value = getattr(settings, name)
        if value != getattr(_DEFAULTS, name) and not _is_ineffective(name, settings):
            words += _as_option(option_name(name), value)
    return words


def _is_ineffective(name: str, settings: Settings) -> bool:
    if name not in INEFFECTIVE:
        return False
    has_no_effect, _ = INEFFECTIVE[name]
    return has_no_effect(settings)


def _as_option(option: str, value: Any) -> list[str]:
    if isinstance(value, bool):
        return [option if value else option.replace("--", "--no-", 1)]
    text = format_value(value, separator=",")
    # The name of a file may begin with a dash.
    return [f"{option}={text}"] if text.startswith("-") else [option, text]


def _as_argument(path: Path) -> str:
    """A path with a leading ``./`` where the command would not read it literally."""
    text = str(path)
    return f"./{text}" if text.startswith(("-", "=", "~")) else text
