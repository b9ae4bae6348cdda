"""What the runs of a request share: decoded pictures, the stop request, and messages."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from typing import TYPE_CHECKING, Self

from styletransfer.device.free_memory import free_memory_of_host
from styletransfer.errors import StyleTransferError, reason
from styletransfer.images.tensors import Limits, decode_picture, to_tensor
from styletransfer.masks.region_masks import open_masks
from styletransfer.runs.resolve import init_file
from styletransfer.settings import DEFAULT_SIZE

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from torch import Tensor

    from styletransfer.images.tensors import Decoded
    from styletransfer.masks.region_masks import RegionMasks
    from styletransfer.runs.interruption import StopRequest
    from styletransfer.runs.progress import BatchProgress
    from styletransfer.runs.steering import Pilot
    from styletransfer.settings import Settings
    from styletransfer.transfer.targets import SharedTargets


@dataclass(frozen=True)
class InputPicture:
    """A decoded picture file; its tensor is made on first use."""

    path: Path
    """The file."""

    decoded: Decoded
    """Its colours, alpha channel and metadata."""

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        return self.decoded.colours.size

    @cached_property
    def image(self) -> Tensor:
        """The colours, shape (1, 3, H, W), RGB in [0, 1]."""
        return to_tensor(self.decoded.colours)


def open_content(path: Path, settings: Settings, notify: Callable[[str], None]) -> InputPicture:
    """Decode a content picture.

    Args:
        path: The file.
        settings: Its background, and whether to keep its metadata.
        notify: Called with each line for the user.

    Raises:
        ImageError: If it cannot be read.
    """
    decoded = decode_picture(
        path,
        background=settings.background,
        metadata=settings.keep_metadata,
        note=notify,
        limits=_limits(settings),
    )
    return InputPicture(path, decoded)


def _limits(settings: Settings, scale: float = 1) -> Limits:
    """The free memory, and the longest side at which a picture is used, times `scale`."""
    side = settings.size or DEFAULT_SIZE
    needed = None if side == "original" else max(1, round(side * scale))
    return Limits(memory=free_memory_of_host(), side=needed)


@dataclass(slots=True, kw_only=True)
class RunContext:
    """What all runs of a request share."""

    styles: Sequence[InputPicture]
    """The style pictures."""

    init: InputPicture | None
    """The picture to start from; None: the content or noise."""

    background: str
    """The colour behind transparent pictures."""

    stop: StopRequest
    """Ends a run early."""

    notify: Callable[[str], None]
    """Called with each line for the user."""

    masks: RegionMasks | None = None
    """What divides the content into regions; None: nothing."""

    quiet: bool = False
    """Report warnings and errors only."""

    verbose: bool = False
    """Report why the number format was chosen."""

    batch: BatchProgress | None = None
    """The progress of the folder or sweep that the runs belong to."""

    targets: SharedTargets | None = None
    """Targets that the runs of a sweep share."""

    pilot: Pilot | None = None
    """Steers the run. None: its history, or nothing."""

    announced: str = ""
    """The last announcement."""

    @classmethod
    def open(
        cls,
        styles: Sequence[Path],
        settings: Settings,
        stop: StopRequest,
        notify: Callable[[str], None],
        *,
        quiet: bool = False,
        verbose: bool = False,
    ) -> Self:
        """Decode the style pictures, the picture to start from, and the masks.

        Raises:
            ConfigError: If masks and styles do not fit together.
            ImageError: If a picture cannot be read.
        """
        init = init_file(settings)
        scale = max(1, *settings.style_scale)
        pictures = {
            path: InputPicture(
                path,
                decode_picture(
                    path,
                    background=settings.background,
                    note=notify,
                    limits=_limits(settings, scale),
                ),
            )
            for path in dict.fromkeys([*styles, *([] if init is None else [init])])
        }
        return cls(
            styles=[pictures[path] for path in styles],
            init=None if init is None else pictures[init],
            masks=open_masks(settings, len(styles), notify, _limits(settings, scale)),
            background=settings.background,
            stop=stop,
            notify=notify,
            quiet=quiet,
            verbose=verbose,
        )

    def load_torch(self) -> None:
        """Import torch, and what needs it; a signal is acted on afterwards.

        Raises:
            StyleTransferError: If torch cannot be imported.
            InterruptionError: If a signal came meanwhile.
        """
        try:
            with self.stop.postponed():
                import_module("torch")
                import_module("styletransfer.transfer.stylize")
        except (ImportError, OSError) as error:
            raise StyleTransferError(
                f"PyTorch cannot be loaded ({reason(error)}); install torch again"
            ) from error

    def inform(self, line: str) -> None:
        """Report a line that is neither a warning nor an error."""
        if not self.quiet:
            self.notify(line)

    def announce(self, line: str) -> None:
        """Report how a run is computed, unless the last one was computed in the same way."""
        if line != self.announced:
            self.inform(line)
        self.announced = line
