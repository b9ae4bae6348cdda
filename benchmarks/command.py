"""The README's first run: time of the whole command and of its steps."""

import importlib
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from time import perf_counter
from typing import Any
from unittest.mock import patch

from benchmarks import CONTENT, ROOT, STYLE
from benchmarks.bars import Bars
from benchmarks.plan import Plan
from benchmarks.process import measure
from benchmarks.table import Row
from styletransfer.choices import Precision

PART = "The whole command"
STEPS = ("import", "weights", "targets", "iterations", "saving")
CONFIGS: Mapping[str, Sequence[str]] = {"default": (), "draft": ("--config", "draft")}
"""Options of the command, by preset."""


def command(plan: Plan, bars: Bars) -> Iterator[Row]:
    """Measure the whole command and its steps, alternately."""
    for config in CONFIGS:
        whole: list[float] = []
        splits: list[dict[str, float]] = []
        for _ in range(plan.repeats):
            with tempfile.TemporaryDirectory() as folder:
                output = str(Path(folder) / "out.png")
                whole.append(_run(config, output, plan))
                splits.append(
                    measure(
                        "command.split",
                        config=config,
                        output=output,
                        iterations=plan.iterations,
                        precision=plan.precision,
                    )
                )
        rest = [time - sum(split.values()) for time, split in zip(whole, splits, strict=True)]
        for step in STEPS:
            yield Row(PART, f"{config}: {step}", [split[step] for split in splits], "s")
        yield Row(PART, f"{config}: rest (Python, checks, exit)", rest, "s")
        starts = [
            split["import"] + split["weights"] + other
            for split, other in zip(splits, rest, strict=True)
        ]
        yield Row(PART, f"{config}: import, weights and rest", starts, "s", bars.start)
        yield Row(PART, f"{config}: whole command", whole, "s", bars.command.get(config))


def _run(config: str, output: str, plan: Plan) -> float:
    """Run the command in its own process and return the seconds it took."""
    words = [sys.executable, "-m", "styletransfer", str(CONTENT), str(STYLE), "-o", output]
    words += ["--device", "cpu", "--precision", plan.precision, *CONFIGS[config]]
    if plan.iterations is not None:
        words += ["--iterations", ",".join(map(str, plan.iterations))]
    print(f"  stylize {' '.join(words[3:])}", file=sys.stderr, flush=True)
    started = perf_counter()
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    seconds = perf_counter() - started
    if done.returncode:
        raise SystemExit(f"benchmarks: {done.stderr}")
    return seconds


def split(
    config: str, output: str, iterations: list[int] | None, precision: Precision
) -> dict[str, float]:
    """Time the steps of the command in a fresh process.

    Args:
        config: A preset.
        output: The file of the result.
        iterations: Iterations at each size; None: those of the preset.
        precision: Number format of our network.

    Returns:
        Seconds by step, for each of `STEPS`.
    """
    clock = _Clock()
    # The imports are measured, too, in the order of the command.
    importlib.import_module("styletransfer.cli.app")
    from styletransfer.device.device import retain_memory
    from styletransfer.images.tensors import decode_picture, read_image, to_tensor
    from styletransfer.presets import load_settings
    from styletransfer.runs.result_writer import ResultWriter
    from styletransfer.transfer.objective import Objective
    from styletransfer.transfer.plan import encoder_for
    from styletransfer.transfer.stylize import stylize

    clock.lap("import")
    settings = load_settings(config).with_values({"device": "cpu", "precision": precision})
    if iterations is not None:
        settings = settings.with_values({"iterations": iterations})
    retain_memory()
    encoder = encoder_for(settings)
    clock.lap("weights")
    decoded = decode_picture(CONTENT)
    content, style = to_tensor(decoded.colours), read_image(STYLE)
    timed = _Timed(Objective)  # Its construction computes the targets.
    with patch("styletransfer.transfer.stylize.Objective", timed):
        result = stylize(content, style, settings, encoder=encoder)
    clock.lap("iterations")
    ResultWriter(decoded, settings).save(result.image, Path(output))
    clock.lap("saving")
    seconds = clock.seconds
    seconds["iterations"] -= timed.seconds
    return seconds | {"targets": timed.seconds}


class _Clock:
    """Seconds between laps, by the name of the lap."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self.last = perf_counter()

    def lap(self, name: str) -> None:
        now = perf_counter()
        self.seconds[name] = now - self.last
        self.last = now


class _Timed:
    """A callable that adds up the seconds spent in it."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function
        self.seconds = 0.0

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        started = perf_counter()
        result = self.function(*arguments, **named)
        self.seconds += perf_counter() - started
        return result
