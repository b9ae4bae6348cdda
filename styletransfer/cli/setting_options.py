"""Options of the settings: one for each field of `Settings`, with its name and default."""

from functools import partial
from typing import Annotated, Any

from styletransfer import choices, settings
from styletransfer.cli.declaring import declare
from styletransfer.cli.option_parsing import (
    read_names,
    read_numbers,
    read_size,
    read_weight,
    read_whole_numbers,
)
from styletransfer.layers import BLOCK_SHARES
from styletransfer.option_text import format_value
from styletransfer.weight_guide import WEIGHT_GUIDE

_look = partial(declare, panel="Look")
_size = partial(declare, panel="Size and time")
_method = partial(declare, panel="Method")
_network = partial(declare, panel="Network and machine")
_files = partial(declare, panel="Picture files")


def _weight(name: str) -> Any:
    text = f"{WEIGHT_GUIDE[name].help} A comma-separated list runs a sweep."
    return _look(name, text, parser=read_weight, metavar="NUMBERS")


ContentWeight = Annotated[Any, _weight("content_weight")]
StyleWeight = Annotated[Any, _weight("style_weight")]
_FORMS = "Comparison with the style: gram (Gram matrices), moments, or wasserstein (truest)."
StyleForm = Annotated[choices.StyleForm | None, _look("style_form", _FORMS, metavar="FORM")]
TVWeight = Annotated[Any, _weight("tv_weight")]
TVForm = Annotated[
    choices.TVForm | None,
    _look(
        "tv_form",
        "Form of the total variation: isotropic sqrt(dx^2+dy^2), anisotropic |dx|+|dy|, or "
        "squared dx^2+dy^2, which blurs edges.",
        metavar="FORM",
    ),
]
PreserveColor = Annotated[
    choices.PreserveColor | None,
    _look(
        "preserve_color",
        "Keep the photograph's colours: none, luminance (its hues, the painting's brushwork), or "
        "match (the painting, recoloured to the photograph's palette).",
        metavar="HOW",
    ),
]
StyleScale = Annotated[
    Any,
    _look(
        "style_scale",
        "Longest side of the style picture, as a multiple of the result's: 0.5 fine brushwork, "
        "1 normal, 2 broad brushwork; several, such as 0.5,1, are mixed.",
        parser=read_numbers,
        metavar="NUMBERS",
    ),
]
Detail = Annotated[
    float | None,
    _look(
        "detail",
        "Share of the content loss for fine detail: 0 none, 0.3 eyes and large letters stay, "
        "1 small print stays.",
    ),
]
Tileable = Annotated[
    bool | None,
    _look("tileable", "Make opposite borders fit together, for a pattern without seams."),
]
StyleBlend = Annotated[
    Any,
    _look(
        "style_blend",
        "Relative shares of the style pictures, in their order, such as 3,1. Default: equal.",
        parser=read_numbers,
        metavar="NUMBERS",
    ),
]
Size = Annotated[
    Any,
    _size(
        "size",
        "Longest side of the result in pixels, or original for the content's size: 256 draft, "
        f"512 screen, 2048 print. Default: {settings.DEFAULT_SIZE}, or the content's size if that "
        "is smaller.",
        "-s",
        parser=read_size,
        metavar="PIXELS|original",
    ),
]
MinSize = Annotated[
    int | None,
    _size(
        "min_size",
        "Longest side in pixels of the first, smallest size: 64 bolder shapes, 128 default, "
        "the value of --size for a single size.",
    ),
]
Iterations = Annotated[
    Any,
    _size(
        "iterations",
        "Optimizer iterations at each size, smallest first; the last number applies to all further "
        "sizes: 10 draft, 25 normal, 100 fine.",
        "-n",
        parser=read_whole_numbers,
        metavar="NUMBERS",
    ),
]
Tolerance = Annotated[
    float | None,
    _size(
        "tolerance",
        "End a size early if the loss falls by less than this fraction over ten iterations: "
        "0 never, 0.01 late, 0.1 early.",
    ),
]
Init = Annotated[
    str | None,
    _method(
        "init", "Start: recolored (like the style), content, noise, or a file.", metavar="IMAGE"
    ),
]
Seed = Annotated[int | None, _method("seed", "Seed of the random noise of --init noise.")]
Optimizer = Annotated[
    choices.Optimizer | None,
    _method("optimizer", "Optimizer: lbfgs, or adam, which needs less memory.", metavar="NAME"),
]
LearningRate = Annotated[
    float | None,
    _method(
        "learning_rate",
        "Step size, dimensionless. For lbfgs: 0.1 cautious, 1 full step; for adam: 0.005 "
        f"cautious, 0.1 bold. Default: {format_value(settings.LBFGS_LEARNING_RATE)} for lbfgs, "
        f"{format_value(settings.ADAM_LEARNING_RATE)} for adam.",
    ),
]
Preconditioning = Annotated[
    float | None,
    _method(
        "preconditioning",
        "Exponent of the frequency preconditioner: 0 none, 0.5 default, 1 favours large areas.",
    ),
]
ContentLayers = Annotated[
    Any,
    _method(
        "content_layers",
        "Layers of the content loss: relu3_1 keeps detail, relu4_2 default, relu5_2 keeps only "
        "the composition.",
        parser=read_names,
        metavar="LAYERS",
    ),
]
StyleLayers = Annotated[
    Any,
    _method(
        "style_layers",
        "Layers of the style loss, from relu1_1 (colour and grain) to relu5_1 (large shapes).",
        parser=read_names,
        metavar="LAYERS",
    ),
]
LayerWeights = Annotated[
    Any,
    _method(
        "layer_weights",
        "Relative weights of the style layers, in order. "
        f"Default: {format_value(BLOCK_SHARES, separator=',')} by block.",
        parser=read_numbers,
        metavar="NUMBERS",
    ),
]
Network = Annotated[choices.Network | None, _network("network", "Network for the features.")]
Weights = Annotated[
    str | None,
    _network(
        "weights",
        "Weights of the network. bundled: the original VGG-19, included; torchvision: retrained, "
        "a download of 548 MB; or a .safetensors or .pth file.",
        metavar="NAME|FILE",
    ),
]
WeightsLayout = Annotated[
    choices.WeightsLayout | None,
    _network(
        "weights_layout",
        "Input convention of a weights file: torchvision (RGB, normalized by mean and standard "
        "deviation) or caffe (BGR, 0 to 255).",
    ),
]
Pooling = Annotated[choices.Pooling | None, _network("pooling", "Pooling of the network.")]
Device = Annotated[
    str | None,
    _network(
        "device",
        "Device to compute on: auto, cpu, cuda, cuda:N or mps. An unavailable device is an error.",
        metavar="NAME",
    ),
]
Precision = Annotated[
    choices.Precision | None,
    _network(
        "precision",
        "Number format of the convolutions. auto: bfloat16 if the processor supports it "
        "natively, which is twice as fast; otherwise float32.",
    ),
]
Threads = Annotated[
    int | None,
    _network(
        "threads",
        "CPU threads: 1 beside other work or for several runs at once. Default: one per core.",
    ),
]
MaxMemory = Annotated[
    str | None,
    _network(
        "max_memory",
        "Most memory of the whole process, such as 4GB: larger pictures are then evaluated in "
        "tiles, with the same result. Default: most of what is free.",
        metavar="SIZE",
    ),
]
Background = Annotated[
    str | None,
    _files(
        "background",
        "sRGB colour behind the transparent parts of pictures, such as black, white, or #f5e6c8 "
        "for paper. A .png, .webp or .tif result keeps the content's transparency.",
        metavar="COLOUR",
    ),
]
Bits = Annotated[
    choices.Bits | None,
    _files("bits", "Bits per channel of the result: 8 for display, 16 for editing (.png or .tif)."),
]
KeepMetadata = Annotated[
    bool | None,
    _files(
        "keep_metadata",
        "Copy the content's EXIF and XMP (exposure, names, location) to the result.",
    ),
]
