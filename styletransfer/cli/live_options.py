"""Options of runs that are steered while they go on."""

from functools import partial
from typing import Annotated, Any

from typer import Option

from styletransfer.cli.declaring import declare
from styletransfer.cli.option_parsing import read_names

_live = partial(declare, panel="Live")

Live = Annotated[
    bool,
    Option(
        "--live",
        help="Open a page in the browser that shows the picture as it grows, with sliders for "
        "the weights, which act at the next iteration. After a draft, the painting waits for the "
        "page to paint it large. Needs the extra live.",
        rich_help_panel="Live",
    ),
]
History = Annotated[
    Any,
    _live(
        "history",
        "Do to the run what was done to another while it went on, after so many iterations: "
        "new weights of content, style and TV (12:weigh=1/20/2), shares of the styles "
        "(12:blend=2/1), what acts once the run leaves its size (12:scale=0.5, 12:detail=0.3, "
        "12:layers=relu1_1/relu2_1, 12:size=1024), a mark and back to it (20:mark,40:back=20), "
        "the next or the first size (45:next, 50:first), this one again (60:repeat), "
        "the end (70:stop). Default: nothing.",
        parser=read_names,
        metavar="EVENTS",
    ),
]
