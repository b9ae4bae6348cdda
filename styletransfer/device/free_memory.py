"""Query how much memory is free."""

from __future__ import annotations

import contextlib
import sys
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import torch


_limit: int | None = None
"""The most resident memory of this process in bytes, see `limit_memory`."""


def free_memory(device: torch.device) -> int | None:
    """Return how much memory this process can still allocate on a device.

    On a Linux CPU this is the available memory, limited by cgroup v2 and
    ``ulimit -v``, without swap. On CUDA it is what the driver and torch's
    allocator have free (not compared with a memory estimate yet).

    Args:
        device: Where the network is evaluated.

    Returns:
        Bytes; None if unknown, as on MPS and on other operating systems.
    """
    if device.type == "cuda":
        import torch

        cached = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
        return torch.cuda.mem_get_info(device)[0] + cached
    if device.type != "cpu" or sys.platform != "linux":
        return None
    _initial_resident_memory()
    return free_memory_of_host()


def free_memory_of_host() -> int | None:
    """Return how much memory this process can still allocate on the CPU, without torch.

    Returns:
        As `free_memory` of a CPU.
    """
    free = free_memory_on_linux() if sys.platform == "linux" else None
    if free is None or not _initial_resident_memory.cache_info().currsize:
        return free
    # Memory that the C library keeps after it was freed can be used again.
    return free + resident_memory() - _initial_resident_memory()


def limit_memory(share: int) -> None:
    """Let this process count no more memory as free than its share, beside other processes.

    Args:
        share: Bytes, beyond the memory that it has by now.
    """
    global _limit  # of the process, like those of the system
    _limit = resident_memory() + share


def free_memory_on_linux(root: Path = Path("/")) -> int | None:
    """Return what the kernel, cgroup v2 and ``ulimit -v`` leave to this process.

    Args:
        root: The folder that contains ``proc`` and ``sys``.

    Returns:
        Bytes; None if ``/proc`` does not say.
    """
    with contextlib.suppress(OSError, ValueError, KeyError):
        limits = [_read_fields(root / "proc/meminfo")["MemAvailable"] << 10]
        limits += _cgroup_limits(root)
        import resource  # not on Windows

        limit = resource.getrlimit(resource.RLIMIT_AS)[0]
        if limit != resource.RLIM_INFINITY:
            limits.append(limit - (_read_fields(root / "proc/self/status")["VmSize"] << 10))
        if _limit is not None:
            limits.append(_limit - resident_memory())
        return max(0, min(limits))
    return None


def _cgroup_limits(root: Path) -> Iterator[int]:
    """Yield the bytes left in the cgroup (version 2) of this process and in its parents."""
    for line in (root / "proc/self/cgroup").read_text().splitlines():
        hierarchy, _, group = line.split(":", 2)
        if hierarchy != "0":  # 0 is version 2
            continue
        top = root / "sys/fs/cgroup"
        folder = top / group.lstrip("/")
        for each in (folder, *folder.parents):
            if each.is_relative_to(top):
                # The top group has no limit; in a container the folder may not exist.
                with contextlib.suppress(OSError, ValueError):
                    yield _left_in_cgroup(each)


def _left_in_cgroup(folder: Path) -> int:
    """Return the bytes left in a cgroup; the kernel drops cached files when it needs memory."""
    limit, used = (int((folder / name).read_text()) for name in ("memory.max", "memory.current"))
    cached = _read_fields(folder / "memory.stat")
    return limit - used + cached.get("inactive_file", 0) + cached.get("active_file", 0)


def _read_fields(path: Path) -> Mapping[str, int]:
    """Read a file with a name and a number on each line."""
    pairs = (line.replace(":", " ").split()[:2] for line in path.read_text().splitlines())
    return {pair[0]: int(pair[1]) for pair in pairs if len(pair) == 2 and pair[1].isdecimal()}


def resident_memory() -> int:
    """Return the resident memory of this process in bytes; 0 if unknown."""
    if sys.platform != "linux":
        return 0
    return _read_fields(Path("/proc/self/status"))["VmRSS"] << 10


@cache
def _initial_resident_memory() -> int:
    """Return the resident memory at the first call."""
    return resident_memory()
