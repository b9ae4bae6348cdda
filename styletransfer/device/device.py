"""Choose the device and the number format, and configure torch for them."""

import ctypes
import os
import platform
import sys
from dataclasses import dataclass
from functools import cache
from typing import Literal

import torch

from styletransfer.errors import DeviceError, quote

Convolution = Literal["direct", "nnpack", "winograd"]
"""How convolutions are computed: `vgg.kernels.convolution`, `nnpack` or `winograd`."""

# Parameters of mallopt, from malloc.h.
_M_TRIM_THRESHOLD = -1
_M_MMAP_THRESHOLD = -3

_KEPT = 32 << 20
"""Largest block that glibc keeps when it is freed, in bytes; it takes no larger number."""


def choose_device(name: str) -> torch.device:
    """Return the device of a name.

    Args:
        name: ``auto`` (CUDA, else MPS, else the CPU), ``cpu``, ``cuda``,
            ``cuda:N`` or ``mps``.

    Returns:
        The device.

    Raises:
        DeviceError: If the name is unknown or the device missing; another
            device is never used instead.
    """
    available = _available_devices()
    if name == "auto":
        return torch.device(available[-1])
    full_name = "cuda:0" if name == "cuda" else name
    if full_name not in available:
        raise DeviceError(
            f"device {quote(name)} is not available; this machine has {', '.join(available)}"
        )
    return torch.device(full_name)


def _available_devices() -> list[str]:
    """List the names of this machine's devices, the preferred one last."""
    devices = ["cpu"]
    if torch.backends.mps.is_available():
        devices.append("mps")
    devices += [f"cuda:{i}" for i in reversed(range(torch.cuda.device_count()))]
    return devices


@dataclass(frozen=True, slots=True)
class Precision:
    """The number format of the convolutions."""

    dtype: torch.dtype
    """`torch.float32` or `torch.bfloat16`."""

    reason: str
    """Why it was chosen, for the user."""

    @property
    def name(self) -> str:
        """``float32`` or ``bfloat16``."""
        return str(self.dtype).removeprefix("torch.")


def choose_precision(name: str, device: torch.device) -> Precision:
    """Choose the number format of the convolutions.

    bfloat16 is two to three times faster than float32 where the processor
    computes it natively, and many times slower where it is emulated. ``auto``
    queries the processor instead of timing a trial, because a trial could turn
    out differently on a busy machine, and change the result of the same command.

    Args:
        name: ``auto``, ``float32`` or ``bfloat16``.
        device: Where the network is evaluated.

    Returns:
        The number format, and why it was chosen.
    """
    if name != "auto":
        dtype = torch.float32 if name == "float32" else torch.bfloat16
        return Precision(dtype, "as requested")
    unit = _bfloat16_unit(device)
    if unit is None:
        reason = f"no native bfloat16 known on this {device.type} device"
        return Precision(torch.float32, reason)
    return Precision(torch.bfloat16, f"computed natively by {unit}")


def _bfloat16_unit(device: torch.device) -> str | None:
    """Return the hardware that computes bfloat16 natively; None if none is known."""
    if device.type == "cuda":
        has_ampere = torch.cuda.get_device_capability(device) >= (8, 0)
        return "a GPU of the Ampere generation or later" if has_ampere else None
    if device.type != "cpu":
        return None
    # Private functions of torch: without them the format is float32.
    checks = {"AMX": "_is_amx_tile_supported", "AVX512-BF16": "_is_avx512_bf16_supported"}
    return next((unit for unit, check in checks.items() if getattr(torch.cpu, check, bool)()), None)


def choose_convolution(device: torch.device, dtype: torch.dtype) -> Convolution:
    """Choose how convolutions of a CPU are computed.

    Winograd's method saves multiplications but reads and writes more memory: in
    bfloat16 that pays off, except with AMX, which multiplies whole matrices. In
    float32, NNPACK does the same faster where torch has it.

    Args:
        device: Where the network is evaluated.
        dtype: The number format of the convolutions.

    Returns:
        ``direct``, or what is faster for all but small or narrow layers.
    """
    if device.type == "cpu" and dtype == torch.bfloat16 and _bfloat16_unit(device) != "AMX":
        return "winograd"
    if device.type == "cpu" and dtype == torch.float32 and _has_nnpack():
        return "nnpack"
    return "direct"


def is_x86() -> bool:
    """Whether the processor is of the family on which torch's private kernels were measured."""
    return platform.machine().lower() in {"x86_64", "amd64"}


@cache
def _has_nnpack() -> bool:
    """Whether torch has NNPACK, under its private name. Measured on x86 only."""
    # Asking whether it is available is also what initializes it.
    return (
        is_x86()
        and hasattr(torch, "_nnpack_spatial_convolution")
        and bool(torch.backends.nnpack.is_available())
    )


def explain(precision: str, device: torch.device) -> str:
    """Describe why a number format was chosen and how many threads are used.

    Args:
        precision: As in `choose_precision`.
        device: As in `choose_precision`.

    Returns:
        Text to append to the name of the format.
    """
    reason = choose_precision(precision, device).reason
    return f" ({reason}), threads: {torch.get_num_threads()}"


def tune(device: torch.device) -> None:
    """Let cuDNN benchmark its convolution algorithms, in the whole process.

    A run has few image sizes and many iterations, so the trials should pay off;
    not measured.
    """
    if device.type == "cuda":
        torch.backends.cudnn.benchmark = True


def set_threads(threads: int | None) -> None:
    """Set the number of CPU threads of torch, in the whole process.

    Args:
        threads: 1 or more. None: keep torch's default, usually one per core.
    """
    if threads is not None:
        torch.set_num_threads(threads)


def retain_memory() -> None:
    """Make glibc keep freed blocks, and torch use huge pages, in the whole process.

    Every iteration allocates the same blocks. If they return to the system, page faults
    take time: 5 % in float32 at 512 px. So blocks up to 32 MB are kept. Larger ones are
    pictures and activations of torch's own operations, for which a freed block is rarely
    large enough: kept as well, they took 2.16 GB instead of 1.95 at 2048 px in tiles.

    Call it before the first tensor is created. Only the command does, because a
    library must not change its process. Without glibc it has no effect.
    """
    if sys.platform != "linux":
        return
    os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        for parameter, value in ((_M_MMAP_THRESHOLD, _KEPT), (_M_TRIM_THRESHOLD, 2**31 - 1)):
            mallopt(parameter, value)
