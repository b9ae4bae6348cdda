"""A Dask scheduler and its workers, as processes of their own."""

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]


@contextlib.contextmanager
def _process(folder: Path, *arguments: str) -> "Iterator[subprocess.Popen[bytes]]":
    environment = os.environ | {
        "PYTHONPATH": str(ROOT),
        "OMP_NUM_THREADS": "1",
        "DASK_TEMPORARY_DIRECTORY": str(folder),
    }
    with subprocess.Popen(
        [sys.executable, *arguments],
        cwd=folder,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


@contextlib.contextmanager
def scheduler(folder: Path) -> Iterator[str]:
    """Start a scheduler, and yield its address; `folder` is for its files."""
    found = folder / "scheduler.json"
    with _process(
        folder,
        *("-m", "distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", "0"),
        *("--no-dashboard", "--scheduler-file", str(found)),
    ):
        while not found.exists():
            time.sleep(0.1)
        yield json.loads(found.read_text())["address"]


@contextlib.contextmanager
def worker(address: str, folder: Path, *, threads: int = 1, before: str = "") -> Iterator[None]:
    """Start a worker in a folder; `before` is a program that it runs first."""
    program = f"{before}\nfrom distributed.cli.dask_worker import main\nmain()"
    with _process(
        folder,
        *("-c", program, address, "--nthreads", str(threads)),
        *("--no-nanny", "--no-dashboard", "--host", "127.0.0.1"),
    ):
        yield
