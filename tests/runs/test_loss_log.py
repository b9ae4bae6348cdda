"""The loss log: a row for each iteration."""

import csv
import json
from collections.abc import Callable
from dataclasses import astuple, fields
from pathlib import Path
from typing import Any

import pytest
import torch

from styletransfer.runs.loss_log import Entry, LossLog, format_row, header
from styletransfer.settings import Settings
from styletransfer.transfer.objective import Losses
from styletransfer.transfer.pyramid import Scale
from styletransfer.transfer.stylize import Step
from tests.support.pictures import refusal

SCALES = [Scale(6, 4, 2), Scale(12, 8, 1)]
SETTINGS = Settings(content_weight=2.0, style_weight=0.1, tv_weight=0.0)
LOSSES = Losses(0.3, 0.7, 0.0)
COLUMNS = [field.name for field in fields(Entry)]

Write = Callable[[str], Path]


def run(log: LossLog) -> None:
    """Three iterations at two sizes."""
    with log.recording():
        for scale in SCALES:
            for iteration in range(1, scale.iterations + 1):
                image = torch.zeros(1, 3, scale.height, scale.width)
                log.add(Step(scale, iteration, LOSSES, image))


def log_to(path: Path) -> LossLog:
    return LossLog(SETTINGS, path, pytest.fail)


@pytest.fixture
def written(tmp_path: Path) -> Write:
    def write(name: str) -> Path:
        run(log_to(tmp_path / name))
        return tmp_path / name

    return write


def test_a_log_that_became_a_link_to_an_input_is_not_written(tmp_path: Path) -> None:
    lines: list[str] = []
    content, path = tmp_path / "content.png", tmp_path / "log.csv"
    content.write_bytes(b"photograph")
    log = LossLog(SETTINGS, path, lines.append)
    log.check([content])
    path.symlink_to(content)
    run(log)

    assert content.read_bytes() == b"photograph"
    assert lines == [
        f"{path}: this is also an input; choose another output; the run continues without a log"
    ]
    assert len(log.entries) == 3


def test_an_entry_has_the_iteration_the_size_and_the_losses_with_and_without_weights() -> None:
    log = LossLog(SETTINGS, None, pytest.fail)
    run(log)

    rows = [astuple(entry) for entry in log.entries]
    assert [row[:4] for row in rows] == [(1, 1, 6, 4), (2, 2, 6, 4), (3, 1, 12, 8)]
    assert {row[4:11] for row in rows} == {(0.15, 0.7 / 0.1, None, 0.3, 0.7, 0.0, 1.0)}
    seconds = [entry.seconds for entry in log.entries]
    assert seconds == sorted(seconds)
    assert 0 <= seconds[0] < 60


@pytest.mark.parametrize("name", ["losses.csv", "losses.CSV"])
def test_csv_has_a_header_and_empty_cells_for_losses_without_weight(
    name: str, written: Write
) -> None:
    rows = list(csv.DictReader(written(name).read_text().splitlines()))

    assert [*rows[0]] == COLUMNS
    assert [row["iteration"] for row in rows] == ["1", "2", "3"]
    assert {row["tv"] for row in rows} == {""}
    assert {row["weighted_tv"] for row in rows} == {"0.0"}


def test_jsonl_has_an_object_per_line_and_null_for_losses_without_weight(
    written: Write,
) -> None:
    rows = [json.loads(line) for line in written("losses.jsonl").read_text().splitlines()]

    assert [[*row] for row in rows] == [COLUMNS] * 3
    assert {row["tv"] for row in rows} == {None}


@pytest.mark.parametrize("number", [1 / 3, 0.1 + 0.2, 5e-324, 1.7e308, 123456789.123456789])
def test_numbers_are_read_back_exactly(number: float) -> None:
    given: dict[str, Any] = {**dict.fromkeys(COLUMNS, number), "iteration": 1, "tv": None}
    entry = Entry(**given)

    cells = next(csv.reader([format_row(entry, Path("losses.csv")).decode()]))
    values: dict[str, Any] = json.loads(format_row(entry, Path("losses.jsonl")))

    assert float(cells[4]) == number
    assert Entry(**values) == entry


def test_each_row_is_in_the_file_before_the_next_iteration(tmp_path: Path) -> None:
    path = tmp_path / "losses.csv"
    log = log_to(path)
    with log.recording():
        for number in (1, 2):
            log.add(Step(SCALES[0], number, LOSSES, torch.zeros(1, 3, 4, 6)))
            text = path.read_text()
            assert text.endswith("\n")
            assert text.count("\n") == number + 1


def test_an_old_log_is_kept_until_the_first_iteration(tmp_path: Path) -> None:
    path = tmp_path / "losses.csv"
    path.write_text("old")
    log = log_to(path)
    with log.recording():
        assert path.read_text() == "old"
        log.add(Step(SCALES[0], 1, LOSSES, torch.zeros(1, 3, 4, 6)))
    assert path.read_bytes().startswith(header(path))
    assert b"old" not in path.read_bytes()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_disk_ends_the_log_with_one_warning() -> None:
    lines: list[str] = []
    log = LossLog(SETTINGS, Path("/dev/full"), lines.append)
    run(log)

    assert len(log.entries) == 3
    (line,) = lines
    assert line.startswith(
        "/dev/full: No space left on device; the log ends here, the run continues"
    )


def test_a_row_that_does_not_fit_is_removed(tmp_path: Path) -> None:
    """A limit on the size of files truncates a write in the middle of a row."""
    resource = pytest.importorskip("resource")
    path = tmp_path / "losses.jsonl"
    lines: list[str] = []
    log = LossLog(SETTINGS, path, lines.append)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (400, hard))
    try:
        run(log)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

    assert [json.loads(line)["iteration"] for line in path.read_text().splitlines()] == [1]
    assert len(lines) == 1


@pytest.mark.parametrize("name", ["losses", "losses.txt", "losses.json", ".csv"])
def test_another_suffix_is_refused(name: str, tmp_path: Path) -> None:
    line = refusal(log_to(tmp_path / name).check, [])
    assert line == f"{tmp_path / name}: unknown suffix; use one of .csv .jsonl"
    assert not [*tmp_path.iterdir()]


def test_an_input_is_not_overwritten_also_through_a_link(tmp_path: Path) -> None:
    (tmp_path / "content.png").touch()
    (tmp_path / "losses.csv").symlink_to(tmp_path / "content.png")
    line = refusal(log_to(tmp_path / "losses.csv").check, [tmp_path / "content.png"])
    assert "this is also an input" in line


def test_a_missing_folder_is_created(tmp_path: Path) -> None:
    log_to(tmp_path / "new" / "losses.csv").check([])
    assert not [*(tmp_path / "new").iterdir()]
