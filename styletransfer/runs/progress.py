"""Progress on stderr: bars on a terminal, plain lines elsewhere."""

from __future__ import annotations

import contextlib
import sys
import time
from typing import TYPE_CHECKING, NoReturn

from tqdm import tqdm

from styletransfer.errors import one_line

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from styletransfer.transfer.pyramid import Scale
    from styletransfer.transfer.stylize import Step

# Short enough for 80 columns, which is why the shares of the losses are left out.
_FORMAT = "{desc} {percentage:3.0f}%|{bar}| {remaining} left{postfix}"
_LONGEST_NAME = 30
_PICTURE = 1000  # parts of one; integers, since tqdm checks that the sum is exact


@contextlib.contextmanager
def bars_paused() -> Iterator[None]:
    """Hide the bars while something else is printed."""
    with tqdm.external_write_mode(file=sys.stderr):
        yield


class BatchProgress:
    """Shows how many pictures are done, and the time left.

    The bar counts a picture in work by its share. Pictures that take no time,
    such as results that exist already, do not count towards the time left.

    Args:
        pictures: Number of pictures.
        quiet: Show nothing.
    """

    def __init__(self, pictures: int, *, quiet: bool) -> None:
        self._lines = not quiet and not sys.stderr.isatty()
        self._pictures = pictures
        self._total = pictures * _PICTURE
        self._number = 0
        self._done = 0
        self.bar = _bar(f"0/{pictures}", self._total, 0, hidden=quiet or self._lines)

    def close(self) -> None:
        """Remove the bar."""
        self.bar.close()

    def begin(self, name: str) -> None:
        """Begin the next picture; a long name is cut."""
        self._number += 1
        self._done = 0
        # Line breaks and control characters would break the bar.
        name = "".join(letter if letter.isprintable() else "?" for letter in name)
        if len(name) > _LONGEST_NAME:
            name = f"{name[: _LONGEST_NAME - 1]}…"
        self.bar.set_description_str(f"{self._number}/{self._pictures} {name}")

    def show_in_work(self, count: int) -> None:
        """Show how many pictures are done, and how many are in work at once."""
        self.bar.set_description_str(f"{self._number}/{self._pictures}, {count} in work")

    def advance(self, share: float) -> None:
        """Set the share of the current picture that is done, from 0 to 1."""
        done = round(share * _PICTURE)
        self.bar.update(done - self._done)
        self._done = done

    def finish(self, name: str, output: Path, seconds: float) -> None:
        """Count the current picture as done; without a terminal, print a line."""
        self.advance(1.0)
        if self._lines:
            line = f"{self._number}/{self._pictures} {name} → {output}, {seconds:.0f} s"
            tqdm.write(one_line(line), file=sys.stderr)

    def drop(self) -> None:
        """End the current picture without a result."""
        self._total -= _PICTURE - self._done
        self.bar.total = self._total
        self.bar.refresh()


class Progress:
    """Shows how much of a run is done, the time left, and the weighted losses.

    The bar counts pixels times iterations over all sizes, so that the time left
    is that of the whole run.

    Args:
        scales: The sizes of the run, smallest first.
        quiet: Show nothing.
        batch: The progress of the batch that the run belongs to, if any.
    """

    def __init__(
        self, scales: Sequence[Scale], *, quiet: bool, batch: BatchProgress | None = None
    ) -> None:
        self._batch = batch
        self._lines = not quiet and not sys.stderr.isatty()
        self._started = time.monotonic()
        self._scales = list(scales)
        self._done = 0.0
        self._latest: Step | None = None
        total = sum(map(_cost, scales))
        self.bar = _bar(_size(scales[0]), total, 0.05, hidden=quiet or self._lines)

    def close(self) -> None:
        """Print the line of the last size, and remove the bar."""
        self._print_size()
        self.bar.close()

    def go_on(self, width: int, iterations: int) -> None:
        """Begin after some iterations at the size of a width, and all of those before it."""
        for scale in [each for each in self._scales if each.width <= width]:
            taken = iterations if scale.width == width else scale.iterations
            self._done += _cost(scale) / scale.iterations * taken
        # A share done before the start does not count towards the speed.
        self.bar.initial = self.bar.n = self._done

    def show(self, step: Step) -> None:
        """Count an iteration, and show its losses."""
        if self._latest is not None and step.scale != self._latest.scale:
            self._print_size()
        cost = _cost(step.scale) / step.scale.iterations
        self._done += cost
        # Not what was planned at first: a size may end early, or be worked on again.
        scales = step.scales or self._scales
        later = scales[scales.index(step.scale) + 1 :]
        left = cost * (step.scale.iterations - step.iteration) + sum(map(_cost, later))
        self.bar.total = self._done + left
        self._latest = step
        losses = (f"{name} {value:.3g}" for name, value in step.losses.terms.items())
        self.bar.set_description_str(_size(step.scale), refresh=False)
        self.bar.set_postfix_str(", ".join(losses), refresh=False)
        self.bar.update(cost)
        if self._batch is not None:
            self._batch.advance(self._done / self.bar.total)

    def _print_size(self) -> None:
        """Without a terminal, print a line about the size that has ended."""
        if self._lines and self._latest is not None:
            step, seconds = self._latest, time.monotonic() - self._started
            tqdm.write(
                f"{_size(step.scale)}: {step.iteration} iterations, {describe_losses(step)}, "
                f"{seconds:.0f} s so far",
                file=sys.stderr,
            )


def describe_losses(step: Step) -> str:
    """List the three weighted losses and their shares of the total."""
    total = step.losses.total or 1.0
    return ", ".join(
        f"{name} {value:.3g} ({value / total:.0%})" for name, value in step.losses.terms.items()
    )


def _bar(text: str, total: float, smoothing: float, *, hidden: bool) -> tqdm[NoReturn]:
    """Make a bar on stderr that disappears at its end; a hidden one counts, too."""
    return tqdm(
        desc=text,
        total=total,
        disable=hidden,
        bar_format=_FORMAT,
        file=sys.stderr,
        smoothing=smoothing,
        dynamic_ncols=True,
        leave=False,
    )


def _size(scale: Scale) -> str:
    return f"{scale.width}×{scale.height}"


def _cost(scale: Scale) -> float:
    return float(scale.width * scale.height * scale.iterations)
