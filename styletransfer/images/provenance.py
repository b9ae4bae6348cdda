"""What a result carries about how it was made, and how that is read again."""

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
from styletransfer.images.reading import DAMAGE
from styletransfer.settings import Settings

KEYWORD = "stylize"
"""The keyword of the PNG text that holds the record."""

_LIBRARIES = ("torch", "torchvision", "pillow")
_UNREADABLE = (*DAMAGE, MemoryError, Image.DecompressionBombError)
# Each has a byte within its first 21 that no text in UTF-8, such as TOML, may hold.
_PICTURE = re.compile(
    rb"\x89PNG\r\n\x1a\n|\xff\xd8\xff|II[*+]\0|MM\0[*+]|RIFF.{4}WEBPVP8[ LX][^\0]{0,4}\0", re.DOTALL
)
_ASCII = b"ASCII\0\0\0"


def record(settings: Settings) -> dict[str, str]:
    """Describe a run, for a picture to carry.

    Args:
        settings: Of the run.

    Returns:
        Texts by keyword: the program, and as JSON in ASCII the settings and
        the versions of what computed them.
    """
    versions = {"stylize": __version__} | {name: version(name) for name in _LIBRARIES}
    words = json.dumps({"settings": asdict(settings), "versions": versions})
    return {"Software": f"stylize {__version__}", KEYWORD: words}


def sheet_record(names: Sequence[str]) -> dict[str, str]:
    """Describe a contact sheet, which no settings are true of.

    Args:
        names: Of the files beside it that hold its pictures.

    Returns:
        Texts by keyword, as `record` does.
    """
    words = json.dumps({"sheet": list(names), "versions": {"stylize": __version__}})
    return {"Software": f"stylize {__version__}", KEYWORD: words}


def is_picture(path: Path) -> bool:
    """Whether a file is a picture in a format that a result may have, whatever its name."""
    try:
        with path.open("rb") as file:
            return _PICTURE.match(file.read(32)) is not None
    except OSError:
        return False


def read_record(path: Path) -> Mapping[str, Any]:
    """Read the settings that a result was made with.

    Args:
        path: A picture that the command saved.

    Returns:
        Values by field of `Settings`.

    Raises:
        ConfigError: If the picture carries none, is damaged, or is a contact
            sheet: then its pictures are named, which carry theirs.
    """
    try:
        words = json.loads(_words(path))
        if "sheet" in words:
            names = ", ".join(str(path.with_name(name)) for name in words["sheet"])
            raise ConfigError(f"{path} is a contact sheet; take one of its pictures: {names}")
        settings = words["settings"]
        if isinstance(settings, dict):
            return settings
    except _UNREADABLE:
        pass
    raise ConfigError(f"{path} carries no settings; only a picture that stylize saved does")


def _words(path: Path) -> str:
    """The record as it was written: in a PNG's text, else in the comment of the EXIF block."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with Image.open(path) as picture:
            if picture.format == "PNG":
                picture.load()  # texts may follow the pixels
                return str(picture.info[KEYWORD])
            comment = picture.getexif().get_ifd(ExifTags.IFD.Exif)[USER_COMMENT]
    if not comment.startswith(_ASCII):
        raise ValueError("no record: those are in ASCII")
    return str(comment[len(_ASCII) :], "ascii")
