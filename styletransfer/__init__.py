"""Neural style transfer: a photograph repainted in a painter's manner.

>>> from styletransfer import Settings, read_image, save_image, stylize

Importing the package imports no torch; using one of its functions on images does.
"""

from importlib import import_module

TYPE_CHECKING = False
"""Type checkers take it for true; importing `typing` would delay the command's start."""

if TYPE_CHECKING:
    from typing import Any

    from styletransfer.errors import (
        ConfigError,
        DeviceError,
        DivergenceError,
        ImageError,
        ShortageError,
        StyleTransferError,
        WeightsError,
    )
    from styletransfer.images.tensors import read_image, save_image, to_picture, to_tensor
    from styletransfer.masks.region_masks import read_regions
    from styletransfer.presets import load_settings
    from styletransfer.settings import Settings
    from styletransfer.transfer.regions import Regions
    from styletransfer.transfer.stylize import Result, Step, stylize
    from styletransfer.transfer.targets import SharedTargets

__version__ = "0.1.0"

__all__ = [
    "ConfigError",
    "DeviceError",
    "DivergenceError",
    "ImageError",
    "Regions",
    "Result",
    "Settings",
    "SharedTargets",
    "ShortageError",
    "Step",
    "StyleTransferError",
    "WeightsError",
    "__version__",
    "load_settings",
    "read_image",
    "read_regions",
    "save_image",
    "stylize",
    "to_picture",
    "to_tensor",
]

_ERRORS = "styletransfer.errors"

_LAZY = {
    "ConfigError": _ERRORS,
    "DeviceError": _ERRORS,
    "DivergenceError": _ERRORS,
    "ImageError": _ERRORS,
    "Regions": "styletransfer.transfer.regions",
    "Result": "styletransfer.transfer.stylize",
    "Settings": "styletransfer.settings",
    "SharedTargets": "styletransfer.transfer.targets",
    "ShortageError": _ERRORS,
    "Step": "styletransfer.transfer.stylize",
    "StyleTransferError": _ERRORS,
    "WeightsError": _ERRORS,
    "load_settings": "styletransfer.presets",
    "read_image": "styletransfer.images.tensors",
    "read_regions": "styletransfer.masks.region_masks",
    "save_image": "styletransfer.images.tensors",
    "stylize": "styletransfer.transfer.stylize",
    "to_picture": "styletransfer.images.tensors",
    "to_tensor": "styletransfer.images.tensors",
}
"""Where the public names are that are imported when first asked for.

They need torch or Pillow, or would delay the moment from which the command handles signals.
"""


def __getattr__(name: str) -> "Any":
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_LAZY[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
