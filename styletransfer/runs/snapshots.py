"""Snapshots: the image every n iterations, saved beside the result."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from styletransfer.errors import ConfigError, ImageError
from styletransfer.images.tensors import check_output

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from torch import Tensor

    from styletransfer.transfer.pyramid import Scale
    from styletransfer.transfer.stylize import Step


class Snapshots:
    """Saves the image after every n-th iteration of a run, at the size of the result.

    Iterations are counted over all sizes. The numbers in the names are padded
    with zeros, so that the names sort in order: ``out-005.png`` …
    ``out-160.png`` beside ``out.png``. The snapshot after the last iteration
    can differ from the result, which is the image of the lowest loss.

    Args:
        output: The path of the result.
        every: Iterations between two snapshots; 1 or more.
        scales: The sizes of the run, smallest first.
        save: Saves an image of shape (1, 3, H, W), RGB in [0, 1], at a path.
        notify: Called with each line for the user.

    Raises:
        ConfigError: If `every` is below 1, or more than the run's iterations.
    """

    def __init__(
        self,
        output: Path,
        every: int,
        scales: Sequence[Scale],
        save: Callable[[Tensor, Path], None],
        notify: Callable[[str], None],
    ) -> None:
        self.output = output
        self.every = every
        self.total = sum(scale.iterations for scale in scales)
        self._size = scales[-1].size
        self._save = save
        self._notify = notify
        self._iterations = 0
        self._failed = False
        if every < 1:
            raise ConfigError(f"--save-every must be 1 or more, not {every}")
        if every > self.total:
            raise ConfigError(
                f"--save-every has no effect: the run has only {self.total} iterations"
            )

    def path(self, iterations: int) -> Path:
        """Return the path of the snapshot after so many iterations."""
        number = f"{iterations:0{len(str(self.total))}}"
        return self.output.with_name(f"{self.output.stem}-{number}{self.output.suffix}")

    def go_on(self, iterations: int) -> None:
        """Count iterations that were taken before an interruption."""
        self._iterations += iterations

    def check(self, inputs: Sequence[Path]) -> None:
        """Refuse paths that a snapshot cannot be saved to, before the run starts.

        Args:
            inputs: The pictures that must not be overwritten.

        Raises:
            ImageError: If a path is an input or a folder, or cannot be written.
        """
        check_output(self.path(self.every), inputs)
        # There may be a million snapshots; only a file that exists can be in the way.
        name = re.compile(
            f"{re.escape(self.output.stem)}-([0-9]+){re.escape(self.output.suffix)}", re.IGNORECASE
        )
        for present in self.output.parent.iterdir():
            found = name.fullmatch(present.name)
            if found and int(found[1]) in range(self.every, self.total + 1, self.every):
                check_output(self.path(int(found[1])), inputs)

    def add(self, step: Step) -> None:
        """Count an iteration, and save its image if its turn has come.

        The first snapshot that cannot be saved is reported. The run goes on, and
        later snapshots are tried again, since a full disk may be cleared.

        Args:
            step: The iteration; its image is not changed.
        """
        self._iterations += 1
        if self._iterations % self.every:
            return
        size = step.scales[-1].size if step.scales else self._size
        try:
            self._save(step.picture(size).cpu(), self.path(self._iterations))
        except ImageError as error:
            if not self._failed:
                self._notify(f"{error}; the run continues without this snapshot")
            self._failed = True
