"""Gated layers against torch's own functions, in value and gradient; squared ReLU beside its slope."""

import torch
import torch.nn.functional as F
from torch.autograd import gradcheck

from gradschool.ops import activation, gate


def noise(*shape, seed=0):
    x = torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return x.requires_grad_()


def test_swiglu_is_silu_times_what_it_gates():
    x, g = noise(3, 2, 4), noise(3, 2, 4, seed=1)
    torch.testing.assert_close(gate.swiglu(x, g), F.silu(g) * x, rtol=1e-10, atol=1e-12)
    assert gradcheck(gate.swiglu, (x, g))
    far = torch.tensor([-1e4, 1e4])
    assert gate.swiglu(torch.ones(2), far).tolist() == [0, 1e4]


def test_squared_relu_keeps_nan_and_has_no_kink():
    x = torch.tensor([-3.0, 0.0, 2.0, torch.nan], requires_grad=True)
    for form in (activation.relu_squared.plain, activation.relu_squared.fast):
        y = form(x)
        assert y[:3].tolist() == [0, 0, 4] and y[3].isnan()
        assert torch.autograd.grad(y[:3].sum(), x)[0][:3].tolist() == [0, 0, 4]
