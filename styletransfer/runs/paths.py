"""Paths as a command line gives them."""

import os
from pathlib import Path


def output_path(path: Path) -> Path:
    """Read an output as `expand_user` does; ``-o=out.png`` means ``--output=out.png``."""
    text = str(path)
    return expand_user(Path(text[1:]) if text.startswith("=") and len(text) > 1 else path)


def expand_user(path: Path) -> Path:
    """Read a leading ``~`` as the home folder, where the shell has not.

    Args:
        path: From the command line; a file of just that name is taken as it is.
    """
    if not str(path).startswith("~") or os.path.lexists(path):
        return path
    try:
        return path.expanduser()
    except RuntimeError:  # There is no such user, so it is a file's name.
        return path
