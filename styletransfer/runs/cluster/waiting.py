"""The jobs of a request that wait for a worker."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from styletransfer.runs.jobs import Job


class Waiting:
    """Jobs in chains: of each, the next can be begun once the one before it is done.

    Args:
        jobs: All jobs.
        chains: Their numbers, each in one chain. A job starts from the last good
            result before it.
        existing: The numbers of those whose results exist.
    """

    def __init__(
        self, jobs: Sequence[Job], chains: Sequence[Sequence[int]], existing: Collection[int]
    ) -> None:
        self._jobs = jobs
        self._existing = existing
        self._chains = [deque(chain) for chain in chains]
        self._chain_of = {number: at for at, chain in enumerate(chains) for number in chain}
        self._last: list[Job | None] = [None] * len(chains)
        self._ready: deque[int] = deque()
        for at in range(len(chains)):
            self._advance(at)

    def __bool__(self) -> bool:
        """Whether a job can be begun now."""
        return bool(self._ready)

    def take(self) -> tuple[int, Job | None]:
        """Return the number of a job to begin, and the job from whose result it starts, if any."""
        number = self._ready.popleft()
        return number, self._last[self._chain_of[number]]

    def put_back(self, number: int) -> None:
        """Let a job that was taken be the next one to begin."""
        self._ready.appendleft(number)

    def finish(self, number: int, *, is_good: bool) -> None:
        """Let the next job of a chain begin.

        Args:
            number: The job that is done.
            is_good: Whether it has a result, from which the next starts.
        """
        at = self._chain_of[number]
        if is_good:
            self._last[at] = self._jobs[number]
        self._advance(at)

    def _advance(self, at: int) -> None:
        chain = self._chains[at]
        while chain and chain[0] in self._existing:
            self._last[at] = self._jobs[chain.popleft()]
        if chain:
            self._ready.append(chain.popleft())
