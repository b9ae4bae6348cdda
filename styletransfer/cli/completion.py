"""What a shell may offer where it cannot know by itself."""

from pathlib import Path

from styletransfer.presets import presets


def complete_config(incomplete: str) -> list[str]:
    """Name what `--config` may take: presets, and files that may hold settings.

    Where no preset fits there is nothing to offer, and shells then complete
    paths by themselves.

    Args:
        incomplete: What has been typed.
    """
    named = [name for name in presets() if name.startswith(incomplete)]
    if not named:
        return []
    here = [path for path in Path.cwd().iterdir() if path.name.startswith(incomplete)]
    # A dot file is offered where its dot was typed, and then no preset fits.
    shown = [path for path in here if not path.name.startswith(".")]
    files = [path.name for path in shown if path.suffix.lower() in {".toml", ".png"}]
    folders = [f"{path.name}/" for path in shown if path.is_dir()]
    return [*named, *sorted(files), *sorted(folders)]
