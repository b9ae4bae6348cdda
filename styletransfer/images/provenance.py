"""The record of a run that each result carries: its settings and the library versions.

The command accepts a result in place of a configuration file.
"""

import json
import re
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

from PIL import ExifTags, Image

from styletransfer import __version__
from styletransfer.errors import ConfigError
from styletransfer.images.exif import USER_COMMENT
from styletransfer.images.formats import DAMAGE, open_image
from styletransfer.images.png import larger_texts
from styletransfer.settings import Settings

KEYWORD = "stylize"
"""The keyword of the record in a PNG file."""

_LIBRARIES = ("torch", "torchvision", "pillow")
_UNREADABLE = (*DAMAGE, MemoryError, Image.DecompressionBombError)
# None of these matches a TOML file: each contains a NUL or a byte invalid in UTF-8.
_PICTURE = re.compile(
    rb"\x89PNG\r\n\x1a\n|\xff\xd8\xff|II[*+]\0|MM\0[*+]|RIFF.{4}WEBPVP8[ LX][^\0]{0,4}\0", re.DOTALL
)
_ASCII = b"ASCII\0\0\0"


def record(settings: Settings, command: str | None = None) -> dict[str, str]:
    """Make the record to store in a result.

    Args:
        settings: The settings of the run.
        command: If the run was steered, what gives its last settings from the start.

    Returns:
        Texts by keyword, for `save_picture`: the program, and the settings and
        library versions as JSON in ASCII.
    """
    versions = {"stylize": __version__} | {name: version(name) for name in _LIBRARIES}
    steered = {} if command is None else {"command": command}
    return _texts({"settings": asdict(settings), **steered, "versions": versions})


def sheet_record(names: Sequence[str]) -> dict[str, str]:
    """Make the record of a contact sheet, which shows several settings.

    Args:
        names: The file names of its pictures, in the same folder.

    Returns:
        Texts by keyword, as from `record`.
    """
    return _texts({"sheet": list(names), "versions": {"stylize": __version__}})


def _texts(content: Mapping[str, Any]) -> dict[str, str]:
    return {"Software": f"stylize {__version__}", KEYWORD: json.dumps(content)}


def is_picture(path: Path) -> bool:
    """Whether a file starts like a picture in an output format, whatever its suffix."""
    try:
        with path.open("rb") as file:
            return _PICTURE.match(file.read(32)) is not None
    except OSError:
        return False


def read_record(path: Path) -> Mapping[str, Any]:
    """Read the settings that a result was made with.

    Args:
        path: A picture saved by the command.

    Returns:
        Values by field of `Settings`.

    Raises:
        ConfigError: If the picture has no record, is damaged, or is a contact
            sheet.
    """
    try:
        content = json.loads(_stored_record(path))
        if "sheet" in content:
            names = ", ".join(str(path.with_name(name)) for name in content["sheet"])
            raise ConfigError(f"{path}: this is a contact sheet; use one of its pictures: {names}")
        settings = content["settings"]
        if isinstance(settings, dict):
            return settings
    except _UNREADABLE:
        pass
    raise ConfigError(f"{path}: no settings in this picture; use one that stylize saved")


def _stored_record(path: Path) -> str:
    """Read the text of a PNG, or the EXIF UserComment of another format."""
    with warnings.catch_warnings(), larger_texts():
        warnings.simplefilter("ignore")
        with open_image(path) as picture:
            if picture.format == "PNG":
                picture.load()  # text chunks may follow the pixels
                return str(picture.info[KEYWORD])
            comment = picture.getexif().get_ifd(ExifTags.IFD.Exif)[USER_COMMENT]
    if not comment.startswith(_ASCII):
        raise ValueError("not a record, since records are in ASCII")
    return str(comment[len(_ASCII) :], "ascii")
