"""Outcomes: what became of a job, as data."""

import pickle
from pathlib import Path

import pytest
import torch

from styletransfer.errors import DivergenceError, ImageError, StyleTransferError
from styletransfer.runs.batches.outcomes import Failure, Outcome, attempt
from styletransfer.runs.jobs import ExistingResult

EXISTING = ExistingResult(path=Path("out.png"), content=Path("a.jpg"))


def failing(error: StyleTransferError) -> ExistingResult:
    raise error


def test_an_attempt_that_succeeds_has_a_result() -> None:
    assert attempt(3, lambda: EXISTING) == Outcome(3, result=EXISTING)


@pytest.mark.parametrize(
    "error", [ImageError("a.jpg: broken"), DivergenceError("it diverged", torch.zeros(1, 3, 2, 2))]
)
def test_an_expected_failure_is_returned_as_its_class_and_its_line(
    error: StyleTransferError,
) -> None:
    outcome = attempt(3, lambda: failing(error))

    assert outcome == Outcome(3, failure=Failure(type(error), str(error)))
    assert pickle.loads(pickle.dumps(outcome)) == outcome


def test_an_unexpected_failure_is_raised() -> None:
    with pytest.raises(ZeroDivisionError):
        attempt(3, lambda: 1 // 0)  # type: ignore[arg-type, return-value]  # never returns


def test_a_failure_becomes_an_exception_again_without_its_picture() -> None:
    error = Failure(DivergenceError, "it diverged").error()

    assert (type(error), str(error)) == (DivergenceError, "it diverged")
