"""Parsers of option values, and of the command line that holds them."""

import os
import re
from pathlib import Path
from typing import Any

from typer import BadParameter
from typer.core import TyperCommand

from styletransfer.errors import one_line, quote
from styletransfer.images.pipes import STDIN, STDOUT
from styletransfer.images.tensors import PICTURE_SUFFIXES
from styletransfer.settings import expand_user

_UsageError: type[Exception] = BadParameter.__mro__[1]
"""What is raised for a wrong command line; Typer exports this subclass only."""


_LONG = re.compile(r"(\S{200})\S+")
_LONGEST_PATH = 4096  # characters; no system takes more


class HintingCommand(TyperCommand):
    """A command that says how to write names that begin with a dash, and quotes briefly."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse the command line; name a file that was taken for an option."""
        names = [each for each in args if each.startswith("-") and _may_be_file(each)]
        try:
            return super().parse_args(ctx, args)
        except _UsageError as error:
            told: Any = error
            told.message = _LONG.sub(r"\1…", told.message)
            if names:
                told.message += f"; write ./{one_line(names[0])} if this is a file"
            raise


def _may_be_file(name: str) -> bool:
    return Path(name).suffix.lower() in PICTURE_SUFFIXES or os.path.lexists(name)


def read_path(text: str) -> Path:
    """Read a path; a leading ``~`` is the home folder."""
    if len(text) > _LONGEST_PATH:
        raise BadParameter(f"{quote(text)} is too long for a path")
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
        raise BadParameter(f"{quote(text)} is not a number or comma-separated numbers") from error


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
            f"{quote(text)} is not a whole number or comma-separated whole numbers"
        ) from error


def read_size(text: str) -> int | str:
    """Read a number of pixels or ``original``."""
    try:
        return text if text == "original" else int(text)
    except ValueError as error:
        raise BadParameter(
            f"{quote(text)} is neither a whole number of pixels nor original"
        ) from error


def read_files(text: str) -> tuple[str, ...]:
    """Read comma-separated names of files; a file whose name has a comma, alone."""
    return (text,) if Path(text).is_file() else read_names(text)


def read_names(text: str) -> tuple[str, ...]:
    """Read comma-separated names; spaces around them are ignored."""
    return tuple(item.strip() for item in text.split(","))
