import subprocess
import sys
from pathlib import Path

import pytest
import torch

from styletransfer.device import free_memory as memory
from styletransfer.device.free_memory import free_memory, free_memory_on_linux, limit_memory

GIB = 1 << 30
CPU = torch.device("cpu")

linux = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def write_cgroup(folder: Path, limit: int | str, used: int, stat: str = "anon 0\n") -> None:
    write(folder / "memory.max", f"{limit}\n")
    write(folder / "memory.current", f"{used}\n")
    write(folder / "memory.stat", stat)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The root folder of a machine with 8 GiB available, where no cgroup has a limit."""
    kib = GIB >> 10
    write(
        tmp_path / "proc/meminfo",
        f"MemTotal: {16 * kib} kB\nMemFree: 1 kB\nMemAvailable:   {8 * kib} kB\n"
        f"SwapFree: {64 * kib} kB\n",
    )
    write(tmp_path / "proc/self/status", "Name:\tpython\nVmSize:\t  1048576 kB\n")
    write(tmp_path / "proc/self/cgroup", "0::/\n")
    return tmp_path


def test_available_memory_is_free_and_swap_is_not(root: Path) -> None:
    assert free_memory_on_linux(root) == 8 * GIB


def test_without_proc_free_memory_is_unknown(tmp_path: Path) -> None:
    assert free_memory_on_linux(tmp_path) is None


@pytest.mark.parametrize(
    ("cgroup", "folder"),
    [
        ("0::/\n", ""),
        ("0::/box\n", "box"),
        ("0::/box/inner\n", "box"),
        ("0::/on/the/host\n", ""),
        ("4:cpu:/other\n1:name=systemd:/other\n0::/box\n", "box"),
    ],
)
def test_a_cgroup_leaves_its_limit_minus_the_memory_that_is_not_file_cache(
    cgroup: str, folder: str, root: Path
) -> None:
    write(root / "proc/self/cgroup", cgroup)
    stat = f"anon {GIB}\nactive_file {GIB // 2}\ninactive_file {GIB}\n"
    write_cgroup(root / "sys/fs/cgroup" / folder, 4 * GIB, 3 * GIB, stat)
    assert free_memory_on_linux(root) == 2.5 * GIB


def test_the_tightest_of_nested_cgroups_counts(root: Path) -> None:
    write(root / "proc/self/cgroup", "0::/outer/inner\n")
    write_cgroup(root / "sys/fs/cgroup/outer", 4 * GIB, 3 * GIB)
    write_cgroup(root / "sys/fs/cgroup/outer/inner", 4 * GIB, 2 * GIB)
    assert free_memory_on_linux(root) == GIB


@pytest.mark.parametrize("limit", ["max", str(2**63 - 4096)])
def test_a_cgroup_without_a_limit_is_ignored(limit: str, root: Path) -> None:
    write_cgroup(root / "sys/fs/cgroup", limit, 3 * GIB)
    assert free_memory_on_linux(root) == 8 * GIB


def test_a_cgroup_above_its_limit_leaves_nothing(root: Path) -> None:
    write_cgroup(root / "sys/fs/cgroup", GIB, 2 * GIB)
    assert free_memory_on_linux(root) == 0


def test_ulimit_leaves_its_limit_minus_the_address_space_in_use(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    resource = pytest.importorskip("resource")  # not on Windows
    monkeypatch.setattr(resource, "getrlimit", lambda _: (3 * GIB, 3 * GIB))
    assert free_memory_on_linux(root) == 2 * GIB


@linux
def test_ulimit_is_read_from_the_system() -> None:
    program = f"""
import resource
from styletransfer.device.free_memory import free_memory_on_linux
before = free_memory_on_linux()
resource.setrlimit(resource.RLIMIT_AS, ({GIB}, {GIB}))
assert 0 < free_memory_on_linux() < {GIB} < before
"""
    subprocess.run([sys.executable, "-c", program], cwd=Path(__file__).parents[2], check=True)


@linux
def test_a_share_leaves_its_limit_minus_the_memory_in_use(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "_limit", None)
    monkeypatch.setattr(memory, "resident_memory", lambda: GIB)
    limit_memory(2 * GIB)
    assert free_memory_on_linux(root) == 2 * GIB

    monkeypatch.setattr(memory, "resident_memory", lambda: 2 * GIB)
    assert free_memory_on_linux(root) == GIB


def test_this_machine_has_free_memory() -> None:
    free = free_memory(CPU)
    assert free is not None
    assert 0 < free < 1 << 50


@pytest.mark.parametrize("device", ["mps", "meta"])
def test_the_free_memory_of_other_devices_is_unknown(device: str) -> None:
    assert free_memory(torch.device(device)) is None


@pytest.mark.gpu
def test_a_gpu_has_free_memory() -> None:
    free = free_memory(torch.device("cuda", 0))
    assert free is not None
    assert 0 < free <= torch.cuda.get_device_properties(0).total_memory
