"""How the text of an option becomes a value."""

import pytest
import typer

from styletransfer.cli.option_parsing import (
    read_names,
    read_numbers,
    read_size,
    read_weight,
    read_whole_numbers,
)


@pytest.mark.parametrize(
    ("text", "numbers"),
    [("3", (3.0,)), ("3,1", (3.0, 1.0)), ("0.5, 1e-2", (0.5, 0.01))],
)
def test_numbers_have_commas_between(text: str, numbers: tuple[float, ...]) -> None:
    assert read_numbers(text) == numbers


@pytest.mark.parametrize("text", ["", "3,", "three", "3;1", "3 1"])
def test_other_than_numbers_is_wrong_usage(text: str) -> None:
    with pytest.raises(typer.BadParameter, match="is not a number"):
        read_numbers(text)


@pytest.mark.parametrize(
    ("text", "value"), [("3", 3.0), ("0,0.3, 1e1", (0.0, 0.3, 10.0)), ("-0", 0.0)]
)
def test_a_weight_is_a_number_or_several_with_commas(
    text: str, value: float | tuple[float, ...]
) -> None:
    assert repr(read_weight(text)) == repr(value)


def test_whole_numbers_have_commas_between() -> None:
    assert read_whole_numbers("60, 50") == (60, 50)


@pytest.mark.parametrize("text", ["", "60,", "1.5", "1e3", "many"])
def test_other_than_whole_numbers_is_wrong_usage(text: str) -> None:
    with pytest.raises(typer.BadParameter, match="is not a whole number"):
        read_whole_numbers(text)


@pytest.mark.parametrize(("text", "size"), [("512", 512), ("original", "original")])
def test_a_size_is_a_number_of_pixels_or_original(text: str, size: int | str) -> None:
    assert read_size(text) == size


@pytest.mark.parametrize("text", ["", "12.5", "Original", "5e2", "large"])
def test_another_size_is_wrong_usage_and_the_line_says_so(text: str) -> None:
    with pytest.raises(typer.BadParameter, match="neither a whole number of pixels nor original"):
        read_size(text)


def test_names_have_commas_and_perhaps_blanks_between() -> None:
    assert read_names("relu1_1, relu2_1,relu3_1") == ("relu1_1", "relu2_1", "relu3_1")
