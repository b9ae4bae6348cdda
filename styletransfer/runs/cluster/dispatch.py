"""Jobs on a cluster: sent to its workers, and taken back as they are done."""

from __future__ import annotations

from collections import Counter
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any

from styletransfer.errors import ImageError
from styletransfer.runs.batches.outcomes import Failure, Outcome, existing_result
from styletransfer.runs.cluster.address import parse_cluster
from styletransfer.runs.cluster.admission import Admission
from styletransfer.runs.cluster.connection import connected, explain_loss, order_for, order_kept
from styletransfer.runs.cluster.order import Answer, NotAdmitted, ask_workers
from styletransfer.runs.cluster.sending import read_input, save_answer
from styletransfer.runs.cluster.waiting import Waiting
from styletransfer.runs.cluster.worker import ask_to_stop, make

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from distributed import Client, Future

    from styletransfer.runs.batches.outcomes import Outcomes
    from styletransfer.runs.batches.tally import BatchTally
    from styletransfer.runs.cluster.order import Order
    from styletransfer.runs.context import RunContext
    from styletransfer.runs.jobs import Job, Request

_PATIENCE = 0.5  # seconds between two looks at signals and workers
_ATTEMPTS = 4  # how often a job is sent, if workers do not keep it


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
    is_film = chains is not None
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
        admission = Admission(client, where, context, list(left.values()), is_film=is_film)
        if not admission.wait():
            return
        admission.check()
        order = order_for(
            next(iter(left.values())),
            *(where, context, client),
            is_seen=admission.must_see,
            is_prepared=is_prepared,
        )
        with order_kept(client, order):
            admission.begin(order.key)
            waiting = Waiting(jobs, chains, {*range(len(jobs))} - {*left})
            yield from Dispatch(client, order, left, waiting, admission, context, tally).outcomes()


class Dispatch:
    """Sends jobs to workers, as many as there are workers.

    If more were sent, a picture that ends its worker could take one down that waits there.

    Args:
        client: Connected to the scheduler.
        order: What the jobs have in common; the workers keep it.
        jobs: The jobs by number.
        waiting: Their order.
        admission: Knows the workers.
        context: Reports the lines of the runs, and ends them early.
        tally: Shows how many are in work, and says whether a failure ended the batch.
    """

    def __init__(
        self,
        client: Client,
        order: Order,
        jobs: Mapping[int, Job],
        waiting: Waiting,
        admission: Admission,
        context: RunContext,
        tally: BatchTally,
    ) -> None:
        self._client = client
        self._order = order
        self._jobs = jobs
        self._waiting = waiting
        self._admission = admission
        self._context = context
        self._tally = tally
        self._sent: dict[Future[Any], int] = {}
        self._done: SimpleQueue[Future[Any]] = SimpleQueue()
        self._given_back: Counter[int] = Counter()
        self._workers = 0
        self._asked = False

    def outcomes(self) -> Outcomes:
        """Yield what became of each job, as they are done."""
        while self._sent or (self._waiting and not self._asked):
            self._look()
            while self._waiting and not self._asked and len(self._sent) < max(1, self._workers):
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
        self._workers = self._admission.wait()
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
        future = self._client.submit(
            *(make, number, job, start, own, self._order.key),
            pure=False,
            workers=self._admission.preferred(),
        )
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
        answer = self._answer(future, number)
        if isinstance(answer, NotAdmitted):
            self._admission.begin_again()
            self._waiting.put_back(number)
            return
        outcome = None if isinstance(answer, Answer) else answer
        if isinstance(answer, Answer):
            for method, line in answer.lines:
                getattr(self._context, method)(line)
            outcome = save_answer(answer, self._jobs[number])
        self._waiting.finish(number, is_good=outcome is not None and outcome.failure is None)
        if outcome is not None:
            self._tally.begin(self._jobs[number].content.name)
            yield outcome

    def _answer(self, future: Future[Any], number: int) -> Answer | NotAdmitted | Outcome | None:
        """Return what a worker answered, None if it did not begin; a failure if none could."""
        from distributed import KilledWorker

        try:
            answer: Answer | NotAdmitted | None = future.result()
        except KilledWorker as error:
            return _ended(number, error.allowed_failures + 1)
        if isinstance(answer, NotAdmitted):
            self._given_back[number] += 1
            if self._given_back[number] == _ATTEMPTS:
                return _ended(number, _ATTEMPTS)
        return answer


def _ended(number: int, workers: int) -> Outcome:
    line = (
        f"ended {workers} workers one after the other, perhaps for lack of memory; "
        "use a smaller --size, or fewer workers"
    )
    return Outcome(number, failure=Failure(ImageError, line))
