"""Checks of a dataclass field's value against its annotation."""

import math
import os
import re
import sys
from collections.abc import Iterable
from difflib import get_close_matches
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin

from PIL import ImageColor

from styletransfer.errors import ConfigError, quote

# Until Python 3.14, `int | Literal["original"]` is a typing.Union.
_UNIONS = (UnionType, Union)

LARGEST = sys.float_info.max
"""The largest number that a field may hold."""

UNLIMITED = (-math.inf, math.inf)
"""The limits of a field without a range."""


def coerce(value: Any, hint: Any) -> Any:
    """Convert a TOML value to the type of a field.

    Args:
        value: From a file or a command line.
        hint: The annotation of the field.

    Returns:
        A list as a tuple, a single value for a list field as a tuple of one,
        and a whole number for a float field as a float. Any other value is
        returned unchanged.

    Example:
        >>> coerce([60, 50], tuple[float, ...] | None)
        (60.0, 50.0)
    """
    if value is None:
        return None
    types = get_args(hint) if get_origin(hint) in _UNIONS else (hint,)
    for type_ in types:
        if get_origin(type_) is tuple:
            items = value if isinstance(value, list | tuple) else [value]
            return tuple(coerce(item, get_args(type_)[0]) for item in items)
    whole = float in types and type(value) is int
    return float(value) if whole and abs(value) <= LARGEST else value


def check_value(name: str, value: Any, hint: Any, limits: tuple[float, float]) -> None:
    """Refuse a value of the wrong type or out of range.

    Args:
        name: The name of the field.
        value: The value to check.
        hint: The annotation of the field.
        limits: The smallest and the largest number allowed, inclusive. Each
            number in a tuple is checked.

    Raises:
        ConfigError: With the name, the rule and the value.
    """
    if not matches(value, hint):
        raise ConfigError(f"{name} must be {describe(hint)}, not {quote(value)}")
    if isinstance(value, str):
        _check_text(name, value)
    low, high = limits
    for item in value if isinstance(value, tuple) else (value,):
        if isinstance(item, int | float) and not (low <= item <= min(high, LARGEST)):
            limit = f"from {low:g} to {high:g}" if math.isfinite(high) else f"{low:g} or more"
            raise ConfigError(f"{name} must be {limit}, not {quote(item)}")


def _check_text(name: str, text: str) -> None:
    """Refuse text that cannot be in a path, since some settings are paths."""
    try:
        valid = b"\0" not in os.fsencode(text)
    except UnicodeEncodeError:
        valid = False
    if not valid:
        raise ConfigError(f"{name} must be text without control characters, not {quote(text)}")


def check_colour(name: str, value: str) -> None:
    """Refuse a string that is not an opaque colour.

    Args:
        name: The name of the field.
        value: A CSS colour name, ``#rrggbb``, or another form that Pillow reads.

    Raises:
        ConfigError: With the name, the rule and the value.
    """
    try:
        opaque = len(ImageColor.getrgb(value)) == 3
    except ValueError:
        opaque = False
    if not opaque:
        raise ConfigError(f"{name} must be a colour such as white or #f5e6c8, not {quote(value)}")


_UNITS = {"MB": 1_000_000, "GB": 1_000_000_000, "MIB": 1 << 20, "GIB": 1 << 30}


def to_bytes(text: str) -> int:
    """Convert an amount of memory.

    Args:
        text: A number with MB, GB, MiB or GiB.

    Raises:
        ConfigError: If it is not of that form.

    Example:
        >>> to_bytes("1.5GB")
        1500000000
    """
    found = re.fullmatch(r"([0-9]{1,9}(?:\.[0-9]{1,9})?) ?([MG]i?B)", text.strip(), re.IGNORECASE)
    if found is None:
        raise ConfigError(f"max_memory must be like 4GB or 800MB, not {quote(text)}")
    return int(float(found[1]) * _UNITS[found[2].upper()])


_MOST_NAMES = 20
"""Names that a message lists."""


def suggest(name: str, known: Iterable[str]) -> str:
    """Return the end of a message about an unknown name: the closest known one, or a few.

    Example:
        >>> suggest("tv-wieght", ["size", "tv_weight"])
        "did you mean 'tv_weight'?"
        >>> suggest("zoom", ["size", "tv_weight"])
        'known are size, tv_weight'
    """
    names = list(known)
    # Longer ones are like no name, and would take long to compare.
    matches = get_close_matches(name[:100].replace("-", "_"), names, n=1, cutoff=0.5)
    if matches:
        return f"did you mean {matches[0]!r}?"
    more = " and more" if len(names) > _MOST_NAMES else ""
    return f"known are {', '.join(names[:_MOST_NAMES])}{more}"


def matches(value: Any, hint: Any) -> bool:
    """Whether a value has the type of an annotation; a bool is not a number."""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in _UNIONS:
        return any(matches(value, kind) for kind in arguments)
    if origin is Literal:
        return any(type(value) is type(each) and value == each for each in arguments)
    if origin is tuple:
        return isinstance(value, tuple) and all(matches(item, arguments[0]) for item in value)
    if hint is float:
        # NaN fails the comparison; infinity is left to the range.
        return type(value) in {int, float} and abs(value) <= math.inf
    return type(value) is hint


def describe(hint: Any) -> str:
    """Describe an annotation for a message.

    Example:
        >>> describe(int | Literal["original"] | None)
        "a whole number or 'original'"
    """
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in _UNIONS:
        return " or ".join(describe(kind) for kind in arguments if kind is not type(None))
    if origin is Literal:
        names = ", ".join(map(str, arguments))
        return f"one of {names}" if len(arguments) > 1 else repr(names)
    if origin is tuple:
        return f"a list of {describe(arguments[0]).removeprefix('a ')}s"
    return {bool: "true or false", int: "a whole number", float: "a number", str: "a string"}[hint]
