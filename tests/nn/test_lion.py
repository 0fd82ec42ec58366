"""Lion, step by step in float64 against the paper's algorithm by hand, and as a run's optimiser."""

import math
import random

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from gradschool import nn
from gradschool.engine.optim import Optim
from gradschool.nn.lion import Lion
from gradschool.ops.descent.lion import lion
from gradschool.runs.run import optimizer_for

SHARES = st.floats(0, 0.999)


@given(st.floats(1e-5, 1), SHARES, SHARES, st.floats(0, 2), st.integers(0, 99))
def test_every_step_is_the_papers_by_hand(lr, beta1, beta2, decay, seed):
    draw = random.Random(seed)
    path = [
        [draw.choice([0.0, draw.gauss(0, 10 ** draw.randint(-3, 2))]) for _ in range(4)] for _ in range(8)
    ]
    theta, state = torch.ones(4, dtype=torch.float64), {}
    wanted, means = [1.0] * 4, [0.0] * 4
    for g in path:
        theta, state = lion(
            theta,
            torch.tensor(g, dtype=torch.float64),
            state,
            lr=lr,
            betas=(beta1, beta2),
            weight_decay=decay,
        )
        for i in range(4):
            c = beta1 * means[i] + (1 - beta1) * g[i]
            sign = math.copysign(1, c) if c else 0.0
            wanted[i] -= lr * (sign + decay * wanted[i])
            means[i] = beta2 * means[i] + (1 - beta2) * g[i]
        # The order of two float64 operations.
        assert theta.tolist() == pytest.approx(wanted, rel=1e-9, abs=1e-12)
        assert state["m"].tolist() == pytest.approx(means, rel=1e-9, abs=1e-12)


def test_one_step_with_numbers_on_paper():
    theta, m = torch.tensor([2.0, -1.0]).double(), torch.tensor([0.5, 0.1]).double()
    g = torch.tensor([-1.0, -2.0]).double()
    # Directions: 0.9 * 0.5 - 0.1 = 0.35 and 0.9 * 0.1 - 0.2 = -0.11; decay takes 0.1 * 0.5 of theta.
    theta, state = lion(theta, g, {"m": m}, lr=0.1, weight_decay=0.5)
    assert theta.tolist() == pytest.approx([2.0 * 0.95 - 0.1, -1.0 * 0.95 + 0.1])
    assert state["m"].tolist() == pytest.approx([0.99 * 0.5 - 0.01, 0.99 * 0.1 - 0.02])


def net():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 8), nn.ReLU(), nn.Linear(8, 1))


def trained(model, optimizer, steps):
    x = torch.randn(64, 3, generator=torch.Generator().manual_seed(1))
    losses = []
    for _ in range(steps):
        optimizer.zero_grad()
        loss = (model(x) - x.prod(1, keepdim=True)).square().mean()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


@pytest.mark.parametrize("plain", [True, False])
def test_a_run_can_name_it(plain):
    optim = Optim("lion", 0.01, weight_decay=0.1, momentum=0.8)
    model, before = net(), net()
    optimizer = optimizer_for(model, optim, plain)
    assert isinstance(optimizer, Lion) and optimizer.param_groups[0]["initial_lr"] == 0.01
    trained(model, optimizer, 1)
    # Matrices decay and step, biases only step.
    for name, p in model.named_parameters():
        old = before.get_parameter(name).detach()
        shrunk = old * (1 - 0.01 * 0.1) if p.dim() > 1 else old
        torch.testing.assert_close(p.detach(), shrunk - 0.01 * p.grad.sign(), rtol=1e-6, atol=1e-7)
    losses = trained(model, optimizer, 200)
    assert losses[-1] < 0.5 * losses[0]


def test_its_state_survives_saving_and_loading():
    whole, halves, optim = net(), net(), Optim("lion", 0.003)
    full = trained(whole, optimizer_for(whole, optim, plain=False), 20)
    first = optimizer_for(halves, optim, plain=False)
    start = trained(halves, first, 10)
    second = optimizer_for(halves, optim, plain=False)
    second.load_state_dict(first.state_dict())
    assert start + trained(halves, second, 10) == full
