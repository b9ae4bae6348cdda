"""What the machine can do: its devices, and the number formats they are good at."""

import ctypes
import os
import sys
from typing import NamedTuple

import torch

from styletransfer.errors import DeviceError

_M_TRIM_THRESHOLD = -1
_M_MMAP_MAX = -4


def choose_device(name: str) -> torch.device:
    """Turn a device's name into a device that is there.

    Args:
        name: ``auto`` (CUDA, else MPS, else the CPU), ``cpu``, ``cuda``,
            ``cuda:N`` or ``mps``.

    Returns:
        The device.

    Raises:
        DeviceError: If the name is unknown or the device absent; there is no
            silent fall-back.
    """
    present = _present_devices()
    if name == "auto":
        return torch.device(present[-1])
    wanted = "cuda:0" if name == "cuda" else name
    if wanted not in present:
        raise DeviceError(
            f"device {name!r} is not available; this machine has {', '.join(present)}"
        )
    return torch.device(wanted)


def _present_devices() -> list[str]:
    """Name the devices of this machine, the one to prefer last."""
    devices = ["cpu"]
    if torch.backends.mps.is_available():
        devices.append("mps")
    devices += [f"cuda:{i}" for i in reversed(range(torch.cuda.device_count()))]
    return devices


class Precision(NamedTuple):
    """A number format of the convolutions."""

    dtype: torch.dtype
    """`torch.float32` or `torch.bfloat16`."""

    reason: str
    """Why it was chosen, in words."""

    @property
    def name(self) -> str:
        """``float32`` or ``bfloat16``."""
        return str(self.dtype).removeprefix("torch.")


def choose_precision(name: str, device: torch.device) -> Precision:
    """Choose the number format of the convolutions.

    bfloat16 is two to three times faster where the processor computes it
    natively, and many times slower where it is emulated, so ``auto`` asks the
    processor. It asks rather than tries: a timed trial could answer otherwise
    on a busy day, and the same command would then give other bytes.

    Args:
        name: ``auto``, ``float32`` or ``bfloat16``.
        device: Where the network is evaluated.

    Returns:
        The number format, and why.
    """
    if name != "auto":
        return Precision(torch.float32 if name == "float32" else torch.bfloat16, "as asked for")
    unit = _bfloat16_unit(device)
    if unit is None:
        return Precision(torch.float32, "nothing here is known to compute bfloat16 natively")
    return Precision(torch.bfloat16, f"computed natively, by {unit}")


def _bfloat16_unit(device: torch.device) -> str | None:
    """What computes bfloat16 natively; None if nothing does, or nobody can tell."""
    if device.type == "cuda":
        ampere = torch.cuda.get_device_capability(device) >= (8, 0)
        return "a card of the Ampere generation or later" if ampere else None
    if device.type != "cpu":
        return None
    # torch says this only under names of its own; without them we stay safe.
    checks = {"AMX": "_is_amx_tile_supported", "AVX512-BF16": "_is_avx512_bf16_supported"}
    return next((unit for unit, check in checks.items() if getattr(torch.cpu, check, bool)()), None)


def prefers_winograd(device: torch.device, dtype: torch.dtype) -> bool:
    """Whether products take so long that a detour around most of them is shorter.

    So it is on every processor whose units multiply vectors. AMX and graphics
    cards multiply matrices: there, reading and writing is what takes the time.

    Args:
        device: Where the network is evaluated.
        dtype: The number format of its convolutions.

    Returns:
        Whether to prefer convolutions of few products, see `winograd`.
    """
    matrices = dtype == torch.bfloat16 and _bfloat16_unit(device) == "AMX"
    return device.type == "cpu" and not matrices


def explain(precision: str, device: torch.device) -> str:
    """Say why a number format was chosen, and how many threads compute in it.

    Args:
        precision: As `choose_precision` takes it.
        device: As `choose_precision` takes it.

    Returns:
        Words to follow the name of the format.
    """
    reason = choose_precision(precision, device).reason
    return f" ({reason}), threads: {torch.get_num_threads()}"


def tune(device: torch.device) -> None:
    """Let cuDNN try which convolutions are fastest at each size, in the whole process.

    There are few sizes and many steps, so that the trials pay. Not measured:
    no such card was at hand.
    """
    if device.type == "cuda":
        torch.backends.cudnn.benchmark = True


def set_threads(threads: int | None) -> None:
    """Let torch compute in so many threads, in the whole process.

    Args:
        threads: 1 and up; None: leave it as it is, as a rule one for each core.
    """
    if threads is not None:
        torch.set_num_threads(threads)


def retain_memory() -> None:
    """Ask glibc to keep freed memory instead of giving it back, and torch for huge pages.

    Every step allocates the same large activations anew, and memory that comes
    fresh from the system has to be faulted in page by page: kept, an iteration
    is an eighth shorter; in huge pages, a twentieth, and takes a tenth less
    memory, as holes then fit. For a whole process, so it is the command that
    decides, never the library, and before the first tensor; without glibc it
    does nothing.
    """
    if sys.platform != "linux":
        return
    os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        for parameter, value in ((_M_MMAP_MAX, 0), (_M_TRIM_THRESHOLD, -1)):
            mallopt(parameter, value)
