"""How much memory there is to take."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch

from styletransfer.device.free_memory import available, free_on_linux

GIB = 1 << 30
CPU = torch.device("cpu")

linux = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """The root of a machine with 8 GiB available, whose process is in no control group."""
    write(tmp_path / "proc/meminfo", f"MemTotal: {16 * GIB >> 10} kB\nMemFree: 1 kB\n")
    with (tmp_path / "proc/meminfo").open("a") as file:
        file.write(f"MemAvailable:   {8 * GIB >> 10} kB\nSwapFree: {64 * GIB >> 10} kB\n")
    write(tmp_path / "proc/self/status", "Name:\tpython\nVmSize:\t  1048576 kB\n")
    write(tmp_path / "proc/self/cgroup", "0::/\n")
    return tmp_path


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_what_the_machine_calls_available_counts_and_swap_does_not(machine: Path) -> None:
    assert free_on_linux(machine) == 8 * GIB


def test_without_proc_nobody_can_tell(tmp_path: Path) -> None:
    assert free_on_linux(tmp_path) is None


@pytest.mark.parametrize(
    ("cgroup", "folder", "names"),
    [
        ("0::/\n", "", ("memory.max", "memory.current")),
        ("0::/box\n", "box", ("memory.max", "memory.current")),
        ("0::/box/inner\n", "box", ("memory.max", "memory.current")),
        ("0::/on/the/host\n", "", ("memory.max", "memory.current")),
        (
            "4:memory:/box\n1:cpu:/other\n0::/\n",
            "memory/box",
            ("memory.limit_in_bytes", "memory.usage_in_bytes"),
        ),
        (
            "4:hugetlb,memory:/on/the/host\n",
            "memory",
            ("memory.limit_in_bytes", "memory.usage_in_bytes"),
        ),
    ],
)
def test_a_control_group_sets_a_limit_less_what_it_has_used_beyond_its_caches(
    cgroup: str, folder: str, names: tuple[str, str], machine: Path
) -> None:
    write(machine / "proc/self/cgroup", cgroup)
    group = machine / "sys/fs/cgroup" / folder
    write(group / names[0], f"{4 * GIB}\n")
    write(group / names[1], f"{3 * GIB}\n")
    write(group / "memory.stat", f"anon {GIB}\nactive_file {GIB // 2}\ninactive_file {GIB}\n")

    assert free_on_linux(machine) == 2.5 * GIB


@pytest.mark.parametrize("limit", ["max", str(2**63 - 4096)])
def test_a_group_without_a_limit_sets_none(limit: str, machine: Path) -> None:
    group = machine / "sys/fs/cgroup"
    write(group / "memory.max", f"{limit}\n")
    write(group / "memory.current", f"{3 * GIB}\n")
    write(group / "memory.stat", "anon 0\n")

    assert free_on_linux(machine) == 8 * GIB


def test_a_group_over_its_limit_leaves_nothing(machine: Path) -> None:
    group = machine / "sys/fs/cgroup"
    write(group / "memory.max", f"{GIB}\n")
    write(group / "memory.current", f"{2 * GIB}\n")
    write(group / "memory.stat", "anon 0\n")

    assert free_on_linux(machine) == 0


@linux
def test_ulimit_sets_a_limit() -> None:
    program = f"""
import resource
from styletransfer.device.free_memory import free_on_linux
before = free_on_linux()
resource.setrlimit(resource.RLIMIT_AS, ({GIB}, {GIB}))
assert 0 < free_on_linux() < {GIB} < before
"""
    subprocess.run([sys.executable, "-c", program], cwd=Path(__file__).parents[2], check=True)


@linux
def test_this_machine_says_how_much_it_has() -> None:
    room = available(CPU)

    assert room is not None
    assert 0 < room < 1 << 50


@pytest.mark.parametrize("device", ["mps", "meta"])
def test_elsewhere_nobody_can_tell(device: str) -> None:
    assert available(torch.device(device)) is None


@pytest.mark.gpu
def test_a_graphics_card_says_how_much_it_has() -> None:
    room = available(torch.device("cuda", 0))

    assert room is not None
    assert 0 < room <= torch.cuda.get_device_properties(0).total_memory
