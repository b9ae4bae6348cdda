import pytest
import torch

from styletransfer.transfer.optimizers.adam import Adam
from tests.support.quadratic import SIZE, descend, quadratic


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
def test_the_first_step_of_adam_is_one_learning_rate_in_every_coordinate(scale: float) -> None:
    gradient = scale * torch.tensor([-3.0, 0.01, 200.0])
    step = Adam(gradient, 0.05).step(gradient)
    torch.testing.assert_close(step, torch.tensor([0.05, -0.05, -0.05]))


def test_adam_takes_the_steps_of_torchs_own() -> None:
    matrix, start = quadratic()
    ours = descend(Adam(start, 0.05), matrix.matmul, start, 20)
    point = start.clone().requires_grad_()
    theirs = torch.optim.Adam([point], lr=0.05, betas=(0.9, 0.99), eps=1e-12)
    for expected in ours[1:]:
        point.grad = matrix @ point.detach()
        theirs.step()
        torch.testing.assert_close(point.detach(), expected)


def test_adam_can_optimize_another_variable() -> None:
    matrix, start = quadratic()
    change = torch.diag(torch.linspace(1, 3, SIZE, dtype=torch.float64))
    ours = descend(Adam(start, 0.05, change.matmul), matrix.matmul, start, 20)
    in_variable = (change @ matrix @ change).matmul
    variables = descend(Adam(start, 0.05), in_variable, change.inverse() @ start, 20)
    for point, variable in zip(ours, variables, strict=True):
        torch.testing.assert_close(point, change @ variable)


def test_adam_finds_the_bottom_of_a_quadratic() -> None:
    matrix, start = quadratic()
    assert descend(Adam(start, 0.05), matrix.matmul, start, 400)[-1].norm() < 0.05 * start.norm()
