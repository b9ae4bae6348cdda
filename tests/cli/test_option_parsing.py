"""Parsers of option values."""

from pathlib import Path

import pytest
import typer

from styletransfer.cli.option_parsing import (
    read_names,
    read_numbers,
    read_output,
    read_path,
    read_size,
    read_weight,
    read_whole_numbers,
)


@pytest.mark.parametrize(
    ("text", "numbers"),
    [("3", (3.0,)), ("3,1", (3.0, 1.0)), ("0.5, 1e-2", (0.5, 0.01))],
)
def test_numbers_are_separated_by_commas(text: str, numbers: tuple[float, ...]) -> None:
    assert read_numbers(text) == numbers


@pytest.mark.parametrize("text", ["", "3,", "three", "3;1", "3 1"])
def test_other_text_than_numbers_is_refused(text: str) -> None:
    with pytest.raises(typer.BadParameter, match="is not a number"):
        read_numbers(text)


@pytest.mark.parametrize(
    ("text", "value"), [("3", 3.0), ("0,0.3, 1e1", (0.0, 0.3, 10.0)), ("-0", 0.0)]
)
def test_a_weight_is_one_number_or_several(text: str, value: float | tuple[float, ...]) -> None:
    assert repr(read_weight(text)) == repr(value)


def test_whole_numbers_are_separated_by_commas() -> None:
    assert read_whole_numbers("60, 50") == (60, 50)


@pytest.mark.parametrize("text", ["", "60,", "1.5", "1e3", "many"])
def test_other_text_than_whole_numbers_is_refused(text: str) -> None:
    with pytest.raises(typer.BadParameter, match="is not a whole number"):
        read_whole_numbers(text)


@pytest.mark.parametrize(("text", "size"), [("512", 512), ("original", "original")])
def test_a_size_is_a_number_of_pixels_or_original(text: str, size: int | str) -> None:
    assert read_size(text) == size


@pytest.mark.parametrize("text", ["", "12.5", "Original", "5e2", "large"])
def test_any_other_size_is_refused(text: str) -> None:
    with pytest.raises(typer.BadParameter, match="neither a whole number of pixels nor original"):
        read_size(text)


def test_names_are_separated_by_commas_and_optional_spaces() -> None:
    assert read_names("relu1_1, relu2_1,relu3_1") == ("relu1_1", "relu2_1", "relu3_1")


def test_a_tilde_in_a_path_is_the_home_folder() -> None:
    assert read_path("~/photo.jpg") == Path.home() / "photo.jpg"


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("out.png", Path("out.png")),
        ("=out.png", Path("out.png")),
        ("=~/out.png", Path.home() / "out.png"),
        ("=", Path("=")),
    ],
)
def test_an_output_may_follow_an_equals_sign(text: str, path: Path) -> None:
    assert read_output(text) == path
