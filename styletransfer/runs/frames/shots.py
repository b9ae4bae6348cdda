"""The shots of a sequence of frames: where they begin, and how one is made."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from PIL import Image

from styletransfer.errors import ConfigError, ImageError
from styletransfer.images.tensors import is_complete
from styletransfer.runs.batches.outcomes import attempt
from styletransfer.runs.context import open_content
from styletransfer.runs.jobs import ExistingResult, PictureResult
from styletransfer.runs.picture import PictureRun

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray
    from torch import Tensor

    from styletransfer.runs.batches.outcomes import Outcomes
    from styletransfer.runs.context import InputPicture, RunContext
    from styletransfer.runs.jobs import Job

_CUT = 28.0
"""Difference of two frames, see `difference`, from which on a cut lies between."""

_FOLLOWING = 1 / 3
"""Share of the iterations at the last size that a frame takes which starts from the last
result; it takes no smaller sizes. The losses are then those of a run of its own; more
iterations bring flicker, and losses that are hardly lower."""

_THUMBNAIL = (32, 32)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shot:
    """Frames without a cut, which are made in order."""

    first: int
    """The number of its first frame in the sequence, from 0."""

    jobs: tuple[Job, ...]
    """The frames."""

    skip_existing: bool
    """Skip results that exist and are complete; the next frame goes on from them."""


def plan_shots(
    jobs: Sequence[Job], given: Sequence[int] | None, *, skip_existing: bool
) -> list[Shot]:
    """Divide frames into shots.

    Args:
        jobs: The frames in order.
        given: The numbers of the first frames, from 1. None: found by `find_cuts`.
        skip_existing: As in `Shot`.

    Raises:
        ConfigError: If there are fewer frames than a given number.
    """
    if given is None:
        starts = find_cuts(jobs)
    else:
        if max(given) > len(jobs):
            raise ConfigError(
                f"--shots {max(given)}: there are {len(jobs)} frames; give numbers up to that"
            )
        starts = sorted({0, *(number - 1 for number in given)})
    return [
        Shot(first=start, jobs=tuple(jobs[start:end]), skip_existing=skip_existing)
        for start, end in pairwise([*starts, len(jobs)])
    ]


def find_cuts(jobs: Sequence[Job]) -> list[int]:
    """Find where shots begin: where neighbours differ much, in size, or in their folder.

    A frame that cannot be read begins none: its own run reports it.

    Returns:
        The indices of their first frames, from 0.
    """
    starts = [0]
    last: tuple[Path, tuple[int, int], NDArray[Any]] | None = None
    for number, job in enumerate(jobs):
        try:
            now = (job.content.parent, *_thumbnail(job))
        except ImageError:
            continue
        if last is not None and (now[:2] != last[:2] or difference(last[2], now[2]) > _CUT):
            starts.append(number)
        last = now
    return starts


def difference(before: NDArray[Any], now: NDArray[Any]) -> float:
    """The mean difference of two thumbnails of frames, in levels, but for a pan between them.

    As they are, pans by 10 % of the width a frame often differ as cuts do. So the least
    difference of the overlap is sought, over shifts by up to a quarter of the sides, which
    is about how far optical flow follows. Unrelated pictures then differ by 30 and more,
    pans by up to 15 % of the width by at most 17.

    Args:
        before: Colours of a frame at a small size, in levels; shape (H, W, 3).
        now: Those of the next frame.
    """
    unmoved = float(abs(now - before).mean())
    if unmoved <= _CUT:  # the search takes 5 ms
        return unmoved
    down, across = (range(-(side // 4), side // 4 + 1) for side in now.shape[:2])
    return min(
        float(abs(_part(now, -y, -x) - _part(before, y, x)).mean()) for y in down for x in across
    )


def _part(thumbnail: NDArray[Any], down: int, across: int) -> NDArray[Any]:
    """What is still seen of a thumbnail after a shift, in pixels."""
    height, width = thumbnail.shape[:2]
    rows = slice(max(0, down), height + min(0, down))
    return thumbnail[rows, max(0, across) : width + min(0, across)]


def make_shot(shot: Shot, context: RunContext) -> Outcomes:
    """Make the frames of a shot in order, each from the last result.

    What a frame starts from is read from the saved result, so that a resumed run
    gives the same bytes. A frame that fails is left out: the next one starts from
    the last good result.

    Yields:
        What became of each frame, with its number in the sequence.
    """
    last: Job | None = None
    for number, job in enumerate(shot.jobs, shot.first):
        outcome = attempt(number, partial(_make, job, last, shot.skip_existing, context))
        if outcome.failure is None:
            last = job
        yield outcome


def _make(
    job: Job, last: Job | None, skip_existing: bool, context: RunContext
) -> PictureResult | ExistingResult:
    if skip_existing and is_complete(job.output):
        return ExistingResult(path=job.output, content=job.content)
    run = PictureRun.prepare(job, context)
    if last is not None:
        go_on_from(last, run)
    return run.run()


def go_on_from(last: Job, run: PictureRun) -> None:
    """Let a frame start from the result of an earlier one, with fewer iterations.

    Args:
        last: The earlier frame.
        run: The run of the frame.

    Raises:
        ImageError: If the result or its content cannot be read.
    """
    scale = run.scales[-1]
    run.scales = [replace(scale, iterations=math.ceil(_FOLLOWING * scale.iterations))]
    run.plan()
    run.start = _start(last, run.content)


def _start(last: Job, content: InputPicture) -> Tensor:
    """What the last frame's result would be of the next content."""
    from styletransfer.runs.frames.motion import move

    before, painted = (
        open_content(path, last.settings, _say_nothing).image
        for path in (last.content, last.output)
    )
    return move(painted, before, content.image)


def _thumbnail(job: Job) -> tuple[tuple[int, int], NDArray[Any]]:
    """Width and height of a frame, and its colours at a small size, in levels."""
    import numpy as np

    content = open_content(job.content, job.settings, _say_nothing)
    small = content.decoded.colours.resize(_THUMBNAIL, Image.Resampling.BOX)
    return content.size, np.asarray(small, np.float64)


def _say_nothing(line: str) -> None:
    """What is to be said about a frame, its own run says."""
