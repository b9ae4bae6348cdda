"""How the option of a setting is declared: its flag, its default, and how its text is read."""

from collections.abc import Callable
from typing import Any

from typer import BadParameter, Option

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
    """Make the option of a setting.

    Args:
        name: A field of `Settings`, which has the default.
        text: The help, to which the default is added unless that is None.
        short: Flags of one letter.
        panel: Where the help shows it.
        parser: Reads its text; None: as its type says.
        metavar: What the help says that it takes; None: as its type says.

    Returns:
        What `Annotated` takes beside the type.
    """
    default = getattr(_DEFAULTS, name)
    if default is not None:
        text = f"{text} (default: {_shown(default)})"
    flag = f"--{name.replace('_', '-')}"
    return Option(
        f"{flag}/{flag.replace('--', '--no-')}" if isinstance(default, bool) else flag,
        *short,
        help=text,
        show_default=False,
        rich_help_panel=panel,
        parser=parser,
        metavar=metavar,
    )


def _shown(default: Any) -> str:
    if isinstance(default, bool):
        return "on" if default else "off"
    return ",".join(map(str, default)) if isinstance(default, tuple) else str(default)


def read_numbers(text: str) -> tuple[float, ...]:
    """Read numbers with commas between."""
    try:
        return tuple(float(item) for item in text.split(","))
    except ValueError as error:
        raise BadParameter(f"{text!r} is not a number, or numbers with commas between") from error


def read_weight(text: str) -> float | tuple[float, ...]:
    """Read one value, or several for a sweep. To add 0 makes a 0 of -0."""
    numbers = tuple(number + 0.0 for number in read_numbers(text))
    return numbers if len(numbers) > 1 else numbers[0]


def read_whole_numbers(text: str) -> tuple[int, ...]:
    """Read whole numbers with commas between."""
    try:
        return tuple(int(item) for item in text.split(","))
    except ValueError as error:
        raise BadParameter(f"{text!r} is not a whole number, or some with commas") from error


def read_size(text: str) -> int | str:
    """Read a number of pixels, or ``original``."""
    try:
        return text if text == "original" else int(text)
    except ValueError as error:
        raise BadParameter(f"{text!r} is neither a whole number of pixels nor original") from error


def read_names(text: str) -> tuple[str, ...]:
    """Read names with commas, and perhaps blanks, between."""
    return tuple(item.strip() for item in text.split(","))
