"""Progress on stderr: a bar for a run, above it one for a series; plain lines off a terminal."""

from __future__ import annotations

import contextlib
import sys
import time
from typing import TYPE_CHECKING, NoReturn, Self

from tqdm import tqdm

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from types import TracebackType

    from styletransfer.transfer.stylize import Scale, Step

# Short enough for 80 columns, which is why the shares of the terms are left out.
_FORMAT = "{desc} {percentage:3.0f}%|{bar}| {remaining} left{postfix}"
_LONGEST_NAME = 30
_PICTURE = 1000  # Parts of one; whole numbers add up exactly, which tqdm insists on.


@contextlib.contextmanager
def bars_paused() -> Iterator[None]:
    """Take the bars off the terminal while something else is printed."""
    with tqdm.external_write_mode(file=sys.stderr):
        yield


class BatchProgress:
    """Shows how many pictures of a series are done, and when all will be.

    The bar counts pictures, and the one at work by its share. What takes no
    time, as a result that is there already, is left out of the time left.

    Args:
        pictures: How many there are.
        quiet: Show nothing.
    """

    def __init__(self, pictures: int, *, quiet: bool) -> None:
        self.lines = not quiet and not sys.stderr.isatty()
        self.pictures = pictures
        self.ahead = pictures * _PICTURE
        self.number = 0
        self.done = 0
        self.bar = _bar(f"0/{pictures}", self.ahead, 0, hidden=quiet or self.lines)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.bar.close()

    def begin(self, name: str) -> None:
        """Go to the next picture; a long name is cut."""
        self.number += 1
        self.done = 0
        # A line break would tear the bar, and other bytes do worse.
        name = "".join(letter if letter.isprintable() else "?" for letter in name)
        if len(name) > _LONGEST_NAME:
            name = f"{name[: _LONGEST_NAME - 1]}…"
        self.bar.set_description_str(f"{self.number}/{self.pictures} {name}")

    def advance(self, share: float) -> None:
        """Say how much of the picture at work is done, from 0 to 1."""
        done = round(share * _PICTURE)
        self.bar.update(done - self.done)
        self.done = done

    def finish(self, name: str, output: Path, seconds: float) -> None:
        """Count a picture as done; off a terminal, say so."""
        self.advance(1.0)
        if self.lines:
            line = f"{self.number}/{self.pictures} {name} → {output}, {seconds:.0f} s"
            tqdm.write(" ".join(line.splitlines()), file=sys.stderr)

    def drop(self) -> None:
        """Expect nothing more of the picture at work."""
        self.ahead -= _PICTURE - self.done
        self.bar.total = self.ahead
        self.bar.refresh()


class Progress:
    """Shows how far a run is, when it will be done, and what it is fighting over.

    The bar counts pixels times steps over all sizes, so that its time left
    holds for the run and not for the size at work.

    Args:
        scales: The sizes to come.
        quiet: Show nothing.
        series: Told how much of this run is done.
    """

    def __init__(
        self, scales: list[Scale], *, quiet: bool, series: BatchProgress | None = None
    ) -> None:
        self.series = series
        self.lines = not quiet and not sys.stderr.isatty()
        self.started = time.monotonic()
        self.ahead = {scale: _work(scale) for scale in scales}
        self.done = 0.0
        self.latest: Step | None = None
        whole = sum(self.ahead.values())
        self.bar = _bar(_size(scales[0]), whole, 0.05, hidden=quiet or self.lines)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._report()
        self.bar.close()

    def show(self, step: Step) -> None:
        """Count a step, and say how the terms stand."""
        if self.latest is not None and step.scale != self.latest.scale:
            self._report()
        # A size that ended early has left work undone that nobody will do.
        for scale in [s for s in self.ahead if s.width < step.scale.width]:
            del self.ahead[scale]
            self.bar.total = self.done + sum(self.ahead.values())
        share = _work(step.scale) / step.scale.iterations
        self.ahead[step.scale] -= share
        self.done += share
        self.latest = step
        terms = (f"{name} {value:.3g}" for name, value in step.losses._asdict().items())
        self.bar.set_description_str(_size(step.scale), refresh=False)
        self.bar.set_postfix_str(", ".join(terms), refresh=False)
        self.bar.update(share)
        if self.series is not None:
            self.series.advance(self.done / (self.done + sum(self.ahead.values())))

    def _report(self) -> None:
        """Write a line about the size that is over, where there is no bar to see."""
        if self.lines and self.latest is not None:
            scale, steps = self.latest[:2]
            seconds = time.monotonic() - self.started
            tqdm.write(
                f"{_size(scale)}: {steps} steps, {describe(self.latest)}, {seconds:.0f} s so far",
                file=sys.stderr,
            )


def _bar(text: str, total: float, smoothing: float, *, hidden: bool) -> tqdm[NoReturn]:
    """A bar on stderr that goes away at its end; hidden, it counts all the same."""
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


def describe(step: Step) -> str:
    """The three weighted terms in words, with their share of the loss."""
    total = step.losses.total or 1.0
    return ", ".join(
        f"{name} {value:.3g} ({value / total:.0%})" for name, value in step.losses._asdict().items()
    )


def _size(scale: Scale) -> str:
    return f"{scale.width}×{scale.height}"


def _work(scale: Scale) -> float:
    return float(scale.width * scale.height * scale.iterations)
