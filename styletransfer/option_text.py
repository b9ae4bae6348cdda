"""How settings are written on the command line and for people."""

from typing import Any


def option_name(field: str) -> str:
    """Return the command-line option of a setting.

    Example:
        >>> option_name("tv_weight")
        '--tv-weight'
    """
    return f"--{field.replace('_', '-')}"


def format_value(value: Any, separator: str = ", ") -> str:
    """Format the value of a setting for people, without loss of precision.

    Example:
        >>> [format_value(value) for value in (2.0, 0.3, 1e-5, True, "lbfgs")]
        ['2', '0.3', '1e-05', 'on', 'lbfgs']
        >>> format_value((1.0, 0.2), separator=",")
        '1,0.2'
    """
    if isinstance(value, tuple):
        return separator.join(map(format_value, value))
    if isinstance(value, bool):
        return "on" if value else "off"
    return repr(value).removesuffix(".0") if isinstance(value, float) else str(value)
