"""Runs that ``torchrun`` started on several processes, which share the tiles of one picture."""

from __future__ import annotations

import os
import signal
import sys
from typing import TYPE_CHECKING

from styletransfer.errors import LostRankError
from styletransfer.runs.interruption import SIGNALS

if TYPE_CHECKING:
    from collections.abc import Callable

    from styletransfer.runs.interruption import StopRequest


def on_several_ranks() -> bool:
    """Whether ``torchrun`` started this process beside others."""
    return os.environ.get("WORLD_SIZE", "1") != "1" and "RANK" in os.environ


def run_on_ranks(command: Callable[[StopRequest], None], stop: StopRequest) -> None:
    """Run the command on rank 0, and let the other ranks follow it.

    Args:
        command: The command; ends with a `SystemExit`.
        stop: Ends the run early.

    Raises:
        SystemExit: With the command's exit code; of the other ranks, 1 if they lost rank 0.
        InterruptionError: If a signal came while torch was imported.
    """
    with stop.postponed():
        from styletransfer.transfer.tiling import ranks
        from styletransfer.transfer.tiling.follower import follow
    if os.environ["RANK"] != "0":
        # Rank 0 ends the run, and has to be alive for that.
        for number in SIGNALS:
            signal.signal(number, signal.SIG_IGN)
        try:
            ranks.join()
            follow()
            ranks.leave()
        except LostRankError:
            os._exit(1)  # torch aborts in another way, with words
        sys.exit(0)
    ranks.join()
    try:
        command(stop)
    except SystemExit as end:
        # After a failure, others may wait for something else: they notice that this one is gone.
        if not end.code:
            ranks.tell(None)
            ranks.leave()
        raise
