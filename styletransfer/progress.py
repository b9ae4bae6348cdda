"""Progress on stderr: one bar for the whole run, or plain lines off a terminal."""

import sys
import time
from types import TracebackType
from typing import Self

from tqdm import tqdm

from styletransfer.transfer import Scale, Step

# Short enough for 80 columns, which is why the shares of the terms are left out.
_FORMAT = "{desc} {percentage:3.0f}%|{bar}| {remaining} left{postfix}"


class Progress:
    """Shows how far a run is, when it will be done, and what it is fighting over.

    The bar counts pixels times steps over all sizes, so that its time left
    holds for the run and not for the size at work.

    Args:
        scales: The sizes to come.
        quiet: Show nothing.
    """

    def __init__(self, scales: list[Scale], *, quiet: bool) -> None:
        self.lines = not quiet and not sys.stderr.isatty()
        self.started = time.monotonic()
        self.ahead = {scale: _work(scale) for scale in scales}
        self.latest: Step | None = None
        self.bar = tqdm(
            desc=_size(scales[0]),
            total=sum(self.ahead.values()),
            disable=quiet or self.lines,
            bar_format=_FORMAT,
            file=sys.stderr,
            smoothing=0.05,
            dynamic_ncols=True,
            leave=False,
        )

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
            self.bar.total = self.bar.n + sum(self.ahead.values())
        share = _work(step.scale) / step.scale.iterations
        self.ahead[step.scale] -= share
        self.latest = step
        terms = (f"{name} {value:.3g}" for name, value in step.losses._asdict().items())
        self.bar.set_description_str(_size(step.scale), refresh=False)
        self.bar.set_postfix_str(", ".join(terms), refresh=False)
        self.bar.update(share)

    def _report(self) -> None:
        """Write a line about the size that is over, where there is no bar to see."""
        if self.lines and self.latest is not None:
            scale, steps = self.latest[:2]
            seconds = time.monotonic() - self.started
            tqdm.write(
                f"{_size(scale)}: {steps} steps, {describe(self.latest)}, {seconds:.0f} s so far",
                file=sys.stderr,
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
