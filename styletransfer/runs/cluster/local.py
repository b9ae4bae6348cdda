"""Worker processes on this machine."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import tempfile
from multiprocessing import resource_tracker
from typing import TYPE_CHECKING

from styletransfer.runs.cluster.address import usable_cores
from styletransfer.runs.interruption import SIGNALS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from distributed import LocalCluster

_WARNINGS = "PYTHONWARNINGS"
_THREADS = "OMP_NUM_THREADS"


@contextlib.contextmanager
def local_workers(count: int) -> Iterator[LocalCluster]:
    """Start worker processes on this machine, which end with the block or with this process.

    Each gets an equal share of the cores, unless the environment sets the number of threads.

    Args:
        count: How many.

    Raises:
        OSError, RuntimeError: If they cannot be started.
    """
    import dask.config
    from distributed import LocalCluster

    settings = {
        # Dask's own would set one thread, and another way to return memory.
        "distributed.nanny.pre-spawn-environ": {},
        # A picture takes long: none waits at a worker while another worker is free.
        "distributed.scheduler.worker-saturation": 1.0,
    }
    threads = os.environ.get(_THREADS) or str(max(1, usable_cores() // count))
    with (
        tempfile.TemporaryDirectory(prefix="stylize-", ignore_cleanup_errors=True) as folder,
        dask.config.set({**settings, "temporary-directory": folder}),
    ):
        _start_tracker()
        with _signals_blocked():
            cluster = LocalCluster(
                n_workers=count,
                threads_per_worker=1,
                processes=True,
                host="127.0.0.1",
                dashboard_address=None,
                # Each plans with its share, see `Order.memory`; Dask would kill it.
                memory_limit=None,
                silence_logs=logging.CRITICAL,
                env={_THREADS: threads},
            )
        with cluster:
            yield cluster


def _start_tracker() -> None:
    """Start the process in which Python removes what processes leave.

    It would be started later, and let signals through to the workers; and it would warn
    of what a killed process leaves.
    """
    before = os.environ.get(_WARNINGS)
    os.environ[_WARNINGS] = "ignore"
    try:
        resource_tracker.ensure_running()
    finally:
        del os.environ[_WARNINGS]
        if before is not None:
            os.environ[_WARNINGS] = before


@contextlib.contextmanager
def _signals_blocked() -> Iterator[None]:
    """Let processes that are started in the block, and by its threads, never get a signal.

    Ctrl-C reaches all processes of a terminal, but it is for this one to end the others.
    """
    if not hasattr(signal, "pthread_sigmask"):  # on Windows
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
