"""The guide to the three weights."""

from typing import Any

import pytest
from PIL import Image

from styletransfer.report import page
from styletransfer.settings import Settings
from styletransfer.weight_guide import WEIGHT_GUIDE


def test_each_of_the_three_weights_has_a_guide() -> None:
    assert set(WEIGHT_GUIDE) == {"content_weight", "style_weight", "tv_weight"}


@pytest.mark.parametrize("name", WEIGHT_GUIDE)
def test_values_ascend_and_the_default_is_marked(name: str) -> None:
    looks = WEIGHT_GUIDE[name].looks
    default: Any = getattr(Settings(), name)
    assert list(looks) == sorted(looks)
    assert [value for value, look in looks.items() if look == "default"] == [default]


@pytest.mark.parametrize("name", WEIGHT_GUIDE)
def test_the_report_has_a_small_picture_of_each_weight(name: str) -> None:
    path = page.TEMPLATES / f"{name}.jpg"
    with Image.open(path) as strip:
        assert strip.width > 2 * strip.height
    assert path.stat().st_size < 50_000
