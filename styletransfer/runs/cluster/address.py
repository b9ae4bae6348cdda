"""Where jobs go: the value of ``--cluster``."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from importlib.util import find_spec

from styletransfer.errors import ConfigError, quote

_PACKAGE = "distributed"
_LOCAL = re.compile(r"local:(\d{1,9})")
_ADDRESS = re.compile(r"(?:(tcp|tls)://)?((?:\[[0-9a-fA-F:.]+\]|[^\s:/\[\]]+):(\d{1,5}))")
_PORTS = range(1, 65_536)


@dataclass(frozen=True, slots=True)
class LocalWorkers:
    """Worker processes on this machine."""

    count: int
    """How many."""


def parse_cluster(text: str) -> LocalWorkers | str:
    """Read the value of ``--cluster``.

    Args:
        text: ``local:N``, or the address of a Dask scheduler.

    Returns:
        The workers to start, or the address with its protocol.

    Raises:
        ConfigError: If it is neither, or asks for more workers than there are cores.

    Example:
        >>> parse_cluster("painter:8786")
        'tcp://painter:8786'
    """
    local = _LOCAL.fullmatch(text)
    if local is not None:
        count, cores = int(local[1]), usable_cores()
        if not 1 <= count <= cores:
            raise ConfigError(
                f"--cluster {text}: this process may use {cores} cores; "
                f"choose from local:1 to local:{cores}"
            )
        return LocalWorkers(count)
    address = _ADDRESS.fullmatch(text)
    if address is None or int(address[3]) not in _PORTS:
        raise ConfigError(
            f"--cluster {quote(text)} is neither local:N nor the address of a Dask scheduler, "
            "such as tcp://host:8786"
        )
    return f"{address[1] or 'tcp'}://{address[2]}"


def check_cluster(text: str) -> None:
    """Refuse a value of ``--cluster``, or a missing package, before anything is done.

    Raises:
        ConfigError: If it is refused.
    """
    parse_cluster(text)
    if find_spec(_PACKAGE) is None:
        raise ConfigError(f"--cluster needs {_PACKAGE}; pip install {_PACKAGE}")


def usable_cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):  # not on macOS and Windows
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
