"""The contact sheet: cells, labels and notes."""

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from styletransfer.images.contact_sheet import Axis, ContactSheet

Box = tuple[int, int, int, int]

VALUES = [str(number) for number in range(40)]
PHOTO = (512, 341)


def sheet(*lengths: int, size: tuple[int, int] = PHOTO, footer: str = "") -> ContactSheet:
    """A sheet with axes of so many values."""
    names = ("Style weight", "TV weight")[-len(lengths) :]
    axes = [Axis(name, VALUES[:count]) for name, count in zip(names, lengths, strict=True)]
    return ContactSheet(axes, size, footer)


def levels(made: ContactSheet, box: Box) -> NDArray[np.uint8]:
    return np.asarray(made.image.crop(box))


def is_blank(made: ContactSheet, box: Box) -> bool:
    return bool((levels(made, box) == 255).all())


def overlap(one: Box, other: Box) -> bool:
    return max(one[0], other[0]) < min(one[2], other[2]) and max(one[1], other[1]) < min(
        one[3], other[3]
    )


SHAPES = [(1,), (2,), (4,), (6,), (7,), (13,), (40,), (2, 2), (3, 5), (12, 2), (2, 12), (30, 3)]


@pytest.mark.parametrize("size", [PHOTO, (341, 512), (24, 16), (4000, 40), (40, 4000), (1, 1)])
@pytest.mark.parametrize("lengths", SHAPES)
def test_cells_and_labels_are_on_the_sheet_and_do_not_overlap(
    lengths: tuple[int, ...], size: tuple[int, int]
) -> None:
    made = sheet(*lengths, size=size)
    labels = range(made.number if len(lengths) == 1 else made.columns)
    boxes = [made.box(number) for number in range(made.number)]
    boxes += [made.label_box(number) for number in labels]
    boxes += [made.row_label_box(row) for row in range(made.rows if len(lengths) == 2 else 0)]
    for number, box in enumerate(boxes):
        assert min(box) >= 0
        assert box[2] <= made.image.width
        assert box[3] <= made.image.height
        assert not any(overlap(box, other) for other in boxes[number + 1 :])


@pytest.mark.parametrize("lengths", SHAPES)
def test_every_label_is_within_its_box(lengths: tuple[int, ...]) -> None:
    made = sheet(*lengths)
    for number in range(made.number if len(lengths) == 1 else made.columns):
        left, top, right, bottom = made.label_box(number)
        assert not is_blank(made, (left, top, right, bottom - 2))
        assert is_blank(made, (right + 1, top, right + 20, bottom - 2))
    for row in range(made.rows if len(lengths) == 2 else 0):
        left, top, right, bottom = made.row_label_box(row)
        assert not is_blank(made, (left, top, right, bottom))
        assert is_blank(made, (right + 1, top, right + 20, bottom))
        assert is_blank(made, (0, top, left - 1, bottom))


def test_labels_of_different_values_differ() -> None:
    made = sheet(4)
    seen = {levels(made, made.label_box(number)).tobytes() for number in range(4)}

    assert len(seen) == 4


def test_the_cells_of_a_row_are_in_order() -> None:
    made = sheet(4)
    places = [made.box(number) for number in range(4)]

    assert [box[1] for box in places] == [places[0][1]] * 4
    assert places == sorted(places)


@pytest.mark.parametrize(
    ("count", "rows", "columns"), [(6, 1, 6), (7, 2, 4), (8, 2, 4), (9, 2, 5), (13, 3, 5)]
)
def test_a_long_row_is_broken_into_lines_of_equal_length(
    count: int, rows: int, columns: int
) -> None:
    made = sheet(count)

    assert (made.rows, made.columns) == (rows, columns)
    assert [made.box(number)[0] for number in range(0, count, columns)] == [40] * rows


def test_the_first_axis_of_a_grid_runs_down() -> None:
    made = sheet(2, 3)

    assert (made.rows, made.columns) == (2, 3)
    assert made.box(3)[0] == made.box(0)[0]
    assert made.box(3)[1] > made.box(0)[1]
    assert made.label_box(0)[3] == made.box(0)[1]
    assert made.row_label_box(1)[1] == made.box(3)[1]


@pytest.mark.parametrize("lengths", [(4,), (5,), (6,), (3, 4), (4, 5), (2, 6), (8, 8)])
def test_a_sheet_is_neither_too_small_nor_too_large(lengths: tuple[int, ...]) -> None:
    made = sheet(*lengths)

    assert 1600 <= made.image.width <= 2400
    assert made.image.height <= 3700


@pytest.mark.parametrize(
    ("size", "cell"),
    [
        ((512, 341), (512, 341)),
        ((1024, 682), (512, 341)),
        ((682, 1024), (341, 512)),
        ((256, 171), (256, 171)),
        ((128, 85), (384, 255)),
        ((24, 16), (96, 64)),
    ],
)
def test_large_pictures_are_scaled_down_and_small_ones_enlarged_by_an_integer(
    size: tuple[int, int], cell: tuple[int, int]
) -> None:
    left, top, right, bottom = sheet(3, size=size).box(0)

    assert (right - left, bottom - top) == cell


def test_a_picture_of_the_size_of_its_cell_is_unchanged() -> None:
    made = sheet(3, size=(500, 300))
    picture = Image.effect_noise((500, 300), 80).convert("RGB")
    made.paste(1, picture)

    assert np.array_equal(levels(made, made.box(1)), np.asarray(picture))


def test_a_picture_of_another_shape_is_centred_in_its_cell() -> None:
    made = sheet(3, size=(500, 300))
    made.paste(0, Image.new("RGB", (500, 500), "navy"))
    left, top, right, bottom = made.box(0)
    navy = (levels(made, (left, top, right, bottom)) == (0, 0, 128)).all(axis=2)

    assert navy[:, 100:400].all()
    assert not navy[:, :98].any()
    assert not navy[:, 402:].any()


def test_black_pictures_have_white_between_them() -> None:
    made = sheet(2, 2, size=(500, 300))
    for number in range(4):
        made.paste(number, Image.new("RGB", (500, 300)))
    _, top, right, bottom = made.box(0)

    assert is_blank(made, (right + 1, top, made.box(1)[0] - 1, bottom))
    assert is_blank(made, (made.box(0)[0], bottom + 1, right, made.box(2)[1] - 1))


@pytest.mark.parametrize("level", ["black", "white", "#b3001b"])
def test_a_note_is_legible_on_any_picture(level: str) -> None:
    made = sheet(2)
    made.paste(0, Image.new("RGB", PHOTO, level))
    before = levels(made, made.box(0))
    made.paste(0, Image.new("RGB", PHOTO, level), "diverged")
    after = levels(made, made.box(0))
    middle = after[150:190].astype(int)

    for colour in ((255, 255, 255), (179, 0, 27)):
        near = np.abs(middle - colour).sum(axis=2) < 60
        assert near.sum() > 100, "both the word and its background are there"
    assert np.array_equal(before[:100], after[:100]), "most of the picture is visible"


def test_a_missing_picture_is_an_empty_cell_with_a_word() -> None:
    made = sheet(2)
    empty = levels(made, made.box(0))
    made.paste(0, Image.new("RGB", PHOTO))
    made.paste(0, None, "failed")
    failed = levels(made, made.box(0))

    assert empty.min() < 160
    assert (empty[:50, 1:-1][1:] == 0xF2).all()
    assert (failed[:50, 1:-1][1:] == 0xF2).all()
    assert not np.array_equal(empty, failed)


def test_the_footer_is_in_the_lower_left_corner_and_is_not_cut() -> None:
    words = "Content weight 0.123456789, style weight 5, and further words to fill the line"
    with_it, without = (sheet(1, size=(24, 16), footer=footer) for footer in (words, ""))
    bottom = with_it.box(0)[3]
    width, height = with_it.image.size

    assert not is_blank(with_it, (40, bottom + 24, width - 40, height))
    assert is_blank(with_it, (width - 39, bottom + 24, width, height))
    assert is_blank(without, (0, bottom + 2, *without.image.size))
