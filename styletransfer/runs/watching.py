"""All that happens after each step of a run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from styletransfer.runs.checkpoint import Checkpoint
    from styletransfer.runs.interruption import StopRequest
    from styletransfer.runs.loss_log import LossLog
    from styletransfer.runs.picture import PictureRun
    from styletransfer.runs.progress import Progress
    from styletransfer.runs.snapshots import Snapshots
    from styletransfer.runs.steering import Helm
    from styletransfer.transfer.steering import Turn
    from styletransfer.transfer.stylize import Step


@dataclass(slots=True, kw_only=True)
class Watch:
    """What `stylize` calls after each step."""

    progress: Progress
    """Shows it."""

    log: LossLog
    """Collects its losses."""

    snapshots: Snapshots | None
    """Saves its image, when its turn has come."""

    checkpoint: Checkpoint | None
    """Keeps the run, when the time has come."""

    budget: int | None
    """That of the run's plan."""

    stop: StopRequest
    """Ends the run."""

    helm: Helm | None
    """Steers the run."""

    @classmethod
    def of(cls, run: PictureRun, progress: Progress, budget: int | None) -> Self:
        """Watch a run.

        Args:
            run: The run.
            progress: Shows it.
            budget: That of its plan.
        """
        return cls(
            progress=progress,
            log=run.log,
            snapshots=run.snapshots,
            checkpoint=run.checkpoint,
            budget=budget,
            stop=run.context.stop,
            helm=run.helm,
        )

    def __call__(self, step: Step) -> Turn | bool | None:
        """Let all of them see a step; return how the run goes on, see `stylize`."""
        self.progress.show(step)
        self.log.add(step, None if self.helm is None else self.helm.settings)
        if self.snapshots is not None:
            self.snapshots.add(step)
        # From now on there is an image to save.
        self.stop.hold()
        turn = None if self.helm is None else self.helm.turn(step)
        stopped = self.stop.requested
        if self.checkpoint is not None:
            self.checkpoint.add(step, self.log.entries, self.budget, last=stopped)
        return stopped or turn
