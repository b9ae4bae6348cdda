"""Snapshots: the picture every so many steps, as the frames of a film."""

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
    """Saves every n-th step of a run beside its result, at the result's size.

    The steps are counted over all sizes, and the names are padded with zeros to
    the width of the whole run's number, so that they sort as they were made:
    ``out-005.png`` … ``out-160.png`` beside ``out.png``. If the last step is an
    n-th one it has its snapshot too, which need not be the result: that is the
    best image, not the last.

    Args:
        output: Where the result will be.
        every: n, in steps; 1 and up.
        scales: The run's sizes, smallest first.
        save: Saves an image of shape (1, 3, H, W), RGB in [0, 1], at a path.
        say: Takes a line for the user.

    Raises:
        ConfigError: If n is below 1 or above the number of steps.
    """

    def __init__(
        self,
        output: Path,
        every: int,
        scales: Sequence[Scale],
        save: Callable[[Tensor, Path], None],
        say: Callable[[str], None],
    ) -> None:
        self.output = output
        self.every = every
        self.total = sum(scale.iterations for scale in scales)
        self.size = scales[-1][:2]
        self.save = save
        self.say = say
        self.taken = 0
        self.failed = False
        if every < 1:
            raise ConfigError(f"--save-every must be 1 or more, not {every}")
        if every > self.total:
            raise ConfigError(f"--save-every has no effect: the run has only {self.total} steps")

    def path(self, steps: int) -> Path:
        """Where the snapshot after so many steps goes."""
        number = f"{steps:0{len(str(self.total))}}"
        return self.output.with_name(f"{self.output.stem}-{number}{self.output.suffix}")

    def check(self, inputs: Sequence[Path]) -> None:
        """Refuse paths that no snapshot could be saved to, before any work is done.

        Args:
            inputs: The pictures that no snapshot may overwrite.

        Raises:
            ImageError: If a path is an input, a folder, or may not be written.
        """
        check_output(self.path(self.every), inputs)
        # A run may have a million steps; only what is there can be in the way.
        name = re.compile(
            f"{re.escape(self.output.stem)}-([0-9]+){re.escape(self.output.suffix)}", re.IGNORECASE
        )
        for present in self.output.parent.iterdir():
            found = name.fullmatch(present.name)
            if found and int(found[1]) in range(self.every, self.total + 1, self.every):
                check_output(self.path(int(found[1])), inputs)

    def show(self, step: Step) -> None:
        """Count a step, and save its image if it is an n-th one.

        The first snapshot that cannot be saved is one warning; the run goes on,
        and so do the attempts, since a full disk may be cleared meanwhile.

        Args:
            step: The step just taken; its image is not changed.
        """
        from styletransfer.transfer.stylize import resize

        self.taken += 1
        if self.taken % self.every:
            return
        try:
            image = resize(step.image.clamp(0, 1), *self.size).cpu()
            self.save(image, self.path(self.taken))
        except ImageError as error:
            if not self.failed:
                self.say(f"{error}; the run goes on without this snapshot")
            self.failed = True
