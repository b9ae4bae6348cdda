"""From a finished image to its file, with all that the file is to carry."""

from __future__ import annotations

import secrets
import tempfile
from copy import copy
from pathlib import Path
from typing import TYPE_CHECKING

from styletransfer.errors import ImageError, UnsavedError
from styletransfer.images.provenance import record
from styletransfer.images.tensors import check_output, decode_picture, holds_alpha, save_image

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import Self

    from torch import Tensor

    from styletransfer.settings import Settings


class ResultWriter:
    """Saves the images of one content, with its opacity, its metadata and a record.

    Args:
        content: The picture file that is repainted.
        settings: Of the run; they are recorded in every file.
        say: Takes a line for the user.

    Raises:
        ImageError: If the content cannot be read.
    """

    def __init__(self, content: Path, settings: Settings, say: Callable[[str], None]) -> None:
        self.content = content
        self.settings = settings
        self.say = say
        self.picture = decode_picture(
            content,
            background=settings.background,
            metadata=settings.keep_metadata,
            note=say,
        )

    def with_settings(self, settings: Settings) -> Self:
        """Deliver the same content of another run, without decoding it again.

        Args:
            settings: Those of this one in all that concerns decoding.
        """
        other = copy(self)
        other.settings = settings
        return other

    def check(self, paths: Iterable[Path], inputs: Sequence[Path]) -> None:
        """Refuse paths that cannot hold the result, before any work is done.

        Args:
            paths: Where an image may go, all of one format.
            inputs: The pictures that it must not overwrite.

        Raises:
            StyleTransferError: As `check_output` does.
        """
        for path in paths:
            check_output(
                path,
                inputs,
                bits=self.settings.bits,
                text=record(self.settings),
                metadata=self.picture.metadata,
            )

    def warn(self, path: Path) -> None:
        """Say what the format of a path loses of the content."""
        if self.picture.alpha is not None and not holds_alpha(path):
            self.say(
                f"{path}: a JPEG holds no transparency, so {self.content} is laid on "
                f"{self.settings.background}; .png, .webp and .tif keep it"
            )

    def write(self, image: Tensor, path: Path) -> None:
        """Save an image of shape (1, 3, H, W), RGB in [0, 1], as `save_image` does."""
        save_image(
            image,
            path,
            bits=self.settings.bits,
            alpha=self.picture.alpha,
            text=record(self.settings),
            metadata=self.picture.metadata,
        )

    def save(self, image: Tensor, path: Path) -> None:
        """Save a result, if need be elsewhere: minutes of work are not to be lost.

        Raises:
            UnsavedError: If it lies elsewhere, or nowhere.
        """
        try:
            self.write(image, path)
        except ImageError as error:
            rescue = Path(tempfile.gettempdir()) / f"stylize-{secrets.token_hex(4)}.png"
            try:
                self.write(image, rescue)
            except ImageError as again:
                raise UnsavedError(f"{error}; nor could it be saved as {rescue}") from again
            raise UnsavedError(f"{error}; the picture was saved as {rescue} instead") from error
