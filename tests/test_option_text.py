"""How settings are written."""

from typing import Any

import pytest

from styletransfer.option_text import format_value, option_name
from styletransfer.settings import field_names


def test_every_setting_has_an_option_with_dashes() -> None:
    assert option_name("tv_weight") == "--tv-weight"
    assert all("_" not in option_name(name) for name in field_names())


@pytest.mark.parametrize("number", [1.0, 0.1, 1e-5, 1 / 3, 12345678.9, 1e22])
def test_a_formatted_number_is_read_back_as_the_same(number: float) -> None:
    assert float(format_value(number)) == number


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (2.0, "2"),
        (True, "on"),
        (False, "off"),
        (16, "16"),
        ("relu4_2", "relu4_2"),
        ((1.0, 0.25), "1, 0.25"),
        (("relu1_1", "relu2_1"), "relu1_1, relu2_1"),
        ((), ""),
    ],
)
def test_a_value_is_formatted_for_people(value: Any, text: str) -> None:
    assert format_value(value) == text


def test_the_values_of_a_list_are_separated_as_asked() -> None:
    assert format_value((1.0, 0.25, "keep"), separator=",") == "1,0.25,keep"
