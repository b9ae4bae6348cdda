"""What the machine can do: its devices, and the number formats they are good at."""

import ctypes
import sys

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


def choose_precision(name: str, device: torch.device) -> torch.dtype:
    """Choose the number format of the convolutions.

    bfloat16 is two to three times faster where the processor computes it
    natively, and many times slower where it is emulated, so ``auto`` asks the
    processor. It asks rather than tries: a timed trial could answer otherwise
    on a busy day, and the same command would then give other bytes.

    Args:
        name: ``auto``, ``float32`` or ``bfloat16``.
        device: Where the network is evaluated.

    Returns:
        `torch.float32` or `torch.bfloat16`.
    """
    if name != "auto":
        return torch.float32 if name == "float32" else torch.bfloat16
    return torch.bfloat16 if _has_native_bfloat16(device) else torch.float32


def _has_native_bfloat16(device: torch.device) -> bool:
    if device.type == "cuda":
        return torch.cuda.get_device_capability(device) >= (8, 0)
    if device.type != "cpu":
        return False
    # torch says this only under names of its own; without them we stay safe.
    checks = ("_is_amx_tile_supported", "_is_avx512_bf16_supported")
    return any(getattr(torch.cpu, check, bool)() for check in checks)


def retain_memory() -> None:
    """Ask glibc to keep freed memory instead of giving it back to the system.

    Every step allocates the same large activations anew, and memory that comes
    fresh from the system has to be faulted in page by page: kept, an iteration
    is an eighth shorter. For a whole process, so it is the command that
    decides, never the library; without glibc it does nothing.
    """
    if sys.platform != "linux":
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        for parameter, value in ((_M_MMAP_MAX, 0), (_M_TRIM_THRESHOLD, -1)):
            mallopt(parameter, value)
