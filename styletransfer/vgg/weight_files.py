"""Read the tensors of the bundled weights, torchvision's weights, or a weights file."""

import hashlib
import pickle
import struct
import sys
import warnings
from collections.abc import Callable, Mapping
from http.client import HTTPException
from pathlib import Path
from urllib.error import HTTPError

import torch
from safetensors import SafetensorError
from safetensors.torch import load as parse_safetensors
from torch import Tensor

from styletransfer.device.free_memory import free_memory_on_linux
from styletransfer.errors import WeightsError, reason
from styletransfer.settings import BUNDLED, expand_user

BUNDLED_PATH = Path(__file__).parent / "weights" / "vgg19_oxford.safetensors"
_SHORTAGE = "they need more memory than is free; free some, or choose other --weights"
BUNDLED_SHA256 = "11ac99cb8655f7315dafe12497cbd64a4d791c87bacedf3a4ff8a6cd642c06af"


def read_tensors(source: str, network: str) -> tuple[Path, dict[str, Tensor]]:
    """Read the tensors of a source by name, as they are stored.

    Args:
        source: ``bundled``, ``torchvision``, or the path of a file.
        network: ``vgg19`` or ``vgg16``.

    Returns:
        The path of the file, and its tensors.

    Raises:
        WeightsError: If the file is damaged, is not a weights file, or cannot
            be read or downloaded.
    """
    if source == BUNDLED:
        return BUNDLED_PATH, _read_bundled(network)
    if source == "torchvision":
        # Imported here because it takes as long as the rest of the start-up.
        from torchvision.models import get_model_weights

        return read_url(get_model_weights(network).IMAGENET1K_V1.url)
    path = expand_user(Path(source))
    return path, _read_file(path)


def read_url(url: str) -> tuple[Path, dict[str, Tensor]]:
    """Read a file from the cache of torch.hub, which downloads it first if necessary.

    Args:
        url: The URL of a state dict. The file name contains the start of its
            SHA-256, as in ``vgg19-dcbb9e9d.pth``; a download is checked against it.

    Returns:
        The path of the file in the cache, and its tensors.

    Raises:
        WeightsError: If the file cannot be downloaded or read, or is damaged.
    """
    folder = Path(torch.hub.get_dir()) / "checkpoints"
    path = folder / url.rpartition("/")[2]
    try:
        with warnings.catch_warnings(action="ignore"):  # as in `_read_torch`
            # This can wait long for a server that does not answer, or for a name
            # look-up without a network: torch.hub does not take a timeout.
            content = torch.hub.load_state_dict_from_url(
                url,
                map_location="cpu",
                check_hash=True,
                weights_only=True,
                progress=sys.stderr.isatty(),
            )
    except (OSError, HTTPException, *_DAMAGE_ERRORS) as error:
        if isinstance(error, HTTPError):
            error.close()  # It is the response too, and keeps the connection open.
        # Only the first sentence: torch's others advise against `weights_only`.
        cause = reason(error).partition(". ")[0] or "the file is damaged"
        raise WeightsError(
            f"cannot download {url} or read it from the cache {folder}: {cause}; check the "
            f"network, delete a damaged {path.name} from the cache, or choose other --weights"
        ) from error
    return path, _select_tensors(content, path)


def _read_bundled(network: str) -> dict[str, Tensor]:
    if network != "vgg19":
        raise WeightsError(
            f"the bundled weights are of vgg19, not {network}; "
            "use --weights torchvision or --weights FILE"
        )
    try:
        content = BUNDLED_PATH.read_bytes()
    except OSError as error:
        raise WeightsError(
            f"cannot read the bundled weights {BUNDLED_PATH}: {reason(error)}; "
            "install styletransfer again"
        ) from error
    if hashlib.sha256(content).hexdigest() != BUNDLED_SHA256:
        raise WeightsError(
            f"the bundled weights {BUNDLED_PATH} are damaged (their SHA-256 is not "
            f"{BUNDLED_SHA256[:8]}…); install styletransfer again"
        )
    return parse_safetensors(content)


def _read_file(path: Path) -> dict[str, Tensor]:
    """Read the tensors of a file, without running any code in it."""
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        raise WeightsError(
            f"{path} is not a weights file: its name must end in {', '.join(_READERS)}"
        )
    try:
        _check_size(path)
        content = reader(path)
    except MemoryError as error:
        raise WeightsError(f"cannot read the weights {path}: {_SHORTAGE}") from error
    except OSError as error:
        cause = reason(error) or "it is damaged"
        raise WeightsError(f"cannot read the weights {path}: {cause}; check --weights") from error
    except _DAMAGE_ERRORS as error:
        raise WeightsError(
            f"{path} is damaged, truncated, or not a {path.suffix} file of tensors only; "
            "if it was downloaded, delete it and download it again"
        ) from error
    return _select_tensors(content, path)


def _check_size(path: Path) -> None:
    """Refuse a file that is larger than the free memory."""
    free = free_memory_on_linux()
    if free is not None and path.stat().st_size > free:
        raise WeightsError(f"cannot read the weights {path}: {_SHORTAGE}")


def _read_safetensors(path: Path) -> object:
    return parse_safetensors(path.read_bytes())


def _read_torch(path: Path) -> object:
    # torch.load warns about some damaged files before it raises.
    with warnings.catch_warnings(action="ignore"):
        return torch.load(path, map_location="cpu", weights_only=True)


_READERS: Mapping[str, Callable[[Path], object]] = {
    ".safetensors": _read_safetensors,
    ".pth": _read_torch,
    ".pt": _read_torch,
    ".bin": _read_torch,
}

# What the readers raise for damaged files, found by trying such files.
_DAMAGE_ERRORS = (
    SafetensorError,
    pickle.UnpicklingError,
    struct.error,
    RuntimeError,
    EOFError,
    LookupError,
    ValueError,
    TypeError,
    AttributeError,
    AssertionError,
)


def _select_tensors(content: object, path: Path) -> dict[str, Tensor]:
    """Return the dense CPU tensors of a state dict."""
    if not isinstance(content, Mapping):
        raise WeightsError(
            f"{path} does not contain a state dict; save the network's state_dict() instead"
        )
    return {
        name: value
        for name, value in content.items()
        if isinstance(name, str)
        and isinstance(value, Tensor)
        and value.layout == torch.strided
        and value.device.type == "cpu"
    }
