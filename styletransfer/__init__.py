"""Neural style transfer: a photograph repainted in a painter's manner.

Importing the package imports no torch; `styletransfer.transfer.stylize` does.
"""

from styletransfer.config import Settings, load_config
from styletransfer.errors import (
    ConfigError,
    DeviceError,
    DivergenceError,
    ImageError,
    ShortageError,
    StyleTransferError,
    WeightsError,
)

__version__ = "0.1.0"

__all__ = [
    "ConfigError",
    "DeviceError",
    "DivergenceError",
    "ImageError",
    "Settings",
    "ShortageError",
    "StyleTransferError",
    "WeightsError",
    "__version__",
    "load_config",
]
