"""Declare the option of a setting for Typer."""

from collections.abc import Callable
from typing import Any

from typer import Option

from styletransfer.option_text import format_value, option_name
from styletransfer.settings import Settings

_DEFAULTS = Settings()


def declare(
    name: str,
    text: str,
    *short: str,
    panel: str,
    parser: Callable[[str], Any] | None = None,
    metavar: str | None = None,
) -> Any:
    """Declare the option of a setting, as an annotation for Typer.

    Typer's own default stays None, so that a configuration file can set what
    the command line does not. The help shows the default of `Settings`; if that
    is None, `text` says what None means.
    """
    default = getattr(_DEFAULTS, name)
    if default is not None:
        text = f"{text} (default: {format_value(default, separator=',')})"
    flag = option_name(name)
    return Option(
        f"{flag}/{flag.replace('--', '--no-', 1)}" if isinstance(default, bool) else flag,
        *short,
        help=text,
        show_default=False,
        rich_help_panel=panel,
        parser=parser,
        metavar=metavar,
    )
