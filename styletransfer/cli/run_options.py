"""Options of a run: its files, its output, and what happens to folders."""

from pathlib import Path
from typing import Annotated

from typer import Argument, Option

from styletransfer.cli.option_parsing import read_content, read_output, read_path
from styletransfer.presets import presets
from styletransfer.runs.batches.naming import DEFAULT_NAME
from styletransfer.runs.jobs import CHECKPOINT_MINUTES

_SCRIPTS = "Folders and scripts"


def complete_config(incomplete: str) -> list[str]:
    """Complete the value of `--config`: presets, then files and folders that may hold settings.

    Args:
        incomplete: The text typed so far.

    Returns:
        The candidates; none if no preset matches, and the shell then completes
        paths itself.
    """
    named = [name for name in presets() if name.startswith(incomplete)]
    if not named:
        return []
    here = [path for path in Path.cwd().iterdir() if path.name.startswith(incomplete)]
    visible = [path for path in here if not path.name.startswith(".")]
    files = [path.name for path in visible if path.suffix.lower() in {".toml", ".png"}]
    folders = [f"{path.name}/" for path in visible if path.is_dir()]
    return [*named, *sorted(files), *sorted(folders)]


Content = Annotated[
    Path,
    Argument(
        metavar="CONTENT",
        help="Content picture, a folder of pictures, or a video; - is standard input.",
        parser=read_content,
    ),
]
Styles = Annotated[
    list[Path],
    Argument(metavar="STYLE", help="One or more style pictures.", parser=read_path),
]
Output = Annotated[
    Path,
    Option(
        "--output",
        "-o",
        metavar="FILE",
        help="File of the result: .png, .jpg, .webp or .tif; a folder if CONTENT is one; .mp4, "
        ".mov, .mkv or .webm if it is a video. Missing folders are created. - writes a PNG to "
        "standard output.",
        show_default=False,
        parser=read_output,
    ),
]
Config = Annotated[
    str | None,
    Option(
        "--config",
        "-c",
        metavar="FILE-or-NAME",
        autocompletion=complete_config,
        help="Read settings from a TOML file, from a picture saved by stylize, or from a preset: "
        f"{', '.join(presets())}. Options on the command line take precedence.",
    ),
]
SaveEvery = Annotated[
    int | None,
    Option(
        "--save-every",
        metavar="N",
        help="Save a snapshot every N iterations: 1 for each, 10 for a film, 50 for an "
        "occasional look. Snapshots have the result's size and are saved beside it as "
        "OUT-010.png, OUT-020.png, …, replacing existing files.",
        show_default=False,
    ),
]
Checkpoint = Annotated[
    Path | None,
    Option(
        "--checkpoint",
        metavar="FILE",
        help="Keep the run in this file, so that it survives a crash: the same command goes on "
        "from there, to the same result. It is deleted when the result is saved.",
        show_default=False,
        parser=read_path,
    ),
]
CheckpointEvery = Annotated[
    float | None,
    Option(
        "--checkpoint-every",
        metavar="MINUTES",
        help="Minutes between two checkpoints; 0: after each iteration. One is also written "
        f"when a signal ends the run. Default: {CHECKPOINT_MINUTES:g}.",
        show_default=False,
    ),
]
Log = Annotated[
    Path | None,
    Option(
        "--log",
        metavar="FILE",
        help="Write the losses of each iteration to a .csv or .jsonl file. A loss of weight 0 is "
        "not evaluated: its field is empty, or null.",
        show_default=False,
        parser=read_path,
    ),
]
Report = Annotated[
    Path | None,
    Option(
        "--report",
        metavar="FILE",
        help="Write a self-contained .html page to compare content and result, with loss curves, "
        "noise, sharpness and all settings.",
        show_default=False,
        parser=read_path,
    ),
]
Quiet = Annotated[bool, Option("--quiet", "-q", help="Print only warnings and errors.")]
Verbose = Annotated[
    bool,
    Option(
        "--verbose", "-v", help="Print the number format, the number of threads, and the reasons."
    ),
]
Recursive = Annotated[
    bool,
    Option(
        "--recursive",
        "-r",
        help="Include subfolders of CONTENT and recreate them in the output folder.",
        rich_help_panel=_SCRIPTS,
    ),
]
Name = Annotated[
    str | None,
    Option(
        "--name",
        metavar="TEMPLATE",
        help="File name of each result of a folder, with the fields {content}, {style}, {suffix} "
        f"(of the content, without its dot) and {{seed}}. Default: {DEFAULT_NAME}.",
        show_default=False,
        rich_help_panel=_SCRIPTS,
    ),
]
SkipExisting = Annotated[
    bool,
    Option(
        "--skip-existing",
        help="Skip results that already exist and are complete, and print their paths; use it to "
        "resume. An interrupted picture is then saved as NAME.partial.png.",
        rich_help_panel=_SCRIPTS,
    ),
]
FailFast = Annotated[
    bool,
    Option(
        "--fail-fast",
        help="Stop at the first picture of a folder that fails, instead of going on.",
        rich_help_panel=_SCRIPTS,
    ),
]
Cluster = Annotated[
    str | None,
    Option(
        "--cluster",
        metavar="ADDRESS",
        help="Make the pictures of a folder, of a list of weights or of several shots at once, on "
        "the workers of the Dask scheduler at this address, such as tcp://host:8786, or in N "
        "processes here: local:N. Needs the extra cluster.",
        show_default=False,
        rich_help_panel=_SCRIPTS,
    ),
]
Json = Annotated[
    bool,
    Option(
        "--json",
        help="Print a JSON object for each result instead of its path: path, content, styles, "
        "size, seconds, seed, weights, losses, device, precision, regions, stopped, skipped, "
        "sheet.",
        rich_help_panel=_SCRIPTS,
    ),
]
