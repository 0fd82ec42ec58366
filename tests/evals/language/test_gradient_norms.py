"""Gradient norms over time against the closed form of a linear chain and against autograd on the inputs."""

import pytest
import torch

from gradschool import nn
from gradschool.evals.language.gradients import gradient_norms


def last(y):
    return y[:, -1].sum()


def test_a_network_at_rest_multiplies_by_its_matrix_at_every_step():
    """At h = 0 tanh has slope 1, so dL/dh_t is w to the number of steps that are left."""
    net = nn.RNN(1, 1)
    with torch.no_grad():
        for name, value in (
            ("weight_ih_l0", 1.0),
            ("weight_hh_l0", 0.5),
            ("bias_ih_l0", 0.0),
            ("bias_hh_l0", 0.0),
        ):
            net.get_parameter(name).fill_(value)
    assert gradient_norms(net, torch.zeros(3, 6, 1), last) == pytest.approx(
        [0.5**n for n in range(5, -1, -1)]
    )


@pytest.mark.parametrize("name", ["RNN", "GRU", "LSTM", "MinGRU"])
def test_the_norm_after_the_first_step_is_that_of_a_state_that_is_given(name):
    torch.manual_seed(0)
    net, x = getattr(nn, name)(3, 4, layers=2), torch.randn(1, 7, 3)
    _, state = net(x[:, :1])
    leaves = [s.detach().requires_grad_() for s in (state if isinstance(state, tuple) else (state,))]
    y, _ = net(x[:, 1:], tuple(leaves) if len(leaves) > 1 else leaves[0])
    slopes = torch.autograd.grad(last(y), leaves)
    wanted = torch.cat([s.flatten() for s in slopes]).norm().item()
    found = gradient_norms(net, x, last)
    assert len(found) == 7 and found[0] == pytest.approx(wanted, rel=1e-4)


def test_a_forget_bias_lets_the_gradient_reach_further_back():
    x = torch.randn(8, 60, 4, generator=torch.Generator().manual_seed(0))
    found = {}
    for bias in (0.0, 1.0, 3.0):
        torch.manual_seed(0)
        norms = gradient_norms(nn.LSTM(4, 16, forget_bias=bias), x, last)
        found[bias] = norms[0] / norms[-1]
    assert found[0.0] < 1e-3 * found[1.0] < 1e-3 * found[3.0]


def test_two_directions_are_refused():
    with pytest.raises(ValueError, match="one direction"):
        gradient_norms(nn.GRU(3, 4, bidirectional=True), torch.zeros(1, 2, 3), last)
