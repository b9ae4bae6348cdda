"""Values held against the annotations of the fields that take them."""

import math
import sys
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin

from styletransfer.errors import ConfigError

# One of a class and a Literal is typing's own until Python 3.14.
_UNIONS = (UnionType, Union)

LARGEST = sys.float_info.max
"""The largest number that a field may hold."""

ANY = (-math.inf, math.inf)
"""The range of a field that has none."""


def coerce(value: Any, hint: Any) -> Any:
    """Read a TOML value as what a field holds.

    Args:
        value: From a file or a command line.
        hint: The annotation of the field.

    Returns:
        Lists as tuples, one value where a list may stand as a list of one,
        whole numbers as floats; what does not fit as it is.

    Example:
        >>> coerce([60, 50], tuple[float, ...] | None)
        (60.0, 50.0)
    """
    if value is None:
        return None
    kinds = get_args(hint) if get_origin(hint) in _UNIONS else (hint,)
    for kind in kinds:
        if get_origin(kind) is tuple:
            items = value if isinstance(value, list | tuple) else [value]
            return tuple(coerce(item, get_args(kind)[0]) for item in items)
    whole = float in kinds and type(value) is int
    return float(value) if whole and abs(value) <= LARGEST else value


def check_value(name: str, value: Any, hint: Any, limits: tuple[float, float]) -> None:
    """Refuse a value of the wrong kind or out of range.

    Args:
        name: Of the field.
        value: To be held against the others.
        hint: The annotation of the field.
        limits: The least and the greatest number, of each number in a list.

    Raises:
        ConfigError: With the name, the rule and the value.
    """
    if not matches(value, hint):
        raise ConfigError(f"{name} must be {describe(hint)}, not {value!r}")
    low, high = limits
    for item in value if isinstance(value, tuple) else (value,):
        if isinstance(item, int | float) and not (low <= item <= min(high, LARGEST)):
            limit = f"from {low:g} to {high:g}" if math.isfinite(high) else f"{low:g} or more"
            raise ConfigError(f"{name} must be {limit}, not {item!r}")


def matches(value: Any, hint: Any) -> bool:
    """Whether a value is of the kind that an annotation names."""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in _UNIONS:
        return any(matches(value, kind) for kind in arguments)
    if origin is Literal:
        return any(type(value) is type(each) and value == each for each in arguments)
    if origin is tuple:
        return isinstance(value, tuple) and all(matches(item, arguments[0]) for item in value)
    if hint is float:
        return type(value) in {int, float} and abs(value) <= math.inf
    return type(value) is hint


def describe(hint: Any) -> str:
    """Say an annotation in words.

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
    return {bool: "true or false", int: "a whole number", float: "a number", str: "a text"}[hint]
