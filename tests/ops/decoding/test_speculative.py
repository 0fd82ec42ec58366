"""Speculative decoding has the large model's distribution: by full enumeration, and by chi-square."""

import itertools

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chisquare

from gradschool.ops.decoding.speculative import acceptance, residual, speculate, verify

KINDS = 3


class Table:
    """A model of a few tokens: the next one depends on the last two."""

    def __init__(self, seed: int, sharp: float = 1.5) -> None:
        g = torch.Generator().manual_seed(seed)
        x = sharp * torch.randn(KINDS + 1, KINDS, KINDS, generator=g, dtype=torch.float64)
        self.rows = x.softmax(-1)

    def __call__(self, tokens):
        before = torch.cat([torch.tensor([KINDS]), tokens[:-1]])
        return self.rows[before, tokens]


def draws(p: torch.Tensor):
    """For each token that p can give: its probability, and a uniform number that draws it."""
    cdf = p.cumsum(0) / p.sum()
    for token in range(KINDS):
        low = cdf[token - 1].item() if token else 0.0
        if cdf[token].item() - low > 1e-12:
            yield token, cdf[token].item() - low, (low + cdf[token].item()) / 2


def rounds(large, small, prefix, k):
    """Every way in which one round can go: the tokens that it adds, and the probability of the way."""
    for proposed in itertools.product(range(KINDS), repeat=k):
        ahead = torch.tensor([*prefix, *proposed])
        p, q = large(ahead)[len(prefix) - 1 :], small(ahead)[len(prefix) - 1 : len(prefix) - 1 + k]
        chance = 1.0
        for i, token in enumerate(proposed):
            chance *= q[i, token].item()
        for accepted in range(k + 1):
            # The decisions, with closed forms of their own: k accepted, then one rejected.
            way, u = chance, []
            for i in range(min(accepted + 1, k)):
                yes = min(1.0, p[i, proposed[i]].item() / q[i, proposed[i]].item())
                way *= yes if i < accepted else 1 - yes
                u.append(0.0 if i < accepted else 1 - 1e-12)
            if way <= 1e-14:
                continue
            u += [0.0] * (k - len(u))
            last = p[k] if accepted == k else (p[accepted] - q[accepted]).clamp(min=0)
            for token, share, number in draws(last):
                found = verify(p, q, torch.tensor(proposed), torch.tensor([*u, number], dtype=torch.float64))
                assert found.tolist() == [*proposed[:accepted], token]
                yield found.tolist(), way * share


@pytest.mark.parametrize(("seed", "k"), [(0, 1), (1, 1), (2, 2)])
def test_the_distribution_of_texts_is_exactly_the_large_models(seed, k):
    large, small, length = Table(seed), Table(seed + 10), 3
    open_ways, closed = {(0,): 1.0}, {}
    # 1. Round after round, all ways side by side, until every text is long enough.
    while open_ways:
        following: dict[tuple[int, ...], float] = {}
        for prefix, chance in open_ways.items():
            for added, share in rounds(large, small, prefix, k):
                text = (*prefix, *added)
                place = closed if len(text) > length else following
                key = text[: length + 1]
                place[key] = place.get(key, 0.0) + chance * share
        open_ways = following
    # 2. The large model alone.
    for text in itertools.product(range(KINDS), repeat=length):
        whole = torch.tensor([0, *text])
        wanted = large(whole)[torch.arange(length), whole[1:]].prod().item()
        assert closed[0, *text] == pytest.approx(wanted, abs=1e-10)  # float64, some hundred terms


@pytest.mark.parametrize(("k", "sharp"), [(1, 1.0), (3, 4.0)])
def test_draws_pass_a_chi_square_test(k, sharp):
    """Also with a small model that is nearly sure of the wrong tokens."""
    large, small = Table(3, 0.5), Table(4, sharp)
    g, n, length = torch.Generator().manual_seed(7), 400, 2
    counts = torch.zeros(KINDS, KINDS)
    for _ in range(n):
        a, b = speculate(large, small, torch.tensor([1]), length, k, g)[0].tolist()
        counts[a, b] += 1
    wanted = torch.tensor([[(large(torch.tensor([1]))[0, a] * large(torch.tensor([1, a]))[1, b]).item()
                            for b in range(KINDS)] for a in range(KINDS)])  # fmt: skip
    assert (n * wanted).min() >= 5, "else the statistic has another distribution"
    # The seed is fixed: a wrong rule fails by many orders of magnitude, a right one 1 seed in 1,000.
    assert chisquare(counts.flatten(), n * wanted.flatten() / wanted.sum()).pvalue > 1e-3


def test_an_equal_model_is_always_right_and_saves_passes():
    model, g = Table(5), torch.Generator().manual_seed(0)
    found, passes = speculate(model, model, torch.tensor([0]), 12, 3, g)
    assert len(found) == 12 and passes == 3  # 4 tokens a pass


@settings(max_examples=20)
@given(seed=st.integers(0, 10**6))
def test_one_token_has_p_in_closed_form(seed):
    """q min(1, p / q) + P(rejected) residual = p, for any p and q."""
    g = torch.Generator().manual_seed(seed)
    p, q = (torch.randn(2, 7, generator=g, dtype=torch.float64) * 2).softmax(1)
    taken = q * acceptance(p, q)
    torch.testing.assert_close(taken + (1 - taken.sum()) * residual(p, q), p)
    torch.testing.assert_close(residual(p, p), p)
