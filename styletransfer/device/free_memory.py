"""How much memory there is to take."""

from __future__ import annotations

import contextlib
import sys
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import torch

_VERSION_1 = ("memory.limit_in_bytes", "memory.usage_in_bytes")
_VERSION_2 = ("memory.max", "memory.current")


def available(device: torch.device) -> int | None:
    """How much memory may still be taken.

    On the CPU: what Linux calls available, within the limits of the control
    group and of ``ulimit -v``; swap does not count. On CUDA, what the driver and
    torch have free (not measured against a forecast).

    Args:
        device: Where the network is evaluated.

    Returns:
        Bytes; None where nobody can tell, as on MPS and other systems.
    """
    if device.type == "cuda":
        import torch

        kept = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
        return torch.cuda.mem_get_info(device)[0] + kept
    if device.type != "cpu" or sys.platform != "linux":
        return None
    free = free_on_linux()
    return None if free is None else free + _resident() - _resident_at_first()


def free_on_linux(root: Path = Path("/")) -> int | None:
    """What a Linux machine, its control groups and ``ulimit -v`` leave to take.

    Args:
        root: Where ``proc`` and ``sys`` are.

    Returns:
        Bytes; None if the machine does not say.
    """
    with contextlib.suppress(OSError, ValueError, KeyError):
        rooms = [_fields(root / "proc/meminfo")["MemAvailable"] << 10]
        rooms += _control_groups(root)
        import resource  # not on Windows

        limit = resource.getrlimit(resource.RLIMIT_AS)[0]
        if limit != resource.RLIM_INFINITY:
            rooms.append(limit - (_fields(root / "proc/self/status")["VmSize"] << 10))
        return max(0, min(rooms))
    return None


def _control_groups(root: Path) -> Iterator[int]:
    """What the limits of this process's control groups leave, of both versions."""
    for line in (root / "proc/self/cgroup").read_text().splitlines():
        _, controllers, group = line.split(":", 2)
        if controllers and "memory" not in controllers.split(","):
            continue
        top = root / "sys/fs/cgroup" / ("memory" if controllers else "")
        names = _VERSION_1 if controllers else _VERSION_2
        folder = top / group.lstrip("/")
        for each in (folder, *folder.parents):
            if each.is_relative_to(top):
                # The root has no limit, and inside a container a group may have no folder.
                with contextlib.suppress(OSError, ValueError):
                    yield _left(each, *names)


def _left(folder: Path, limit: str, usage: str) -> int:
    """What a control group leaves; files that it has cached give way."""
    most, used = (int((folder / name).read_text()) for name in (limit, usage))
    cached = _fields(folder / "memory.stat")
    return most - used + cached.get("inactive_file", 0) + cached.get("active_file", 0)


def _fields(path: Path) -> Mapping[str, int]:
    """The numbers of a file with a name and a number on each line."""
    pairs = (line.replace(":", " ").split()[:2] for line in path.read_text().splitlines())
    return {pair[0]: int(pair[1]) for pair in pairs if len(pair) == 2 and pair[1].isdecimal()}


def _resident() -> int:
    """The memory that this process holds, in bytes."""
    return _fields(Path("/proc/self/status"))["VmRSS"] << 10


@cache
def _resident_at_first() -> int:
    """The same, when it was first asked for: freed memory that is kept counts as free."""
    return _resident()
