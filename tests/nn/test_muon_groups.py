"""Muon for whole networks: matrices take its steps, tables and vectors those of torch's AdamW."""

import pytest
import torch

from gradschool import nn
from gradschool.engine.optim import Optim, parameter_groups
from gradschool.nn.muon import Muon, tables_apart
from gradschool.ops import optim as ops
from gradschool.ops import switch
from gradschool.runs.run import optimizer_for

OPTIM = Optim("muon", 0.01, weight_decay=0.1, momentum=0.95)


def net(tied=False):
    torch.manual_seed(0)
    made = nn.Sequential(nn.Embedding(7, 4), nn.Linear(4, 5), nn.Linear(5, 4), nn.Linear(4, 7, bias=False))
    if tied:
        made[0].weight = made[3].weight
    return made


def stepped(model, optimizer, steps=3):
    x = torch.arange(7)
    for _ in range(steps):
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(model(x), x.flip(0)).backward()
        optimizer.step()
    return dict(model.named_parameters())


def test_tables_and_vectors_are_stepped_as_by_adamw():
    ours, theirs = net(), net()
    # 1. Whatever the matrices do: they are held, on both sides.
    for model in (ours, theirs):
        for layer in list(model)[1:]:
            layer.weight.requires_grad_(False)
    found = stepped(ours, optimizer_for(ours, OPTIM, plain=False))
    tables = [p for n, p in theirs.named_parameters() if n == "0.weight"]
    biases = [p for n, p in theirs.named_parameters() if n.endswith("bias")]
    groups = [{"params": tables, "weight_decay": 0.1}, {"params": biases, "weight_decay": 0.0}]
    wanted = stepped(theirs, torch.optim.AdamW(groups, lr=0.01))
    for name, value in found.items():
        torch.testing.assert_close(value, wanted[name], rtol=1e-5, atol=1e-6)


def test_matrices_take_the_step_of_the_op():
    model = net()
    before = model[1].weight.detach().clone()
    stepped(model, optimizer_for(model, OPTIM, plain=False), steps=1)
    wanted, _ = ops.muon(before, model[1].weight.grad, {}, lr=0.01, momentum=0.95, weight_decay=0.1)
    torch.testing.assert_close(model[1].weight, wanted)


def test_a_table_that_is_the_output_as_well_is_a_table():
    for tied in (False, True):
        model = net(tied)
        groups = tables_apart(parameter_groups(model, OPTIM), model)
        assert sum(len(group["params"]) for group in groups) == len(list(model.parameters()))
        (table,) = [group for group in groups if group["table"]]
        assert len(table["params"]) == 1 and table["params"][0] is model[0].weight
        assert table["weight_decay"] == 0.1
    assert isinstance(optimizer_for(net(), OPTIM, plain=True), Muon)


def many():
    torch.manual_seed(1)
    shapes = [(6, 4), (4, 6), (6, 4), (5, 5), (3, 2, 2, 2), (3, 8), (7,), (4,)]
    return torch.nn.ParameterList(torch.randn(shape) for shape in shapes)


@pytest.mark.parametrize("dtype", [None, torch.bfloat16])
def test_stacked_matrices_take_the_steps_of_the_op_one_by_one(dtype):
    stacked, single = many(), many()
    groups = [
        [group | {"table": False} for group in parameter_groups(model, OPTIM)] for model in (stacked, single)
    ]
    together = Muon(groups[0], 0.01, 0.9, (0.9, 0.99), dtype)
    alone = Muon(groups[1], 0.01, 0.9, (0.9, 0.99))
    for step in range(3):
        for i, (a, b) in enumerate(zip(stacked, single, strict=True)):
            a.grad = torch.randn(a.shape, generator=torch.Generator().manual_seed(10 * step + i))
            b.grad = a.grad.clone()
        together.step()
        with switch.using("plain"):
            alone.step()
    # Three steps of at most 0.01 x 0.2 x sqrt(8) x 1.2; bfloat16 is off by a hundredth of each.
    tolerance = {"rtol": 1e-5, "atol": 1e-6} if dtype is None else {"rtol": 0, "atol": 1e-3}
    for a, b in zip(stacked, single, strict=True):
        torch.testing.assert_close(a, b, **tolerance)
        assert together.state[a].keys() == alone.state[b].keys()


def test_the_learners_own_op_is_called_for_every_matrix(monkeypatch):
    called = []

    def mine(theta, g, state, **numbers):
        called.append(theta.shape)
        return ops.muon.taught(theta, g, state, **numbers)

    monkeypatch.setattr(ops.muon, "mine", mine)
    model = net()
    stepped(model, optimizer_for(model, OPTIM, plain=False), steps=1)
    assert called == [p.shape for layer in list(model)[1:] for p in [layer.weight]]
