"""Changes of logits against float64 loops over sorted tokens, and against transformers where it is there."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gradschool.ops.decoding.logits import min_p, repetition_penalty, temperature, top_k, top_p

rows = st.lists(st.floats(-9, 9, width=32), min_size=1, max_size=9)
shares = st.floats(0, 1)


def kept(x) -> set[int]:
    return set(torch.isfinite(x).nonzero().flatten().tolist())


def probabilities(row: list[float]) -> list[float]:
    top = max(row)
    weights = [math.exp(value - top) for value in row]
    return [w / math.fsum(weights) for w in weights]


@settings(max_examples=50)
@given(rows, st.integers(1, 12))
def test_top_k_keeps_what_no_k_tokens_beat(row, k):
    wanted = {i for i, a in enumerate(row) if sum(b > a for b in row) < k}
    found = top_k(torch.tensor(row), k)
    assert kept(found) == wanted
    assert all(found[i] == torch.tensor(row)[i] for i in wanted)


@settings(max_examples=50)
@given(rows, shares)
def test_top_p_keeps_the_smallest_nucleus(row, p):
    order = sorted(range(len(row)), key=lambda i: (-torch.tensor(row)[i].item(), i))
    share, total, wanted = probabilities(torch.tensor(row).tolist()), 0.0, set()
    for i in order:
        # Rounding decides where a sum is p but for 1e-5: either answer is right.
        if abs(total - p) < 1e-5 and p < 1:
            return
        if wanted and total >= p and p < 1:
            break
        wanted.add(i)
        total += share[i]
    assert kept(top_p(torch.tensor(row), p)) == wanted


@settings(max_examples=50)
@given(rows, shares)
def test_min_p_is_relative_to_the_most_probable_token(row, p):
    share = probabilities(torch.tensor(row).tolist())
    if any(abs(s - p * max(share)) < 1e-5 for s in share):
        return
    assert kept(min_p(torch.tensor(row), p)) == {i for i, s in enumerate(share) if s >= p * max(share)}


@settings(max_examples=50)
@given(rows, st.lists(st.integers(-1, 8), max_size=5), st.floats(0.1, 5))
def test_a_penalty_lowers_what_occurred_and_nothing_else(row, seen, penalty):
    seen = [token for token in seen if token < len(row)]
    found = repetition_penalty(torch.tensor(row), torch.tensor(seen, dtype=torch.int64), penalty)
    for i, (before, after) in enumerate(zip(torch.tensor(row).tolist(), found.tolist(), strict=True)):
        wanted = before if i not in seen else before * penalty if before < 0 else before / penalty
        assert after == pytest.approx(wanted, rel=1e-6)


@settings(max_examples=50)
@given(rows, st.floats(0.05, 5))
def test_temperature_is_a_power_of_the_odds(row, t):
    found = temperature(torch.tensor(row, dtype=torch.float64), t).softmax(0).tolist()
    share = [p ** (1 / t) for p in probabilities(torch.tensor(row, dtype=torch.float64).tolist())]
    if sum(share) > 1e-200:
        assert found == pytest.approx([s / math.fsum(share) for s in share], abs=1e-9)


def test_temperature_0_is_greedy_and_takes_the_first_of_equals():
    found = temperature(torch.tensor([[1.0, 3.0, 3.0], [5.0, -1.0, 2.0]]), 0.0)
    assert found.softmax(1).tolist() == [[0, 1, 0], [1, 0, 0]]
    cold = temperature(torch.tensor([[1.0, 3.0, 2.9]]), 1e-3).softmax(1)
    torch.testing.assert_close(cold, torch.tensor([[0.0, 1.0, 0.0]]))


def test_rows_of_a_batch_do_not_know_of_each_other():
    x = torch.randn(2, 3, 11, generator=torch.Generator().manual_seed(0))
    seen = torch.randint(-1, 11, (2, 3, 4), generator=torch.Generator().manual_seed(1))
    for change in (lambda x, s: top_k(x, 3), lambda x, s: top_p(x, 0.6), lambda x, s: min_p(x, 0.3),
                   lambda x, s: repetition_penalty(x, s, 1.3), lambda x, s: temperature(x, 0.0)):  # fmt: skip
        whole = change(x, seen)
        for i in range(2):
            for j in range(3):
                assert torch.equal(whole[i, j], change(x[i, j], seen[i, j]))


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda x: temperature(x, -1.0), "t is -1.0"),
        (lambda x: top_k(x, 0), "k is 0"),
        (lambda x: top_p(x, 1.5), "p is 1.5"),
        (lambda x: min_p(x, -0.1), "p is -0.1"),
        (lambda x: repetition_penalty(x, torch.tensor([3]), 1.2), "seen holds 3"),
        (lambda x: repetition_penalty(x, torch.tensor([0]), 0.0), "penalty is 0.0"),
        (lambda x: top_k(x[:0], 2), "one token or more"),
    ],
)
def test_what_makes_no_sense_is_refused(call, sentence):
    with pytest.raises(ValueError, match=sentence):
        call(torch.zeros(3))


def test_each_is_transformers_own():
    peer = pytest.importorskip("transformers.generation.logits_process")
    g = torch.Generator().manual_seed(0)
    x = 3 * torch.randn(6, 40, generator=g)
    seen = torch.randint(40, (6, 7), generator=g)
    for theirs, ours in (
        (peer.TemperatureLogitsWarper(0.7), temperature(x, 0.7)),
        (peer.TopKLogitsWarper(5), top_k(x, 5)),
        (peer.TopPLogitsWarper(0.83), top_p(x, 0.83)),
        (peer.MinPLogitsWarper(0.11), min_p(x, 0.11)),
        (peer.RepetitionPenaltyLogitsProcessor(1.3), repetition_penalty(x, seen, 1.3)),
    ):
        torch.testing.assert_close(ours, theirs(seen, x.clone()))
