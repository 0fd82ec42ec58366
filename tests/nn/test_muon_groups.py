"""Muon for whole networks: matrices take its steps, tables and vectors those of torch's AdamW."""

import torch

from gradschool import nn
from gradschool.engine.optim import Optim, parameter_groups
from gradschool.nn.muon import Muon, tables_apart
from gradschool.ops import optim as ops
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
