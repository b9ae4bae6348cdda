"""The options of the settings: one for each field of `Settings`, of its name."""

from functools import partial
from typing import Annotated, Any, Literal

from styletransfer.cli.option_parsing import (
    declare,
    read_names,
    read_numbers,
    read_size,
    read_weight,
    read_whole_numbers,
)
from styletransfer.weight_guide import WEIGHT_GUIDE

_TRIED = "A list tries each."

_look = partial(declare, panel="Look")
_size = partial(declare, panel="Size and time")
_method = partial(declare, panel="Method")
_network = partial(declare, panel="Network and machine")
_files = partial(declare, panel="Picture files")

ContentWeight = Annotated[
    Any,
    _look(
        "content_weight",
        f"{WEIGHT_GUIDE['content_weight'].help} {_TRIED}",
        parser=read_weight,
        metavar="NUMBERS",
    ),
]
StyleWeight = Annotated[
    Any,
    _look(
        "style_weight",
        f"{WEIGHT_GUIDE['style_weight'].help} {_TRIED}",
        parser=read_weight,
        metavar="NUMBERS",
    ),
]
TVWeight = Annotated[
    Any,
    _look(
        "tv_weight",
        f"{WEIGHT_GUIDE['tv_weight'].help} {_TRIED}",
        parser=read_weight,
        metavar="NUMBERS",
    ),
]
TVForm = Annotated[
    Literal["isotropic", "anisotropic", "squared"] | None,
    _look(
        "tv_form",
        "How neighbours are compared: sqrt(dx^2+dy^2), |dx|+|dy|, or dx^2+dy^2 (blurs edges).",
    ),
]
StyleScale = Annotated[
    float | None,
    _look(
        "style_scale",
        "Size of the brushwork: the style's longest side over the result's. "
        "0.5 fine, 1 default, 2 broad.",
    ),
]
StyleBlend = Annotated[
    Any,
    _look(
        "style_blend",
        "Share of each style, in their order, such as 3,1. Default: equal.",
        parser=read_numbers,
        metavar="NUMBERS",
    ),
]
Size = Annotated[
    Any,
    _size(
        "size",
        "Longest side of the result in pixels: 256 draft, 512, 2048 a print, or original: as the "
        "content. Default: 512, or the content's own if that is less.",
        "-s",
        parser=read_size,
        metavar="PIXELS|original",
    ),
]
MinSize = Annotated[
    int | None,
    _size(
        "min_size",
        "Longest side in pixels that painting starts at: 64 bold shapes, 128 default, "
        "as --size: one size only.",
    ),
]
Iterations = Annotated[
    Any,
    _size(
        "iterations",
        "Steps at each size, smallest first; the last number serves all further sizes. "
        "20 draft, 30 usual, 100 fine.",
        "-n",
        parser=read_whole_numbers,
        metavar="NUMBERS",
    ),
]
Tolerance = Annotated[
    float | None,
    _size(
        "tolerance",
        "End a size when the loss fell by less than this share in ten steps: "
        "0 never, 0.01 late, 0.1 early.",
    ),
]
Init = Annotated[
    str | None,
    _method(
        "init",
        "What painting starts from: content, noise, or a picture file.",
        metavar="content|noise|FILE",
    ),
]
Seed = Annotated[int | None, _method("seed", "Number that the noise of --init noise grows from.")]
Optimizer = Annotated[
    Literal["lbfgs", "adam"] | None,
    _method("optimizer", "What moves the picture."),
]
LearningRate = Annotated[
    float | None,
    _method(
        "learning_rate",
        "Step length: 0.1 careful, 1 full. Default: 1 for lbfgs; 0.02 for adam, "
        "where 0.005 is careful and 0.1 bold.",
    ),
]
Preconditioning = Annotated[
    float | None,
    _method(
        "preconditioning",
        "How much easier large areas move than fine detail, an exponent, until the steps tell: "
        "0 plain pixels, to the end, 0.5 default, 1 areas first.",
    ),
]
ContentLayers = Annotated[
    Any,
    _method(
        "content_layers",
        "Layers that hold what the photograph shows: relu3_1 detail, relu4_2 default, "
        "relu5_2 gist.",
        parser=read_names,
        metavar="LAYERS",
    ),
]
StyleLayers = Annotated[
    Any,
    _method(
        "style_layers",
        "Layers that hold the manner: relu1_1 colour and grain … relu5_1 large shapes.",
        parser=read_names,
        metavar="LAYERS",
    ),
]
LayerWeights = Annotated[
    Any,
    _method(
        "layer_weights",
        "Share of each style layer, in their order. Default: 1 each, 0.2 in block 5.",
        parser=read_numbers,
        metavar="NUMBERS",
    ),
]
Network = Annotated[
    Literal["vgg19", "vgg16"] | None,
    _network("network", "The network whose features are compared."),
]
Weights = Annotated[
    str | None,
    _network(
        "weights",
        "bundled: Oxford's VGG-19, comes along; torchvision: its retrained ones, "
        "a download of 548 MB; or a .safetensors or .pth file.",
        metavar="bundled|torchvision|FILE",
    ),
]
WeightsLayout = Annotated[
    Literal["torchvision", "caffe"] | None,
    _network(
        "weights_layout",
        "Layout of a weights file: torchvision (RGB, normalized) or caffe (BGR, 0 to 255).",
    ),
]
Pooling = Annotated[
    Literal["max", "avg"] | None,
    _network("pooling", "How the network halves its resolution."),
]
Device = Annotated[
    str | None,
    _network(
        "device",
        "auto, cpu, cuda, cuda:N or mps. An absent device is an error.",
        metavar="NAME",
    ),
]
Precision = Annotated[
    Literal["auto", "float32", "bfloat16"] | None,
    _network(
        "precision",
        "Number format of the convolutions. auto: bfloat16 where the processor computes it "
        "natively, which is twice as fast.",
    ),
]
Threads = Annotated[
    int | None,
    _network(
        "threads",
        "Threads of the processor: 1 beside other work, or for several runs at once. "
        "Default: one for each core.",
    ),
]
Background = Annotated[
    str | None,
    _files(
        "background",
        "What transparent parts of any picture are laid on, an sRGB colour: black, white, "
        "or #f5e6c8 as paper. The content's transparency returns in a .png, .webp or .tif.",
        metavar="COLOUR",
    ),
]
Bits = Annotated[
    Literal[8, 16] | None,
    _files(
        "bits",
        "Bits of each channel of the result: 8 for the screen, 16 to edit further, "
        "in a .png or .tif.",
    ),
]
KeepMetadata = Annotated[
    bool | None,
    _files(
        "keep_metadata",
        "Copy the content's EXIF and XMP into the result: exposure, names, place.",
    ),
]
