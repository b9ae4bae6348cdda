"""Options of frames: of a folder of them, and of a video."""

from typing import Annotated, Any

from typer import Option

from styletransfer.cli.option_parsing import read_whole_numbers

_FRAMES = "Frames and videos"

Frames = Annotated[
    bool,
    Option(
        "--frames",
        help="Paint the pictures of a folder as frames of a film: each starts from the last "
        "result, moved along with what it shows, so that the painting does not flicker. A video "
        "as CONTENT, with a video as output, is painted in this way. Needs the extra video.",
        rich_help_panel=_FRAMES,
    ),
]
Shots = Annotated[
    Any,
    Option(
        "--shots",
        metavar="NUMBERS",
        help="Numbers of the first frames of the shots, such as 1,120,340; these start anew. "
        "Default: where neighbouring frames differ much.",
        show_default=False,
        parser=read_whole_numbers,
        rich_help_panel=_FRAMES,
    ),
]
