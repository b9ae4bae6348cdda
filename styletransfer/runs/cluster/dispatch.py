"""Jobs on a cluster: sent to its workers, and taken back as they are done."""

from __future__ import annotations

import secrets
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING

from styletransfer.errors import ClusterError, ImageError
from styletransfer.runs.batches.outcomes import Failure, Outcome, existing_result
from styletransfer.runs.cluster.address import parse_cluster
from styletransfer.runs.cluster.connection import (
    check_workers,
    connected,
    explain_loss,
    order_kept,
    share_of_memory,
    wait_for_workers,
)
from styletransfer.runs.cluster.order import Answer, Order, ask_workers
from styletransfer.runs.cluster.sending import (
    read_input,
    read_shared,
    read_weights,
    save_answer,
    workers_see,
)
from styletransfer.runs.cluster.waiting import Waiting
from styletransfer.runs.cluster.worker import ask_to_stop, count_cards, make

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from distributed import Client, Future

    from styletransfer.runs.batches.outcomes import Outcomes
    from styletransfer.runs.batches.tally import BatchTally
    from styletransfer.runs.cluster.address import LocalWorkers
    from styletransfer.runs.context import RunContext
    from styletransfer.runs.jobs import Job, Request

_PATIENCE = 0.5  # seconds between two looks at signals and workers


def make_on_cluster(
    jobs: Sequence[Job],
    request: Request,
    context: RunContext,
    tally: BatchTally,
    *,
    is_prepared: bool = False,
    chains: Sequence[Sequence[int]] | None = None,
) -> Outcomes:
    """Do jobs on the cluster of a request.

    Results that exist come first, and without them all there is no connection.
    When a signal comes, or the tally has ended, what is queued is not begun, and the
    best pictures of the runs in work are saved, as those of a single run.

    Args:
        jobs: The jobs.
        request: Says where, and whether to skip what exists.
        context: Reports the lines of the runs, and ends them early.
        tally: Shows how many are in work.
        is_prepared: Whether the runs have been prepared here, and what there is to say
            was said.
        chains: Numbers of jobs that are done in order, each from the result before it.
            None: each starts by itself.

    Yields:
        What became of each job, as they are done; nothing of those that were not begun.

    Raises:
        ClusterError: If the cluster cannot be used.
    """
    chains = [[number] for number in range(len(jobs))] if chains is None else chains
    left: dict[int, Job] = {}
    for number, job in enumerate(jobs):
        existing = existing_result(job, request)
        if existing is None:
            left[number] = job
        else:
            tally.begin(job.content.name)
            yield Outcome(number, existing)
    where = parse_cluster(request.cluster or "")
    if not left:
        return
    # From now on there are processes to end.
    context.stop.hold()
    with connected(where) as client, explain_loss(where):
        if not wait_for_workers(client, where, context):
            return
        check_workers(client)
        order = _order_for(list(left.values()), where, context, client, is_prepared=is_prepared)
        with order_kept(client, order):
            waiting = Waiting(jobs, chains, {*range(len(jobs))} - {*left})
            yield from Dispatch(client, where, order, left, waiting, context, tally).outcomes()


def _order_for(
    jobs: Sequence[Job],
    where: LocalWorkers | str,
    context: RunContext,
    client: Client,
    *,
    is_prepared: bool,
) -> Order:
    """Describe what the jobs have in common."""
    job = jobs[0]
    seen = workers_see(client, jobs)
    if not seen:
        context.inform("the workers do not see these files, so their contents are sent")
    return Order(
        key=secrets.token_hex(8),
        folder=Path.cwd(),
        files=None if seen else read_shared(job),
        weights=None if seen else read_weights(job),
        verbose=context.verbose,
        is_prepared=is_prepared,
        memory=share_of_memory(where),
        cards=() if isinstance(where, str) else _cards(client, where.count, job.settings.device),
    )


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


class Dispatch:
    """Sends jobs to workers, a few more than there are workers, so that none waits.

    Args:
        client: Connected to the scheduler.
        where: What it is connected to.
        order: What the jobs have in common; the workers keep it.
        jobs: The jobs by number.
        waiting: Their order.
        context: Reports the lines of the runs, and ends them early.
        tally: Shows how many are in work, and says whether a failure ended the batch.
    """

    def __init__(
        self,
        client: Client,
        where: LocalWorkers | str,
        order: Order,
        jobs: Mapping[int, Job],
        waiting: Waiting,
        context: RunContext,
        tally: BatchTally,
    ) -> None:
        self._client = client
        self._where = where
        self._order = order
        self._jobs = jobs
        self._waiting = waiting
        self._context = context
        self._tally = tally
        self._sent: dict[Future[Answer | None], int] = {}
        self._done: SimpleQueue[Future[Answer | None]] = SimpleQueue()
        self._workers = 0
        self._asked = False

    def outcomes(self) -> Outcomes:
        """Yield what became of each job, as they are done."""
        while self._sent or (self._waiting and not self._asked):
            self._look()
            while self._waiting and not self._asked and len(self._sent) < 2 * max(1, self._workers):
                number, start = self._waiting.take()
                failure = self._send(number, self._jobs[number], start)
                if failure is not None:
                    self._waiting.finish(number, is_good=False)
                    self._tally.begin(self._jobs[number].content.name)
                    yield failure
            if self._sent:
                yield from self._take()

    def _look(self) -> None:
        """Count the workers, and ask them to stop if the rest is not to be made."""
        self._workers = wait_for_workers(self._client, self._where, self._context)
        self._tally.show_in_work(min(self._workers, len(self._sent)))
        if self._asked or not (self._context.stop.requested or self._tally.ended):
            return
        self._asked = True
        ask_workers(self._client, ask_to_stop, self._order.key)

    def _send(self, number: int, job: Job, start: Job | None) -> Outcome | None:
        """Send a job; return its failure if its content cannot be read."""
        own = {}
        if self._order.files is not None:
            paths = [job.content, *([] if start is None else [start.content, start.output])]
            try:
                own = {path: read_input(path) for path in paths}
            except ImageError as error:
                return Outcome(number, failure=Failure(type(error), str(error)))
        future = self._client.submit(make, number, job, start, own, self._order.key, pure=False)
        self._sent[future] = number
        future.add_done_callback(self._done.put)
        return None

    def _take(self) -> Outcomes:
        """Wait for a job for a short time; yield what became of it."""
        self._look()
        if not self._workers:
            self._sent.clear()
            return
        try:
            future = self._done.get(timeout=_PATIENCE)
        except Empty:
            return
        number = self._sent.pop(future)
        outcome = self._outcome(future, number)
        self._waiting.finish(number, is_good=outcome is not None and outcome.failure is None)
        if outcome is not None:
            self._tally.begin(self._jobs[number].content.name)
            yield outcome

    def _outcome(self, future: Future[Answer | None], number: int) -> Outcome | None:
        """Report what the run reported, and save what it sent; None if it was not begun."""
        from distributed import KilledWorker

        try:
            answer = future.result()
        except KilledWorker as error:
            line = (
                f"ended {error.allowed_failures + 1} workers one after the other, perhaps for lack "
                "of memory; use a smaller --size, or fewer workers"
            )
            return Outcome(number, failure=Failure(ImageError, line))
        if answer is None:
            return None
        for method, line in answer.lines:
            getattr(self._context, method)(line)
        return save_answer(answer, self._jobs[number])
