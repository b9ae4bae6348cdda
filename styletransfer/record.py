"""What a result carries about how it was made, and how that is read again."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

from PIL import Image

from styletransfer import __version__
from styletransfer.config import Settings
from styletransfer.errors import ConfigError

KEYWORD = "stylize"
"""The keyword of the PNG text that holds the record."""

_LIBRARIES = ("torch", "torchvision", "pillow")
# The last is no OSError: a picture of more pixels than are safe to decode.
_UNREADABLE = (OSError, SyntaxError, Image.DecompressionBombError)
_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"


def record(settings: Settings) -> dict[str, str]:
    """Describe a run, for the text of a PNG.

    Args:
        settings: Of the run.

    Returns:
        Texts by keyword: the settings and the versions of what computed them,
        as JSON.
    """
    versions = {"stylize": __version__} | {name: version(name) for name in _LIBRARIES}
    words = json.dumps({"settings": asdict(settings), "versions": versions})
    return {"Software": f"stylize {__version__}", KEYWORD: words}


def is_png(path: Path) -> bool:
    """Whether a file is a PNG, whatever its name."""
    try:
        with path.open("rb") as file:
            return file.read(len(_PNG_SIGNATURE)) == _PNG_SIGNATURE
    except OSError:
        return False


def read_record(path: Path) -> Mapping[str, Any]:
    """Read the settings that a result was made with.

    Args:
        path: A PNG that the command saved.

    Returns:
        Values by field of `Settings`.

    Raises:
        ConfigError: If the picture carries none, or is damaged.
    """
    try:
        with Image.open(path) as picture:
            picture.load()
            settings = json.loads(picture.info[KEYWORD])["settings"]
            if isinstance(settings, dict):
                return settings
    except (*_UNREADABLE, KeyError, ValueError, TypeError):
        pass
    raise ConfigError(f"{path} carries no settings; only a PNG by stylize does")
