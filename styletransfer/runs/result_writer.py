"""Saving the image of a run, with the content's transparency, its metadata and a record."""

from __future__ import annotations

import secrets
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from styletransfer.errors import ImageError, UnsavedError
from styletransfer.images.provenance import record
from styletransfer.images.tensors import check_output, save_image
from styletransfer.output_files import refuse_replacing

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from torch import Tensor

    from styletransfer.images.tensors import Decoded
    from styletransfer.settings import Settings


@dataclass(frozen=True, slots=True)
class ResultWriter:
    """Saves images of one run."""

    content: Decoded
    """The decoded content, whose transparency and metadata every file gets."""

    settings: Settings
    """The settings of the run, which every file records."""

    inputs: Sequence[Path] = ()
    """The files that must not be overwritten."""

    command: str | None = None
    """The command that files record, see `provenance.record`."""

    def check(self, paths: Iterable[Path]) -> None:
        """Refuse paths that an image cannot be saved to, before the run starts.

        Args:
            paths: Where an image may be saved.

        Raises:
            StyleTransferError: As `check_output` does.
        """
        for path in dict.fromkeys(paths):
            check_output(
                path,
                self.inputs,
                bits=self.settings.bits,
                text=record(self.settings),
                metadata=self.content.metadata,
            )

    def write(self, image: Tensor, path: Path) -> None:
        """Save an image.

        Args:
            image: Shape (1, 3, H, W), RGB in [0, 1].
            path: Where to save it.

        Raises:
            ImageError: If it cannot be saved.
        """
        refuse_replacing(path, self.inputs)
        save_image(
            image,
            path,
            bits=self.settings.bits,
            alpha=self.content.alpha,
            text=record(self.settings, self.command),
            metadata=self.content.metadata,
        )

    def save(self, image: Tensor, path: Path) -> None:
        """Save a result; if that fails, save it in the temporary folder so that it is not lost.

        Args:
            image: Shape (1, 3, H, W), RGB in [0, 1].
            path: Where to save it.

        Raises:
            UnsavedError: If it was saved in the temporary folder, or nowhere.
        """
        try:
            self.write(image, path)
        except ImageError as error:
            try:
                folder = Path(tempfile.gettempdir())
            except OSError as none:
                raise UnsavedError(f"{error}; nor is there a temporary folder") from none
            rescue = folder / f"stylize-{secrets.token_hex(4)}.png"
            try:
                self.write(image, rescue)
            except ImageError as again:
                raise UnsavedError(f"{error}; nor could it be saved as {rescue}") from again
            raise UnsavedError(f"{error}; the picture was saved as {rescue} instead") from error
