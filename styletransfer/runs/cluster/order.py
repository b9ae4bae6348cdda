"""What the client tells all workers about the jobs of a request, and what they answer."""

from __future__ import annotations

import platform
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import TYPE_CHECKING, Literal, TypeVar

from styletransfer import __version__

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from distributed import Client

    from styletransfer.runs.batches.outcomes import Outcome

Answered = TypeVar("Answered")

Line = tuple[Literal["notify", "inform", "announce"], str]
"""A line that a run reports: the method of `RunContext` that reports it, and its text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What all jobs of a request have in common."""

    key: str
    """Distinguishes it from other requests."""

    folder: Path
    """The current folder of the command; relative paths start there."""

    files: Mapping[Path, bytes] | None
    """The style pictures, masks and picture to start from, if the workers do not see the
    files of the command. None: they do."""

    weights: bytes | None = None
    """The file of the network's weights, likewise. None: seen, or not a file."""

    verbose: bool
    """Report why the number format was chosen."""

    is_prepared: bool
    """Whether the client has prepared the runs, and reported what there is to say."""

    memory: int | None = None
    """The most memory of a worker beyond what it has at the start, in bytes. None: not limited."""

    cards: tuple[str, ...] = ()
    """The CUDA devices, one for each local worker. None given: each uses those it sees."""

    versions: Mapping[str, str] = field(default_factory=lambda: versions())
    """What the client runs."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a worker answers to a job."""

    outcome: Outcome
    """What became of it."""

    lines: tuple[Line, ...] = ()
    """What the run reported."""

    files: Mapping[Path, bytes] = field(default_factory=dict)
    """The files that it wrote, if the worker does not see the folders of the command."""


def ask_workers(
    client: Client, question: Callable[..., Answered], *arguments: object
) -> dict[str, Answered | Exception]:
    """Call a function on all workers, also on those that compute.

    Args:
        client: Connected to them.
        question: A function of a module.
        arguments: Its arguments.

    Returns:
        By address, what it returned or raised; nothing of workers that died meanwhile.
    """
    answers = client.run(question, *arguments, on_error="return")
    return {name: each for name, each in answers.items() if not isinstance(each, OSError)}


def versions() -> dict[str, str]:
    """Return the versions that decide the bytes of a result, or whether jobs can be sent."""
    names = ("torch", "pillow", "distributed")
    python = ".".join(platform.python_version_tuple()[:2])
    return {"stylize": __version__, "Python": python} | {name: version(name) for name in names}


def explain_mismatch(here: Mapping[str, str], there: Mapping[str, str], worker: str) -> str | None:
    """Say how the versions of a worker differ from those of the client; None if they do not.

    Args:
        here: The versions of the client.
        there: Those of the worker.
        worker: Its address.

    Example:
        >>> explain_mismatch({"torch": "2.7"}, {"torch": "2.6"}, "tcp://host:1")
        'the worker tcp://host:1 has torch 2.6, but here is 2.7; install the same on both'
    """
    for name, number in here.items():
        if there.get(name) != number:
            return (
                f"the worker {worker} has {name} {there.get(name)}, but here is {number}; "
                "install the same on both"
            )
    return None
