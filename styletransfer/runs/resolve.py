"""The settings of a run, from a configuration and the command line."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from styletransfer.errors import ConfigError
from styletransfer.images.provenance import is_picture, read_record
from styletransfer.option_text import option_name
from styletransfer.presets import load_settings
from styletransfer.settings import BUNDLED, Settings, expand_user

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from styletransfer.runs.jobs import Request

_NAMED_WEIGHTS = (BUNDLED, "torchvision")

INITS = ("recolored", "content", "noise")
"""The values of ``init`` that are not the path of a picture."""

INEFFECTIVE: Mapping[str, tuple[Callable[[Settings], bool], str]] = {
    "seed": (lambda s: s.init != "noise", "--init is not noise"),
    "tv_form": (lambda s: s.tv_weight == 0, "--tv-weight is 0"),
    "content_layers": (lambda s: s.content_weight == 0, "--content-weight is 0"),
    "style_form": (lambda s: s.style_weight == 0, "--style-weight is 0"),
    "style_layers": (lambda s: s.style_weight == 0, "--style-weight is 0"),
    "layer_weights": (lambda s: s.style_weight == 0, "--style-weight is 0"),
    "style_scale": (lambda s: s.style_weight == 0, "--style-weight is 0"),
    "style_blend": (lambda s: s.style_weight == 0, "--style-weight is 0"),
    "style_mask": (lambda s: s.style_weight == 0, "--style-weight is 0"),
    "regions": (lambda s: s.content_mask is None, "there is no --content-mask"),
    "detail": (lambda s: s.content_weight == 0, "--content-weight is 0"),
    "weights_layout": (
        lambda s: s.weights in _NAMED_WEIGHTS,
        "--weights is not a file",
    ),
}
"""By setting: when it has no effect, and the reason."""


def settings_of_each(
    config: str | None, given: Sequence[Mapping[str, Any]], styles: int
) -> list[Settings]:
    """Apply a configuration and each of several command lines to the default settings.

    A sweep has a command line for each of its weights, any other request has one.

    Args:
        config: A TOML file, the name of a preset, or a picture that the
            command saved. None: no configuration.
        given: For each command line, its values by field of `Settings`, which
            win over the configuration; None where an option is not given. All
            give the same options.
        styles: Number of style pictures.

    Returns:
        The settings, in the order of the command lines.

    Raises:
        ConfigError: If a value is refused, or an option would have no effect in
            any of them.
    """
    base = _base(config)
    values = [{name: value for name, value in each.items() if value is not None} for each in given]
    settings = [base.with_values(each) for each in values]
    for name, (has_no_effect, reason) in INEFFECTIVE.items():
        if name in values[0] and all(map(has_no_effect, settings)):
            raise ConfigError(f"{option_name(name)} has no effect: {reason}")
    blend, masks = settings[0].style_blend, settings[0].style_mask
    for option, one, each in (("--style-blend", "number", blend), ("--style-mask", "mask", masks)):
        if each is not None and len(each) != styles:
            raise ConfigError(
                f"{option} needs one {one} for each of the {styles} styles, not {len(each)}"
            )
    return settings


def refuse_for_folder(folder: Path, given: Mapping[str, Any]) -> None:
    """Refuse options that need a single content picture.

    Args:
        folder: The content.
        given: Values by option; None where it is not given.

    Raises:
        ConfigError: If one is given.
    """
    for option in (option for option, value in given.items() if value is not None):
        raise ConfigError(
            f"{option} needs a single content picture, but {folder} is a folder; "
            f"run its pictures one by one, each with its own {option}"
        )


def refuse_for_stdout(request: Request, given: Mapping[str, Any]) -> None:
    """Refuse what needs results in files, if the result goes to standard output.

    Args:
        request: What is asked for.
        given: Values of further options; None or False where one is not given.

    Raises:
        ConfigError: If something is refused.
    """
    wanted = {
        "a folder as CONTENT": request.is_folder,
        "a list of weights": request.sweep,
        "--skip-existing": request.skip_existing,
        "--save-every": request.save_every,
        **given,
    }
    for name in (name for name, value in wanted.items() if value not in (None, False)):
        raise ConfigError(
            f"{name} needs results in files, but -o - writes to standard output; "
            "name an output file or folder"
        )


def init_file(settings: Settings) -> Path | None:
    """Return the picture to start from; None if ``init`` is not a file."""
    return None if settings.init in INITS else expand_user(Path(settings.init))


def weights_file(settings: Settings) -> Path | None:
    """Return the file of the network's weights; None if it is not one of the user."""
    named = settings.weights in _NAMED_WEIGHTS
    return None if named else expand_user(Path(settings.weights))


def config_file(config: str | None) -> Path | None:
    """Return the file that settings are read from; None if there is none, or it is a preset."""
    path = None if config is None else expand_user(Path(config))
    return path if path is not None and path.is_file() else None


def _base(config: str | None) -> Settings:
    if config is None:
        return Settings()
    path = expand_user(Path(config))
    return Settings().with_values(read_record(path)) if is_picture(path) else load_settings(config)
