"""A painting: a result that lies whole at its path, and how it came about."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from styletransfer.runs.loss_log import Entry
    from styletransfer.settings import Settings
    from styletransfer.transfer.optimize import Losses


class PictureResult(NamedTuple):
    """A result that lies whole at its path."""

    path: Path
    """Where it was saved."""

    settings: Settings
    """What it was painted with."""

    content: Path
    """What was repainted."""

    width: int
    """In pixels."""

    height: int
    """In pixels."""

    losses: Losses
    """Its weighted terms, at the last size that was worked on."""

    seconds: float
    """From the first look at the content to the saved file."""

    device: str
    """Where the network was evaluated."""

    precision: str
    """The number format of its convolutions."""

    stopped: bool
    """Whether a signal ended it early."""

    entries: Sequence[Entry] = ()
    """How the terms stood after each step."""
