"""The connection to a Dask scheduler, and the checks of its workers."""

from __future__ import annotations

import contextlib
import logging
import time
import warnings
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from styletransfer.device.free_memory import free_memory_of_host
from styletransfer.errors import ClusterError, reason
from styletransfer.runs.cluster import worker as process
from styletransfer.runs.cluster.address import LocalWorkers
from styletransfer.runs.cluster.local import local_workers
from styletransfer.runs.cluster.order import ask_workers, explain_mismatch, versions

if TYPE_CHECKING:
    from collections.abc import Iterator

    from distributed import Client, Worker

    from styletransfer.runs.cluster.order import Order
    from styletransfer.runs.context import RunContext

PATIENCE = 10.0
"""Seconds to wait for a scheduler."""

_PAUSE = 0.5  # seconds between two looks for workers
_START = "dask worker --nthreads 1"
_LOGGERS = ("distributed", "tornado", "asyncio")


@contextlib.contextmanager
def connected(where: LocalWorkers | str) -> Iterator[Client]:
    """Connect to a scheduler, or start workers here; both end with the block.

    Args:
        where: The workers to start, or the address of the scheduler.

    Raises:
        ClusterError: If it cannot be reached, or the workers cannot be started.
    """
    with _silence(), contextlib.ExitStack() as stack:
        try:
            if isinstance(where, LocalWorkers):
                address = stack.enter_context(local_workers(where.count)).scheduler_address
            else:
                address = where
            client = _connect(address)
        except (OSError, RuntimeError, TypeError, ValueError) as error:
            raise ClusterError(_unreachable(where, error)) from error
        yield stack.enter_context(client)


def _connect(address: str) -> Client:
    from distributed import Client, Security

    class ImpatientClient(Client):
        """Also gives up if something answers that is no scheduler."""

        def start(self, **options: Any) -> None:
            super().start(callback_timeout=PATIENCE + 1, **options)  # type: ignore[no-untyped-call]  # Dask's

    security = Security()
    if address.startswith("tls:") and not security.get_connection_args("client")["ssl_context"]:
        raise ValueError(
            "Dask's configuration names no certificates: distributed.comm.tls.ca-file, "
            "distributed.comm.tls.client.cert and .key"
        )
    return ImpatientClient(  # type: ignore[no-untyped-call]  # Dask's
        address, timeout=PATIENCE, set_as_default=False, security=security
    )


@contextlib.contextmanager
def explain_loss(address: object) -> Iterator[None]:
    """Turn the errors of a lost connection into one line.

    Args:
        address: What was connected to.

    Raises:
        ClusterError: If the connection is lost in the block.
    """
    from concurrent.futures import CancelledError

    try:
        yield
    except (OSError, CancelledError) as error:
        raise ClusterError(
            f"the connection to the scheduler {address} is lost; --skip-existing resumes"
        ) from error


def wait_for_workers(client: Client, where: LocalWorkers | str, context: RunContext) -> int:
    """Wait until there are workers.

    Args:
        client: Connected to their scheduler.
        where: What it is connected to.
        context: Reports that it waits, and ends the waiting early.

    Returns:
        The number of workers; 0 if a signal ended the waiting.
    """
    told = False
    while not (count := len(client.nthreads())) and not context.stop.requested:
        if not told:
            start = "" if isinstance(where, LocalWorkers) else f"; start one with: {_START} {where}"
            context.notify(f"waiting for workers{start}")
        told = True
        time.sleep(_PAUSE)
    return count


def check_workers(client: Client) -> None:
    """Refuse workers of other versions, without the package, or with several threads.

    Raises:
        ClusterError: If one is refused.
    """
    here = versions()
    for address, there in ask_workers(client, versions).items():
        if isinstance(there, Exception):
            raise ClusterError(
                f"the worker {address} cannot import stylize ({reason(there)}); "
                f"install version {here['stylize']} there"
            )
        mismatch = explain_mismatch(here, there, address)
        if mismatch is not None:
            raise ClusterError(mismatch)
    for address, threads in client.nthreads().items():
        if threads > 1:
            raise ClusterError(
                f"the worker {address} would make {threads} pictures at once in one process; "
                "start it with --nthreads 1"
            )


def share_of_memory(where: LocalWorkers | str) -> int | None:
    """Return what each of the workers on this machine may take, in bytes; None if unknown."""
    free = free_memory_of_host()
    return None if free is None or isinstance(where, str) else free // where.count


@contextlib.contextmanager
def order_kept(client: Client, order: Order) -> Iterator[None]:
    """Let all workers keep an order in the block, those that come later as well."""
    from distributed import WorkerPlugin

    class KeptOrder(WorkerPlugin):
        """Sent to the workers by value, as it is defined here."""

        name = f"stylize-{order.key}"

        def setup(self, worker: Worker) -> None:
            process.begin(order, str(worker.name), worker.address, Path(worker.local_directory))

        def teardown(self, worker: Worker) -> None:
            process.end(order.key)

    try:
        client.register_plugin(KeptOrder())
    except OSError:  # a worker died meanwhile
        client.register_plugin(KeptOrder())
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            client.unregister_worker_plugin(KeptOrder.name)


def _unreachable(where: LocalWorkers | str, error: Exception) -> str:
    if isinstance(where, LocalWorkers):
        return f"the {where.count} workers cannot be started ({reason(error)}); use fewer, or none"
    return (
        f"{where}: no Dask scheduler can be reached ({reason(error)}); "
        "check the address, or start one with: dask scheduler"
    )


@contextlib.contextmanager
def _silence() -> Iterator[None]:
    """Let what Dask logs and warns of not reach the terminal: what matters is reported."""
    # First, since it sets the levels of its loggers.
    import_module("distributed")
    for name in [*_LOGGERS, *logging.root.manager.loggerDict]:
        # Some of those below have a level of their own.
        if name.split(".")[0] in _LOGGERS:
            logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
