"""Runs each measurement in a process of its own.

    python -m benchmarks.process ours.iteration '{"size": 256, "warm_up": 1, "steps": 2}'

A process has its own peak memory, allocator and imports. The parent process only
waits.
"""

import importlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from benchmarks import ROOT
from styletransfer.__main__ import SPIN_COUNT


def measure(task: str, **arguments: Any) -> Any:
    """Run a function of this package in a new process.

    Args:
        task: Module and function, such as ``ours.iteration``.
        arguments: Arguments of the function, serializable as JSON.

    Returns:
        The return value of the function, through JSON.

    Raises:
        SystemExit: If the process failed; its error is on stderr.
    """
    command = [sys.executable, "-m", "benchmarks.process", task, json.dumps(arguments)]
    print(f"  {task} {json.dumps(arguments)}", file=sys.stderr, flush=True)
    ours = {} if task.startswith("peer.") else {"GOMP_SPINCOUNT": SPIN_COUNT}
    done = subprocess.run(
        command,
        cwd=ROOT,
        env=ours | os.environ,
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"benchmarks: {task} failed with exit code {done.returncode}")
    return json.loads(done.stdout.splitlines()[-1])


def peak_memory() -> int:
    """Peak resident memory of this process so far, in bytes (Linux)."""
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise SystemExit("benchmarks: this system does not report the peak memory of a process")


def main() -> None:
    """Run the function that the command line names, and print its return value."""
    module, _, function = sys.argv[1].partition(".")
    task = getattr(importlib.import_module(f"benchmarks.{module}"), function)
    print(json.dumps(task(**json.loads(sys.argv[2]))))


if __name__ == "__main__":
    main()
