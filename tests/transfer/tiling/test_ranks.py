"""Tiles shared among real processes of torch.distributed."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from styletransfer.images.tensors import read_image
from tests.support.commands import ROOT
from tests.support.pictures import noise

pytestmark = [pytest.mark.slow, pytest.mark.long, pytest.mark.weights]

GRADIENT = """
import sys
import torch
from styletransfer.settings import Settings
from styletransfer.transfer.objective import Objective
from styletransfer.transfer.tiling import ranks
from styletransfer.transfer.tiling.follower import follow
from styletransfer.vgg.encoder import load_encoder

ranks.join()
if not ranks.is_first():
    follow()
    ranks.leave()
    sys.exit()
torch.manual_seed(0)
torch.set_default_dtype(torch.float64)
encoder = load_encoder("vgg19", "bundled", "torchvision", "max", torch.device("cpu"), torch.float64)
image, content, style = torch.rand(3, 1, 3, 80, 112)

def gradient(settings, tile):
    shapes = (content.shape, style.shape)
    if tile is not None:
        size = ranks.Size(settings, torch.float64, tile, False, shapes, None)
        ranks.tell(size, content, style)
    objective = Objective(encoder, content, [style], settings, tile=tile)
    here = image.clone().requires_grad_()
    objective(here).total.backward()
    return here.grad

for form in ("gram", "moments"):
    for weight in (14.0, 0.0):
        settings = Settings(style_form=form, style_weight=weight)
        whole = gradient(settings, None)
        error = (gradient(settings, 64) - whole).norm() / whole.norm()
        assert error < 1e-10, (form, weight, error)
print("equal")
ranks.tell(None)
ranks.leave()
"""

COMMAND = """
from styletransfer.transfer import stylize, workspace

# Tiles that are chosen for larger pictures only, also by a single process.
workspace._WORTH_SHARING = 0
workspace._SIDES = (64,)
stylize.choose_workspace = lambda *_: workspace.Workspace(64, 10, 0)

from styletransfer.__main__ import main

main()
"""


def torchrun(script: Path, *arguments: str, ranks: int = 2) -> list[str]:
    return [
        *(sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", str(ranks)),
        *("--", str(script), *arguments),
    ]


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Pictures and the script `command.py` in the current folder, and variables for processes."""
    monkeypatch.chdir(tmp_path)
    noise(128, 96).save("content.png")
    noise(60, 60, seed=7).save("style.png")
    Path("command.py").write_text(COMMAND, "utf-8")
    return os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}


def test_two_ranks_find_the_gradient_of_one(tmp_path: Path, environment: dict[str, str]) -> None:
    script = tmp_path / "gradient.py"
    script.write_text(GRADIENT, "utf-8")
    done = subprocess.run(
        torchrun(script), env=environment, capture_output=True, text=True, check=False
    )
    assert done.stdout.strip() == "equal", done.stderr


RUN = (
    *("content.png", "style.png", "--size", "128", "--min-size", "128", "--iterations", "8"),
    *("--precision", "float32", "--style-form", "gram"),
)


@pytest.mark.parametrize("form", ["gram", "wasserstein"])
def test_two_and_three_ranks_paint_the_picture_of_one_to_the_bit(
    form: str, environment: dict[str, str]
) -> None:
    script, run = Path("command.py"), (*RUN, "--style-form", form)
    for count in (2, 3):
        command = torchrun(script, *run, "-o", f"{count}.tif", "--log", f"{count}.csv", ranks=count)
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        assert done.stdout == f"{count}.tif\n"
        assert f"on {count} processes" in done.stderr
    one = [sys.executable, str(script), *run, "-o", "1.tif"]
    subprocess.run(one, env=environment, capture_output=True, check=True)
    for count in (2, 3):
        assert torch.equal(read_image(f"{count}.tif"), read_image("1.tif"))


def test_a_run_that_lost_a_rank_can_be_continued(environment: dict[str, str]) -> None:
    kept = ("--checkpoint", "run.ckpt", "--log", "losses.csv", "-o", "out.tif")
    command = torchrun(Path("command.py"), *RUN, *kept)
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as run:
        while not Path("losses.csv").exists() or len(rows("losses.csv")) < 4:
            assert run.poll() is None
            time.sleep(0.02)
        os.kill(second_rank(run.pid), signal.SIGKILL)
        assert run.stderr is not None
        said = run.stderr.read()
    assert run.returncode == 1
    assert (
        "stylize: error: another process of this run is gone; the best picture is in out.tif; "
        "the same command goes on from run.ckpt"
    ) in said
    one = [sys.executable, "command.py", *RUN, *kept]
    done = subprocess.run(one, env=environment, capture_output=True, text=True, check=True)
    assert "going on from run.ckpt" in done.stderr
    assert len(rows("losses.csv")) == 1 + 8
    assert not Path("run.ckpt").exists()


def rows(log: str) -> list[str]:
    return Path(log).read_text("utf-8").splitlines()


def second_rank(agent: int) -> int:
    """The process of rank 1 among those that an agent started."""
    for process in Path("/proc").glob("[0-9]*"):
        try:
            parent = int(process.joinpath("stat").read_text("utf-8").rpartition(")")[2].split()[1])
            variables = process.joinpath("environ").read_bytes().split(b"\0")
        except OSError:
            continue
        if parent == agent and b"RANK=1" in variables:
            return int(process.name)
    raise AssertionError("there is no rank 1")
