"""Windows of a text, mixtures with counting, and the arithmetic of training."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from gradschool.evals.language.beside import counted_nats
from gradschool.evals.language.mixing import best_weight, mixed, mixture
from gradschool.evals.language.ngrams import NGram
from gradschool.evals.language.reading import surprisals
from gradschool.evals.language.scaling.flops import training_flops, weights_in_products
from gradschool.evals.language.windows import by_position, read_windows
from gradschool.models.language.gpt import gpt
from gradschool.models.language.recurrent_lm import recurrent_lm

KINDS = 7


def text(n, seed=0):
    return np.random.default_rng(seed).integers(0, KINDS, n).astype(np.uint16)


def decoder(**options):
    torch.manual_seed(0)
    net = gpt(KINDS, 1, **options).eval()
    with torch.no_grad():
        for p in net.parameters():
            if not p.any():
                p.normal_(std=0.3)
    return net


def test_every_token_of_a_window_is_read_with_what_stands_before_it_there():
    net, tokens = decoder(), text(45)
    found = read_windows(net, tokens, 8)
    assert found.nats.shape == (5, 8)
    for w in range(5):
        row = torch.from_numpy(tokens[8 * w : 8 * w + 9].astype(np.int64))
        p = net(row[None, :-1])[0].softmax(1)
        torch.testing.assert_close(found.nats[w], -p[torch.arange(8), row[1:]].log(), rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(found.confidence[w], p.max(1).values, rtol=1e-4, atol=1e-5)
        assert torch.equal(found.right[w], p.argmax(1) == row[1:])
    state = read_windows(recurrent_lm(KINDS, hidden=8, embedding=4).eval(), tokens, 99)
    assert state.nats.shape == (1, 44)


def test_surprisals_look_back_at_least_half_a_window():
    net, tokens, length = decoder(), text(40), 8
    found = surprisals(net, tokens, length)
    ids = torch.from_numpy(tokens.astype(np.int64))
    for target in range(1, 40):
        # The first chunk begins the text; every later one repeats half of what came before it.
        start = 0 if target <= length else (target - length - 1) // 4 * 4 + 4
        p = net(ids[None, start:target])[0, -1].detach().log_softmax(0)
        assert found[target - 1] == pytest.approx(-float(p[ids[target]]), abs=1e-4)


def test_positions_are_grouped_by_powers_of_two():
    nats = torch.arange(1.0, 12).expand(3, 11)
    middles, means = by_position(nats)
    assert middles == [1.0, 2.0, 3.5, 6.5, 10.0] and means == [1.0, 2.0, 3.5, 6.5, 10.0]
    assert by_position(nats[:, :1]) == ([1.0], [1.0])


@given(st.integers(2, 60), st.integers(0, 99))
def test_no_weight_on_a_grid_is_better_than_the_one_that_is_found(n, seed):
    draw = np.random.default_rng(seed)
    p, q = draw.uniform(0.05, 0.95, (2, n))
    weight = best_weight(-np.log(p), -np.log(q))
    loss = mixed(-np.log(p), -np.log(q), weight).mean()
    grid = [-np.log(w * p + (1 - w) * q).mean() for w in np.linspace(0, 1, 101)]
    assert 0 <= weight <= 1 and loss <= min(grid) + 2e-3


def test_the_mixture_chooses_model_and_weight_on_the_validation_part():
    net = decoder()
    train, val, test = text(400, 1), text(90, 2), text(80, 3)
    nats = [surprisals(net, part, 16) for part in (val, test)]
    counted = counted_nats(train, (val, test), KINDS, (1, 3, 500))
    assert list(counted) == ["1-gram", "3-gram"], "a text shorter than an order counts nothing of it"
    ngram = NGram.fit(torch.from_numpy(train.astype(np.int64)), 3, KINDS)
    for part, found in zip((val, test), counted["3-gram"], strict=True):
        wanted = ngram.surprisals(torch.from_numpy(part.astype(np.int64)))[1:]
        assert np.allclose(found, wanted.numpy())
    found = mixture(nats, counted)
    assert found.beside == min(counted, key=lambda name: counted[name][0].mean())
    assert found.weight == best_weight(nats[0], counted[found.beside][0])
    assert found.test_loss == pytest.approx(mixed(nats[1], counted[found.beside][1], found.weight).mean())
    assert mixed(nats[1], counted["1-gram"][1], 1.0) == pytest.approx(nats[1], rel=1e-5)


def test_arithmetic_is_that_of_matrices_and_a_tied_table_counts_once():
    blocks = sum(p.numel() for p in gpt(KINDS, 1).blocks.parameters() if p.dim() > 1)
    for tied in (False, True):
        assert weights_in_products(gpt(KINDS, 1, tied=tied)) == blocks + KINDS * 64
    assert training_flops(gpt(KINDS, 1), 10) == 60 * (blocks + KINDS * 64)
    assert math.isclose(training_flops(torch.nn.Linear(3, 5), 2), 6 * 15 * 2)
