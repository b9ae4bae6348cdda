"""Which workers get jobs: those that fit, whether they were there at the start or came later."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from styletransfer.errors import ClusterError, reason
from styletransfer.runs.cluster.address import LocalWorkers
from styletransfer.runs.cluster.order import ask_workers, explain_mismatch, versions
from styletransfer.runs.cluster.sending import workers_see
from styletransfer.runs.cluster.worker import admit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from distributed import Client

    from styletransfer.runs.context import RunContext
    from styletransfer.runs.jobs import Job

_PAUSE = 0.5  # seconds between two looks for workers
_RESTART = 60.0  # seconds in which a worker on this machine starts
_START = "dask worker --nthreads 1"


class Admission:
    """Admits the workers that fit to the jobs of an order; another one does no job.

    Args:
        client: Connected to the scheduler of the workers.
        where: What it is connected to.
        context: Reports that it waits and who is left out, and ends the waiting early.
        jobs: The jobs.
        is_film: Whether they are frames that start from others.
    """

    def __init__(
        self,
        client: Client,
        where: LocalWorkers | str,
        context: RunContext,
        jobs: Sequence[Job],
        *,
        is_film: bool,
    ) -> None:
        self.must_see = False
        self._client = client
        self._where = where
        self._context = context
        self._jobs = jobs
        self._is_film = is_film
        self._key: str | None = None
        self._checked: set[str] = set()
        self._admitted: set[str] = set()
        self._left_out: set[str] = set()

    def wait(self) -> int:
        """Wait until there are workers, and admit those that came since the last time.

        Returns:
            Their number without those that are left out; 0 if a signal ended the waiting.

        Raises:
            ClusterError: If those on this machine have ended for good, or all that fit have.
        """
        started, told = time.monotonic(), False
        while not (count := self._count()) and not self._context.stop.requested:
            if isinstance(self._where, LocalWorkers):
                # Dask starts one again, unless it ends while it starts.
                if time.monotonic() - started > _RESTART:
                    raise ClusterError(
                        "the workers have ended, perhaps for lack of memory; "
                        "use a smaller --size, or fewer workers"
                    )
            elif not told:
                self._context.notify(f"waiting for workers; start one with: {_START} {self._where}")
                told = True
            time.sleep(_PAUSE)
        return count

    def check(self) -> None:
        """Check the workers that are there at the start, and find what they see.

        Afterwards, `must_see` says whether all workers see the files of the jobs; those
        that come later then have to, too.

        Raises:
            ClusterError: If one does not fit.
        """
        present = self._present()
        self._refuse(present)
        self.must_see = workers_see(self._client, self._jobs, present)
        self._checked.update(present)

    def begin(self, key: str) -> None:
        """Let the workers that fit do the jobs of an order, from now on.

        Args:
            key: That of the order, which they keep.
        """
        self._key = key

    def begin_again(self) -> None:
        """Check all workers, since one was started again at the address of another."""
        self._checked.clear()
        self._admitted.clear()

    def preferred(self) -> list[str] | None:
        """Return the addresses to which jobs go; None: to any."""
        # Named only if need be: if they all ended, those that come later would get nothing.
        return sorted(self._admitted) if self._left_out else None

    def _count(self) -> int:
        """Count the workers that are not left out; admit those that are new."""
        present = self._present()
        self._admitted.intersection_update(present)
        if self._key is None:
            return len(present)
        for address in (each for each in present if each not in self._admitted):
            try:
                if self._admit(address, self._key):
                    self._admitted.add(address)
            except ClusterError as error:
                self._left_out.add(address)
                self._context.notify(f"not used: {error}")
        if self._left_out and not self._admitted:
            raise ClusterError("the workers that fit have ended; --skip-existing resumes")
        return len(self._admitted)

    def _present(self) -> list[str]:
        return sorted(self._client.nthreads().keys() - self._left_out)

    def _admit(self, address: str, key: str) -> bool:
        """Admit a worker if it fits; false if it does not answer."""
        if address not in self._checked:
            if not self._refuse([address]):
                return False
            if self.must_see and not workers_see(self._client, self._jobs, [address]):
                raise ClusterError(
                    f"the worker {address} does not see the files of this command, as others do; "
                    "give it the same folders, or start the command again to send the contents"
                )
        answers = ask_workers(self._client, admit, key, workers=[address])
        for answer in answers.values():
            if isinstance(answer, Exception):
                raise ClusterError(
                    f"the worker {address} cannot begin ({reason(answer)}); look at its log"
                )
        return address in answers

    def _refuse(self, addresses: Sequence[str]) -> bool:
        """Refuse workers of other versions, without the package, or with several threads.

        Returns:
            Whether all answered.
        """
        here = versions(is_film=self._is_film)
        asked = ask_workers(self._client, versions, self._is_film, workers=addresses)
        for address, there in asked.items():
            if isinstance(there, Exception):
                raise ClusterError(
                    f"the worker {address} cannot import stylize ({reason(there)}); "
                    f"install version {here['stylize']} there"
                )
            mismatch = explain_mismatch(here, there, address)
            if mismatch is not None:
                raise ClusterError(mismatch)
        for address, threads in self._client.nthreads().items():
            if threads > 1 and address in addresses:
                raise ClusterError(
                    f"the worker {address} would make {threads} pictures at once in one process; "
                    "start it with --nthreads 1"
                )
        return len(asked) == len(addresses)
