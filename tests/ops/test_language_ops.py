"""The formulas of language models against scikit-learn, NumPy and closed forms."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.naive_bayes import CategoricalNB

from gradschool.fast import embedding as twin
from gradschool.nn import Embedding
from gradschool.ops import switch
from gradschool.ops.embedding import embedding
from gradschool.ops.language import dirichlet_predictive, inverse_cdf, perplexity

shapes = st.lists(st.integers(0, 4), max_size=3)


@settings(max_examples=30)
@given(shape=shapes, kinds=st.integers(1, 6), size=st.integers(0, 5), seed=st.integers(0, 99))
def test_a_look_up_is_a_product_with_one_hot_rows(shape, kinds, size, seed):
    g = torch.Generator().manual_seed(seed)
    x = torch.randint(kinds, shape, generator=g)
    weight = torch.randn(kinds, size, generator=g, dtype=torch.float64, requires_grad=True)
    wanted = torch.nn.functional.one_hot(x, kinds).double() @ weight
    slope = torch.randn(wanted.shape, generator=g, dtype=torch.float64)
    (right,) = torch.autograd.grad((wanted * slope).sum(), weight)
    for form in (embedding.plain, twin.embedding):
        found = form(x, weight)
        assert torch.equal(found, wanted)
        (gradient,) = torch.autograd.grad((found * slope).sum(), weight)
        torch.testing.assert_close(gradient, right)  # float64, the same few terms in another order


def test_the_layer_is_torchs():
    assert embedding.fast.__wrapped__ is twin.embedding
    torch.manual_seed(0)
    mine = Embedding(7, 3)
    torch.manual_seed(0)
    peer = torch.nn.Embedding(7, 3)
    assert torch.equal(mine.weight, peer.weight)  # the same draws
    peer.load_state_dict(mine.state_dict())
    x = torch.tensor([[0, 6], [3, 3]])
    for layer in ("fast", "plain"):
        with switch.using(layer):
            assert torch.equal(mine(x), peer(x))
            for outside in (7, -1):
                with pytest.raises(ValueError, match="from 0 to 6"):
                    mine(torch.tensor([outside]))


@given(seed=st.integers(0, 99), kinds=st.integers(2, 5), n=st.integers(1, 30))
def test_add_one_smoothing_is_scikit_learns(seed, kinds, n):
    """CategoricalNB: p(feature | class), with a feature as the next token and a class as the history."""
    rng = np.random.default_rng(seed)
    after, before = rng.integers(0, kinds, n), rng.integers(0, 2, n)
    before[0] = 0
    peer = CategoricalNB(alpha=1.0, min_categories=kinds).fit(after[:, None], before)
    for row, history in enumerate(peer.classes_):
        seen = torch.tensor(np.bincount(after[before == history], minlength=kinds))
        total = torch.full((kinds,), int(seen.sum()))
        found = dirichlet_predictive(seen, total, torch.full((kinds,), 1 / kinds), float(kinds))
        np.testing.assert_allclose(found.log().numpy(), peer.feature_log_prob_[0][row], atol=1e-6)


def test_a_prior_is_believed_as_much_as_its_strength():
    count, total, prior = torch.tensor([3]), torch.tensor([4]), torch.tensor([0.1])
    found = [dirichlet_predictive(count, total, prior, s).item() for s in (1e-6, 4.0, 1e9)]
    assert found == pytest.approx([3 / 4, (3 + 0.4) / 8, 0.1], abs=1e-5)


@pytest.mark.parametrize("kinds", [1, 2, 27])
def test_perplexity_of_equally_probable_tokens_is_their_number(kinds):
    assert perplexity(torch.tensor(kinds, dtype=torch.float64).log()).item() == pytest.approx(kinds)


@given(
    p=st.lists(st.floats(0, 1, width=32), min_size=1, max_size=6).filter(lambda p: sum(p) > 0.01),
    u=st.lists(st.floats(0, 1, exclude_max=True, width=32), min_size=1, max_size=9),
)
def test_draws_are_numpys_search_in_the_cumulative_distribution(p, u):
    found = inverse_cdf(torch.tensor(p).expand(len(u), -1), torch.tensor(u)).numpy()
    cdf = np.cumsum(np.array(p, np.float32), dtype=np.float32)
    assert (found == np.searchsorted(cdf / cdf[-1], np.array(u, np.float32), side="right")).all()
    assert all(p[i] > 0 for i in found), "what is impossible is never drawn"


def test_draws_have_their_frequencies():
    p, n = torch.tensor([0.0, 0.5, 0.2, 0.0, 0.3, 0.0]), 1000
    u = (torch.arange(n) + 0.5) / n  # evenly spread, so each frequency is right to one draw
    counts = inverse_cdf(p.expand(n, -1), u).bincount(minlength=6)
    assert ((counts - n * p).abs() <= 1).all()
