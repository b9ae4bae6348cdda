"""The pictures in a folder, and the folder of their results."""

import os
from pathlib import Path

import pytest
from PIL import Image

from styletransfer.errors import ImageError
from styletransfer.runs.batches.folder import (
    FolderListing,
    check_folder,
    list_briefly,
    list_pictures,
)


def picture(path: Path, format_name: str = "PNG") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (4, 4)).save(path, format_name)
    return path


def names(folder: Path, *, recursive: bool = False, output: str = "out") -> list[str]:
    """The pictures found, relative to the folder."""
    listing = list_pictures(folder, folder / output, recursive=recursive)
    return [path.relative_to(folder).as_posix() for path in listing.pictures]


def test_the_first_bytes_decide_whether_a_file_is_a_picture(tmp_path: Path) -> None:
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
def test_a_file_with_the_suffix_of_a_picture_is_never_skipped(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text("")

    assert names(tmp_path) == [name]


def test_a_broken_link_to_a_picture_is_listed(tmp_path: Path) -> None:
    (tmp_path / "gone.jpg").symlink_to("elsewhere.jpg")

    assert names(tmp_path) == ["gone.jpg"]


def test_links_to_files_are_followed(tmp_path: Path) -> None:
    original = picture(tmp_path / "elsewhere" / "a.png")
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "link.png").symlink_to(original)

    assert names(tmp_path / "photos") == ["link.png"]


RAW = b"II*\0\x10\0\0\0CR\2\0"


def test_a_raw_file_is_passed_over_beside_the_developed_picture(tmp_path: Path) -> None:
    picture(tmp_path / "DSC_1.JPG", "JPEG")
    (tmp_path / "DSC_1.CR2").write_bytes(RAW)

    listing = list_pictures(tmp_path, tmp_path / "out", recursive=False)

    assert [path.name for path in listing.pictures] == ["DSC_1.JPG"]
    assert listing.developed == ["DSC_1.CR2"]


def test_a_raw_file_alone_is_listed_so_that_it_is_reported(tmp_path: Path) -> None:
    picture(tmp_path / "DSC_1.JPG", "JPEG")
    (tmp_path / "DSC_2.CR2").write_bytes(RAW)

    assert names(tmp_path) == ["DSC_1.JPG", "DSC_2.CR2"]


@pytest.mark.parametrize("content", [b"%!PS-Adobe-3.0 EPSF-3.0", b"%PDF-1.7", b"<svg/>"])
def test_drawings_and_documents_are_passed_over(content: bytes, tmp_path: Path) -> None:
    picture(tmp_path / "a.png")
    (tmp_path / "logo.eps").write_bytes(content)

    listing = list_pictures(tmp_path, tmp_path / "out", recursive=False)

    assert [path.name for path in listing.pictures] == ["a.png"]
    assert listing.others == ["logo.eps"]


def test_numbers_sort_by_value_and_letters_ignore_case(tmp_path: Path) -> None:
    expected = ["a1.png", "a2.png", "A10.png", "b1.png", "B2.png", "ä.png"]
    for name in reversed(expected):
        picture(tmp_path / name)

    assert names(tmp_path) == expected


def test_hidden_files_and_folders_are_ignored(tmp_path: Path) -> None:
    picture(tmp_path / ".photo.png")
    picture(tmp_path / ".trash" / "photo.png")

    listing = list_pictures(tmp_path, tmp_path / "out", recursive=True)

    assert listing == FolderListing(pictures=[], others=[], developed=[], folders=[])


def test_subfolders_are_entered_with_recursive_only(tmp_path: Path) -> None:
    picture(tmp_path / "a.png")
    picture(tmp_path / "trip" / "day 2" / "b.png")

    assert names(tmp_path) == ["a.png"]
    assert list_pictures(tmp_path, tmp_path / "out", recursive=False).folders == ["trip"]
    assert names(tmp_path, recursive=True) == ["a.png", "trip/day 2/b.png"]


@pytest.mark.parametrize("output", ["out", "out/../out", "link"])
def test_the_folder_of_the_results_is_ignored(output: str, tmp_path: Path) -> None:
    picture(tmp_path / "a.png")
    picture(tmp_path / "out" / "a-style.png")
    (tmp_path / "link").symlink_to("out")

    assert names(tmp_path, recursive=True, output=output) == ["a.png"]
    assert list_pictures(tmp_path, tmp_path / output, recursive=True).folders == []


def test_links_to_folders_are_not_followed(tmp_path: Path) -> None:
    picture(tmp_path / "trip" / "a.png")
    (tmp_path / "trip" / "loop").symlink_to("..")

    listing = list_pictures(tmp_path, tmp_path / "out", recursive=True)

    assert [path.name for path in listing.pictures] == ["a.png"]
    assert listing.folders == [f"trip{os.sep}loop"]


def test_a_pipe_is_not_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.png")

    assert list_pictures(tmp_path, tmp_path / "out", recursive=False).others == ["pipe.png"]


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is closed to root")
def test_a_folder_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "closed").mkdir(mode=0)

    with pytest.raises(ImageError, match="closed: the folder cannot be read"):
        names(tmp_path, recursive=True)


def test_a_missing_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="gone: the folder cannot be read"):
        list_pictures(tmp_path / "gone", tmp_path, recursive=False)


def test_long_lists_are_shortened() -> None:
    assert list_briefly(["a", "b", "c", "d", "e"]) == "a, b, c, d, e"
    assert list_briefly(list("abcdef")) == "a, b, c, d, e and 1 more"


@pytest.mark.parametrize(
    ("output", "part"),
    [
        ("photos", "this is the content folder"),
        ("photos/../photos", "this is the content folder"),
        ("old.png", "this is a file"),
        ("words", "this is a file"),
        ("new.png", "this is the name of a picture"),
        ("new.JPEG", "this is the name of a picture"),
        ("new.bmp", "this is the name of a picture"),
    ],
)
def test_an_output_that_is_not_a_folder_for_results_is_refused(
    output: str, part: str, tmp_path: Path
) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "old.png").touch()
    (tmp_path / "words").touch()

    with pytest.raises(ImageError, match=part):
        check_folder(tmp_path / "photos", tmp_path / output)


@pytest.mark.parametrize("output", ["new", "new/deep", "a.b", "there.png", "photos/out"])
def test_an_existing_folder_of_any_name_or_a_missing_one_is_accepted(
    output: str, tmp_path: Path
) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "there.png").mkdir()

    check_folder(tmp_path / "photos", tmp_path / output)
