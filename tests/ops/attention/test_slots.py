"""Slot attention by loops over the paper's algorithm, and what its competition promises."""

import torch
from torch.autograd import gradcheck

from gradschool.ops.attention.slots import slot_attend


def noise(*shape, seed=0, dtype=torch.float64):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=dtype).requires_grad_()


def test_the_papers_algorithm_entry_by_entry():
    q, k, v, eps = noise(2, 3, 4), noise(2, 5, 4, seed=1), noise(2, 5, 6, seed=2), 1e-3
    taken, shares = slot_attend(q, k, v, eps)
    for b in range(2):
        attn = torch.stack([torch.softmax(torch.stack([q[b, s] @ k[b, n] / 2 for s in range(3)]), 0)
                            for n in range(5)], 1)  # fmt: skip
        torch.testing.assert_close(shares[b], attn)
        for s in range(3):
            total = sum(attn[s, n] + eps for n in range(5))
            wanted = sum((attn[s, n] + eps) / total * v[b, n] for n in range(5))
            torch.testing.assert_close(taken[b, s], wanted)
    assert gradcheck(lambda *x: slot_attend(*x, eps), (q, k, v))


def test_order_of_inputs_does_not_matter_and_slots_come_along():
    q, k, v = noise(1, 3, 4), noise(1, 5, 4, seed=1), noise(1, 5, 6, seed=2)
    taken, shares = slot_attend(q, k, v)
    torch.testing.assert_close(shares.sum(-2), torch.ones(1, 5, dtype=torch.float64))
    inputs, slots = torch.tensor([3, 1, 4, 0, 2]), torch.tensor([2, 0, 1])
    other, _ = slot_attend(q[:, slots], k[:, inputs], v[:, inputs])
    torch.testing.assert_close(other, taken[:, slots])


def test_a_slot_that_wins_nothing_takes_the_plain_mean_and_large_scores_stay_finite():
    q = torch.tensor([[[1e18], [-1e18]]], requires_grad=True)
    k, v = torch.full((1, 4, 1), 1e18), torch.arange(4.0).view(1, 4, 1)
    taken, shares = slot_attend(q, k, v)
    assert shares.tolist() == [[[1.0] * 4, [0.0] * 4]]
    torch.testing.assert_close(taken, torch.tensor([[[1.5], [1.5]]]))
    assert torch.autograd.grad(taken.sum(), q)[0].isfinite().all()
    low, _ = slot_attend(*(x.detach().clamp(-100, 100).bfloat16() for x in (q, k, v)))
    assert low.dtype == torch.bfloat16 and low.isfinite().all()
