"""What the client tells all workers about the jobs of a request, and what they answer."""

from __future__ import annotations

import platform
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import TYPE_CHECKING, Literal, TypeVar

from styletransfer import __version__

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
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

    weights: tuple[str, bytes] | None = None
    """The suffix and the content of the file of the network's weights, likewise. None:
    seen, or not a file."""

    verbose: bool
    """Report why the number format was chosen."""

    is_prepared: bool
    """Whether the client has prepared the runs, and reported what there is to say."""

    memory: int | None = None
    """The most memory of a worker beyond what it has at the start, in bytes. None: not limited."""

    cards: tuple[str, ...] = ()
    """The CUDA devices, one for each local worker. None given: each uses those it sees."""


@dataclass(frozen=True, slots=True)
class NotAdmitted:
    """What a worker answers to a job before it was checked: another one is to do it."""


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
    client: Client,
    question: Callable[..., Answered],
    *arguments: object,
    workers: Sequence[str] | None = None,
) -> dict[str, Answered | Exception]:
    """Call a function on workers, also on those that compute.

    Args:
        client: Connected to them.
        question: A function of a module.
        arguments: Its arguments.
        workers: Their addresses. None: all workers.

    Returns:
        By address, what it returned or raised; nothing of workers that died meanwhile.
    """
    answers = client.run(
        question, *arguments, workers=None if workers is None else list(workers), on_error="return"
    )
    return {name: each for name, each in answers.items() if not isinstance(each, OSError)}


def versions(is_film: bool = False) -> dict[str, str | None]:
    """Return the versions that decide the bytes of a result, or whether jobs can be sent.

    Args:
        is_film: Whether frames start from others, which takes OpenCV; None is its version
            if it is missing.
    """
    found: dict[str, str | None] = {
        "stylize": __version__,
        "Python": ".".join(platform.python_version_tuple()[:2]),
        **{name: version(name) for name in ("torch", "pillow", "distributed")},
    }
    return found | {"OpenCV": _version_of_opencv()} if is_film else found


def _version_of_opencv() -> str | None:
    # Several distributions contain it.
    try:
        import cv2
    except ImportError:
        return None
    return cv2.__version__


def explain_mismatch(
    here: Mapping[str, str | None], there: Mapping[str, str | None], worker: str
) -> str | None:
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
            has = f"{name} {there[name]}" if there.get(name) else f"no {name}"
            return f"the worker {worker} has {has}, but here is {number}; install the same on both"
    return None
