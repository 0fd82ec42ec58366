"""Scores of heads against patterns that are drawn by hand; sparse codes against sorting."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gradschool.nn.sparse import SparseAutoencoder
from gradschool.ops.interpret.heads import induction_score, looking_back
from gradschool.ops.interpret.sparse import best_cosines, explained_variance, keep_largest


def pattern(n: int, at) -> torch.Tensor:
    """A head that gives all its weight to one position for each query."""
    weights = torch.zeros(n, n)
    for i in range(n):
        weights[i, at(i)] = 1
    return weights


@pytest.mark.parametrize("p", [2, 5])
def test_heads_drawn_by_hand(p):
    n = 2 * p
    uniform = torch.ones(n, n).tril() / torch.arange(1, n + 1)[:, None]
    heads = [
        pattern(n, lambda i: i - p + 1 if i >= p else 0),  # an induction head
        pattern(n, lambda i: max(i - 1, 0)),  # the token before
        pattern(n, lambda i: i - p if i >= p else 0),  # the same token: one place off
        uniform,
    ]
    weights = torch.stack(heads)[None].expand(3, -1, -1, -1)
    mean = sum(1 / (i + 1) for i in range(p, n)) / p
    assert induction_score(weights, p).tolist() == pytest.approx(
        [1, 0, 0, mean] if p > 2 else [1, 1, 0, mean]
    )
    assert looking_back(weights, 1)[1] == 1 and looking_back(weights, 0).tolist()[1] == pytest.approx(1 / n)


def test_texts_that_do_not_repeat_once_are_refused():
    for p, n in ((3, 5), (1, 2)):
        with pytest.raises(ValueError, match=f"p is {p}"):
            induction_score(torch.zeros(1, 1, n, n), p)
    with pytest.raises(ValueError, match="distance is 4"):
        looking_back(torch.zeros(1, 1, 4, 4), 4)


@settings(max_examples=40)
@given(seed=st.integers(0, 999), m=st.integers(1, 9), data=st.data())
def test_the_largest_stay(seed, m, data):
    k = data.draw(st.integers(1, m))
    f = torch.randn(4, m, generator=torch.Generator().manual_seed(seed), dtype=torch.float64).requires_grad_()
    found = keep_largest(f, k)
    for row, kept in zip(f.tolist(), found.tolist(), strict=True):
        best = set(sorted(range(m), key=lambda i: -row[i])[:k])
        assert kept == [max(v, 0) if i in best else 0 for i, v in enumerate(row)]
    (slope,) = torch.autograd.grad(found.sum(), f)
    assert torch.equal(slope, (found > 0).double())


def test_variance_and_cosines_by_hand():
    x = torch.tensor([[1.0, 0], [3, 0], [2, 6]])
    assert explained_variance(x, x) == 1
    assert explained_variance(x, x.mean(0).expand(3, -1)) == pytest.approx(0, abs=1e-6)
    found = best_cosines(torch.tensor([[2.0, 0], [0, -3]]), torch.tensor([[1.0, 1], [5, 0], [0, 1]]))
    torch.testing.assert_close(found, torch.tensor([0.5**0.5, 1, 0]))


def test_directions_in_superposition_are_found_again():
    """24 directions in 12 dimensions, two or three active at a time: more features than numbers."""
    torch.manual_seed(0)
    true = torch.nn.functional.normalize(torch.randn(24, 12))
    active = torch.where(torch.rand(6000, 24) < 0.08, 0.5 + torch.rand(6000, 24), 0)
    x = active @ true
    model = SparseAutoencoder(12, 32, 3)
    optim = torch.optim.Adam(model.parameters(), 1e-2)
    for step in range(300):
        batch = x[torch.randint(6000, (256,), generator=torch.Generator().manual_seed(step))]
        loss = (model(batch) - batch).square().mean()
        optim.zero_grad()
        loss.backward()
        optim.step()
    with torch.no_grad():
        assert explained_variance(x, model(x)) > 0.85
        assert (model.encode(x) > 0).sum(1).max() <= 3
        assert best_cosines(model.directions, true).median() > 0.95
        chance = best_cosines(torch.randn(32, 12), true).median()
    assert chance < 0.85, "so it is no chance"
    with pytest.raises(ValueError, match="k is 9"):
        SparseAutoencoder(4, 8, 9)
