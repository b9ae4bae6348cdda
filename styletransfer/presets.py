"""Configuration files in TOML, and the presets among them."""

import os
import tomllib
from pathlib import Path

from styletransfer.errors import ConfigError, quote, reason
from styletransfer.settings import Settings, expand_user

_LARGEST = 1 << 20  # characters of a configuration file


def load_settings(source: str | os.PathLike[str], base: Settings | None = None) -> Settings:
    """Read settings from a preset or a TOML file.

    Args:
        source: The name of a preset or the path of a file. If both exist, the
            file is read.
        base: The settings that the file's values replace. None: the defaults.

    Returns:
        The settings.

    Raises:
        ConfigError: If there is no such file, or it is invalid.

    Example:
        >>> load_settings("draft").size
        256
    """
    path = expand_user(Path(source))
    if not os.path.isfile(path):  # noqa: PTH113  # a path that is refused is no file
        path = preset_folder() / f"{os.fspath(source)}.toml"
    if not os.path.isfile(path):  # noqa: PTH113
        raise ConfigError(
            f"no configuration file or preset {quote(os.fspath(source))}; "
            f"the presets are {', '.join(presets())}"
        )
    try:
        with path.open(encoding="utf-8") as file:
            text = file.read(_LARGEST + 1)
        if len(text) > _LARGEST:
            raise ConfigError(f"{path} is not a TOML configuration file: it is larger than 1 MB")
        values = tomllib.loads(text)
    # A wrong text or number is a ValueError, brackets in thousands of brackets the other.
    except (OSError, ValueError, RecursionError) as error:
        raise ConfigError(f"{path} is not a TOML configuration file: {reason(error)}") from error
    try:
        return (base or Settings()).with_values(values)
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from error


def presets() -> list[str]:
    """List the names of the presets, in alphabetical order."""
    return sorted(path.stem for path in preset_folder().glob("*.toml"))


def preset_folder() -> Path:
    """Return the folder of the presets: in the installed package, or in a checkout."""
    package = Path(__file__).parent
    installed = package / "configs"
    return installed if installed.is_dir() else package.parent / "configs"
