"""Checkpoints: the file from which the same command goes on after an interruption."""

from __future__ import annotations

import hashlib
import time
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from styletransfer import __version__
from styletransfer.errors import CheckpointError, ImageError, reason
from styletransfer.images.pipes import regular_file
from styletransfer.option_text import format_value, option_name
from styletransfer.output_files import check_file, errors_of, replaced
from styletransfer.runs.loss_log import Entry
from styletransfer.settings import field_names

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from styletransfer.runs.jobs import Job
    from styletransfer.transfer.best import State
    from styletransfer.transfer.stylize import Step

FORMAT = "stylize checkpoint 1"

_ZIP = b"PK"  # as which torch saves

_INDIFFERENT = {"bits", "keep_metadata", "max_memory", "threads"}
"""Settings that a run may go on with others of."""


@dataclass(frozen=True, slots=True)
class Saved:
    """What a checkpoint holds."""

    state: State
    """Where the run goes on, see `Step.state`."""

    entries: list[Entry]
    """The losses after each iteration so far."""

    budget: int | None
    """The budget of the run's plan."""


class Checkpoint:
    """Saves a run from time to time, and finds it again.

    Args:
        path: The file.
        minutes: The time between two checkpoints.
        job: The picture to make.
        notify: Called with each line for the user.
    """

    def __init__(self, path: Path, minutes: float, job: Job, notify: Callable[[str], None]) -> None:
        self.path = path
        self._seconds = 60 * minutes
        self._job = job
        self._notify = notify
        self._saved = time.monotonic()
        self._failed = False

    def check(self) -> None:
        """Refuse a path that cannot be written, or holds something else, before the run starts.

        Raises:
            ImageError: If it cannot be written, or is an input or the output.
            CheckpointError: If the file is no checkpoint.
        """
        check_file(self.path, [self.path.suffix.lower()], [*self._job.inputs, self._job.output])
        with errors_of(self.path, "choose another file"):
            if self.path.exists():
                with self.path.open("rb") as file:
                    if file.read(len(_ZIP)) != _ZIP:
                        raise CheckpointError(
                            f"{self.path}: this is no checkpoint; choose another file"
                        )

    def load(self) -> Saved | None:
        """Read the checkpoint; None if there is none. Imports torch.

        Raises:
            CheckpointError: If the file is damaged, or of another command.
        """
        import torch

        if not self.path.exists():
            return None
        try:
            # Mapped, since there is no memory for a large one beside the run that it becomes.
            content = torch.load(self.path, "cpu", weights_only=True, mmap=True)
            if content["format"] != FORMAT:
                raise ValueError(content["format"])
            found = Saved(
                content["state"], [Entry(**each) for each in content["entries"]], content["budget"]
            )
            command = content["command"]
        except Exception as error:
            raise CheckpointError(
                f"{self.path}: this is no whole checkpoint; delete it to start anew"
            ) from error
        differences = _differences(command, self._command)
        if differences:
            raise CheckpointError(
                f"{self.path}: this checkpoint is of another command ({'; '.join(differences)}); "
                "repeat that command to go on, or delete the file to start anew"
            )
        return found

    def add(self, step: Step, entries: Sequence[Entry], budget: int | None, *, last: bool) -> None:
        """Save the run after a step if the time has come.

        Args:
            step: The step.
            entries: The losses after each iteration so far.
            budget: As in `Saved`.
            last: Save it in any case, since the run ends here.
        """
        if last or time.monotonic() - self._saved >= self._seconds:
            self.keep(step.state(), entries, budget)

    def keep(self, state: State, entries: Sequence[Entry], budget: int | None) -> None:
        """Save the run.

        The first checkpoint that cannot be saved is reported. The run goes on, and
        later ones are tried again.

        Args:
            state: Where it goes on.
            entries: As in `add`, like the following.
            budget: As in `Saved`.
        """
        content = {
            "format": FORMAT,
            "command": self._command,
            "state": state,
            "entries": [asdict(entry) for entry in entries],
            "budget": budget,
        }
        try:
            self._write(content)
        except ImageError as error:
            if not self._failed:
                self._notify(f"{error}; the run continues without this checkpoint")
            self._failed = True
        self._saved = time.monotonic()

    def remove(self) -> None:
        """Delete the file, since the run is complete."""
        with errors_of(self.path, "delete this checkpoint yourself"):
            self.path.unlink(missing_ok=True)

    def _write(self, content: dict[str, Any]) -> None:
        import torch

        with replaced(self.path) as file, errors_of(self.path):
            try:
                torch.save(content, file)
            except RuntimeError as error:  # torch's, of a disk that is full
                raise OSError(reason(error)) from error

    @cached_property
    def _command(self) -> dict[str, Any]:
        """All that decides the picture: version, settings and files."""
        job, names = self._job, [name for name in field_names() if name not in _INDIFFERENT]
        files = [path for path in job.inputs if path != job.config]
        return {
            "version": __version__,
            "settings": {name: getattr(job.settings, name) for name in names},
            "files": [(str(path), _digest(path)) for path in files],
        }


def _digest(path: Path) -> str:
    with regular_file(path) as found, found.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _differences(saved: dict[str, Any], given: dict[str, Any]) -> list[str]:
    """What differs between two commands, in words."""
    found = []
    if saved["version"] != given["version"]:
        found.append(f"it was made by stylize {saved['version']}, this is {given['version']}")
    for name in {**saved["settings"], **given["settings"]}:
        one, other = (each["settings"].get(name) for each in (saved, given))
        if one != other:
            found.append(f"{option_name(name)} was {_in_words(one)}, not {_in_words(other)}")
    if len(saved["files"]) != len(given["files"]):
        found.append(f"it read {len(saved['files'])} files, not {len(given['files'])}")
        return found
    for (_, one), (path, other) in zip(saved["files"], given["files"], strict=True):
        if one != other:
            found.append(f"{path} is another file")
    return found


def _in_words(value: Any) -> str:
    return "the default" if value is None else format_value(value)
