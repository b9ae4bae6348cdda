"""The curves of the losses, as the pages draw them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


class Curve:
    """The weighted losses of all steps, and where the weights changed."""

    def __init__(self) -> None:
        self._rows: list[list[Any]] = []

    def add(self, steps: int, longest_side: int, losses: Mapping[str, float]) -> None:
        """Add a step.

        Args:
            steps: Steps taken in all.
            longest_side: Of its size, in pixels.
            losses: The weighted terms by name; a missing one is 0.
        """
        terms = [finite(losses.get(name, 0.0)) for name in ("content", "style", "tv")]
        self._rows.append([steps, longest_side, *terms])

    def change(self, steps: int) -> None:
        """Remember that the weights changed after so many steps."""
        self._rows.append([steps])

    def rows(self, start: int) -> list[list[Any]]:
        """Return what was added, from a position on.

        Returns:
            For each step, its number, the longest side of its size, and the weighted
            content, style and tv losses; for each change of the weights, the steps before it.
        """
        return self._rows[start:]


def finite(value: float) -> float | None:
    """A number that JSON can hold."""
    return value if math.isfinite(value) else None
