"""The pictures in a folder, and the folder of their results."""

from __future__ import annotations

import os
import re
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from styletransfer.errors import ImageError, reason
from styletransfer.images.tensors import OUTPUT_SUFFIXES, PICTURE_SUFFIXES, is_picture, is_raw

if TYPE_CHECKING:
    from collections.abc import Sequence

_LISTED = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class FolderListing:
    """The contents of a folder, without hidden files and folders."""

    pictures: list[Path]
    """The pictures in natural order: photo2 before photo10."""

    others: list[str]
    """The files that are not pictures, relative to the folder."""

    developed: list[str]
    """The RAW files beside a picture of the same name, relative to the folder."""

    folders: list[str]
    """The folders that were not entered, relative to the folder."""


def list_pictures(folder: Path, output: Path, *, recursive: bool) -> FolderListing:
    """List the pictures in a folder.

    A file is a picture if its first bytes say so. A file with the suffix of a
    picture counts as well, so that a damaged photograph is reported rather than
    skipped. A camera's RAW file is passed over beside the same picture, developed.
    Links to files are followed, links to folders are not.

    Args:
        folder: The folder.
        output: The folder of the results; never entered.
        recursive: Enter the folders in it.

    Returns:
        The pictures, and what was skipped.

    Raises:
        ImageError: If a folder cannot be read.
    """
    listing = FolderListing(pictures=[], others=[], developed=[], folders=[])
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
            if _should_be_picture(path):
                listing.pictures.append(path)
            else:
                listing.others.append(str(path.relative_to(folder)))
    for path in _developed(listing.pictures):
        listing.pictures.remove(path)
        listing.developed.append(str(path.relative_to(folder)))
    listing.pictures.sort(key=_natural)
    listing.others.sort()
    listing.developed.sort()
    listing.folders.sort()
    return listing


def check_folder(folder: Path, output: Path) -> None:
    """Refuse an output that is not a folder, or is the content folder.

    Args:
        folder: The content folder.
        output: The folder of the results; it may be missing.

    Raises:
        ImageError: If it is refused.
    """
    if is_folder(output):
        if output.samefile(folder):
            raise ImageError(f"{output}: this is the content folder; choose another")
        return
    if os.path.lexists(output):
        raise ImageError(f"{output}: this is a file, but {folder} is a folder; name a folder")
    if output.suffix.lower() in {*OUTPUT_SUFFIXES, *PICTURE_SUFFIXES}:
        raise ImageError(
            f"{output}: this is the name of a picture, but {folder} is a folder; "
            "name a folder, and the pictures in it with --name"
        )


def is_folder(path: Path) -> bool:
    """Whether a path is a folder that can be accessed."""
    try:
        return path.is_dir()
    except OSError:
        return False


def list_briefly(names: Sequence[str]) -> str:
    """List a few names, and count the rest.

    Example:
        >>> list_briefly(["a", "b", "c", "d", "e", "f", "g"])
        'a, b, c, d, e and 2 more'
    """
    more = len(names) - _LISTED
    return ", ".join(names[:_LISTED]) + (f" and {more} more" if more > 0 else "")


def _should_be_picture(path: Path) -> bool:
    try:
        # Reading a pipe would block.
        if not stat.S_ISREG(path.stat().st_mode):
            return False
    except OSError:
        # A broken link counts as a missing picture.
        return path.suffix.lower() in PICTURE_SUFFIXES
    return path.suffix.lower() in PICTURE_SUFFIXES or is_picture(path)


def _developed(pictures: Sequence[Path]) -> list[Path]:
    """The RAW files that lie beside a picture of the same name."""
    raw = {path for path in pictures if is_raw(path)}
    names = {path.with_suffix("") for path in pictures if path not in raw}
    return [path for path in pictures if path in raw and path.with_suffix("") in names]


def _natural(path: Path) -> list[tuple[list[str | int], str]]:
    """Sort key that compares numbers by value and ignores case."""
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
