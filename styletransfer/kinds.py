"""Values held against the annotations of the fields that take them."""

import math
import sys
from types import UnionType
from typing import Any, Literal, get_args, get_origin

LARGEST = sys.float_info.max
"""The largest number that a field may hold."""


def as_kind(value: Any, hint: Any) -> Any:
    """Read a TOML value as what a field holds.

    Args:
        value: From a file or a command line.
        hint: The annotation of the field.

    Returns:
        Lists as tuples, one value where a list may stand as a list of one,
        whole numbers as floats; what does not fit as it is.

    Example:
        >>> as_kind([60, 50], tuple[float, ...] | None)
        (60.0, 50.0)
    """
    if value is None:
        return None
    kinds = get_args(hint) if get_origin(hint) is UnionType else (hint,)
    for kind in kinds:
        if get_origin(kind) is tuple:
            items = value if isinstance(value, list | tuple) else [value]
            return tuple(as_kind(item, get_args(kind)[0]) for item in items)
    whole = float in kinds and type(value) is int
    return float(value) if whole and abs(value) <= LARGEST else value


def fits(value: Any, hint: Any) -> bool:
    """Whether a value is of the kind that an annotation names."""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is UnionType:
        return any(fits(value, kind) for kind in arguments)
    if origin is Literal:
        return value in arguments
    if origin is tuple:
        return isinstance(value, tuple) and all(fits(item, arguments[0]) for item in value)
    if hint is float:
        return type(value) in {int, float} and abs(value) <= math.inf
    return type(value) is hint


def describe(hint: Any) -> str:
    """Say an annotation in words.

    Example:
        >>> describe(int | None)
        'a whole number'
    """
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is UnionType:
        return " or ".join(describe(kind) for kind in arguments if kind is not type(None))
    if origin is Literal:
        return f"one of {', '.join(arguments)}"
    if origin is tuple:
        return f"a list of {describe(arguments[0]).removeprefix('a ')}s"
    return {int: "a whole number", float: "a number", str: "a text"}[hint]
