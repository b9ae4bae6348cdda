"""The pictures in a folder."""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, NoReturn

from styletransfer.errors import ImageError, reason
from styletransfer.images.tensors import PICTURE_SUFFIXES, is_picture

if TYPE_CHECKING:
    from collections.abc import Sequence

_MOST = 5


class FolderListing(NamedTuple):
    """What a folder holds; hidden files and folders are not mentioned."""

    pictures: list[Path]
    """In natural order: photo2 before photo10."""

    others: list[str]
    """The files that are no pictures, relative to the folder."""

    folders: list[str]
    """The folders that were not entered, relative to the folder."""


def list_pictures(folder: Path, output: Path, *, recursive: bool) -> FolderListing:
    """List the pictures in a folder.

    The content of a file tells whether it is a picture. A name that promises
    one counts as well, so that a damaged photograph is an error and not
    passed over. Linked files are taken, linked folders are not entered.

    Args:
        folder: Where to look.
        output: Where the results go; never entered.
        recursive: Enter the folders in it.

    Returns:
        The pictures, and what was passed over.

    Raises:
        ImageError: If a folder cannot be read.
    """
    listing = FolderListing([], [], [])
    results = os.path.realpath(output)
    for root, folders, files in os.walk(folder, onerror=_refuse):
        here = Path(root)
        seen = [here / name for name in folders if not name.startswith(".")]
        inner = [path for path in seen if os.path.realpath(path) != results]
        entered = [path for path in inner if recursive and not path.is_symlink()]
        folders[:] = [path.name for path in entered]
        listing.folders.extend(
            str(each.relative_to(folder)) for each in inner if each not in entered
        )
        for path in (here / name for name in files if not name.startswith(".")):
            if _promises_picture(path):
                listing.pictures.append(path)
            else:
                listing.others.append(str(path.relative_to(folder)))
    listing.pictures.sort(key=_natural)
    listing.others.sort()
    listing.folders.sort()
    return listing


def list_briefly(names: Sequence[str]) -> str:
    """Name a few things, and count the rest.

    Example:
        >>> list_briefly(["a", "b", "c", "d", "e", "f", "g"])
        'a, b, c, d, e and 2 more'
    """
    more = len(names) - _MOST
    return ", ".join(names[:_MOST]) + (f" and {more} more" if more > 0 else "")


def is_folder(path: Path) -> bool:
    """Whether a path is a folder that may be seen."""
    try:
        return path.is_dir()
    except OSError:
        return False


def _promises_picture(path: Path) -> bool:
    try:
        # A pipe would never end.
        if not stat.S_ISREG(path.stat().st_mode):
            return False
    except OSError:
        # A broken link is a picture that is missing.
        return path.suffix.lower() in PICTURE_SUFFIXES
    return path.suffix.lower() in PICTURE_SUFFIXES or is_picture(path)


def _natural(path: Path) -> list[tuple[list[str | int], str]]:
    """A key that sorts numbers by their value and letters whatever their case."""
    return [
        ([int(word) if place % 2 else word for place, word in enumerate(_words(part))], part)
        for part in path.parts
    ]


def _words(part: str) -> list[str]:
    return re.split(r"([0-9]+)", part.casefold())


def _refuse(error: OSError) -> NoReturn:
    raise ImageError(
        f"{error.filename}: the folder cannot be read ({reason(error)}); change its permissions"
    ) from error
