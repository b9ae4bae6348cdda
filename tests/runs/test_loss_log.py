"""The loss log: a row for each step, whole at any time."""

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from styletransfer.runs.loss_log import Entry, LossLog, header, to_row
from styletransfer.settings import Settings
from styletransfer.transfer.optimize import Losses
from styletransfer.transfer.pyramid import Scale
from styletransfer.transfer.stylize import Step
from tests.support.pictures import refusal

SCALES = [Scale(6, 4, 2), Scale(12, 8, 1)]
SETTINGS = Settings(content_weight=2.0, style_weight=0.1, tv_weight=0.0)
LOSSES = Losses(0.3, 0.7, 0.0)

Write = Callable[[str], Path]


def run(log: LossLog) -> None:
    """Three steps at two sizes."""
    with log:
        for scale in SCALES:
            for iteration in range(1, scale.iterations + 1):
                image = torch.zeros(1, 3, scale.height, scale.width)
                log.show(Step(scale, iteration, LOSSES, image))


def log_to(path: Path) -> LossLog:
    return LossLog(SETTINGS, path, pytest.fail)


@pytest.fixture
def written(tmp_path: Path) -> Write:
    def write(name: str) -> Path:
        run(log_to(tmp_path / name))
        return tmp_path / name

    return write


def test_a_row_tells_the_step_the_size_and_the_terms_without_and_with_their_weights() -> None:
    log = LossLog(SETTINGS, None, pytest.fail)
    run(log)

    steps = [(1, 1, 6, 4), (2, 2, 6, 4), (3, 1, 12, 8)]
    assert [entry[:4] for entry in log.entries] == steps
    assert {entry[4:11] for entry in log.entries} == {(0.15, 0.7 / 0.1, None, 0.3, 0.7, 0.0, 1.0)}
    seconds = [entry.seconds for entry in log.entries]
    assert seconds == sorted(seconds)
    assert 0 <= seconds[0] < 60


@pytest.mark.parametrize("name", ["losses.csv", "losses.CSV"])
def test_in_csv_a_header_names_the_columns_and_a_term_that_was_not_evaluated_is_empty(
    name: str, written: Write
) -> None:
    rows = list(csv.DictReader(written(name).read_text().splitlines()))

    assert [*rows[0]] == [*Entry._fields]
    assert [row["iteration"] for row in rows] == ["1", "2", "3"]
    assert {row["tv"] for row in rows} == {""}
    assert {row["weighted_tv"] for row in rows} == {"0.0"}


def test_in_jsonl_each_line_is_an_object_and_a_term_that_was_not_evaluated_is_null(
    written: Write,
) -> None:
    rows = [json.loads(line) for line in written("losses.jsonl").read_text().splitlines()]

    assert [[*row] for row in rows] == [[*Entry._fields]] * 3
    assert {row["tv"] for row in rows} == {None}


@pytest.mark.parametrize("number", [1 / 3, 0.1 + 0.2, 5e-324, 1.7e308, 123456789.123456789])
def test_numbers_are_read_back_exactly(number: float) -> None:
    entry = Entry(1, 1, 6, 4, number, None, number, number, 0.0, number, number, 0.001)

    cells = next(csv.reader([to_row(entry, Path("losses.csv")).decode()]))
    values: dict[str, Any] = json.loads(to_row(entry, Path("losses.jsonl")))

    assert float(cells[4]) == number
    assert Entry(**values) == entry


def test_each_row_is_in_the_file_before_the_next_step(tmp_path: Path) -> None:
    path = tmp_path / "losses.csv"
    with log_to(path) as log:
        for number in (1, 2):
            log.show(Step(SCALES[0], number, LOSSES, torch.zeros(1, 3, 4, 6)))
            text = path.read_text()
            assert text.endswith("\n")
            assert text.count("\n") == number + 1


def test_an_old_log_stays_until_the_first_step(tmp_path: Path) -> None:
    path = tmp_path / "losses.csv"
    path.write_text("old")
    with log_to(path) as log:
        assert path.read_text() == "old"
        log.show(Step(SCALES[0], 1, LOSSES, torch.zeros(1, 3, 4, 6)))
    assert path.read_bytes().startswith(header(path))
    assert b"old" not in path.read_bytes()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_disk_is_one_warning_and_the_end_of_the_log_only() -> None:
    said: list[str] = []
    log = LossLog(SETTINGS, Path("/dev/full"), said.append)
    run(log)

    assert len(log.entries) == 3
    (line,) = said
    assert line.startswith("/dev/full: No space left on device; the run goes on")


def test_of_a_row_that_does_not_fit_nothing_stays(tmp_path: Path) -> None:
    """With a limit on the size of files, a write is cut short in the middle of a row."""
    resource = pytest.importorskip("resource")
    path = tmp_path / "losses.jsonl"
    said: list[str] = []
    log = LossLog(SETTINGS, path, said.append)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (400, hard))
    try:
        run(log)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

    assert [json.loads(line)["iteration"] for line in path.read_text().splitlines()] == [1]
    assert len(said) == 1


@pytest.mark.parametrize("name", ["losses", "losses.txt", "losses.json", ".csv"])
def test_another_suffix_is_refused(name: str, tmp_path: Path) -> None:
    line = refusal(log_to(tmp_path / name).check, [])
    assert line == f"{tmp_path / name}: unknown suffix; use one of .csv .jsonl"
    assert not [*tmp_path.iterdir()]


def test_an_input_is_never_overwritten_nor_through_a_link(tmp_path: Path) -> None:
    (tmp_path / "content.png").touch()
    (tmp_path / "losses.csv").symlink_to(tmp_path / "content.png")
    line = refusal(log_to(tmp_path / "losses.csv").check, [tmp_path / "content.png"])
    assert "this is also an input" in line


def test_a_missing_folder_is_made(tmp_path: Path) -> None:
    log_to(tmp_path / "new" / "losses.csv").check([])
    assert not [*(tmp_path / "new").iterdir()]
