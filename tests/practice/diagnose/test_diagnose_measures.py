"""The measures of a diagnosis against cases in closed form."""

import math
from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from gradschool.ops.practice.labels import contradicted
from gradschool.practice.diagnose import measures
from gradschool.practice.diagnose.finding import DEAD, EXPLODING, LEAK, TOO_HIGH, VANISHING, Finding, causes
from gradschool.practice.diagnose.look import Look
from gradschool.practice.diagnose.probe import learnable
from gradschool.practice.diagnose.watch import Firing, gradients, watched


def test_dead_units_are_those_that_were_never_above_zero():
    assert measures.dead_share(torch.tensor([0.0, -1.0, 2.0, 0.0])) == 0.75
    assert measures.dead_share(torch.zeros(0)) == 0.0


def test_the_ratio_of_first_and_last_gradient():
    assert measures.first_to_last([2.0, 9.0, 4.0]) == 0.5
    assert measures.first_to_last([3.0]) == 1.0
    assert measures.first_to_last([0.0, 1.0]) == 0.0 and measures.first_to_last([1.0, 0.0]) == math.inf
    assert measures.first_to_last([0.0, 0.0]) == 1.0  # nothing flows at all: no layer is special
    assert math.isnan(measures.first_to_last([1.0, math.nan, 1.0]))


@given(st.floats(1e-6, 10), st.integers(1, 50))
def test_a_relative_change_is_the_share_of_the_length(share, n):
    before = torch.linspace(1, 2, n)
    # float32 has seven digits, and the difference of two numbers near 1 keeps an error of 1e-7.
    assert measures.relative_change(before, before * (1 + share)) == pytest.approx(share, rel=1e-3, abs=2e-7)
    assert measures.relative_change(torch.zeros(n), before) == 0.0


def test_a_loss_that_falls_rises_or_stays():
    falling, rising = [2.0 - 0.01 * i for i in range(100)], [2.0 + 0.01 * i for i in range(100)]
    assert measures.ends(falling) == (1.99, pytest.approx(1.10))
    assert not measures.rises(falling) and measures.falls(falling)
    assert measures.rises(rising) and not measures.falls(rising)
    noisy = [2.0 + 0.5 * (-1) ** i for i in range(100)]
    assert not measures.rises(noisy) and not measures.falls(noisy)
    assert measures.rises([2.0, 2.0, 9.0, *([2.0] * 20)])  # shot up and came back to where it began
    assert not measures.rises([2.0, 2.0, 9.0, *([1.0] * 20)])  # a start that was rough
    assert measures.rises([2.0, math.nan]) and measures.rises([1.0, math.inf])
    assert not measures.rises([1.0, 2.0, 3.0, 4.0])  # too short to say


def test_a_label_in_the_midst_of_others_is_contradicted():
    x = torch.cat([torch.arange(20.0)[:, None], 1000 + torch.arange(20.0)[:, None]])
    y = torch.arange(40) // 20
    agree, wrong = contradicted(x, y, 8)
    assert agree == 1.0 and not wrong.any()
    y[10] = 1
    agree, wrong = contradicted(x, y, 8)
    assert wrong.nonzero().flatten().tolist() == [10] and agree == 1.0
    # Two in nine are no longer nearly all.
    y[[9, 11]] = 1
    assert not contradicted(x, y, 8)[1][[9, 10, 11]].any()


def test_neighbours_vote_without_the_example_itself():
    x = torch.tensor([[0.0], [1.0], [2.0], [50.0], [51.0], [52.0]])
    y = torch.tensor([0, 0, 1, 1, 1, 1])
    assert measures.neighbour_accuracy(x, y, 2).tolist()[3:] == [1, 1, 1]
    assert measures.neighbour_accuracy(x, y, 2)[2] == 0


def test_distances_are_those_of_euclid():
    x = torch.randn(7, 3, generator=torch.Generator().manual_seed(0)).double()
    wanted = torch.cdist(x, x).square()
    torch.testing.assert_close(measures.squared_distances(x), wanted, atol=1e-12, rtol=1e-9)


def test_a_column_tells_the_label_if_it_is_the_label_under_other_names():
    y = torch.tensor([0, 1, 2, 2, 1, 0])
    same, constant = 10 - 3.0 * y, torch.ones(6)
    nearly, coarse = same.clone(), (y > 0).float()
    nearly[5] = 4
    columns = torch.stack([constant, same, nearly, coarse, y.float()], 1)
    assert measures.telling(columns, y) == [1, 4]
    assert measures.telling(columns, torch.zeros(6, dtype=torch.int64)) == []
    assert measures.telling(columns, y + 5) == [1, 4]  # labels that do not begin at 0


def test_balanced_accuracy_gives_every_class_the_same_weight():
    y = torch.tensor([0] * 90 + [1] * 10)
    value, error = measures.balanced_accuracy(torch.zeros(100, dtype=torch.int64), y)
    assert value == 0.5
    assert error == pytest.approx(math.sqrt(0.25 / 90 + 0.25 / 10) / 2)


def test_the_lower_bound_is_wilsons():
    assert measures.lower_bound(0, 0) == 0.0 and measures.lower_bound(0, 50) == pytest.approx(0, abs=1e-12)
    # n hits of n: n / (n + z²).
    assert measures.lower_bound(100, 100) == pytest.approx(100 / (100 + 1.96**2))
    assert measures.lower_bound(10, 100) == pytest.approx(
        0.0552, abs=5e-4
    )  # Wilson 1927's own formula by hand


def test_labels_of_noise_are_not_learnable_and_those_of_a_line_are():
    draw = torch.Generator().manual_seed(0)
    x = torch.randn(400, 5, generator=draw)
    assert learnable(x, (x[:, 0] > 0).long())[0]
    is_above, best, chance = learnable(x, torch.randint(0, 2, (400,), generator=draw))
    assert not is_above and chance == 0.5 and abs(best - 0.5) < 0.07
    rings = (x.square().sum(1) > 4).long()  # no line parts them; neighbours do
    assert learnable(x, rings)[0]


def test_rectifiers_are_seen_wherever_they_are_called():
    firing = Firing()
    x = torch.tensor([[1.0, -1.0, 0.0], [2.0, -2.0, -1.0]])
    with firing:
        for value in (x, -x):
            firing.begin(len(value))
            torch.relu(value)
            nn.ReLU(inplace=True)(value.clone().view(2, 3, 1, 1))
            torch.tanh(value)
    assert firing.examples == 4 and list(firing.peaks) == [0, 1]
    assert [each.tolist() for each in firing.peaks.values()] == [[2.0, 2.0, 1.0]] * 2


def test_gradients_at_the_outputs_are_those_of_the_chain_rule():
    net = nn.Sequential(nn.Linear(1, 1, bias=False), nn.Embedding(3, 2), nn.Linear(1, 1, bias=False))
    for layer, weight in ((net[0], 5.0), (net[2], 0.5)):
        nn.init.constant_(layer.weight, weight)
    with gradients(net) as found:
        net[2](net[0](torch.ones(4, 1))).sum().backward()
    # At the last output 1 for each of four rows, at the first half of it.
    assert found == {"0": pytest.approx(1.0), "2": pytest.approx(2.0)}
    assert not net[0]._forward_hooks


def test_updates_are_watched_as_shares_of_the_weights():
    net = nn.Linear(3, 2)
    nn.init.ones_(net.weight)
    with watched({"model": net}) as found, torch.no_grad():
        net.weight += 0.01
    assert found == {"model.weight": pytest.approx(0.01, rel=1e-4)}


def test_only_causes_are_named():
    made = [Finding(name, "", "") for name in (VANISHING, DEAD, LEAK, TOO_HIGH)]
    kept, follows = causes(made)
    assert [each.name for each in kept] == [LEAK, TOO_HIGH] and [each.name for each in follows] == [
        VANISHING,
        DEAD,
    ]
    assert causes([Finding(EXPLODING, "", "")]) == ([Finding(EXPLODING, "", "")], [])


def test_a_few_steps_say_nothing_unless_the_loss_is_lost():
    look = Look(5, 30.0, 64, [1.0, 1.0], 0.1, {}, [], [])
    assert not look.is_long_enough and replace(look, steps=20).is_long_enough
    assert replace(look, losses=[1.0, math.nan]).is_long_enough
