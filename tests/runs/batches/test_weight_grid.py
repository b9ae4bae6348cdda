"""Lists of weights, and the runs that they ask for."""

from pathlib import Path
from typing import Any

import pytest

from styletransfer.errors import ConfigError
from styletransfer.images.contact_sheet import Axis
from styletransfer.runs.batches.weight_grid import Sweep, Variant, sweep_from
from styletransfer.settings import Settings

OUTPUT = Path("new/out.v2.png")


def sweep(config: str | None = None, /, **given: Any) -> Sweep:
    return sweep_from(config, given, 1, OUTPUT)


def refusal(**given: Any) -> str:
    """The message with which lists are refused."""
    with pytest.raises(ConfigError) as caught:
        sweep(**given)
    line = str(caught.value)
    assert "\n" not in line
    return line


def test_without_a_list_there_is_one_variant() -> None:
    settings = Settings(tv_weight=0.3, size=64)

    assert sweep(tv_weight=0.3, size=64) == Sweep(
        axes=(), variants=(Variant(values={}, settings=settings, output=OUTPUT),)
    )


def test_a_list_has_a_variant_for_each_value_in_its_order() -> None:
    made = sweep(tv_weight=(3.0, 0.0, 0.3), size=64)
    variants = made.variants

    assert made.axes == (Axis("TV weight", ("3", "0", "0.3")),)
    assert [each.settings for each in variants] == [
        Settings(tv_weight=value, size=64) for value in (3.0, 0.0, 0.3)
    ]
    assert [str(each.output) for each in variants] == [
        f"new/out.v2-tv{value}.png" for value in ("3", "0", "0.3")
    ]
    assert [each.label for each in variants] == ["TV weight 3", "TV weight 0", "TV weight 0.3"]
    assert variants[0].constants == "Content weight 1, style weight 14"


def test_in_two_lists_the_values_of_the_last_one_change_fastest() -> None:
    made = sweep(tv_weight=(0.0, 1.0), content_weight=(1.0, 2.0, 3.0))
    variants = made.variants

    assert [axis.name for axis in made.axes] == ["Content weight", "TV weight"]
    assert [each.output.name for each in variants][:3] == [
        "out.v2-content1-tv0.png",
        "out.v2-content1-tv1.png",
        "out.v2-content2-tv0.png",
    ]
    assert len(variants) == 6
    assert variants[1].values == {"content_weight": 1.0, "tv_weight": 1.0}
    assert variants[1].label == "content weight 1, TV weight 1"
    assert variants[1].constants == "Style weight 14"


def test_three_lists_are_refused_with_a_remedy() -> None:
    pair = (1.0, 2.0)

    assert refusal(content_weight=pair, style_weight=pair, tv_weight=pair) == (
        "all three weights are lists, but a contact sheet shows two at most; give one of "
        "--content-weight, --style-weight, --tv-weight a single number"
    )


def test_a_repeated_value_is_refused() -> None:
    assert refusal(tv_weight=(1.0, 2.0, 1.0)) == "--tv-weight has 1 twice; omit one"


@pytest.mark.parametrize(
    ("value", "part"),
    [
        (-1.0, "style_weight must be 0 or more, not -1.0"),
        (float("inf"), "style_weight must be 0 or more, not inf"),
        (float("nan"), "style_weight must be a number, not nan"),
    ],
)
def test_a_value_out_of_range_is_refused_by_name(value: float, part: str) -> None:
    assert refusal(style_weight=(1.0, value)) == part


def test_a_list_wins_over_the_number_in_a_configuration(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text("tv_weight = 7\nsize = 64\n")
    variants = sweep(str(path), tv_weight=(1.0, 2.0)).variants

    assert [each.settings for each in variants] == [
        Settings(tv_weight=value, size=64) for value in (1.0, 2.0)
    ]


def test_a_list_in_a_configuration_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text("tv_weight = [1, 2]\n")

    with pytest.raises(ConfigError, match="tv_weight must be a number, not"):
        sweep(str(path))


def test_an_option_with_an_effect_on_some_values_is_accepted() -> None:
    assert len(sweep(tv_form="squared", tv_weight=(0.0, 1.0)).variants) == 2
    assert refusal(tv_form="squared", tv_weight=0.0, style_weight=(1.0, 2.0)) == (
        "--tv-form has no effect: --tv-weight is 0"
    )
