import json
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from styletransfer.config import Settings
from styletransfer.errors import ConfigError
from styletransfer.images import save_image, to_tensor
from styletransfer.record import KEYWORD, is_picture, read_record, record
from styletransfer.usage import settings_from

RUNS = [
    Settings(),
    Settings(size=77, iterations=(3, 2), tv_weight=0.125, style_blend=(1.0, 3.0)),
    Settings(init="noise", seed=2**62, optimizer="adam", learning_rate=0.1, precision="float32"),
]


def saved(path: Path, text: dict[str, str]) -> Path:
    save_image(to_tensor(Image.new("RGB", (4, 3), "teal")), path, text=text)
    return path


@pytest.mark.parametrize("settings", RUNS)
def test_the_settings_of_a_result_are_read_back_as_they_were(
    settings: Settings, tmp_path: Path
) -> None:
    path = saved(tmp_path / "out.png", record(settings))
    assert Settings().with_values(read_record(path)) == settings


def test_a_result_serves_as_the_configuration_and_options_win(tmp_path: Path) -> None:
    settings = Settings(size=77, tv_weight=0.125)
    path = saved(tmp_path / "out.png", record(settings))
    assert settings_from(str(path), {"size": None}, 1) == settings
    assert settings_from(str(path), {"size": 99}, 1) == replace(settings, size=99)


def test_the_record_names_the_versions() -> None:
    versions = json.loads(record(Settings())[KEYWORD])["versions"]
    assert set(versions) == {"stylize", "torch", "torchvision", "pillow"}


@pytest.mark.parametrize(
    "text",
    [{}, {KEYWORD: "no json"}, {KEYWORD: "[]"}, {KEYWORD: "{}"}, {KEYWORD: '{"settings": 1}'}],
)
def test_a_picture_without_settings_is_refused_by_name(
    text: dict[str, str], tmp_path: Path
) -> None:
    path = saved(tmp_path / "out.png", text)
    with pytest.raises(ConfigError, match=r"out\.png carries no settings"):
        read_record(path)


def test_a_picture_too_large_to_decode_is_refused_in_the_same_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = saved(tmp_path / "out.png", record(Settings()))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 5)
    with pytest.raises(ConfigError, match=r"out\.png carries no settings"):
        read_record(path)


def test_a_picture_is_told_by_its_content(tmp_path: Path) -> None:
    path = saved(tmp_path / "out.png", {})
    assert is_picture(path.rename(tmp_path / "out.toml"))
    assert not is_picture(tmp_path / "none.png")
