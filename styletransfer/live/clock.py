"""The time that a run still takes."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from styletransfer.transfer.stylize import Step


class Clock:
    """Expects the time left from the time that the steps so far took."""

    def __init__(self) -> None:
        self._last: float | None = None
        self._seconds = self._pixels = 0.0

    def skip(self) -> None:
        """Leave out the time since the last step, in which the run waited."""
        self._last = None

    def seconds_left(self, step: Step) -> float:
        """Return the time to the end in seconds; infinite after the first step."""
        now = time.monotonic()
        pixels = step.scale.width * step.scale.height
        if self._last is not None:
            # Fading, since a machine may become busy.
            self._seconds = 0.9 * self._seconds + now - self._last
            self._pixels = 0.9 * self._pixels + pixels
        self._last = now
        later = step.scales[step.scales.index(step.scale) + 1 :]
        left = pixels * (step.scale.iterations - step.iteration)
        left += sum(scale.width * scale.height * scale.iterations for scale in later)
        return left * self._seconds / self._pixels if self._pixels else float("inf")
