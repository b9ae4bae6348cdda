"""The connection to a Dask scheduler, and what its workers are told."""

from __future__ import annotations

import contextlib
import logging
import pickle
import secrets
import warnings
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from styletransfer.device.free_memory import free_memory_of_host
from styletransfer.errors import ClusterError, reason
from styletransfer.runs.cluster.address import LocalWorkers
from styletransfer.runs.cluster.local import local_workers
from styletransfer.runs.cluster.order import Order, ask_workers
from styletransfer.runs.cluster.sending import read_shared, read_weights
from styletransfer.runs.cluster.worker import count_cards

if TYPE_CHECKING:
    from collections.abc import Iterator

    from distributed import Client, Worker

    from styletransfer.runs.context import RunContext
    from styletransfer.runs.jobs import Job

PATIENCE = 10.0
"""Seconds to wait for a scheduler."""

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


def order_for(
    job: Job,
    where: LocalWorkers | str,
    context: RunContext,
    client: Client,
    *,
    is_seen: bool,
    is_prepared: bool,
) -> Order:
    """Describe what jobs have in common.

    Args:
        job: One of them.
        where: The workers that are started, or the address of the scheduler.
        context: Reports that contents are sent.
        client: Connected to the workers.
        is_seen: Whether the workers see the files of the command.
        is_prepared: As in `Order`.

    Raises:
        ClusterError: If there are more workers on this machine than devices.
        ImageError: If a file that is to be sent cannot be read.
    """
    if not is_seen:
        context.inform("the workers do not see these files, so their contents are sent")
    return Order(
        key=secrets.token_hex(8),
        folder=Path.cwd(),
        files=None if is_seen else read_shared(job),
        weights=None if is_seen else read_weights(job),
        verbose=context.verbose,
        is_prepared=is_prepared,
        memory=_share_of_memory(where),
        cards=() if isinstance(where, str) else _cards(client, where.count, job.settings.device),
    )


@contextlib.contextmanager
def order_kept(client: Client, order: Order) -> Iterator[None]:
    """Let all workers keep an order in the block, those that come later as well."""
    from distributed import WorkerPlugin

    pickled, key = pickle.dumps(order), order.key

    class KeptOrder(WorkerPlugin):
        """Sent to the workers by value, as it is defined here."""

        name = f"stylize-{key}"

        # Imported here, since a worker that cannot read its plugins does not start at all.
        def setup(self, worker: Worker) -> None:
            from styletransfer.runs.cluster.worker import begin

            begin(pickle.loads(pickled), str(worker.name), Path(worker.local_directory))

        def teardown(self, worker: Worker) -> None:
            with contextlib.suppress(ImportError):  # where setup could not, either
                from styletransfer.runs.cluster.worker import end

                end(key)

    try:
        client.register_plugin(KeptOrder())
    except OSError:  # a worker died meanwhile
        client.register_plugin(KeptOrder())
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            client.unregister_worker_plugin(KeptOrder.name)


def _share_of_memory(where: LocalWorkers | str) -> int | None:
    """What each of the workers on this machine may take, in bytes; None if unknown."""
    free = free_memory_of_host()
    return None if free is None or isinstance(where, str) else free // where.count


def _cards(client: Client, workers: int, device: str) -> tuple[str, ...]:
    """The CUDA devices for the workers on this machine; none if they do not use any.

    Raises:
        ClusterError: If there are more workers than devices.
    """
    if device not in {"auto", "cuda"}:
        return ()
    cards = next(iter(ask_workers(client, count_cards).values()), None)
    if not isinstance(cards, list):
        return ()
    if cards and workers > len(cards):
        raise ClusterError(
            f"local:{workers} needs a CUDA device for each worker, but there are {len(cards)}; "
            f"use local:{len(cards)}, or --device cpu"
        )
    return tuple(cards)


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
