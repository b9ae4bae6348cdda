"""What can go wrong, and what the command makes of it.

    StyleTransferError
    ├── ConfigError       a setting, a preset or a configuration file
    ├── ImageError        a picture that cannot be read or written
    ├── WeightsError      the network's weights
    ├── DeviceError       the processor asked for
    │   └── ShortageError a picture that takes more memory than there is
    └── DivergenceError   the optimization left the road

Every message is one line that names the thing and the remedy, since the
command prints it as it is.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


class StyleTransferError(Exception):
    """An expected failure: one line for the user, exit code 1."""


class ConfigError(StyleTransferError):
    """A setting that is out of range, unknown or without effect."""


class ImageError(StyleTransferError):
    """A picture that cannot be read, or a path that cannot be written."""


class WeightsError(StyleTransferError):
    """Weights that are damaged, foreign, or out of reach."""


class DeviceError(StyleTransferError):
    """A device that is not there, or too small for the work."""


class ShortageError(DeviceError):
    """A picture that takes more memory than the device has free; a smaller one may do."""


class DivergenceError(StyleTransferError):
    """An optimization whose loss is no longer finite, or far above its best.

    Args:
        message: The line for the user.
        image: The best image before it, shape (1, 3, H, W), RGB in [0, 1].
    """

    def __init__(self, message: str, image: "Tensor") -> None:
        super().__init__(message)
        self.image = image


def reason(error: Exception) -> str:
    """What the system or a library says, on one line."""
    words = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return " ".join(str(words).split())
