"""Paths as a command line gives them."""

from pathlib import Path

from styletransfer.settings import expand_user as expand_user


def output_path(path: Path) -> Path:
    """Read an output as `expand_user` does; ``-o=out.png`` means ``--output=out.png``."""
    text = str(path)
    return expand_user(Path(text[1:]) if text.startswith("=") and len(text) > 1 else path)
