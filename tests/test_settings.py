import dataclasses
import inspect
import os
from pathlib import Path
from typing import Any

import pytest

from styletransfer.errors import ConfigError
from styletransfer.settings import Settings, expand_user, field_names
from styletransfer.validation import to_bytes

NAN, INFINITY = float("nan"), float("inf")


def refusal(**values: Any) -> str:
    """The message of the error that the values raise; checked to be one line."""
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
        ("style_scale", (0.0,), "from 0.05 to 20"),
        ("style_scale", (1.0, 21), "from 0.05 to 20"),
        ("content_layers", "relu4_2", "a list of strings"),
        ("content_layers", (42,), "a list of strings"),
        ("layer_weights", (-1.0,) * 5, "0 or more"),
        ("init", None, "a string"),
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
        ("weights", 1, "a string"),
        ("weights_layout", "onnx", "one of torchvision, caffe"),
        ("pooling", "min", "one of max, avg"),
        ("device", 0, "a string"),
        ("precision", "float16", "one of auto, float32, bfloat16"),
        ("background", "paper", "a colour such as white or #f5e6c8"),
        ("background", "", "a colour such as white or #f5e6c8"),
        ("background", "#ff000080", "a colour such as white or #f5e6c8"),
        ("background", 0, "a string"),
        ("max_memory", "4", "like 4GB or 800MB"),
        ("max_memory", "", "like 4GB or 800MB"),
        ("max_memory", 4_000_000_000, "a string"),
        ("bits", 12, "one of 8, 16"),
        ("bits", 16.0, "one of 8, 16"),
        ("bits", True, "one of 8, 16"),
        ("keep_metadata", 1, "true or false"),
        ("keep_metadata", "yes", "true or false"),
    ],
)
def test_an_invalid_value_is_refused_with_field_rule_and_value(
    field: str, value: Any, rule: str
) -> None:
    message = refusal(**{field: value})
    items = value if isinstance(value, tuple) else (value,)
    assert message.startswith(f"{field} must be {rule}")
    assert any(f"not {item!r}" in message for item in (value, *items))


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
def test_contradicting_values_are_refused(values: dict[str, Any], phrase: str) -> None:
    assert phrase in refusal(**values)


@pytest.mark.parametrize("field", ["tv_weight", "seed", "size", "learning_rate"])
def test_an_integer_too_large_for_a_float_is_refused(field: str) -> None:
    assert refusal(**{field: 10**400}).startswith(f"{field} must be")
    with pytest.raises(ConfigError, match=f"{field} must be"):
        Settings().with_values({field: 10**400})


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("800MB", 800_000_000),
        ("4GB", 4_000_000_000),
        ("0.5 GB", 500_000_000),
        ("1MiB", 2**20),
        (" 2gib ", 2**31),
        ("0MB", 0),
    ],
)
def test_an_amount_of_memory_is_a_number_and_a_unit(text: str, size: int) -> None:
    assert to_bytes(text) == size


@pytest.mark.parametrize(
    "text", ["", "4", "GB", "4 TB", "-1GB", "1e3MB", "1.GB", "nanGB", "4GB ram"]
)
def test_what_is_no_amount_of_memory_is_refused(text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        to_bytes(text)
    assert str(caught.value) == f"max_memory must be like 4GB or 800MB, not {text!r}"


@pytest.mark.parametrize("field", ["init", "weights", "device", "background"])
@pytest.mark.parametrize("text", ["a\0.png", "\ud800.png"])
def test_text_that_cannot_be_a_path_is_refused(field: str, text: str) -> None:
    assert refusal(**{field: text}) == (
        f"{field} must be text without control characters, not {text!r}"
    )


def test_a_name_that_is_no_valid_text_may_be_a_path() -> None:
    assert Settings(init=os.fsdecode(b"\xff.png")).init == "\udcff.png"


@pytest.mark.parametrize(
    "values",
    [
        {"tv_form": "x" * 5000},
        {"size": "x" * 5000},
        {"background": "x" * 5000},
        {"style_layers": ("x" * 5000,)},
        {"iterations": (1,) * 5000 + (0.5,)},
        {"seed": 10**5000},
        {"seed": -(10**4000)},
    ],
)
def test_a_message_quotes_200_characters_at_most(values: dict[str, Any]) -> None:
    assert len(refusal(**values)) < 400


def test_an_unknown_setting_is_quoted_briefly() -> None:
    with pytest.raises(ConfigError, match="unknown setting 'xxx") as caught:
        Settings().with_values({"x" * 1_000_000: 1})
    assert len(str(caught.value)) < 800


def test_two_of_the_three_weights_may_be_0() -> None:
    assert Settings(content_weight=0, style_weight=0).tv_weight > 0


def test_vgg16_is_accepted_with_weights_that_are_not_bundled() -> None:
    assert Settings(network="vgg16", weights="torchvision").network == "vgg16"


def test_settings_are_frozen_and_keyword_only() -> None:
    settings = Settings()
    with pytest.raises(dataclasses.FrozenInstanceError):
        settings.size = 1  # type: ignore[misc]  # the point of the test
    with pytest.raises(TypeError):
        Settings(512)  # type: ignore[call-arg]  # the point of the test


def test_every_setting_has_a_docstring() -> None:
    source = inspect.getsource(Settings).splitlines()
    for name in field_names():
        at = next(i for i, line in enumerate(source) if line.startswith(f"    {name}: "))
        assert source[at + 1].startswith('    """'), name


@pytest.mark.parametrize(
    ("field", "given", "expected"),
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
def test_with_values_converts_a_value_to_the_type_of_its_field(
    field: str, given: Any, expected: Any
) -> None:
    value = getattr(Settings().with_values({field: given}), field)
    assert value == expected
    assert type(value) is type(expected)
    if isinstance(expected, tuple):
        assert [type(item) for item in value] == [type(item) for item in expected]


def test_settings_can_be_rebuilt_from_their_values() -> None:
    settings = Settings(size=100, style_blend=(1.0, 2.0), learning_rate=0.5)
    assert Settings().with_values(dataclasses.asdict(settings)) == settings


@pytest.mark.parametrize(
    ("field", "given"),
    [("size", 1.5), ("tv_weight", "1"), ("iterations", [1.5]), ("init", 3), ("iterations", [])],
)
def test_with_values_refuses_a_value_of_another_type(field: str, given: Any) -> None:
    with pytest.raises(ConfigError, match=f"{field} must"):
        Settings().with_values({field: given})


@pytest.mark.parametrize(
    ("name", "closest"),
    [
        ("tv_wieght", "tv_weight"),
        ("tv-weight", "tv_weight"),
        ("styleweight", "style_weight"),
        ("iteration", "iterations"),
        ("layers_weights", "layer_weights"),
    ],
)
def test_the_message_about_an_unknown_name_suggests_the_closest(name: str, closest: str) -> None:
    with pytest.raises(ConfigError, match=f"unknown setting '{name}'; did you mean '{closest}'"):
        Settings().with_values({name: 1})


def test_the_message_about_a_name_without_a_close_one_lists_twenty() -> None:
    with pytest.raises(ConfigError) as caught:
        Settings().with_values({"zzz": 1})
    assert str(caught.value).endswith(f"known are {', '.join(field_names()[:20])} and more")


def test_a_tilde_is_the_home_folder_unless_a_file_has_that_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    assert expand_user(Path("~/photo.jpg")) == tmp_path / "home" / "photo.jpg"
    Path("~").mkdir()
    Path("~/photo.jpg").touch()
    assert expand_user(Path("~/photo.jpg")) == Path("~/photo.jpg")


@pytest.mark.parametrize("name", ["photo.jpg", "photo~", "in/~/photo.jpg", "~no-such-user/x.jpg"])
def test_a_path_without_a_home_folder_is_unchanged(name: str) -> None:
    assert expand_user(Path(name)) == Path(name)
