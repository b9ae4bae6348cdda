"""The presets: configurations that come with the package."""

from pathlib import Path


def presets() -> list[str]:
    """Name the presets that come with the package, in alphabetical order."""
    return sorted(path.stem for path in preset_folder().glob("*.toml"))


def preset_folder() -> Path:
    """Say where the presets lie: in the installed package, or in a checkout."""
    package = Path(__file__).parent
    installed = package / "configs"
    return installed if installed.is_dir() else package.parent / "configs"
