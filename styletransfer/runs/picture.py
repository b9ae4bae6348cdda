"""A run of one picture: from the content file to the saved result."""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from styletransfer.errors import UnfinishedError
from styletransfer.images.tensors import check_side
from styletransfer.runs.checkpoint import Checkpoint
from styletransfer.runs.context import open_content
from styletransfer.runs.jobs import PictureResult
from styletransfer.runs.loss_log import LossLog
from styletransfer.runs.notices import (
    announce,
    announce_resumption,
    warn_about_content,
    warn_about_result,
)
from styletransfer.runs.result_writer import ResultWriter
from styletransfer.runs.snapshots import Snapshots
from styletransfer.runs.steering import helm_for, recorded_settings, recording, writer_for
from styletransfer.runs.watching import Watch
from styletransfer.transfer.pyramid import plan_scales

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from pathlib import Path

    from torch import Tensor

    from styletransfer.runs.checkpoint import Saved
    from styletransfer.runs.context import InputPicture, RunContext
    from styletransfer.runs.jobs import Job
    from styletransfer.runs.progress import Progress
    from styletransfer.runs.steering import Helm
    from styletransfer.transfer.plan import RunPlan
    from styletransfer.transfer.pyramid import Scale
    from styletransfer.transfer.stylize import Result


@dataclass(kw_only=True)
class PictureRun:
    """A run of one picture; made by `prepare`."""

    job: Job
    """The picture to make."""

    context: RunContext
    """What it shares with other runs."""

    content: InputPicture
    """The decoded content."""

    scales: list[Scale]
    """The sizes to work on."""

    writer: ResultWriter
    """Saves images with the content's alpha channel and metadata."""

    snapshots: Snapshots | None
    """Saves images on the way. None: no snapshots."""

    log: LossLog
    """Collects the losses after each iteration."""

    helm: Helm | None
    """Steers the run. None: it goes its way."""

    checkpoint: Checkpoint | None
    """Keeps the run, so that a later one goes on. None: it is not kept."""

    seconds: float
    """Time that `prepare` took."""

    start: Tensor | None = None
    """What it starts from, shape (1, 3, H, W), RGB in [0, 1]. None: what the settings name."""

    _plan: RunPlan | None = None
    _saved: Saved | None = None

    @classmethod
    def prepare(cls, job: Job, context: RunContext, content: InputPicture | None = None) -> Self:
        """Refuse everything that can be refused without torch, and return the run.

        Args:
            job: The picture to make.
            context: What it shares with other runs.
            content: The decoded content, if other runs share it. None: decoded here.

        Raises:
            StyleTransferError: If a file, a path, a size or a number of
                iterations is refused.
        """
        started = time.monotonic()
        shared = content is not None
        content = content or open_content(job.content, job.settings, context.notify)
        scales = plan_scales(*content.size, job.settings)
        helm = helm_for(job.settings, context.pilot)
        writer = ResultWriter(content.decoded, job.settings, job.inputs)
        writer.check([job.output, job.unfinished])
        check_side(job.output, scales[-1].longest_side)
        snapshots = None
        if job.save_every is not None:
            write = recording(writer, helm)
            snapshots = Snapshots(job.output, job.save_every, scales, write, context.notify)
            snapshots.check(job.inputs)
        log = LossLog(job.settings, job.log, context.notify)
        log.check([*job.inputs, job.output])
        checkpoint = None
        if job.checkpoint is not None:
            checkpoint = Checkpoint(job.checkpoint, job.checkpoint_every, job, context.notify)
            checkpoint.check()
        if not shared:
            warn_about_content(content, job.output, context)
        return cls(
            job=job,
            context=context,
            content=content,
            scales=scales,
            writer=writer,
            snapshots=snapshots,
            log=log,
            helm=helm,
            checkpoint=checkpoint,
            seconds=time.monotonic() - started,
        )

    def plan(self) -> RunPlan:
        """Plan the run once: its sizes, the device and the number format. Imports torch.

        Raises:
            DeviceError: If the device is missing or has too little memory.
            StyleTransferError: If torch cannot be imported.
        """
        self.context.load_torch()
        from styletransfer.device.device import retain_memory, set_threads, tune
        from styletransfer.transfer.plan import plan_run
        from styletransfer.transfer.workspace import check_memory, keep_budget

        if self._plan is None:
            retain_memory()
            set_threads(self.job.settings.threads)
            styles = [style.size for style in self.context.styles]
            plan = plan_run(self.content.size, styles, self.job.settings, self.scales)
            tune(plan.device)
            self._saved = None if self.checkpoint is None else self.checkpoint.load()
            plan = plan if self._saved is None else keep_budget(plan, self._saved.budget)
            check_memory(plan)
            self._plan = plan
        return self._plan

    def run(self) -> PictureResult:
        """Optimize the picture, and save it.

        Returns:
            The result; of a run that was stopped, the best image so far.

        Raises:
            StyleTransferError: If the machine or the weights are refused, or the
                run diverges; its best image is then saved.
            UnsavedError: If the result could not be saved at its path.
        """
        started = time.monotonic()
        job, plan = self.job, self.plan()
        earlier = 0.0 if self._saved is None else self._saved.entries[-1].seconds
        result = self._optimize(plan)
        path = job.unfinished if result.stopped else job.output
        self.save(result.image, path, ends_here=result.stopped)
        if self.helm is not None:
            self.helm.result = result.image
        if not result.stopped:
            warn_about_result(result, job, self.content, self.context)
            if self.checkpoint is not None:
                self.checkpoint.remove()
        height, width = result.image.shape[2:]
        return PictureResult(
            path=path,
            settings=recorded_settings(job.settings, self.helm, ends_here=result.stopped),
            content=job.content,
            width=width,
            height=height,
            losses=result.losses,
            seconds=self.seconds + earlier + time.monotonic() - started,
            device=str(plan.device),
            precision=plan.precision.name,
            stopped=result.stopped,
            entries=self.log.entries,
            regions=self.context.masks,
        )

    def piloted(self) -> AbstractContextManager[None]:
        """Let whoever steers the run know that it is made in the block."""
        return contextlib.nullcontext() if self.helm is None else self.helm.piloting(self)

    def save(self, image: Tensor, path: Path, *, ends_here: bool = False) -> None:
        """Save an image; beside a complete result, delete an older unfinished one."""
        writer_for(self.writer, self.helm, ends_here=ends_here).save(image, path)
        if path != self.job.unfinished:
            with contextlib.suppress(OSError):
                self.job.unfinished.unlink(missing_ok=True)

    def _optimize(self, plan: RunPlan) -> Result:
        from styletransfer.runs.progress import Progress
        from styletransfer.transfer.plan import encoder_for
        from styletransfer.transfer.stylize import stylize

        context, settings = self.context, self.job.settings
        init = context.init.image if self.start is None and context.init else self.start
        encoder = encoder_for(settings, plan)
        announce(plan, context)
        progress = Progress(self.scales, quiet=context.quiet, batch=context.batch)
        if self._saved is not None:
            self._go_on(self._saved, progress)

        with contextlib.closing(progress), self.log.recording():
            try:
                return stylize(
                    self.content.image,
                    [style.image for style in context.styles],
                    settings,
                    init=init,
                    encoder=encoder,
                    targets=context.targets,
                    plan=plan,
                    on_step=Watch.of(self, progress, plan.budget),
                    regions=None if context.masks is None else context.masks.to_regions(),
                    resume=None if self._saved is None else self._saved.state,
                )
            except UnfinishedError as error:
                self.save(error.image, self.job.unfinished)
                if self.helm is not None:
                    self.helm.result = error.image
                message = f"{error}; the best picture is in {self.job.unfinished}"
                if error.state is not None and self.checkpoint is not None:
                    self.checkpoint.keep(error.state, self.log.entries, plan.budget)
                    message += f"; the same command goes on from {self.checkpoint.path}"
                raise type(error)(message, error.image) from None

    def _go_on(self, saved: Saved, progress: Progress) -> None:
        """Take over what was counted before the interruption."""
        done, newest = len(saved.entries), saved.entries[-1]
        announce_resumption(done, self.scales, self.job, self.context)
        self.log.go_on(saved.entries)
        progress.go_on(newest.width, newest.size_iteration)
        if self.snapshots is not None:
            self.snapshots.go_on(done)
