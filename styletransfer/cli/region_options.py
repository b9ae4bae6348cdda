"""Options of regions: masks, and what is painted where."""

from functools import partial
from typing import Annotated, Any

from styletransfer.cli.declaring import declare
from styletransfer.cli.option_parsing import read_files, read_names

_region = partial(declare, panel="Regions")

ContentMask = Annotated[
    str | None,
    _region(
        "content_mask",
        "Picture whose colours divide CONTENT into regions: white and black with greys as soft "
        "edges, or flat colours. The styles go to the regions from the lightest to the darkest; "
        "one region more than styles is kept as it is. Default: no regions.",
        metavar="FILE",
    ),
]
StyleMask = Annotated[
    Any,
    _region(
        "style_mask",
        "Such a picture for each style: a region of CONTENT takes the style of the parts of its "
        "own colour. Default: all of each.",
        parser=read_files,
        metavar="FILES",
    ),
]
Regions = Annotated[
    Any,
    _region(
        "regions",
        "What each colour of --content-mask takes, such as white=1,red=2,black=keep: the number of "
        "a style, or keep for the photograph itself. Default: by lightness.",
        parser=read_names,
        metavar="COLOURS",
    ),
]
