"""From a configuration and a command line to the settings of a run."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from styletransfer.errors import ConfigError
from styletransfer.images.provenance import is_picture, read_record
from styletransfer.presets import load_settings
from styletransfer.settings import BUNDLED, Settings, expand_user

INITS = ("content", "noise")
"""What painting may start from, beside a picture file."""

INEFFECTIVE: Mapping[str, tuple[Callable[[Settings], bool], str]] = {
    "seed": (lambda s: s.init != "noise", "--init is not noise"),
    "tv_form": (lambda s: s.tv_weight == 0, "--tv-weight is 0"),
    "content_layers": (lambda s: s.content_weight == 0, "--content-weight is 0"),
    "style_layers": (lambda s: s.style_weight == 0, "--style-weight is 0"),
    "layer_weights": (lambda s: s.style_weight == 0, "--style-weight is 0"),
    "style_scale": (lambda s: s.style_weight == 0, "--style-weight is 0"),
    "style_blend": (lambda s: s.style_weight == 0, "--style-weight is 0"),
    "weights_layout": (
        lambda s: s.weights in {BUNDLED, "torchvision"},
        "--weights is not a file",
    ),
}
"""When an option does nothing, and why."""


def settings_from(config: str | None, given: Mapping[str, Any], styles: int) -> Settings:
    """Lay a command line over a configuration over the defaults.

    Args:
        config: A TOML file, the name of a preset, or a picture that the
            command saved before.
        given: What the command line says, by field of `Settings`; None where
            it says nothing.
        styles: How many style pictures there are.

    Returns:
        The settings.

    Raises:
        ConfigError: If a value is refused, or an option would do nothing.
    """
    (settings,) = settings_of_each(config, [given], styles)
    return settings


def settings_of_each(
    config: str | None, given: Sequence[Mapping[str, Any]], styles: int
) -> list[Settings]:
    """Lay several command lines, each for itself, over a configuration over the defaults.

    Args:
        config: As in `settings_from`.
        given: Each as in `settings_from`; they say something of the same fields.
        styles: How many style pictures there are.

    Returns:
        The settings, in the order of the command lines.

    Raises:
        ConfigError: If a value is refused, or an option would do nothing in
            any of them.
    """
    base = _base(config)
    values = [{name: value for name, value in each.items() if value is not None} for each in given]
    settings = [base.with_values(each) for each in values]
    for name, (idle, reason) in INEFFECTIVE.items():
        if name in values[0] and all(idle(each) for each in settings):
            raise ConfigError(f"--{name.replace('_', '-')} has no effect: {reason}")
    blend = settings[0].style_blend
    if blend is not None and len(blend) != styles:
        raise ConfigError(
            f"--style-blend needs one number for each of the {styles} styles, not {len(blend)}"
        )
    return settings


def refuse_for_folder(folder: Path, given: Mapping[str, Any]) -> None:
    """Refuse options that are for a single picture.

    Args:
        folder: Given as CONTENT.
        given: Values by option; None where it was not given.

    Raises:
        ConfigError: If one was.
    """
    for flag in (flag for flag, value in given.items() if value is not None):
        raise ConfigError(
            f"{flag} is for one picture, and {folder} is a folder; "
            f"run its pictures one by one, each with a {flag} of its own"
        )


def shown(value: Any) -> str:
    """Write the value of a setting for people: 2 for 2.0, and a list with commas."""
    if isinstance(value, tuple):
        return ", ".join(map(shown, value))
    if isinstance(value, bool):
        return "on" if value else "off"
    return repr(value).removesuffix(".0") if isinstance(value, float) else str(value)


def _base(config: str | None) -> Settings:
    if config is None:
        return Settings()
    path = expand_user(Path(config))
    return Settings().with_values(read_record(path)) if is_picture(path) else load_settings(config)


def init_file(settings: Settings) -> Path | None:
    """The picture that painting starts from, if it is a file."""
    return None if settings.init in INITS else expand_user(Path(settings.init))
