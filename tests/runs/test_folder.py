"""The pictures in a folder."""

import os
from pathlib import Path

import pytest
from PIL import Image

from styletransfer.errors import ImageError
from styletransfer.runs.folder import list_briefly, list_pictures


def picture(path: Path, format_name: str = "PNG") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (4, 4)).save(path, format_name)
    return path


def names(folder: Path, *, recursive: bool = False, output: str = "out") -> list[str]:
    """The pictures that are found, relative to the folder."""
    listing = list_pictures(folder, folder / output, recursive=recursive)
    return [path.relative_to(folder).as_posix() for path in listing.pictures]


def test_the_content_of_a_file_tells_whether_it_is_a_picture(tmp_path: Path) -> None:
    picture(tmp_path / "no suffix")
    picture(tmp_path / "painting.txt", "JPEG")
    (tmp_path / "notes.txt").write_text("words")
    (tmp_path / "desktop.ini").touch()

    assert names(tmp_path) == ["no suffix", "painting.txt"]
    assert list_pictures(tmp_path, tmp_path / "out", recursive=False).others == [
        "desktop.ini",
        "notes.txt",
    ]


@pytest.mark.parametrize("name", ["cut.jpg", "empty.PNG", "phone.heic"])
def test_a_name_that_promises_a_picture_is_never_passed_over(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text("")

    assert names(tmp_path) == [name]


def test_a_broken_link_to_a_picture_is_a_picture_that_is_missing(tmp_path: Path) -> None:
    (tmp_path / "gone.jpg").symlink_to("elsewhere.jpg")

    assert names(tmp_path) == ["gone.jpg"]


def test_a_linked_file_is_taken(tmp_path: Path) -> None:
    original = picture(tmp_path / "elsewhere" / "a.png")
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "link.png").symlink_to(original)

    assert names(tmp_path / "photos") == ["link.png"]


def test_numbers_are_sorted_by_value_and_letters_whatever_their_case(tmp_path: Path) -> None:
    expected = ["a1.png", "a2.png", "A10.png", "b1.png", "B2.png", "ä.png"]
    for name in reversed(expected):
        picture(tmp_path / name)

    assert names(tmp_path) == expected


def test_hidden_files_and_folders_do_not_exist(tmp_path: Path) -> None:
    picture(tmp_path / ".photo.png")
    picture(tmp_path / ".trash" / "photo.png")

    assert list_pictures(tmp_path, tmp_path / "out", recursive=True) == ([], [], [])


def test_a_folder_in_the_folder_is_entered_on_request_only(tmp_path: Path) -> None:
    picture(tmp_path / "a.png")
    picture(tmp_path / "trip" / "day 2" / "b.png")

    assert names(tmp_path) == ["a.png"]
    assert list_pictures(tmp_path, tmp_path / "out", recursive=False).folders == ["trip"]
    assert names(tmp_path, recursive=True) == ["a.png", "trip/day 2/b.png"]


@pytest.mark.parametrize("output", ["out", "out/../out", "link"])
def test_the_folder_of_the_results_is_never_entered_nor_mentioned(
    output: str, tmp_path: Path
) -> None:
    picture(tmp_path / "a.png")
    picture(tmp_path / "out" / "a-style.png")
    (tmp_path / "link").symlink_to("out")

    assert names(tmp_path, recursive=True, output=output) == ["a.png"]
    assert list_pictures(tmp_path, tmp_path / output, recursive=True).folders == []


def test_linked_folders_are_not_entered_so_that_no_loop_is(tmp_path: Path) -> None:
    picture(tmp_path / "trip" / "a.png")
    (tmp_path / "trip" / "loop").symlink_to("..")

    listing = list_pictures(tmp_path, tmp_path / "out", recursive=True)

    assert [path.name for path in listing.pictures] == ["a.png"]
    assert listing.folders == [f"trip{os.sep}loop"]


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.png")

    assert list_pictures(tmp_path, tmp_path / "out", recursive=False).others == ["pipe.png"]


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is closed to root")
def test_a_folder_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "closed").mkdir(mode=0)

    with pytest.raises(ImageError, match="closed: the folder cannot be read"):
        names(tmp_path, recursive=True)


def test_a_folder_that_goes_away_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="gone: the folder cannot be read"):
        list_pictures(tmp_path / "gone", tmp_path, recursive=False)


def test_many_names_are_cut() -> None:
    assert list_briefly(["a", "b", "c", "d", "e"]) == "a, b, c, d, e"
    assert list_briefly(list("abcdef")) == "a, b, c, d, e and 1 more"
