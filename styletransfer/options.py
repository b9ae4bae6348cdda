"""The options of the command: one for each setting, and what its help says."""

from pathlib import Path
from typing import Annotated, Any, Literal

from typer import Argument, BadParameter, Option

from styletransfer.completion import complete_config
from styletransfer.config import Settings
from styletransfer.naming import DEFAULT_NAME

_DEFAULTS = Settings()


def _numbers(text: str) -> tuple[float, ...]:
    try:
        return tuple(float(item) for item in text.split(","))
    except ValueError as error:
        raise BadParameter(f"{text!r} is not a number, or numbers with commas between") from error


def _weight(text: str) -> float | tuple[float, ...]:
    """One value, or several for a sweep. To add 0 makes a 0 of -0."""
    numbers = tuple(number + 0.0 for number in _numbers(text))
    return numbers if len(numbers) > 1 else numbers[0]


def _whole_numbers(text: str) -> tuple[int, ...]:
    try:
        return tuple(int(item) for item in text.split(","))
    except ValueError as error:
        raise BadParameter(f"{text!r} is not a whole number, or some with commas") from error


def _size(text: str) -> int | str:
    try:
        return text if text == "original" else int(text)
    except ValueError as error:
        raise BadParameter(f"{text!r} is neither a whole number of pixels nor original") from error


def _names(text: str) -> tuple[str, ...]:
    return tuple(item.strip() for item in text.split(","))


def _setting(name: str, text: str, *flags: str, panel: str, **more: Any) -> Any:
    """An option of a setting, with the default taken from `Settings`."""
    default = getattr(_DEFAULTS, name)
    if default is not None:
        text = f"{text} (default: {_shown(default)})"
    flag = f"--{name.replace('_', '-')}"
    return Option(
        f"{flag}/{flag.replace('--', '--no-')}" if isinstance(default, bool) else flag,
        *flags,
        help=text,
        show_default=False,
        rich_help_panel=panel,
        **more,
    )


def _shown(default: Any) -> str:
    if isinstance(default, bool):
        return "on" if default else "off"
    return ",".join(map(str, default)) if isinstance(default, tuple) else str(default)


_LOOK, _SIZE, _METHOD, _NETWORK = "Look", "Size and time", "Method", "Network and machine"
_FILES = "Picture files"
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
ContentWeight = Annotated[
    Any,
    _setting(
        "content_weight",
        "Faithfulness to the photograph, a pure number: 0 none, 1 default, 5 hardly repainted. "
        "A list tries each.",
        panel=_LOOK,
        parser=_weight,
        metavar="NUMBERS",
    ),
]
StyleWeight = Annotated[
    Any,
    _setting(
        "style_weight",
        "Strength of the painter's manner, a pure number: 1 a tint, 5 default, "
        "50 dissolves the photograph. A list tries each.",
        panel=_LOOK,
        parser=_weight,
        metavar="NUMBERS",
    ),
]
TVWeight = Annotated[
    Any,
    _setting(
        "tv_weight",
        "Total variation, a pure number that smooths noise and keeps edges: 0 none, 2 default, "
        "20 smears detail. A list tries each.",
        panel=_LOOK,
        parser=_weight,
        metavar="NUMBERS",
    ),
]
TVForm = Annotated[
    Literal["isotropic", "anisotropic", "squared"] | None,
    _setting(
        "tv_form",
        "How neighbours are compared: sqrt(dx^2+dy^2), |dx|+|dy|, or dx^2+dy^2 (blurs edges).",
        panel=_LOOK,
    ),
]
StyleScale = Annotated[
    float | None,
    _setting(
        "style_scale",
        "Size of the brushwork: the style's longest side over the result's. "
        "0.5 fine, 1 default, 2 broad.",
        panel=_LOOK,
    ),
]
StyleBlend = Annotated[
    Any,
    _setting(
        "style_blend",
        "Share of each style, in their order, such as 3,1. Default: equal.",
        panel=_LOOK,
        parser=_numbers,
        metavar="NUMBERS",
    ),
]
Size = Annotated[
    Any,
    _setting(
        "size",
        "Longest side of the result in pixels: 256 draft, 512, 2048 a print, or original: as the "
        "content. Default: 512, or the content's own if that is less.",
        "-s",
        panel=_SIZE,
        parser=_size,
        metavar="PIXELS|original",
    ),
]
MinSize = Annotated[
    int | None,
    _setting(
        "min_size",
        "Longest side in pixels that painting starts at: 64 bold shapes, 128 default, "
        "as --size: one size only.",
        panel=_SIZE,
    ),
]
Iterations = Annotated[
    Any,
    _setting(
        "iterations",
        "Steps at each size, smallest first; the last number serves all further sizes. "
        "20 draft, 50 usual, 200 fine.",
        "-n",
        panel=_SIZE,
        parser=_whole_numbers,
        metavar="NUMBERS",
    ),
]
Tolerance = Annotated[
    float | None,
    _setting(
        "tolerance",
        "End a size when the loss fell by less than this share in ten steps: "
        "0 never, 0.01 late, 0.1 early.",
        panel=_SIZE,
    ),
]
Init = Annotated[
    str | None,
    _setting(
        "init",
        "What painting starts from: content, noise, or a picture file.",
        panel=_METHOD,
        metavar="content|noise|FILE",
    ),
]
Seed = Annotated[
    int | None,
    _setting("seed", "Number that the noise of --init noise grows from.", panel=_METHOD),
]
Optimizer = Annotated[
    Literal["lbfgs", "adam"] | None,
    _setting("optimizer", "What moves the picture.", panel=_METHOD),
]
LearningRate = Annotated[
    float | None,
    _setting(
        "learning_rate",
        "Step length: 0.1 careful, 1 full. Default: 1 for lbfgs; 0.02 for adam, "
        "where 0.005 is careful and 0.1 bold.",
        panel=_METHOD,
    ),
]
Preconditioning = Annotated[
    float | None,
    _setting(
        "preconditioning",
        "How much easier large areas move than fine detail, an exponent, halved after the first "
        "size: 0 plain pixels, 0.5 default, 1 areas first.",
        panel=_METHOD,
    ),
]
ContentLayers = Annotated[
    Any,
    _setting(
        "content_layers",
        "Layers that hold what the photograph shows: relu3_1 detail, relu4_2 default, "
        "relu5_2 gist.",
        panel=_METHOD,
        parser=_names,
        metavar="LAYERS",
    ),
]
StyleLayers = Annotated[
    Any,
    _setting(
        "style_layers",
        "Layers that hold the manner: relu1_1 colour and grain … relu5_1 large shapes.",
        panel=_METHOD,
        parser=_names,
        metavar="LAYERS",
    ),
]
LayerWeights = Annotated[
    Any,
    _setting(
        "layer_weights",
        "Share of each style layer, in their order. Default: 1 each, 0.2 in block 5.",
        panel=_METHOD,
        parser=_numbers,
        metavar="NUMBERS",
    ),
]
Network = Annotated[
    Literal["vgg19", "vgg16"] | None,
    _setting("network", "The network whose features are compared.", panel=_NETWORK),
]
Weights = Annotated[
    str | None,
    _setting(
        "weights",
        "bundled: Oxford's VGG-19, comes along; torchvision: its retrained ones, "
        "a download of 548 MB; or a .safetensors or .pth file.",
        panel=_NETWORK,
        metavar="bundled|torchvision|FILE",
    ),
]
WeightsLayout = Annotated[
    Literal["torchvision", "caffe", "keras"] | None,
    _setting(
        "weights_layout",
        "How a weights file is laid out: torchvision (RGB, mean and deviation), "
        "caffe or keras (BGR, 0 to 255).",
        panel=_NETWORK,
    ),
]
Pooling = Annotated[
    Literal["max", "avg"] | None,
    _setting("pooling", "How the network halves its resolution.", panel=_NETWORK),
]
Device = Annotated[
    str | None,
    _setting(
        "device",
        "auto, cpu, cuda, cuda:N or mps. An absent device is an error.",
        panel=_NETWORK,
        metavar="NAME",
    ),
]
Precision = Annotated[
    Literal["auto", "float32", "bfloat16"] | None,
    _setting(
        "precision",
        "Number format of the convolutions. auto: bfloat16 where the processor computes it "
        "natively, which is twice as fast.",
        panel=_NETWORK,
    ),
]
Threads = Annotated[
    int | None,
    _setting(
        "threads",
        "Threads of the processor: 1 beside other work, or for several runs at once. "
        "Default: one for each core.",
        panel=_NETWORK,
    ),
]
Background = Annotated[
    str | None,
    _setting(
        "background",
        "What transparent parts of any picture are laid on, an sRGB colour: black, white, "
        "or #f5e6c8 as paper. The content's transparency returns in a .png, .webp or .tif.",
        panel=_FILES,
        metavar="COLOUR",
    ),
]
Bits = Annotated[
    Literal[8, 16] | None,
    _setting(
        "bits",
        "Bits of each channel of the result: 8 for the screen, 16 to edit further, "
        "in a .png or .tif.",
        panel=_FILES,
    ),
]
KeepMetadata = Annotated[
    bool | None,
    _setting(
        "keep_metadata",
        "Copy the content's EXIF and XMP into the result: exposure, names, place.",
        panel=_FILES,
    ),
]
