"""How a run fits into memory, and what to say if it does not.

Linux grants more memory than there is and kills the process that then uses it.
So the need is estimated, and refused, before the run starts.
"""

from __future__ import annotations

import bisect
import contextlib
import os
import re
import sys
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from styletransfer.device.free_memory import free_memory, resident_memory
from styletransfer.errors import ShortageError
from styletransfer.transfer.memory import estimate_memory, saves_by_recomputing, wanted_pairs
from styletransfer.validation import to_bytes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import torch

    from styletransfer.settings import Settings
    from styletransfer.transfer.plan import RunPlan
    from styletransfer.transfer.pyramid import Scale

# Messages of torch's allocators, of oneDNN, of Intel's FFT and of C++.
_OUT_OF_MEMORY = re.compile(
    r"alloc|out of memory|not enough memory|could not create a primitive", re.IGNORECASE
)

_SHARE = 0.85
"""Share of the free memory that a run takes without being asked."""

_SIDES = (2048, 1024, 512)
"""Sides of tiles to choose from, in pixels, the largest first: it has the least overlap."""

_SMALL_SIDES = (256, 128)
"""Sides that take far longer, as most of what is evaluated overlaps: the last resort."""

_WORTH_SHARING = 1024
"""Longest side in pixels up to which ranks gain nothing by sharing tiles, most of which overlap."""

_LEAST_PAIRS = 2


@dataclass(frozen=True, slots=True)
class Workspace:
    """How a size of a run is made to fit into memory."""

    tile: int | None
    """Side of the tiles in which the network is evaluated, in pixels. None: all at once."""

    pairs: int
    """Pairs of step and gradient change that L-BFGS keeps."""

    needed: int
    """The estimate of what it takes, in bytes."""

    recompute: bool = False
    """Whether tiles of the content are evaluated again for each comparison."""


def choose_workspace(plan: RunPlan, size: int) -> Workspace:
    """Choose how a size of a run fits into the budget of its plan.

    All at once if that fits; or else in the largest tiles that fit with all the pairs
    that L-BFGS wants; or else by evaluating the content again for each comparison, if
    that takes less; or else with fewer pairs; or else in small tiles.

    Args:
        plan: The plan of the run.
        size: Longest side in pixels.

    Returns:
        The first choice that fits; if none does, the one that needs least.
    """
    wanted = wanted_pairs(plan)
    choices: list[tuple[int | None, int, bool]] = []
    if plan.ranks == 1 or size <= _WORTH_SHARING:
        choices.append((None, wanted, False))
    if plan.device.type == "cpu":
        counts = dict.fromkeys(max(_LEAST_PAIRS, wanted // share) for share in (1, 2, 4, 8))
        pairs = counts if wanted else (0,)
        ways = (False, True) if saves_by_recomputing(plan) else (False,)
        for sides in (_SIDES, _SMALL_SIDES):
            choices += [
                (side, count, way)
                for count in pairs
                for way in ways
                for side in sides
                if side < size
            ]
    workspaces = [
        Workspace(side, count, estimate_memory(plan, size, side, count, way), way)
        for side, count, way in choices
    ]
    budget = plan.budget
    if budget is None:
        return workspaces[0]
    least = min(workspaces, key=lambda each: each.needed)
    return next((each for each in workspaces if each.needed <= budget), least)


def describe_workspace(space: Workspace, plan: RunPlan) -> str:
    """Say how a size of a plan is computed, and the memory of the whole process."""
    memory = f"with about {_gigabytes(space.needed + plan.resident)} of memory"
    if space.tile is None:
        return memory
    processes = f" on {plan.ranks} processes" if plan.ranks > 1 else ""
    content = ", the content evaluated again each time" if space.recompute else ""
    return f"in tiles of {space.tile} px{processes}{content}, {memory}"


def memory_budget(settings: Settings, device: torch.device) -> int | None:
    """Return how much memory a run may take beyond what the process has by now.

    Args:
        settings: The largest total, if it is given.
        device: Where the network is evaluated.

    Returns:
        Bytes; None if it is not limited.
    """
    free = free_memory(device)
    # torchrun's other ranks on this machine need as much.
    free = None if free is None else free // int(os.environ.get("LOCAL_WORLD_SIZE", "1"))
    if device.type != "cpu" or settings.max_memory is None:
        return None if free is None else int(_SHARE * free)
    allowed = max(0, to_bytes(settings.max_memory) - resident_memory())
    return allowed if free is None else min(allowed, free)


def keep_budget(plan: RunPlan, budget: int | None) -> RunPlan:
    """Plan a run with the budget of an earlier one, if it still fits.

    Each size is then computed as it was, to the same result.

    Args:
        plan: The plan of the run.
        budget: `RunPlan.budget` of the earlier run.

    Returns:
        The plan to follow.
    """
    kept = replace(plan, budget=budget)
    limit = plan.budget if plan.settings.max_memory else free_memory(plan.device)
    needed = max(choose_workspace(kept, scale.longest_side).needed for scale in plan.scales)
    return kept if limit is None or needed <= limit else plan


def check_memory(plan: RunPlan) -> None:
    """Refuse a run that needs more memory than is free.

    Args:
        plan: The plan of the run.

    Raises:
        ShortageError: If the estimate exceeds what is free.
    """
    if plan.budget is None:
        return
    scale = plan.scales[-1]
    least = choose_workspace(plan, scale.longest_side)
    if least.needed <= plan.budget:
        return
    size = largest_size(plan, scale.longest_side, plan.budget)
    total, possible = (_gigabytes(one + plan.resident) for one in (least.needed, plan.budget))
    where = "" if least.tile is None else f", even in tiles of {least.tile} px"
    limit = "--max-memory" if plan.settings.max_memory else "what is free"
    remedy = _remedy(size)
    if plan.settings.max_memory and not size:
        remedy = "raise --max-memory, or reduce --size or --style-scale"
    raise ShortageError(
        f"out of memory at {scale.width}×{scale.height} on {plan.device}: it needs about {total} "
        f"in total{where}, and {limit} allows {possible}; {remedy}"
    )


def largest_size(plan: RunPlan, size: int, free: int) -> int:
    """Find the largest size below another at which a run should fit.

    Args:
        plan: The plan of the run.
        size: A longest side that is too large, in pixels.
        free: Free memory in bytes.

    Returns:
        Longest side in pixels, a multiple of 64 from 64 up; 0 if none fits.
    """
    limited = replace(plan, budget=free)
    # A larger result never needs less, so the search is by halves.
    return 64 * bisect.bisect_left(
        range(1, (size - 1) // 64 + 1),
        True,
        key=lambda side: choose_workspace(limited, 64 * side).needed > free,
    )


@contextlib.contextmanager
def explain_out_of_memory(plan: RunPlan, current: Callable[[], Scale]) -> Iterator[None]:
    """Turn a failed allocation into one line with a remedy.

    Args:
        plan: The plan of the run.
        current: Returns the current size, once memory has run out.

    Raises:
        ShortageError: If memory runs out inside the block.
    """
    free = free_memory(plan.device)
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if isinstance(error, RuntimeError) and not _OUT_OF_MEMORY.search(str(error)):
            raise
        scale = current()
        # This size has just failed, whatever the estimate says.
        size = max(1, scale.longest_side * 3 // 4)
        remedy = _remedy(largest_size(plan, size, sys.maxsize if free is None else free))
        raise ShortageError(
            f"out of memory at {scale.width}×{scale.height} on {plan.device}; {remedy}"
        ) from None


def _gigabytes(size: int) -> str:
    return f"{size / 1e9:.1f} GB"


def _remedy(size: int) -> str:
    if size:
        return f"--size {size} should fit"
    return "free some memory, or reduce --size or --style-scale"
