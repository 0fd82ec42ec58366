"""Limits that let back in what is outside."""

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gradschool.nn.limit import limited

NUMBERS = st.lists(st.floats(-3, 3, width=32), min_size=1, max_size=8)


@settings(max_examples=40)
@given(NUMBERS, st.integers(0, 99))
def test_forward_is_clamp_and_steps_never_lead_further_out(numbers, seed):
    x = torch.tensor(numbers, requires_grad=True)
    up = torch.randn(len(numbers), generator=torch.Generator().manual_seed(seed))
    y = limited(x, -1.0, 1.0)
    assert torch.equal(y, x.clamp(-1, 1))
    (slope,) = torch.autograd.grad(y, x, up)
    assert torch.equal(slope[x.abs() <= 1], up[x.abs() <= 1])
    beyond, moved = (x.detach().abs() - 1).clamp(min=0), ((x.detach() - 1e-2 * slope).abs() - 1).clamp(min=0)
    assert (moved[beyond > 0] <= beyond[beyond > 0]).all()
    stays = (beyond > 0) & (slope == 0)
    assert (torch.sign(x.detach())[stays] * up[stays] <= 0).all()


def test_what_is_outside_comes_back_where_clamp_leaves_it():
    for limit, end in ((limited, 0.25), (torch.clamp, 1.0)):
        x = torch.tensor(2.0, requires_grad=True)
        for _ in range(200):
            (slope,) = torch.autograd.grad((limit(x, 0.0, 1.0) - 0.25).square(), x)
            x = (x - 0.1 * slope).detach().requires_grad_()
        assert abs(limit(x, 0.0, 1.0).item() - end) < 1e-3
