"""Progress on stderr: one bar for the whole run, or plain lines off a terminal."""

import sys
import time
from types import TracebackType
from typing import Self

from tqdm import tqdm

from styletransfer.transfer import Scale, Step

_FORMAT = "{desc} {percentage:3.0f}%|{bar}| {elapsed} elapsed, {remaining} left{postfix}"


class Progress:
    """Shows how far a run is, when it will be done, and what it is fighting over.

    The bar counts pixels times steps over all sizes, so that its time left
    holds for the run and not for the size at work.

    Args:
        scales: The sizes to come.
        quiet: Show nothing.
    """

    def __init__(self, scales: list[Scale], *, quiet: bool) -> None:
        self.last_scale = scales[-1]
        self.quiet = quiet
        self.plain = not sys.stderr.isatty()
        self.started = time.monotonic()
        self.ahead = {scale: _work(scale) for scale in scales}
        self.bar = tqdm(
            total=sum(self.ahead.values()),
            disable=quiet or self.plain,
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
        self.bar.close()

    def show(self, step: Step) -> None:
        """Count a step, and say how the terms stand."""
        # A size that ended early has left work undone that nobody will do.
        for scale in [s for s in self.ahead if s.width < step.scale.width]:
            self.bar.update(self.ahead.pop(scale))
        share = _work(step.scale) / step.scale.iterations
        self.bar.set_description_str(f"{step.scale.width}×{step.scale.height}", refresh=False)
        self.bar.set_postfix_str(describe(step), refresh=False)
        self.bar.update(share)
        self.ahead[step.scale] -= share
        if self.plain and not self.quiet and step.iteration == step.scale.iterations:
            seconds = time.monotonic() - self.started
            tqdm.write(
                f"{step.scale.width}×{step.scale.height}: {step.iteration} steps, "
                f"{describe(step)}, {seconds:.0f} s",
                file=sys.stderr,
            )


def describe(step: Step) -> str:
    """The three weighted terms in words, with their share of the loss."""
    total = step.losses.total or 1.0
    return ", ".join(
        f"{name} {value:.3g} ({value / total:.0%})"
        for name, value in step.losses._asdict().items()
    )


def _work(scale: Scale) -> float:
    return float(scale.width * scale.height * scale.iterations)
