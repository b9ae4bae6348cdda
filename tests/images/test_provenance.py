import json
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import ExifTags, Image

from styletransfer import __version__
from styletransfer.errors import ConfigError
from styletransfer.images.provenance import (
    _PICTURE,
    KEYWORD,
    is_picture,
    read_record,
    record,
    sheet_record,
)
from styletransfer.images.tensors import OUTPUT_SUFFIXES, save_image, to_tensor
from styletransfer.settings import Settings
from tests.support.settings import settings_from

RUNS = [
    Settings(),
    Settings(size=77, iterations=(3, 2), tv_weight=0.125, style_blend=(1.0, 3.0)),
    Settings(init="noise", seed=2**62, optimizer="adam", learning_rate=0.1, precision="float32"),
    Settings(size="original", background="#f5e6c8", bits=16, keep_metadata=True),
    Settings(init="Bilder/日本 \udcff.png", weights="é.pth"),
]


KINDS = [(suffix, 8) for suffix in OUTPUT_SUFFIXES] + [(".png", 16), (".tif", 16)]


def saved(path: Path, text: dict[str, str], bits: int = 8) -> Path:
    save_image(to_tensor(Image.new("RGB", (4, 3), "teal")), path, text=text, bits=bits)
    return path


@pytest.mark.parametrize(("suffix", "bits"), KINDS)
@pytest.mark.parametrize("settings", RUNS)
def test_the_settings_of_a_result_are_read_back_unchanged(
    settings: Settings, suffix: str, bits: int, tmp_path: Path
) -> None:
    path = saved(tmp_path / f"out{suffix}", record(settings), bits)
    assert Settings().with_values(read_record(path)) == settings


@pytest.mark.parametrize(("suffix", "bits"), KINDS)
def test_a_result_replaces_the_configuration_file_and_options_override_it(
    suffix: str, bits: int, tmp_path: Path
) -> None:
    settings = Settings(size=77, tv_weight=0.125)
    path = saved(tmp_path / f"out{suffix}", record(settings), bits).rename(tmp_path / "result")
    assert settings_from(str(path), {"size": None}, 1) == settings
    assert settings_from(str(path), {"size": 99}, 1) == replace(settings, size=99)


@pytest.mark.parametrize("suffix", [".jpg", ".webp", ".tif"])
def test_formats_other_than_png_store_the_record_in_exif(suffix: str, tmp_path: Path) -> None:
    text = record(RUNS[-1])
    with Image.open(saved(tmp_path / f"out{suffix}", text)) as picture:
        exif = picture.getexif()
        assert exif[ExifTags.Base.Software] == f"stylize {__version__}"
        comment = exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.UserComment]
    assert comment == b"ASCII\0\0\0" + text[KEYWORD].encode("ascii")


@pytest.mark.parametrize("suffix", OUTPUT_SUFFIXES)
def test_a_contact_sheet_is_refused_with_the_names_of_its_pictures(
    suffix: str, tmp_path: Path
) -> None:
    names = [f"日本-tv{value}{suffix}" for value in ("0", "0.3")]
    path = saved(tmp_path / f"日本{suffix}", sheet_record(names))
    with pytest.raises(ConfigError) as caught:
        settings_from(str(path), {}, 1)
    assert str(caught.value) == (
        f"{path}: this is a contact sheet; use one of its pictures: "
        f"{tmp_path / names[0]}, {tmp_path / names[1]}"
    )


@pytest.mark.parametrize("words", ['{"sheet": 1}', '{"sheet": ["a/b"]}', '["sheet"]', '"sheet"'])
def test_a_damaged_record_of_a_sheet_is_refused(words: str, tmp_path: Path) -> None:
    path = saved(tmp_path / "out.png", {KEYWORD: words})
    with pytest.raises(ConfigError, match="no settings in this picture"):
        read_record(path)


def test_the_record_contains_the_versions_of_the_libraries() -> None:
    versions = json.loads(record(Settings())[KEYWORD])["versions"]
    assert set(versions) == {"stylize", "torch", "torchvision", "pillow"}


@pytest.mark.parametrize("suffix", OUTPUT_SUFFIXES)
@pytest.mark.parametrize(
    "text",
    [
        {},
        {"Software": "another"},
        {KEYWORD: "no json"},
        {KEYWORD: "kein Jäson"},
        {KEYWORD: "[" * 10_000},
        {KEYWORD: "[]"},
        {KEYWORD: "{}"},
        {KEYWORD: '{"settings": 1}'},
    ],
    ids=str,
)
def test_a_picture_without_settings_is_refused_by_name(
    suffix: str, text: dict[str, str], tmp_path: Path
) -> None:
    path = saved(tmp_path / f"out{suffix}", text)
    with pytest.raises(ConfigError) as caught:
        read_record(path)
    line = f"{path}: no settings in this picture; use one that stylize saved"
    assert str(caught.value) == line


@pytest.mark.parametrize("suffix", OUTPUT_SUFFIXES)
@pytest.mark.parametrize("limit", [5, 10], ids=["error by Pillow", "warning by Pillow"])
def test_a_picture_near_the_pixel_limit_is_read_and_one_above_it_refused(
    suffix: str, limit: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = saved(tmp_path / f"out{suffix}", record(Settings(size=77)))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", limit)
    if limit == 5:
        with pytest.raises(ConfigError, match="no settings in this picture"):
            read_record(path)
    else:
        assert read_record(path)["size"] == 77


@pytest.mark.parametrize(("suffix", "bits"), KINDS)
def test_a_truncated_picture_gives_its_settings_or_is_refused(
    suffix: str, bits: int, tmp_path: Path
) -> None:
    path = saved(tmp_path / f"out{suffix}", record(Settings(size=77)), bits)
    whole = path.read_bytes()
    for length in range(0, len(whole), 7):
        path.write_bytes(whole[:length])
        try:
            assert read_record(path)["size"] == 77
        except ConfigError as error:
            assert str(error).startswith(f"{path}: no settings in this picture; ")  # noqa: PT017  # both outcomes are valid


@pytest.mark.parametrize("suffix", OUTPUT_SUFFIXES)
def test_output_formats_are_detected_by_content(suffix: str, tmp_path: Path) -> None:
    path = saved(tmp_path / f"out{suffix}", {})
    assert is_picture(path.rename(tmp_path / "out.toml"))


@pytest.mark.parametrize("suffix", [".webp", ".png"])
@pytest.mark.parametrize("options", [{}, {"lossless": True}])
def test_pictures_by_other_programs_are_detected(
    suffix: str, options: dict[str, Any], tmp_path: Path
) -> None:
    Image.new("RGB", (400, 300), "teal").save(tmp_path / f"out{suffix}", **options)
    assert is_picture(tmp_path / f"out{suffix}")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "size = 3",
        "II = 1",
        "MM = 1",
        "RIFFabcdWEBP = 1",
        "RIFFabcdWEBPVP8X = 1",
        "RIFFabcdWEBPVP8L = 1 # a long line that no key needs",
        "# \u2030PNG\r\n",
    ],
)
def test_toml_is_not_taken_for_a_picture(text: str, tmp_path: Path) -> None:
    tomllib.loads(text)
    path = tmp_path / "out.png"
    path.write_text(text, encoding="utf-8")
    assert not is_picture(path)


@given(st.binary(max_size=40))
def test_no_detected_picture_is_valid_toml(data: bytes) -> None:
    """TOML rejects every text that starts like a picture, so the two are never confused."""
    for head in (b"", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"II*\0", b"RIFF____WEBPVP8X"):
        if _PICTURE.match(head + data):
            with pytest.raises((UnicodeDecodeError, tomllib.TOMLDecodeError)):
                tomllib.loads((head + data).decode("utf-8"))


def test_missing_files_and_folders_are_not_pictures(tmp_path: Path) -> None:
    assert not is_picture(tmp_path / "none.png")
    assert not is_picture(tmp_path)
