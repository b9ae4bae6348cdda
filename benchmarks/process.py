"""Each measurement in a process of its own, with nothing else in it.

    python -m benchmarks.process ours.iteration '{"size": 256, "warm_up": 1, "steps": 2}'

A process has its own peak of memory and its own way of allocating, and pays
for its own imports; and the one that waits for it does nothing.
"""

import importlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from benchmarks import ROOT


def measure(task: str, **arguments: Any) -> Any:
    """Run a function of this package in a new process.

    Args:
        task: Module and function, such as ``ours.iteration``.
        arguments: Of the function; what JSON can hold.

    Returns:
        What the function returned; what JSON can hold.

    Raises:
        SystemExit: If the process failed; it has said why.
    """
    command = [sys.executable, "-m", "benchmarks.process", task, json.dumps(arguments)]
    print(f"  {task} {json.dumps(arguments)}", file=sys.stderr, flush=True)
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"benchmarks: {task} failed with exit code {done.returncode}")
    return json.loads(done.stdout.splitlines()[-1])


def peak_memory() -> int:
    """The peak of this process' resident memory so far, in bytes (Linux)."""
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise SystemExit("benchmarks: this system does not tell a process' peak of memory")


def main() -> None:
    """Run the function that the command line names, and print what it returns."""
    module, _, function = sys.argv[1].partition(".")
    task = getattr(importlib.import_module(f"benchmarks.{module}"), function)
    print(json.dumps(task(**json.loads(sys.argv[2]))))


if __name__ == "__main__":
    main()
