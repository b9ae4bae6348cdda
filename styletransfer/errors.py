"""The exceptions of the package.

    StyleTransferError
    ├── ConfigError        a setting, preset or configuration file is invalid
    ├── ImageError         an image cannot be read or written
    │   └── UnsavedError   a result could not be saved at its path
    ├── WeightsError       the network's weights cannot be loaded
    ├── DeviceError        the requested device is missing
    │   └── ShortageError  the device has too little memory
    ├── CheckpointError    a checkpoint is damaged, or of another command
    ├── ClusterError       a Dask cluster cannot be used
    ├── LostRankError      another process of a distributed run is gone
    └── UnfinishedError    a run ended early, but has a best picture
        └── DivergenceError  the optimization diverged

    InterruptionError      SIGINT, SIGTERM or SIGHUP ended the run

Every message is one line that names the cause and the remedy: the command
prints it unchanged.
"""

import unicodedata
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor

_QUOTED = 200  # characters
_CONTROLS = {"Cc", "Cs"}
_DIRECTIONS = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}


class StyleTransferError(Exception):
    """An expected failure: one line for the user, exit code 1."""


class ConfigError(StyleTransferError):
    """A setting is out of range, unknown or without effect."""


class ImageError(StyleTransferError):
    """An image cannot be read, or a path cannot be written."""


class UnsavedError(ImageError):
    """A result could not be saved at its path; later results will probably fail too."""


class WeightsError(StyleTransferError):
    """The weights are damaged, of another network, or cannot be read or downloaded."""


class DeviceError(StyleTransferError):
    """A device is missing, or too small for the run."""


class ShortageError(DeviceError):
    """A run needs more memory than the device has free; a smaller size may fit."""


class CheckpointError(StyleTransferError):
    """A checkpoint is damaged, or of another command."""


class ClusterError(StyleTransferError):
    """A Dask cluster cannot be reached, or its workers cannot do the jobs."""


class UnfinishedError(StyleTransferError):
    """A run ended early.

    Args:
        message: The line for the user.
        image: The image of the lowest loss so far, shape (1, 3, H, W), RGB in [0, 1].
        state: Where the run can go on, see `Step.state`. None: nowhere.
    """

    def __init__(self, message: str, image: "Tensor", state: dict[str, Any] | None = None) -> None:
        super().__init__(message)
        self.image = image
        self.state = state


class DivergenceError(UnfinishedError):
    """The loss is no longer finite, or far above its best value."""


class LostRankError(StyleTransferError):
    """Another process of a distributed run is gone."""

    def __init__(self) -> None:
        super().__init__("another process of this run is gone")


class InterruptionError(BaseException):
    """A signal ended the run.

    Not an `Exception`: ``except Exception`` clauses, such as those that run
    while torch is imported, would catch it and continue.

    Args:
        signal_number: The number of the signal.
        message: The line for the user.
    """

    def __init__(self, signal_number: int, message: str) -> None:
        super().__init__(message)
        # What shells report for a signal: 130 for SIGINT, 143 for SIGTERM, 129 for SIGHUP.
        self.exit_code = 128 + signal_number


def reason(error: Exception) -> str:
    """Return the message of the system or a library as one line."""
    words = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return " ".join(str(words).split())


def quote(value: object) -> str:
    """Quote a refused value for a message, at most 200 characters of it.

    Example:
        >>> quote("lots")
        "'lots'"
        >>> quote(10**5000)
        'a number of thousands of digits'
    """
    if isinstance(value, str):
        value = value[:_QUOTED]
    try:
        text = repr(value)
    except ValueError:  # Python limits the digits that it writes
        return "a number of thousands of digits"
    except RecursionError:
        return "a list of lists, a thousand deep"
    return text if len(text) <= _QUOTED else f"{text[: _QUOTED - 1]}…"


def one_line(text: str) -> str:
    r"""Return a text as one line that a terminal shows as it is.

    Line breaks become spaces. Control characters and marks that reverse the
    direction of writing, which a file name may contain, are escaped.

    Example:
        >>> one_line("red \x1b[31m.jpg")
        'red \\x1b[31m.jpg'
    """
    return "".join(
        letter.encode("unicode_escape").decode() if _is_control(letter) else letter
        for letter in " ".join(text.splitlines())
    )


def _is_control(letter: str) -> bool:
    return unicodedata.category(letter) in _CONTROLS or (
        unicodedata.bidirectional(letter) in _DIRECTIONS
    )
