"""The options of a run: its pictures and files, how it goes on, and what it tells."""

from pathlib import Path
from typing import Annotated

from typer import Argument, Option

from styletransfer.cli.completion import complete_config
from styletransfer.runs.naming import DEFAULT_NAME

_SCRIPTS = "Folders and scripts"

Content = Annotated[
    Path, Argument(metavar="CONTENT", help="The picture to repaint, or a folder of pictures.")
]
Styles = Annotated[
    list[Path], Argument(metavar="STYLE", help="One or more pictures that show the manner.")
]
Output = Annotated[
    Path,
    Option(
        "--output",
        "-o",
        metavar="FILE",
        help="Where to save: .png, .jpg, .webp or .tif; a folder if CONTENT is one. "
        "Missing folders are made.",
        show_default=False,
    ),
]
Config = Annotated[
    str | None,
    Option(
        "--config",
        "-c",
        metavar="FILE-or-NAME",
        autocompletion=complete_config,
        help="Settings from a TOML file, from a picture that stylize saved, or from a preset: "
        "draft, default, fine, smooth, crisp, gatys. Options on the command line win.",
    ),
]
SaveEvery = Annotated[
    int | None,
    Option(
        "--save-every",
        metavar="STEPS",
        help="Also save the picture after every so many steps of the whole run, beside the "
        "result and at its size, as OUT-010.png, OUT-020.png, …, over what is there: "
        "1 every step, 10 a film, 50 a glance now and then.",
        show_default=False,
    ),
]
Log = Annotated[
    Path | None,
    Option(
        "--log",
        metavar="FILE",
        help="Write how the terms stand after each step, row by row as they come: .csv, or .jsonl "
        "for a JSON object a line. A term whose weight is 0 is not evaluated: empty, or null.",
        show_default=False,
    ),
]
Report = Annotated[
    Path | None,
    Option(
        "--report",
        metavar="FILE",
        help="Save a page to look at in a browser, .html, all in one file: the pictures before "
        "and after, the curves of the terms, noise and sharpness, every setting.",
        show_default=False,
    ),
]
Quiet = Annotated[bool, Option("--quiet", "-q", help="No progress; warnings and errors only.")]
Recursive = Annotated[
    bool,
    Option(
        "--recursive",
        "-r",
        help="Enter the folders in CONTENT, and keep them in the output.",
        rich_help_panel=_SCRIPTS,
    ),
]
Name = Annotated[
    str | None,
    Option(
        "--name",
        metavar="TEMPLATE",
        help="What the results of a folder are called, with {content}, {style}, {suffix} (the "
        f"content's, without its dot) and {{seed}} filled in. Default: {DEFAULT_NAME}.",
        show_default=False,
        rich_help_panel=_SCRIPTS,
    ),
]
SkipExisting = Annotated[
    bool,
    Option(
        "--skip-existing",
        help="Leave a whole picture at its path as it is, and print its path, so that a run that "
        "was interrupted resumes. What is unfinished is then saved as NAME.partial.png.",
        rich_help_panel=_SCRIPTS,
    ),
]
FailFast = Annotated[
    bool,
    Option(
        "--fail-fast",
        help="End a folder with the first picture that fails, instead of going on.",
        rich_help_panel=_SCRIPTS,
    ),
]
Json = Annotated[
    bool,
    Option(
        "--json",
        help="Print a JSON object for each result instead of its path: path, content, styles, "
        "size, seconds, seed, weights, losses, device, precision, stopped, skipped, sheet.",
        rich_help_panel=_SCRIPTS,
    ),
]
Verbose = Annotated[
    bool,
    Option(
        "--verbose", "-v", help="Say which number format and how many threads compute, and why."
    ),
]
