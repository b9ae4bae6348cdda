"""A sweep: a picture made once for each combination of weights, and a contact sheet of all."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING

from styletransfer.errors import DivergenceError, ImageError
from styletransfer.images.contact_sheet import ContactSheet
from styletransfer.images.provenance import sheet_record
from styletransfer.images.tensors import (
    check_output,
    check_side,
    open_picture,
    save_picture,
)
from styletransfer.output_files import refuse_replacing
from styletransfer.runs.batches.naming import refuse_overwriting
from styletransfer.runs.batches.outcomes import Outcome, attempt, existing_result
from styletransfer.runs.batches.tally import BatchTally
from styletransfer.runs.cluster.dispatch import make_on_cluster
from styletransfer.runs.context import open_content
from styletransfer.runs.jobs import ExistingResult, Job, SheetResult, partial_path
from styletransfer.runs.notices import warn_about_transparency
from styletransfer.runs.picture import PictureRun
from styletransfer.transfer.pyramid import plan_scales

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence
    from pathlib import Path

    from styletransfer.runs.batches.outcomes import Outcomes
    from styletransfer.runs.batches.weight_grid import Sweep, Variant
    from styletransfer.runs.context import InputPicture, RunContext
    from styletransfer.runs.jobs import AnyResult, PictureResult, Request

    Results = Generator[AnyResult, None, None]


def run_sweep(request: Request, sweep: Sweep, context: RunContext) -> Results:
    """Make a picture for each combination of weights, and a contact sheet.

    The network, the pictures and the targets are made once for all of them.

    Args:
        request: The content picture, and where the contact sheet is saved.
        sweep: The combinations.
        context: What the runs share.

    Yields:
        Each result once it is saved or skipped; at the end the contact sheet.

    Raises:
        StyleTransferError: Before the first picture if a path is refused or
            memory is short; at once if all runs would fail in the same way;
            after the contact sheet if any failed.
        InterruptionError: If a signal ended the runs, after the contact sheet of
            the finished ones.
    """
    yield from SweepRun(request, sweep, context).run()


class SweepRun:
    """The runs of a sweep. Creating it refuses all that can be refused without torch.

    Args:
        request: The content picture, and where the contact sheet is saved.
        sweep: The combinations of weights.
        context: What the runs share.

    Raises:
        StyleTransferError: If the content or a path is refused.
    """

    def __init__(self, request: Request, sweep: Sweep, context: RunContext) -> None:
        self.request = request
        self.variants = sweep.variants
        self.context = context
        content = open_content(request.content, request.settings, context.notify)
        self.text = sheet_record([each.output.name for each in self.variants])
        check_output(request.output, request.inputs, text=self.text)
        self.jobs = [self._job(each) for each in self.variants]
        self.runs = [self._prepare(job, content) for job in self.jobs]
        size = plan_scales(*content.size, request.settings)[-1].size
        self.sheet = ContactSheet(sweep.axes, size, self.variants[0].constants)
        check_side(request.output, max(self.sheet.image.size))
        _refuse_links([request.output, *(each.output for each in self.variants)])
        if any(self.runs):
            warn_about_transparency(content, request.output, context)

    def run(self) -> Results:
        """Make the pictures and the contact sheet, as `run_sweep` does."""
        if self.request.cluster is None:
            self._check_memory()
        tally = BatchTally(self.context, len(self.jobs), "results")
        outcomes = self._outcomes(tally)
        with self.context.stop.deferred(tally.stop_message):
            with contextlib.closing(tally), contextlib.closing(outcomes):
                for outcome in outcomes:
                    result = self._count(outcome, tally)
                    if result is not None:
                        yield result
            tally.report_skipped()
            if tally.remaining < len(self.jobs):
                yield self._save_sheet()
        tally.refuse_failures()

    def _outcomes(self, tally: BatchTally) -> Outcomes:
        """Do the jobs: one after the other here, or on a cluster."""
        if self.request.cluster is not None:
            yield from make_on_cluster(
                self.jobs, self.request, self.context, tally, is_prepared=True
            )
            return
        for number, (variant, run) in enumerate(zip(self.variants, self.runs, strict=True)):
            if self.context.stop.requested:
                break
            tally.begin(variant.label)
            if run is None:
                existing = ExistingResult(path=variant.output, content=self.request.content)
                yield Outcome(number, existing)
            else:
                yield attempt(number, run.run)

    def _job(self, variant: Variant) -> Job:
        request = self.request
        log = request.log
        if log is not None:
            # Named after the result: losses-tv0.3.csv belongs to out-tv0.3.png.
            values = variant.output.stem.removeprefix(request.output.stem)
            log = log.with_name(f"{log.stem}{values}{log.suffix}")
        return Job(
            content=request.content,
            styles=request.styles,
            settings=variant.settings,
            output=variant.output,
            unfinished=partial_path(variant.output),
            config=request.config,
            log=log,
            save_every=request.save_every,
        )

    def _prepare(self, job: Job, content: InputPicture) -> PictureRun | None:
        """Prepare a run; None if its result exists and is to be skipped."""
        if existing_result(job, self.request) is not None:
            refuse_overwriting([job])
            return None
        return PictureRun.prepare(job, self.context, content)

    def _check_memory(self) -> None:
        """Refuse the whole sweep if memory is short for any of its runs."""
        runs = [run for run in self.runs if run is not None]
        if not runs:
            return
        # Here and not above, since it imports torch.
        self.context.load_torch()
        from styletransfer.transfer.targets import SharedTargets

        self.context.targets = SharedTargets()
        for run in runs:
            run.plan()

    def _count(self, outcome: Outcome, tally: BatchTally) -> PictureResult | ExistingResult | None:
        """Count what became of a job, and show it on the sheet; None if it has no result."""
        number, failure = outcome.number, outcome.failure
        job, label = self.jobs[number], self.variants[number].label
        if failure is not None:
            tally.fail(label, f"{label}: {failure.line}", failure)
            if issubclass(failure.kind, DivergenceError):
                self._show(number, job.unfinished, "diverged")
            else:
                self.sheet.paste(number, None, "failed")
            return None
        result = tally.count(label, outcome.result)
        if result is not None:
            self._show(number, job.output)
        return result

    def _show(self, number: int, path: Path, note: str = "") -> None:
        """Paste a saved picture into the contact sheet."""
        picture = open_picture(path, background=self.request.settings.background)
        self.sheet.paste(number, picture, note)

    def _save_sheet(self) -> SheetResult:
        import numpy as np

        output, (width, height) = self.request.output, self.sheet.image.size
        try:
            refuse_replacing(output, self.request.inputs)
            save_picture(np.asarray(self.sheet.image), output, text=self.text)
        except ImageError as error:
            raise ImageError(
                f"{error}; the results are saved, and --skip-existing makes the sheet again"
            ) from error
        return SheetResult(path=output, content=self.request.content, width=width, height=height)


def _refuse_links(outputs: Sequence[Path]) -> None:
    """Refuse paths of which one is a link to another."""
    taken: dict[str, Path] = {}
    for output in outputs:
        other = taken.setdefault(os.path.realpath(output), output)
        if other != output:
            raise ImageError(
                f"{output} and {other} are links to one file; remove one, or choose another output"
            )
