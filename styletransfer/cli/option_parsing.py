"""Parsers of option values."""

from pathlib import Path

from typer import BadParameter

from styletransfer.images.pipes import STDIN, STDOUT
from styletransfer.settings import expand_user


def read_path(text: str) -> Path:
    """Read a path; a leading ``~`` is the home folder."""
    return expand_user(Path(text))


def read_content(text: str) -> Path:
    """Read a path; ``-`` is standard input."""
    return STDIN if text == "-" else read_path(text)


def read_output(text: str) -> Path:
    """Read a path, also from ``-o=out.png``, where the parser leaves the equals sign.

    ``-`` is standard output.
    """
    name = text[1:] if text.startswith("=") and len(text) > 1 else text
    return STDOUT if name == "-" else read_path(name)


def read_numbers(text: str) -> tuple[float, ...]:
    """Read comma-separated numbers."""
    try:
        return tuple(float(item) for item in text.split(","))
    except ValueError as error:
        raise BadParameter(f"{text!r} is not a number or comma-separated numbers") from error


def read_weight(text: str) -> float | tuple[float, ...]:
    """Read one number, or several for a sweep."""
    # Adding 0 turns -0 into 0, which would otherwise appear in file names.
    numbers = tuple(number + 0.0 for number in read_numbers(text))
    return numbers if len(numbers) > 1 else numbers[0]


def read_whole_numbers(text: str) -> tuple[int, ...]:
    """Read comma-separated whole numbers."""
    try:
        return tuple(int(item) for item in text.split(","))
    except ValueError as error:
        raise BadParameter(
            f"{text!r} is not a whole number or comma-separated whole numbers"
        ) from error


def read_size(text: str) -> int | str:
    """Read a number of pixels or ``original``."""
    try:
        return text if text == "original" else int(text)
    except ValueError as error:
        raise BadParameter(f"{text!r} is neither a whole number of pixels nor original") from error


def read_names(text: str) -> tuple[str, ...]:
    """Read comma-separated names; spaces around them are ignored."""
    return tuple(item.strip() for item in text.split(","))
