import dataclasses
from pathlib import Path

import pytest

from styletransfer.errors import ConfigError
from styletransfer.presets import load_settings, preset_folder, presets
from styletransfer.settings import Settings


def test_every_preset_loads() -> None:
    assert presets()
    for name in presets():
        assert isinstance(load_settings(name), Settings)


def test_every_preset_is_a_file_in_the_preset_folder() -> None:
    assert [(preset_folder() / f"{name}.toml").is_file() for name in presets()]


def test_a_file_overrides_the_defaults(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text("tv_weight = 3\niterations = [5, 6]\n", encoding="utf-8")
    expected = dataclasses.replace(Settings(), tv_weight=3.0, iterations=(5, 6))
    assert load_settings(path) == load_settings(str(path)) == expected


def test_a_file_overrides_the_base_settings(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text("tv_weight = 3\n", encoding="utf-8")
    base = Settings(tv_weight=7, style_weight=0.25)
    settings = load_settings(str(path), base)
    assert (settings.tv_weight, settings.style_weight) == (3, 0.25)


def test_values_override_a_file(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text("tv_weight = 3\nstyle_weight = 4\n", encoding="utf-8")
    settings = load_settings(str(path)).with_values({"tv_weight": 5})
    assert (settings.tv_weight, settings.style_weight) == (5, 4)


def test_a_file_is_preferred_to_a_preset_of_the_same_name(
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
        (b"size = " + b"[" * 20_000, "is not a TOML configuration file: maximum recursion"),
        (b"size = " + b"{a=" * 20_000, "is not a TOML configuration file: maximum recursion"),
        (b"size = " + b"[" * 200 + b"]" * 200, "size must be a whole number"),
        (b"size = " + b"9" * 5000, "is not a TOML configuration file: Exceeds the limit"),
        (b"seed = 0x" + b"f" * 5000, "not a number of thousands of digits"),
        (b"style_blend = [0x" + b"f" * 5000 + b"]", "style_blend must be"),
        (b"iterations = [0x" + b"f" * 5000 + b"]", "not a number of thousands of digits"),
        (b'init = "a\\u0000.png"', "init must be text without control characters"),
        (b'weights = "a\\u0000.pth"', "weights must be text without control characters"),
        (b"#" * (1 << 20) + b"\n", "it is larger than 1 MB"),
    ],
    ids=lambda value: repr(value[:40]),
)
def test_an_invalid_file_is_refused_with_its_path(
    content: bytes, phrase: str, tmp_path: Path
) -> None:
    path = tmp_path / "bad.toml"
    path.write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        load_settings(str(path))
    message = str(caught.value)
    assert message.startswith(str(path))
    assert phrase in message
    assert "\n" not in message
    assert len(message) < len(str(path)) + 400


@pytest.mark.parametrize("name", ["nowhere.toml", "no_such_preset", "", "."])
def test_the_message_about_a_missing_configuration_lists_the_presets(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError) as caught:
        load_settings(name)
    assert repr(name) in str(caught.value)
    assert all(preset in str(caught.value) for preset in presets())
