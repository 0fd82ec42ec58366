"""Word vectors' formulas against dense ones, by hand, and by autograd."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from gradschool.ops.sequence import words

CLOSE = {"rtol": 1e-6, "atol": 1e-7}  # float64; torch's softplus is a line above 20, off by 2e-9


def drawn(t, reach, pieces, seed):
    """A stretch of text, random windows, and noise, in float64."""
    generator = torch.Generator().manual_seed(seed)
    x, y = (torch.randn(t, 5, generator=generator, dtype=torch.float64) for _ in "xy")
    noise = torch.randn(pieces, 3, 5, generator=generator, dtype=torch.float64)
    wide = torch.randint(0, reach + 1, (t, 2), generator=generator)
    places = torch.arange(t)
    return x, y, torch.minimum(wide, torch.stack([places, t - 1 - places], 1)), noise


def skip_gram_by_pairs(x, y, windows, noise, k):
    """The sum over pairs, written out."""
    size, total = -(-len(x) // len(noise)), 0
    for i, (before, after) in enumerate(windows.tolist()):
        for j in [*range(i - before, i), *range(i + 1, i + after + 1)]:
            random = noise[i // size] @ x[i]
            total = total + F.softplus(-(x[i] @ y[j])) + k / noise.shape[1] * F.softplus(random).sum()
    return total


def cbow_by_words(x, y, windows, noise, k):
    """The sum over words that have a context, written out."""
    size, total = -(-len(x) // len(noise)), 0
    for i, (before, after) in enumerate(windows.tolist()):
        if around := [*range(i - before, i), *range(i + 1, i + after + 1)]:
            mean = x[around].mean(0)
            random = noise[i // size] @ mean
            total = total + F.softplus(-(mean @ y[i])) + k / noise.shape[1] * F.softplus(random).sum()
    return total


@pytest.mark.parametrize("form", ["plain", "fast"])
@pytest.mark.parametrize(
    ("name", "slow"), [("skip_gram_gradients", skip_gram_by_pairs), ("cbow_gradients", cbow_by_words)]
)
@settings(max_examples=15)
@given(t=st.integers(2, 70), reach=st.integers(1, 40), pieces=st.integers(1, 3), seed=st.integers(0, 99))
def test_gradients_are_those_of_autograd(form, name, slow, t, reach, pieces, seed):
    x, y, windows, noise = drawn(t, reach, min(pieces, t), seed)
    leaves = [each.requires_grad_() for each in (x, y, noise)]
    total = slow(x, y, windows, noise, 4.0)
    with torch.no_grad():
        loss, *found = getattr(getattr(words, name), form)(x, y, windows, noise, 4.0)
    if not torch.is_tensor(total):  # no word has a context
        assert loss == 0 and all((each == 0).all() for each in found)
        return
    n = windows.sum() if name.startswith("skip") else (windows.sum(1) > 0).sum()
    torch.testing.assert_close(loss, (total / n).detach(), **CLOSE)
    for mine, theirs in zip(found, torch.autograd.grad(total, leaves), strict=True):
        torch.testing.assert_close(mine, theirs, **CLOSE)


def test_skip_gram_loss_is_two_binary_cross_entropies():
    centre, context, negatives = torch.randn(4, 3), torch.randn(4, 3), torch.randn(4, 2, 3)
    true, random = (centre * context).sum(1), torch.einsum("bd,bkd->bk", centre, negatives)
    wanted = F.binary_cross_entropy_with_logits(true, torch.ones(4), reduction="sum")
    wanted += F.binary_cross_entropy_with_logits(random, torch.zeros(4, 2), reduction="sum")
    torch.testing.assert_close(words.skip_gram_loss(centre, context, negatives), wanted / 4)
    around = torch.stack([centre, torch.full_like(centre, 9.0)], 1)
    present = torch.tensor([[True, False]] * 4)
    torch.testing.assert_close(words.cbow_loss(around, present, context, negatives), wanted / 4)


@given(st.integers(0, 999), st.sampled_from([1.0, 0.75]), st.sampled_from([1.0, 3.0]))
def test_ppmi_equals_the_dense_formula(seed, smoothing, shift):
    counts = torch.randint(0, 4, (5, 6), generator=torch.Generator().manual_seed(seed)).double()
    counts[0, 0] += 1
    word, context = counts.nonzero(as_tuple=True)
    found = torch.zeros_like(counts)
    found[word, context] = words.ppmi(counts[word, context], word, context, smoothing, shift)
    joint, rows = counts / counts.sum(), counts.sum(1, keepdim=True) / counts.sum()
    columns = counts.sum(0, keepdim=True) ** smoothing
    dense = (joint / (rows * columns / columns.sum())).log() - math.log(shift)
    torch.testing.assert_close(found, dense.nan_to_num(neginf=0).clamp(min=0))


def test_frequent_words_are_kept_less_often():
    share = torch.tensor([0.1, 0.004, 0.001, 1e-5], dtype=torch.float64)
    # sqrt(t / f) + t / f with t = 0.001: 0.1 + 0.01, 0.5 + 0.25, and 1 for all that are rarer.
    assert words.keep_probability(share, 1e-3).tolist() == pytest.approx([0.11, 0.75, 1, 1])


def test_glove_weighs_frequent_pairs_more_up_to_a_limit():
    count = torch.tensor([100 / 16, 100.0, 1e6])
    assert words.glove_weight(count).tolist() == pytest.approx([1 / 8, 1, 1])
    assert words.glove_loss(count.log() + 2, count) == pytest.approx((1 / 8 + 1 + 1) / 3 * 4, rel=1e-5)


def test_analogies_by_sum_and_by_product():
    table = torch.tensor([[1.0, 0, 0], [1, 1, 0], [0, 0, 1], [0, 1, 1], [0, 0, 0]])
    a, b, c = table[:1], table[1:2], table[2:3]
    unit = F.normalize(table)
    torch.testing.assert_close(words.cos_add(table, a, b, c), (unit[1] - unit[0] + unit[2])[None] @ unit.T)
    near = (unit[:3] @ unit.T + 1) / 2
    torch.testing.assert_close(words.cos_mul(table, a, b, c), (near[1] * near[2] / (near[0] + 1e-3))[None])
    found = words.cosine_similarity(table, table)
    assert found[0, 1] == pytest.approx(0.5**0.5) and (found[4] == 0).all()
