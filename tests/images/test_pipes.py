"""Pictures that come through pipes."""

import contextlib
import os
import socket
import threading
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from styletransfer.errors import ImageError
from styletransfer.images import pipes
from styletransfer.images.pipes import STDIN, given_pictures, kept_pipes
from styletransfer.images.reading import decode_picture, open_picture

ORIENTATION = 0x0112


def turned(format_: str) -> bytes:
    """A picture of 6×4 pixels that is to be turned by a quarter."""
    picture = Image.linear_gradient("L").resize((6, 4)).convert("RGB")
    exif = picture.getexif()
    exif[ORIENTATION] = 6
    data = BytesIO()
    picture.save(data, format_, exif=exif)
    return data.getvalue()


@contextlib.contextmanager
def written(pipe: Path, data: bytes) -> Iterator[None]:
    """Write to a named pipe, once, in another thread."""

    def write() -> None:
        with contextlib.suppress(BrokenPipeError), pipe.open("wb") as file:
            file.write(data)

    thread = threading.Thread(target=write)
    thread.start()
    yield
    thread.join()


@contextlib.contextmanager
def as_stdin(number: int) -> Iterator[None]:
    """Make an open file the standard input, and close it."""
    before = os.dup(0)
    os.dup2(number, 0)
    os.close(number)
    try:
        yield
    finally:
        os.dup2(before, 0)
        os.close(before)


@pytest.fixture
def pipe(tmp_path: Path) -> Path:
    path = tmp_path / "pipe.jpg"
    os.mkfifo(path)
    return path


def through_pipe(data: bytes) -> int:
    reading, writing = os.pipe()
    os.write(writing, data)
    os.close(writing)
    return reading


def through_socket(data: bytes) -> int:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.sendall(data)
        return os.dup(theirs.fileno())


@pytest.mark.parametrize("format_", ["TIFF", "JPEG", "PNG", "WEBP"])
def test_a_named_pipe_is_read_like_a_file(format_: str, pipe: Path) -> None:
    data = turned(format_)
    file = pipe.with_name("file")
    file.write_bytes(data)
    with written(pipe, data):
        decoded = decode_picture(pipe, metadata=True)

    assert decoded.colours.size == (4, 6)
    assert decoded.colours.tobytes() == open_picture(file).tobytes()


@pytest.mark.parametrize("connect", [through_pipe, through_socket])
def test_standard_input_is_read_like_a_file(connect: Callable[[bytes], int]) -> None:
    with as_stdin(connect(turned("TIFF"))):
        assert open_picture(STDIN).size == (4, 6)


def test_a_pipe_of_another_process_is_read_like_a_file() -> None:
    number = through_pipe(turned("TIFF"))
    try:
        assert open_picture(Path(f"/dev/fd/{number}")).size == (4, 6)
    finally:
        os.close(number)


def test_in_a_run_a_pipe_is_read_once_for_all_its_uses(pipe: Path) -> None:
    with kept_pipes():
        with written(pipe, turned("PNG")):
            first = open_picture(pipe)
        assert open_picture(pipe).tobytes() == first.tobytes()


def test_otherwise_each_use_reads_the_pipe_anew(pipe: Path) -> None:
    for format_ in ("PNG", "TIFF"):
        with written(pipe, turned(format_)):
            assert open_picture(pipe).size == (4, 6)


def test_given_bytes_are_read_instead_of_a_file(tmp_path: Path) -> None:
    missing, there = Path("no/such.png"), tmp_path / "there.png"
    there.write_bytes(turned("PNG"))

    with given_pictures({missing: turned("JPEG")}):
        assert open_picture(missing).size == open_picture(there).size == (4, 6)
    with pytest.raises(ImageError, match="No such file"):
        open_picture(missing)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "the file is empty"),
        (b"words", "not a complete picture"),
        (turned("PNG")[:-40], "damaged or truncated"),
    ],
)
def test_what_is_wrong_gets_its_true_reason(data: bytes, reason: str, pipe: Path) -> None:
    with written(pipe, data), pytest.raises(ImageError, match=rf"pipe\.jpg: .*{reason}"):
        open_picture(pipe)


def test_a_pipe_without_a_writer_is_refused(pipe: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipes, "PATIENCE", 0)
    with pytest.raises(ImageError, match=r"pipe\.jpg: no program writes to this pipe"):
        open_picture(pipe)


def test_a_writer_that_has_not_begun_is_waited_for(
    pipe: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pipes, "PATIENCE", 0)
    keeper = os.open(pipe, os.O_RDWR)

    def write() -> None:
        os.write(keeper, turned("PNG"))
        os.close(keeper)

    begin = threading.Timer(0.1, write)
    begin.start()
    assert open_picture(pipe).size == (4, 6)
    begin.join()


def test_more_than_the_bound_is_refused(pipe: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipes, "LARGEST", 1 << 20)
    with written(pipe, bytes(3 << 20)), pytest.raises(ImageError, match="more than 1 MB come"):
        open_picture(pipe)


def test_a_terminal_is_refused_as_standard_input() -> None:
    ours, theirs = os.openpty()
    with as_stdin(theirs), pytest.raises(ImageError, match="/dev/stdin: this is the terminal"):
        open_picture(STDIN)
    os.close(ours)


def test_a_file_as_standard_input_is_read_as_that_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(turned("TIFF"))
    with as_stdin(os.open(tmp_path / "file", os.O_RDONLY)):
        assert open_picture(STDIN).size == (4, 6)
