"""Every optimiser, step by step, against torch.optim in float64."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import gradschool.nn.optim as nn_optim
from gradschool.nn.optim import Plain, plain_optimizer
from gradschool.ops import optim as ops

# Rounding of some ten float64 operations a step over 20 steps is about 1e-14; a wrong formula shows at 1e-3.
TOLERANCE = {"rtol": 1e-10, "atol": 1e-10}
BETAS = (0.7, 0.95)

CASES = [
    (ops.sgd, {"lr": 0.1}, torch.optim.SGD, {}),
    (ops.momentum, {"lr": 0.1, "momentum": 0.8}, torch.optim.SGD, {}),
    (ops.nesterov, {"lr": 0.1, "momentum": 0.8}, torch.optim.SGD, {"nesterov": True}),
    (ops.rmsprop, {"lr": 0.01, "alpha": 0.9}, torch.optim.RMSprop, {}),
    (ops.rmsprop, {"lr": 0.01, "alpha": 0.95, "momentum": 0.5}, torch.optim.RMSprop, {}),
    (ops.adam, {"lr": 0.01}, torch.optim.Adam, {}),
    (ops.adam, {"lr": 0.01, "betas": BETAS, "eps": 1e-3}, torch.optim.Adam, {}),
    (ops.adamw, {"lr": 0.01, "betas": BETAS, "weight_decay": 0.3}, torch.optim.AdamW, {}),
    (ops.adamax, {"lr": 0.01}, torch.optim.Adamax, {}),
    (ops.adamax, {"lr": 0.01, "betas": BETAS, "eps": 1e-3}, torch.optim.Adamax, {}),
    (ops.adadelta, {"lr": 0.5, "rho": 0.8, "eps": 1e-5}, torch.optim.Adadelta, {}),
]
NAMES = [f"{step.__name__}-{i}" for i, (step, *_) in enumerate(CASES)]


def gradients(shape, steps=20, seed=0):
    """Gradients of sizes from tiny to large, with exact zeros among them."""
    generator = torch.Generator().manual_seed(seed)
    g = torch.randn(steps, *shape, dtype=torch.float64, generator=generator)
    g = g * 10.0 ** torch.randint(-3, 3, g.shape, generator=generator)
    return g * (torch.rand(g.shape, generator=generator) > 0.2)


def torch_path(make, start, path):
    """Where torch's optimiser goes, step by step."""
    parameter = torch.nn.Parameter(start.clone())
    optimizer = make([parameter])
    for g in path:
        parameter.grad = g.clone()
        optimizer.step()
        yield parameter.detach().clone()


@pytest.mark.parametrize(("step", "numbers", "peer", "options"), CASES, ids=NAMES)
@pytest.mark.parametrize("shape", [(), (3,), (4, 2), (2, 3, 1, 2)])
def test_every_step_equals_torch(step, numbers, peer, options, shape):
    path = gradients(shape)
    theta, state = torch.ones(shape, dtype=torch.float64), {}
    expected = torch_path(lambda p: peer(p, **numbers, **options), theta, path)
    for g, target in zip(path, expected, strict=True):
        theta, state = step(theta, g, state, **numbers)
        torch.testing.assert_close(theta, target, **TOLERANCE)


@settings(deadline=None, max_examples=25)
@given(
    lr=st.floats(1e-4, 0.5),
    beta1=st.floats(0, 0.99),
    beta2=st.floats(0, 0.999),
    decay=st.floats(0, 0.5),
    seed=st.integers(0, 1000),
)
def test_adamw_equals_torch_for_any_numbers(lr, beta1, beta2, decay, seed):
    path, theta, state = gradients((5,), seed=seed), torch.ones(5, dtype=torch.float64), {}
    numbers = {"lr": lr, "betas": (beta1, beta2), "weight_decay": decay}
    for g, target in zip(
        path, torch_path(lambda p: torch.optim.AdamW(p, **numbers), theta, path), strict=True
    ):
        theta, state = ops.adamw(theta, g, state, **numbers)
        # With beta2 = 0 a denormal gradient leaves 8 digits: rounding of the square root dominates.
        torch.testing.assert_close(theta, target, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("name", ["sgd", "momentum", "nesterov", "rmsprop", "adam", "adamax", "adadelta"])
def test_weight_decay_through_the_gradient_equals_torch(name):
    path, start = gradients((3, 2)), torch.ones(3, 2, dtype=torch.float64)
    peers = {
        "sgd": lambda p: torch.optim.SGD(p, lr=0.02, weight_decay=0.1),
        "momentum": lambda p: torch.optim.SGD(p, lr=0.02, momentum=0.9, weight_decay=0.1),
        "nesterov": lambda p: torch.optim.SGD(p, lr=0.02, momentum=0.9, nesterov=True, weight_decay=0.1),
        "rmsprop": lambda p: torch.optim.RMSprop(p, lr=0.02, momentum=0.9, weight_decay=0.1),
        "adam": lambda p: torch.optim.Adam(p, lr=0.02, weight_decay=0.1),
        "adamax": lambda p: torch.optim.Adamax(p, lr=0.02, weight_decay=0.1),
        "adadelta": lambda p: torch.optim.Adadelta(p, lr=0.02, weight_decay=0.1),
    }
    ours = torch_path(
        lambda p: plain_optimizer([{"params": p, "weight_decay": 0.1}], name, 0.02), start, path
    )
    for mine, target in zip(ours, torch_path(peers[name], start, path), strict=True):
        torch.testing.assert_close(mine, target, **TOLERANCE)


@pytest.mark.parametrize("shape", [(6, 4), (4, 6), (5, 5), (1, 7)])
def test_orthogonalise_applies_the_polynomial_to_singular_values(shape):
    matrix = torch.randn(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    u, s, vt = torch.linalg.svd(matrix, full_matrices=False)
    s = s / matrix.norm()
    for _ in range(5):
        s = 3.4445 * s - 4.7750 * s**3 + 2.0315 * s**5
    torch.testing.assert_close(ops.orthogonalise(matrix), u @ torch.diag(s) @ vt, **TOLERANCE)
    assert s.min() > 0.6 and s.max() < 1.3


def test_orthogonalise_equals_torch_in_its_bfloat16():
    from torch.optim._muon import _zeropower_via_newtonschulz as peer

    matrix = torch.randn(8, 5, generator=torch.Generator().manual_seed(1))
    target = peer(matrix, (3.4445, -4.7750, 2.0315), 5, 1e-7).float()
    # torch computes in bfloat16, 8 bits: 0.4 % a rounding, some ten roundings.
    torch.testing.assert_close(ops.orthogonalise(matrix), target, rtol=0, atol=0.05)


@pytest.mark.parametrize("shape", [(6, 4), (4, 6)])
def test_muon_equals_torch_step_by_step(shape, monkeypatch):
    # torch orthogonalises in bfloat16; here by SVD and polynomial in float64, so all the rest must be exact.
    def exact(matrix, coefficients, steps, eps):
        u, s, vt = torch.linalg.svd(matrix, full_matrices=False)
        s = s / matrix.norm().clamp(min=eps)
        for _ in range(steps):
            s = coefficients[0] * s + coefficients[1] * s**3 + coefficients[2] * s**5
        return u @ torch.diag(s) @ vt

    monkeypatch.setattr("torch.optim._muon._zeropower_via_newtonschulz", exact)
    numbers = {"lr": 0.02, "momentum": 0.9, "weight_decay": 0.1}
    path = torch.randn(20, *shape, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
    theta, state = torch.ones(shape, dtype=torch.float64), {}
    peer = torch_path(lambda p: torch.optim.Muon(p, adjust_lr_fn="match_rms_adamw", **numbers), theta, path)
    for g, target in zip(path, peer, strict=True):
        theta, state = ops.muon(theta, g, state, **numbers)
        torch.testing.assert_close(theta, target, rtol=1e-9, atol=1e-9)  # SVD and five powers lose a digit


def test_muon_refuses_vectors():
    with pytest.raises(ValueError, match="adamw"):
        ops.muon(torch.ones(3), torch.ones(3), {})


def test_a_step_changes_neither_parameter_nor_gradient_nor_state():
    for step in (ops.sgd, ops.momentum, ops.nesterov, ops.rmsprop, ops.adam, ops.adamw, ops.adamax, ops.muon):
        theta, g, lr = torch.ones(2, 2), torch.full((2, 2), 0.5), {"lr": 0.1}
        _, state = step(theta, g, {}, **lr)
        before = {name: value.clone() for name, value in state.items()}
        step(theta, g, state, **lr)
        assert torch.equal(theta, torch.ones(2, 2)) and torch.equal(g, torch.full((2, 2), 0.5))
        assert all(torch.equal(state[name], before[name]) for name in before)


def net():
    torch.manual_seed(0)
    return torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.Tanh(), torch.nn.Linear(8, 1))


def losses_of(model, optimizer, steps=30):
    x = torch.randn(32, 4, generator=torch.Generator().manual_seed(3))
    y, losses = x.prod(1, keepdim=True), []
    for _ in range(steps):
        loss = ((model(x) - y) ** 2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


ENGINE = ["sgd", "momentum", "nesterov", "rmsprop", "adam", "adamw", "adamax", "adadelta"]


@pytest.mark.parametrize("name", ENGINE)
def test_plain_trains_as_the_engines_optimiser_does(name):
    from gradschool.engine.optim import Optim, make_optimizer, parameter_groups

    settings = Optim(name, learning_rate=0.01, weight_decay=0.1)
    ours, theirs = net(), net()
    plain = plain_optimizer(parameter_groups(ours, settings), name, settings.learning_rate)
    a, b = losses_of(ours, plain), losses_of(theirs, make_optimizer(theirs, settings))
    assert a[-1] < a[0]
    # Two orders of float32 operations over 30 steps; Muon's polynomial amplifies rounding most.
    torch.testing.assert_close(torch.tensor(a), torch.tensor(b), rtol=1e-3, atol=1e-5)


def test_state_survives_saving_and_loading():
    whole, halves = net(), net()
    full = losses_of(whole, plain_optimizer(whole.parameters(), "adamw", 0.01), 20)
    first = plain_optimizer(halves.parameters(), "adamw", 0.01)
    start = losses_of(halves, first, 10)
    second = plain_optimizer(halves.parameters(), "adamw", 0.01)
    second.load_state_dict(first.state_dict())
    assert start + losses_of(halves, second, 10) == full


def test_a_schedule_may_change_the_rate():
    parameter = torch.nn.Parameter(torch.zeros(1))
    optimizer = Plain([parameter], ops.sgd, lr=1.0)
    schedule = torch.optim.lr_scheduler.StepLR(optimizer, 1, 0.5)
    for _ in range(3):
        parameter.grad = torch.ones(1)
        optimizer.step()
        schedule.step()
    assert parameter.item() == -1.75


def test_the_learners_step_is_the_one_that_runs():
    parameter = torch.nn.Parameter(torch.zeros(1))
    parameter.grad = torch.ones(1)
    ops.sgd.mine = lambda theta, g, state, lr: (theta + 7, state)
    try:
        Plain([parameter], ops.sgd, lr=1.0).step()
    finally:
        ops.sgd.mine = None
    assert parameter.item() == 7


def test_unknown_name_is_refused_and_closure_is_used():
    parameter = torch.nn.Parameter(torch.ones(1))
    with pytest.raises(ValueError, match="wanted sgd"):
        nn_optim.plain_optimizer([parameter], "adaam", 0.1)

    def closure():
        loss = (parameter**2).sum()
        loss.backward()
        return loss

    assert plain_optimizer([parameter], "sgd", 0.1).step(closure).item() == 1.0
    torch.testing.assert_close(parameter.detach(), torch.tensor([0.8]))
