"""Jobs and their results as plain data: what is to be made, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from styletransfer.masks.region_masks import mask_files
from styletransfer.runs.resolve import init_file, weights_file

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from styletransfer.masks.region_masks import RegionMasks
    from styletransfer.runs.batches.weight_grid import Sweep
    from styletransfer.runs.loss_log import Entry
    from styletransfer.settings import Settings
    from styletransfer.transfer.objective import Losses


CHECKPOINT_MINUTES = 5.0
"""Minutes between two checkpoints, unless others are given."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One picture to make. It holds paths and settings only, so any process can take it."""

    content: Path
    """The content picture."""

    styles: tuple[Path, ...]
    """The style pictures."""

    settings: Settings
    """The settings of the run."""

    output: Path
    """Where the result is saved."""

    unfinished: Path
    """Where the best picture of a stopped or diverged run is saved: `output`, or
    its `partial_path` if a later run must not take it for a complete result."""

    config: Path | None = None
    """The file that settings were read from; None: none, or a preset."""

    log: Path | None = None
    """The loss log; None: none."""

    save_every: int | None = None
    """Iterations between two snapshots; None: no snapshots."""

    checkpoint: Path | None = None
    """The file from which the run goes on after an interruption; None: none."""

    checkpoint_every: float = CHECKPOINT_MINUTES
    """Minutes between two checkpoints."""

    @property
    def inputs(self) -> list[Path]:
        """The files that are read, and must not be overwritten."""
        return _inputs(self.content, self.styles, self.settings, self.config)


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What a command line asks for: a picture, all pictures of a folder, or a sweep."""

    content: Path
    """The content picture, or a folder of them."""

    is_folder: bool
    """Whether `content` is a folder."""

    is_video: bool = False
    """Whether `content` and the result are videos."""

    frames: bool = False
    """Make the pictures of a folder as frames of a film, each from the last result."""

    shots: tuple[int, ...] | None = None
    """The numbers of the first frames of the shots, from 1; None: found by their looks."""

    styles: tuple[Path, ...]
    """The style pictures."""

    settings: Settings
    """The settings; of a sweep, those of its first variant."""

    output: Path
    """The result; the folder of the results; or the contact sheet of a sweep."""

    config: Path | None = None
    """The file that settings were read from; None: none, or a preset."""

    sweep: Sweep | None = None
    """The weights to try; None: no sweep."""

    recursive: bool = False
    """Read the folders in the content folder, too."""

    name: str | None = None
    """Template of the names of a folder's results; None: the default."""

    skip_existing: bool = False
    """Skip results that exist and are complete."""

    fail_fast: bool = False
    """End a folder at the first failure."""

    cluster: str | None = None
    """Where a folder or a sweep is computed, see `cluster.address`; None: in this process."""

    log: Path | None = None
    """The loss log; a sweep appends its values to the name. None: none."""

    save_every: int | None = None
    """Iterations between two snapshots; None: no snapshots."""

    checkpoint: Path | None = None
    """The file from which a single picture goes on after an interruption; None: none."""

    checkpoint_every: float | None = None
    """Minutes between two checkpoints; None: `CHECKPOINT_MINUTES`."""

    @property
    def inputs(self) -> list[Path]:
        """The files that are read, and must not be overwritten; a folder counts as one."""
        return _inputs(self.content, self.styles, self.settings, self.config)


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureResult:
    """A saved result, and how it was made."""

    path: Path
    """Where it was saved."""

    settings: Settings
    """The settings of the run."""

    content: Path
    """The content picture."""

    width: int
    """In pixels."""

    height: int
    """In pixels."""

    losses: Losses
    """The weighted losses at the last size that was optimized."""

    seconds: float
    """From decoding the content to the saved file."""

    device: str
    """Where the network was evaluated."""

    precision: str
    """Number format of the convolutions."""

    stopped: bool
    """Whether a signal ended the run early."""

    entries: Sequence[Entry] = ()
    """The losses after each iteration."""

    regions: RegionMasks | None = None
    """The regions of the content. None: all of it takes all styles."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExistingResult:
    """A result that existed already, and was skipped."""

    path: Path
    """Where it is."""

    content: Path
    """The content picture."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SheetResult:
    """The saved contact sheet of a sweep."""

    path: Path
    """Where it was saved."""

    content: Path
    """The content picture of the sweep."""

    width: int
    """In pixels."""

    height: int
    """In pixels."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoResult:
    """A saved video."""

    path: Path
    """Where it was saved."""

    settings: Settings
    """The settings of its frames."""

    content: Path
    """The content video."""

    width: int
    """In pixels."""

    height: int
    """In pixels."""

    seconds: float
    """From the start of this run, which may have gone on with an earlier one, to the saved file."""


AnyResult = PictureResult | ExistingResult | SheetResult | VideoResult
"""What a request yields."""


def partial_path(output: Path) -> Path:
    """Return where the picture of an unfinished run is saved beside its result.

    Example:
        >>> from pathlib import PurePosixPath as Path
        >>> partial_path(Path("out/a.png"))
        PurePosixPath('out/a.partial.png')
    """
    return output.with_name(f"{output.stem}.partial{output.suffix}")


def _inputs(
    content: Path, styles: Sequence[Path], settings: Settings, config: Path | None
) -> list[Path]:
    others = (init_file(settings), weights_file(settings), config)
    files = [each for each in others if each is not None]
    return [content, *styles, *files, *mask_files(settings)]
