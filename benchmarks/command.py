"""The README's first run: how long the whole command takes, and what its time goes to."""

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
from benchmarks.plan import Plan
from benchmarks.process import measure
from benchmarks.table import Bar, Row

PART = "The whole command"
STEPS = ("import", "weights", "targets", "iterations", "saving")
CONFIGS: Mapping[str, Sequence[str]] = {"default": (), "draft": ("--config", "draft")}
"""What the command line says, by the preset that this amounts to."""

BARS = {"default": Bar("≤", 25), "draft": Bar("≤", 8)}
START_BAR = Bar("<", 4)


def command(plan: Plan) -> Iterator[Row]:
    """Measure the command as it is, and its steps through the library, in turns."""
    for config, bar in BARS.items():
        whole: list[float] = []
        splits: list[dict[str, float]] = []
        for _ in range(plan.repeats):
            with tempfile.TemporaryDirectory() as folder:
                output = str(Path(folder) / "out.png")
                whole.append(_run(config, output, plan.iterations))
                splits.append(
                    measure(
                        "command.split", config=config, output=output, iterations=plan.iterations
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
        yield Row(PART, f"{config}: import, weights and rest", starts, "s", START_BAR)
        yield Row(PART, f"{config}: whole, by the clock", whole, "s", bar)


def _run(config: str, output: str, iterations: tuple[int, ...] | None) -> float:
    """Seconds of the command in a process of its own."""
    words = [sys.executable, "-m", "styletransfer", str(CONTENT), str(STYLE), "-o", output]
    words += ["--device", "cpu", *CONFIGS[config]]
    if iterations is not None:
        words += ["--iterations", ",".join(map(str, iterations))]
    print(f"  stylize {' '.join(words[3:])}", file=sys.stderr, flush=True)
    started = perf_counter()
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    seconds = perf_counter() - started
    if done.returncode:
        raise SystemExit(f"benchmarks: {done.stderr}")
    return seconds


def split(config: str, output: str, iterations: list[int] | None) -> dict[str, float]:
    """Take the command's steps one by one, in a process that has imported nothing yet.

    Args:
        config: A preset.
        output: Where to save.
        iterations: Steps at each size; None: the preset's.

    Returns:
        Seconds by step, each of `STEPS`.
    """
    clock = _Clock()
    # Here it is the imports that are timed; the command begins with that of `cli`.
    importlib.import_module("styletransfer.cli.app")
    from styletransfer.device.device import retain_memory
    from styletransfer.images.tensors import open_picture, to_tensor
    from styletransfer.presets import load_settings
    from styletransfer.runs.result_writer import ResultWriter
    from styletransfer.transfer.stylize import encoder_for, stylize

    clock.lap("import")
    settings = load_settings(config).with_values({"device": "cpu"})
    if iterations is not None:
        settings = settings.with_values({"iterations": iterations})
    retain_memory()
    encoder = encoder_for(settings)
    clock.lap("weights")
    targets = _Targets(encoder.walk)
    delivery = ResultWriter(CONTENT, settings, print)
    content, style = to_tensor(delivery.picture.colours), to_tensor(open_picture(STYLE))
    with patch.object(encoder, "walk", targets):
        result = stylize(content, style, settings, encoder=encoder)
    clock.lap("iterations")
    delivery.save(result.image, Path(output))
    clock.lap("saving")
    seconds = clock.seconds
    seconds["iterations"] -= targets.seconds
    return seconds | {"targets": targets.seconds}


class _Clock:
    """Seconds between laps, by the name of the lap."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self.last = perf_counter()

    def lap(self, name: str) -> None:
        now = perf_counter()
        self.seconds[name] = now - self.last
        self.last = now


class _Targets:
    """Times the targets: what is evaluated without a gradient.

    Args:
        walk: `Encoder.walk` of the network.
    """

    def __init__(self, walk: Callable[..., None]) -> None:
        self.walk = walk
        self.seconds = 0.0

    def __call__(self, *arguments: Any) -> None:
        import torch

        started = perf_counter()
        self.walk(*arguments)
        if not torch.is_grad_enabled():
            self.seconds += perf_counter() - started
