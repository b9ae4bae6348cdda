import dataclasses
import inspect
from pathlib import Path
from typing import Any

import pytest

from styletransfer.errors import ConfigError
from styletransfer.presets import preset_folder, presets
from styletransfer.settings import Settings, field_names, load_settings

NAN, INFINITY = float("nan"), float("inf")


def refusal(**values: Any) -> str:
    """The one line with which values are refused."""
    with pytest.raises(ConfigError) as caught:
        Settings(**values)
    message = str(caught.value)
    assert "\n" not in message
    return message


@pytest.mark.parametrize(
    ("field", "value", "rule"),
    [
        ("size", 0, "from 1 to 65535"),
        ("size", 65_536, "from 1 to 65535"),
        ("size", 512.0, "a whole number"),
        ("size", True, "a whole number"),
        ("size", "512", "a whole number or 'original'"),
        ("size", "Original", "a whole number or 'original'"),
        ("min_size", 0, "from 1 to 65535"),
        ("min_size", None, "a whole number"),
        ("iterations", (60, 0), "from 1 to 1e+06"),
        ("iterations", (-1,), "from 1 to 1e+06"),
        ("iterations", (1.5,), "a list of whole numbers"),
        ("iterations", 60, "a list of whole numbers"),
        ("content_weight", -1.0, "0 or more"),
        ("style_weight", INFINITY, "0 or more"),
        ("style_weight", NAN, "a number"),
        ("tv_weight", -1e-9, "0 or more"),
        ("tv_weight", NAN, "a number"),
        ("tv_weight", "much", "a number"),
        ("tv_weight", True, "a number"),
        ("tv_weight", None, "a number"),
        ("tv_form", "cubic", "one of isotropic, anisotropic, squared"),
        ("style_blend", (1.0, -1.0), "0 or more"),
        ("style_blend", (1.0, NAN), "a list of numbers"),
        ("style_blend", (1.0, INFINITY), "0 or more"),
        ("style_scale", 0.0, "from 0.05 to 20"),
        ("style_scale", 21, "from 0.05 to 20"),
        ("content_layers", "relu4_2", "a list of texts"),
        ("content_layers", (42,), "a list of texts"),
        ("layer_weights", (-1.0,) * 5, "0 or more"),
        ("init", None, "a text"),
        ("seed", -1, "from 0 to"),
        ("seed", 2**63, "from 0 to"),
        ("seed", 1.0, "a whole number"),
        ("optimizer", "sgd", "one of lbfgs, adam"),
        ("optimizer", ["lbfgs"], "one of lbfgs, adam"),
        ("learning_rate", 0.0, "from 1e-06 to 100"),
        ("learning_rate", "fast", "a number"),
        ("preconditioning", 2.1, "from 0 to 2"),
        ("preconditioning", -0.5, "from 0 to 2"),
        ("tolerance", 1.5, "from 0 to 1"),
        ("network", "resnet50", "one of vgg19, vgg16"),
        ("weights", 1, "a text"),
        ("weights_layout", "onnx", "one of torchvision, caffe, keras"),
        ("pooling", "min", "one of max, avg"),
        ("device", 0, "a text"),
        ("precision", "float16", "one of auto, float32, bfloat16"),
        ("background", "paper", "a colour such as white or #f5e6c8"),
        ("background", "", "a colour such as white or #f5e6c8"),
        ("background", "#ff000080", "a colour such as white or #f5e6c8"),
        ("background", 0, "a text"),
        ("bits", 12, "one of 8, 16"),
        ("bits", 16.0, "one of 8, 16"),
        ("bits", True, "one of 8, 16"),
        ("keep_metadata", 1, "true or false"),
        ("keep_metadata", "yes", "true or false"),
    ],
)
def test_a_refusal_names_the_field_the_rule_and_the_value(
    field: str, value: Any, rule: str
) -> None:
    message = refusal(**{field: value})
    items = value if isinstance(value, tuple) else (value,)
    assert message.startswith(f"{field} must be {rule}")
    assert any(f"not {shown!r}" in message for shown in (value, *items))


@pytest.mark.parametrize(
    ("values", "phrase"),
    [
        ({"iterations": ()}, "iterations must have at least one number"),
        ({"content_layers": ()}, "content_layers must name at least one layer"),
        ({"style_layers": ("relu9_9",)}, "style_layers: vgg19 has no layer 'relu9_9'"),
        ({"style_layers": ("relu1_1", "relu1_1")}, "style_layers names a layer twice"),
        ({"layer_weights": (1.0, 2.0)}, "one number for each of the 5 style layers, not 2"),
        ({"layer_weights": (0.0,) * 5}, "layer_weights must have at least one number above 0"),
        ({"style_blend": (0.0, 0.0)}, "style_blend must have at least one number above 0"),
        ({"style_blend": ()}, "style_blend must have at least one number above 0"),
        ({"network": "vgg16"}, "the bundled weights are of vgg19, not vgg16"),
        (
            {"content_weight": 0.0, "style_weight": 0.0, "tv_weight": 0.0},
            "all three weights are 0",
        ),
    ],
)
def test_values_at_odds_are_refused(values: dict[str, Any], phrase: str) -> None:
    assert phrase in refusal(**values)


@pytest.mark.parametrize("field", ["tv_weight", "seed", "size", "learning_rate"])
def test_a_number_beyond_every_float_is_refused(field: str) -> None:
    assert refusal(**{field: 10**400}).startswith(f"{field} must be")
    with pytest.raises(ConfigError, match=f"{field} must be"):
        Settings().with_values({field: 10**400})


def test_two_weights_may_be_0() -> None:
    assert Settings(content_weight=0, style_weight=0).tv_weight > 0


def test_the_other_network_is_taken_with_other_weights() -> None:
    assert Settings(network="vgg16", weights="torchvision").network == "vgg16"


def test_settings_are_frozen_and_taken_by_name_only() -> None:
    settings = Settings()
    with pytest.raises(dataclasses.FrozenInstanceError):
        settings.size = 1  # type: ignore[misc]  # the point of the test
    with pytest.raises(TypeError):
        Settings(512)  # type: ignore[call-arg]  # the point of the test


def test_every_setting_is_explained_under_its_field() -> None:
    source = inspect.getsource(Settings).splitlines()
    for name in field_names():
        at = next(i for i, line in enumerate(source) if line.startswith(f"    {name}: "))
        assert source[at + 1].startswith('    """'), name


# with_values


@pytest.mark.parametrize(
    ("field", "given", "held"),
    [
        ("iterations", [3, 4], (3, 4)),
        ("iterations", 7, (7,)),
        ("tv_weight", 3, 3.0),
        ("tv_weight", 0.5, 0.5),
        ("size", 300, 300),
        ("size", None, None),
        ("style_blend", [1, 2.5], (1.0, 2.5)),
        ("style_blend", 1, (1.0,)),
        ("style_blend", None, None),
        ("learning_rate", 1, 1.0),
        ("learning_rate", None, None),
        ("content_layers", "relu3_1", ("relu3_1",)),
        ("style_layers", ["relu3_1", "conv4_1"], ("relu3_1", "conv4_1")),
        ("layer_weights", [1, 0, 0, 0, 0], (1.0, 0.0, 0.0, 0.0, 0.0)),
        ("pooling", "avg", "avg"),
        ("size", "original", "original"),
        ("background", "#f5e6c8", "#f5e6c8"),
        ("bits", 16, 16),
        ("keep_metadata", True, True),
    ],
)
def test_a_value_is_read_as_what_its_field_holds(field: str, given: Any, held: Any) -> None:
    value = getattr(Settings().with_values({field: given}), field)
    assert value == held
    assert type(value) is type(held)
    if isinstance(held, tuple):
        assert [type(item) for item in value] == [type(item) for item in held]


def test_every_field_survives_the_way_through_its_values() -> None:
    settings = Settings(size=100, style_blend=(1.0, 2.0), learning_rate=0.5)
    assert Settings().with_values(dataclasses.asdict(settings)) == settings


@pytest.mark.parametrize(
    ("field", "given"),
    [("size", 1.5), ("tv_weight", "1"), ("iterations", [1.5]), ("init", 3), ("iterations", [])],
)
def test_what_does_not_fit_is_not_bent_to_fit(field: str, given: Any) -> None:
    with pytest.raises(ConfigError, match=f"{field} must"):
        Settings().with_values({field: given})


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("tv_wieght", "tv_weight"),
        ("tv-weight", "tv_weight"),
        ("styleweight", "style_weight"),
        ("iteration", "iterations"),
        ("layers_weights", "layer_weights"),
    ],
)
def test_an_unknown_name_is_answered_with_the_nearest(name: str, nearest: str) -> None:
    with pytest.raises(ConfigError, match=f"unknown setting '{name}'; did you mean '{nearest}'"):
        Settings().with_values({name: 1})


def test_a_name_like_no_other_is_answered_with_all() -> None:
    with pytest.raises(ConfigError) as caught:
        Settings().with_values({"zzz": 1})
    assert all(name in str(caught.value) for name in field_names())


# Files


def test_every_preset_loads() -> None:
    assert presets()
    for name in presets():
        assert isinstance(load_settings(name), Settings)


def test_every_preset_lies_in_the_folder_of_presets() -> None:
    assert [(preset_folder() / f"{name}.toml").is_file() for name in presets()]


def test_a_file_is_laid_over_the_defaults(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text("tv_weight = 3\niterations = [5, 6]\n", encoding="utf-8")
    expected = dataclasses.replace(Settings(), tv_weight=3.0, iterations=(5, 6))
    assert load_settings(str(path)) == expected


def test_a_file_is_laid_over_what_came_before(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text("tv_weight = 3\n", encoding="utf-8")
    base = Settings(tv_weight=7, style_weight=0.25)
    settings = load_settings(str(path), base)
    assert (settings.tv_weight, settings.style_weight) == (3, 0.25)


def test_values_are_laid_over_a_file(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text("tv_weight = 3\nstyle_weight = 4\n", encoding="utf-8")
    settings = load_settings(str(path)).with_values({"tv_weight": 5})
    assert (settings.tv_weight, settings.style_weight) == (5, 4)


def test_a_file_wins_over_the_preset_of_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path(presets()[0]).write_text("tv_weight = 0.125", encoding="utf-8")
    assert load_settings(presets()[0]).tv_weight == 0.125


@pytest.mark.parametrize(
    ("content", "phrase"),
    [
        (b"tv_weight = ", "is not a TOML configuration file"),
        (b"\xff\xfe", "is not a TOML configuration file"),
        (b"tv_weight = 1\ntv_weight = 2", "is not a TOML configuration file"),
        (b"tv_wieght = 1", "did you mean 'tv_weight'"),
        (b"tv_weight = -1", "tv_weight must be 0 or more, not -1"),
        (b"tv_weight = nan", "tv_weight must be a number, not nan"),
        (b"tv_weight = true", "tv_weight must be a number, not True"),
        (b"[tv]\nweight = 1", "unknown setting 'tv'"),
        (b"size = 1979-05-27", "size must be a whole number"),
    ],
)
def test_a_bad_file_is_refused_by_its_path(content: bytes, phrase: str, tmp_path: Path) -> None:
    path = tmp_path / "bad.toml"
    path.write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        load_settings(str(path))
    message = str(caught.value)
    assert message.startswith(str(path))
    assert phrase in message
    assert "\n" not in message


@pytest.mark.parametrize("name", ["nowhere.toml", "no_such_preset", "", "."])
def test_a_configuration_that_is_not_there_is_answered_with_the_presets(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError) as caught:
        load_settings(name)
    assert repr(name) in str(caught.value)
    assert all(preset in str(caught.value) for preset in presets())
