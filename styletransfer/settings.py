"""The settings of a run, their defaults, and the files that hold them."""

import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal, Self, get_type_hints

from PIL import ImageColor

from styletransfer.errors import ConfigError
from styletransfer.layers import check_layers
from styletransfer.presets import preset_folder, presets
from styletransfer.runs.paths import expand_user
from styletransfer.validation import ANY, check_value, coerce

DEFAULT_SIZE = 512
"""Longest side in pixels where no size is asked for."""

BUNDLED = "bundled"
"""The name of the weights that come with the package."""

_RANGES: Mapping[str, tuple[float, float]] = {
    "size": (1, 65_535),
    "min_size": (1, 65_535),
    "iterations": (1, 1_000_000),
    "content_weight": (0, math.inf),
    "style_weight": (0, math.inf),
    "tv_weight": (0, math.inf),
    "layer_weights": (0, math.inf),
    "style_blend": (0, math.inf),
    "style_scale": (0.05, 20),
    "learning_rate": (1e-6, 100),
    "preconditioning": (0, 2),
    "tolerance": (0, 1),
    "seed": (0, 2**63 - 1),
    "threads": (1, 1024),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """Everything that decides the picture, apart from the pictures.

    Raises:
        ConfigError: If a value is of the wrong kind or out of its range.

    Example:
        >>> Settings(tv_weight=0.3).tv_weight
        0.3
    """

    size: int | Literal["original"] | None = None
    """Longest side of the result in pixels; ``original``: the content's own.
    None: 512, or the content's own if that is less, so that no picture is
    enlarged unasked."""

    min_size: int = 128
    """Longest side of the first, smallest size of the pyramid, in pixels."""

    iterations: tuple[int, ...] = (40, 20, 30)
    """Optimizer steps at each size, smallest first; the last number serves all
    further sizes."""

    content_weight: float = 1.0
    """Factor of the content term; 0 and up."""

    style_weight: float = 5.0
    """Factor of the style term; 0 and up."""

    tv_weight: float = 2.0
    """Factor of the total variation term; 0 and up, 0 is the run without it."""

    tv_form: Literal["isotropic", "anisotropic", "squared"] = "isotropic"
    """How neighbouring differences are summed: √(dx² + dy²), |dx| + |dy|, or
    dx² + dy²."""

    style_blend: tuple[float, ...] | None = None
    """Share of each style picture; normalized to sum to 1. None: equal."""

    style_scale: float = 1.0
    """Longest side of the style, as a multiple of the current size."""

    content_layers: tuple[str, ...] = ("relu4_2",)
    """Layers whose activations hold what the picture shows."""

    style_layers: tuple[str, ...] = ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1")
    """Layers whose Gram matrices hold the painter's manner."""

    layer_weights: tuple[float, ...] | None = None
    """Share of each style layer; normalized to sum to 1. None: equal, but a
    fifth of that in the fifth block, whose large shapes are not wanted."""

    init: str = "content"
    """What the first size starts from: ``content``, ``noise``, or the path of
    a picture."""

    seed: int = 0
    """Seed of the noise; 0 and up."""

    optimizer: Literal["lbfgs", "adam"] = "lbfgs"
    """What moves the image."""

    learning_rate: float | None = None
    """Length of a step as a factor (L-BFGS) or in units of the optimized
    variable (Adam). None: 1 for L-BFGS, 0.02 for Adam."""

    preconditioning: float = 0.5
    """Exponent α of the frequency preconditioner that L-BFGS begins with at each
    size, and improves on; for Adam, of one that stays. 0 optimizes plain pixels."""

    tolerance: float = 0.0
    """A size ends early when the loss fell by less than this share over the
    last ten steps; 0 never ends early."""

    network: Literal["vgg19", "vgg16"] = "vgg19"
    """The network whose features are compared."""

    weights: str = BUNDLED
    """``bundled``, ``torchvision`` (downloaded once), or a file."""

    weights_layout: Literal["torchvision", "caffe", "keras"] = "torchvision"
    """How a weights file is laid out; says nothing of the other two."""

    pooling: Literal["max", "avg"] = "max"
    """How the network halves its resolution."""

    device: str = "auto"
    """``auto``, ``cpu``, ``cuda``, ``cuda:N`` or ``mps``."""

    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    """Number format of the convolutions. auto: bfloat16 where the processor
    computes it natively."""

    threads: int | None = None
    """Threads of the processor. None: one for each core. The command sets
    them; a caller of `stylize` calls ``torch.set_num_threads``."""

    background: str = "white"
    """What transparent parts of any picture are laid on: an sRGB colour by
    name or as #rrggbb. For files; `stylize()` is given images without."""

    bits: Literal[8, 16] = 8
    """Bits of each channel of the saved result. `stylize()` returns floats."""

    keep_metadata: bool = False
    """Whether the saved result takes over the content's EXIF and XMP, its
    place included. Means nothing to `stylize()`."""

    def __post_init__(self) -> None:
        """Refuse a value of the wrong kind, out of range, or at odds."""
        for name, hint in get_type_hints(type(self)).items():
            check_value(name, getattr(self, name), hint, _RANGES.get(name, ANY))
        check_layers("content_layers", self.content_layers, self.network)
        check_layers("style_layers", self.style_layers, self.network)
        self._check_shares()
        _check_colour("background", self.background)
        if self.weights == BUNDLED and self.network != "vgg19":
            raise ConfigError(
                f"the bundled weights are of vgg19, not {self.network}; "
                "use --weights torchvision or --weights FILE"
            )
        if self.content_weight == self.style_weight == self.tv_weight == 0:
            raise ConfigError("all three weights are 0: nothing is left to optimize")

    def _check_shares(self) -> None:
        if self.layer_weights is not None and len(self.layer_weights) != len(self.style_layers):
            raise ConfigError(
                f"layer_weights needs one number for each of the {len(self.style_layers)} "
                f"style layers, not {len(self.layer_weights)}"
            )
        for name in ("iterations", "layer_weights", "style_blend"):
            shares = getattr(self, name)
            if shares is not None and sum(shares) == 0:
                raise ConfigError(f"{name} must have at least one number above 0")

    def with_values(self, values: Mapping[str, Any]) -> Self:
        """Replace fields by name, as a configuration file or a command line does.

        Args:
            values: New values by field name; lists are taken as tuples, whole
                numbers as floats, and one number where a list may stand.

        Returns:
            The new settings.

        Raises:
            ConfigError: If a name is unknown or a value is refused.
        """
        hints = get_type_hints(type(self))
        for name in values:
            if name not in hints:
                raise ConfigError(f"unknown setting {name!r}{_nearest(name, hints)}")
        return replace(self, **{k: coerce(v, hints[k]) for k, v in values.items()})


def load_settings(name: str, base: Settings | None = None) -> Settings:
    """Read settings from a TOML file or a preset.

    Args:
        name: The path of a file, or the name of a preset; a file wins.
        base: What the file's values are laid over; None: the defaults.

    Returns:
        The settings.

    Raises:
        ConfigError: If there is no such file, or it is not what it should be.
    """
    path = expand_user(Path(name))
    if not path.is_file():
        path = preset_folder() / f"{name}.toml"
    if not path.is_file():
        known = ", ".join(presets())
        raise ConfigError(f"no configuration file or preset {name!r}; presets are {known}")
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"{path} is not a TOML configuration file: {error}") from error
    try:
        return (base or Settings()).with_values(values)
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from error


def field_names() -> list[str]:
    """Name the settings, in the order of their declaration."""
    return [field.name for field in fields(Settings)]


def _nearest(name: str, known: Mapping[str, Any]) -> str:
    matches = get_close_matches(name.replace("-", "_"), known, n=1, cutoff=0.5)
    return f"; did you mean {matches[0]!r}?" if matches else f"; known are {', '.join(known)}"


def _check_colour(name: str, value: str) -> None:
    try:
        opaque = len(ImageColor.getrgb(value)) == 3
    except ValueError:
        opaque = False
    if not opaque:
        raise ConfigError(f"{name} must be a colour such as white or #f5e6c8, not {value!r}")
