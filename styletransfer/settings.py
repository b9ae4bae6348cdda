"""The settings of a run and their defaults."""

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, Literal, Self, get_type_hints

from styletransfer import choices
from styletransfer.errors import ConfigError, quote
from styletransfer.history import parse_history
from styletransfer.layers import check_layers
from styletransfer.regions import parse_regions
from styletransfer.validation import UNLIMITED, check_colour, check_value, coerce, suggest, to_bytes

DEFAULT_SIZE = 512
"""Longest side in pixels, unless the content is smaller."""

LBFGS_LEARNING_RATE = 1.0
"""Default learning rate of L-BFGS: a factor of its step."""

ADAM_LEARNING_RATE = 0.02
"""Default learning rate of Adam, in units of the optimized variable."""

BUNDLED = "bundled"
"""The value of `Settings.weights` for the weights in the package."""

_LIMITS: Mapping[str, tuple[float, float]] = {
    "size": (1, 65_535),
    "min_size": (1, 65_535),
    "iterations": (1, 1_000_000),
    "content_weight": (0, math.inf),
    "style_weight": (0, math.inf),
    "tv_weight": (0, math.inf),
    "layer_weights": (0, math.inf),
    "style_blend": (0, math.inf),
    "style_scale": (0.05, 20),
    "detail": (0, 1),
    "learning_rate": (1e-6, 100),
    "preconditioning": (0, 2),
    "tolerance": (0, 1),
    "seed": (0, 2**63 - 1),
    "threads": (1, 1024),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """The settings of a run.

    All fields but five decide the image that `stylize` computes: ``max_memory``
    only how, and four apply only where files are read and written, so `stylize`
    ignores them: ``background``, ``bits``, ``keep_metadata`` and ``threads``.

    Raises:
        ConfigError: If a value has the wrong type, is out of range, or
            contradicts another.

    Example:
        >>> Settings(tv_weight=0.3).tv_weight
        0.3
    """

    size: int | Literal["original"] | None = None
    """Longest side of the result in pixels; ``original``: that of the content.
    None: 512, or that of the content if it is smaller."""

    min_size: int = 128
    """Longest side of the first, smallest size of the pyramid, in pixels."""

    iterations: tuple[int, ...] = (30, 20, 12)
    """Optimizer steps at each size, smallest first; the last number applies to
    all further sizes."""

    content_weight: float = 1.0
    """Weight of the content loss; 0 or more."""

    style_weight: float = 14.0
    """Weight of the style loss; 0 or more."""

    style_form: choices.StyleForm = "wasserstein"
    """How statistics are compared with the style's, see `transfer.style_forms`."""

    tv_weight: float = 2.0
    """Weight of the total variation loss; 0 or more."""

    tv_form: choices.TVForm = "isotropic"
    """Summand of the total variation, see `transfer.total_variation`."""

    preserve_color: choices.PreserveColor = "none"
    """How colours of the content are kept, see `transfer.colours.preservation`."""

    style_blend: tuple[float, ...] | None = None
    """Share of each style image; normalized to sum to 1. None: equal."""

    style_scale: tuple[float, ...] = (1.0,)
    """Longest side of the style, as a multiple of the current size. Several: the
    mean of the statistics at each."""

    detail: float = 0.0
    """Share of the content loss that compares `layers.DETAIL_LAYER`, where letters
    and eyes are, instead of the content layers; from 0 to 1."""

    content_mask: str | None = None
    """Path of a picture whose colours divide the content into regions."""

    style_mask: tuple[str, ...] | None = None
    """Paths of such pictures, one for each style. None: all of a style."""

    regions: tuple[str, ...] | None = None
    """What each colour of `content_mask` takes, such as ``white=1`` for the first
    style or ``black=keep``. None: see `masks.assignment`."""

    tileable: bool = False
    """Whether opposite borders fit together; sides are then multiples of 16 pixels."""

    content_layers: tuple[str, ...] = ("relu4_2",)
    """Layers whose activations the content loss compares."""

    style_layers: tuple[str, ...] = ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1")
    """Layers whose statistics the style loss compares."""

    layer_weights: tuple[float, ...] | None = None
    """Share of each style layer; normalized. None: see `layers.default_share`."""

    init: str = "recolored"
    """Start: ``recolored`` (in the styles' colours), ``content``, ``noise``, or a path."""

    seed: int = 0
    """Seed of the initial noise; 0 or more."""

    optimizer: choices.Optimizer = "lbfgs"
    """The optimizer."""

    learning_rate: float | None = None
    """Factor of a step (L-BFGS), or its length in units of the optimized
    variable (Adam). None: `LBFGS_LEARNING_RATE` or `ADAM_LEARNING_RATE`."""

    preconditioning: float = 0.5
    """Exponent α of the frequency preconditioner: the initial one of each size
    for L-BFGS, which refines it; a constant one for Adam. 0: no preconditioner."""

    tolerance: float = 0.0
    """A size ends early if the loss fell by less than this in ten steps. 0: never."""

    history: tuple[str, ...] | None = None
    """What is done to the run meanwhile, and after how many steps, see `history`."""

    network: choices.Network = "vgg19"
    """The network whose features are compared."""

    weights: str = BUNDLED
    """``bundled``, ``torchvision`` (downloaded once), or the path of a file."""

    weights_layout: choices.WeightsLayout = "torchvision"
    """Layout of a weights file, see `vgg.checkpoints.LAYOUTS`; ignored for
    ``bundled`` and ``torchvision``."""

    pooling: choices.Pooling = "max"
    """Pooling of the network."""

    device: str = "auto"
    """``auto``, ``cpu``, ``cuda``, ``cuda:N`` or ``mps``."""

    precision: choices.Precision = "auto"
    """Number format of the convolutions. auto: bfloat16 where the processor
    computes it natively."""

    max_memory: str | None = None
    """Most memory of the whole process, such as ``4GB``. None: most of what is free."""

    threads: int | None = None
    """CPU threads. None: torch's default. The command sets them; callers of
    `stylize` use ``torch.set_num_threads``."""

    background: str = "white"
    """Colour behind transparent parts of the images: an sRGB colour by name or
    as #rrggbb. `stylize` takes images without transparency."""

    bits: choices.Bits = 8
    """Bits per channel of the saved result. `stylize` returns floats."""

    keep_metadata: bool = False
    """Whether the saved result gets the content's EXIF, including GPS, and XMP."""

    def __post_init__(self) -> None:
        """Refuse values of the wrong type, out of range, or in contradiction."""
        for name, hint in get_type_hints(type(self)).items():
            check_value(name, getattr(self, name), hint, _LIMITS.get(name, UNLIMITED))
        check_layers("content_layers", self.content_layers, self.network)
        check_layers("style_layers", self.style_layers, self.network)
        self._check_shares()
        check_colour("background", self.background)
        parse_regions(self.regions or ())
        parse_history(self.history or ())
        if self.max_memory is not None:
            to_bytes(self.max_memory)
        if self.weights == BUNDLED and self.network != "vgg19":
            raise ConfigError(
                f"the bundled weights are of vgg19, not {self.network}; "
                "use --weights torchvision or --weights FILE"
            )
        if self.content_weight == self.style_weight == self.tv_weight == 0:
            raise ConfigError("all three weights are 0: there is nothing to optimize")

    def _check_shares(self) -> None:
        if self.layer_weights is not None and len(self.layer_weights) != len(self.style_layers):
            raise ConfigError(
                f"layer_weights needs one number for each of the {len(self.style_layers)} "
                f"style layers, not {len(self.layer_weights)}"
            )
        for name in ("iterations", "layer_weights", "style_blend", "style_scale"):
            shares = getattr(self, name)
            if shares is not None and sum(shares) == 0:
                raise ConfigError(f"{name} must have at least one number above 0")

    def with_values(self, values: Mapping[str, Any]) -> Self:
        """Return a copy with some fields replaced, as a configuration file does.

        Args:
            values: New values by field name, converted by `coerce`.

        Raises:
            ConfigError: If a name is unknown or a value is refused.
        """
        hints = get_type_hints(type(self))
        for name in values:
            if name not in hints:
                raise ConfigError(f"unknown setting {quote(name)}; {suggest(name, hints)}")
        return replace(self, **{k: coerce(v, hints[k]) for k, v in values.items()})


def field_names() -> list[str]:
    """List the names of the settings, in the order of declaration."""
    return [field.name for field in fields(Settings)]


def expand_user(path: Path) -> Path:
    """Replace a leading ``~`` with the home folder.

    Returns:
        The path unchanged if a file of that name exists, or there is no such user.
    """
    if not str(path).startswith("~") or os.path.lexists(path):
        return path
    try:
        return path.expanduser()
    except RuntimeError:
        return path
