"""A mixture of experts against a loop over positions, and the loss that spreads the load."""

import pytest
import torch

from gradschool.nn.attention.experts import Experts, balance


def noise(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.mark.parametrize("chosen", [1, 2, 4])
def test_every_position_gets_its_best_experts(chosen):
    torch.manual_seed(0)
    net, x = Experts(6, 4, chosen, hidden=5).double(), noise(2, 7, 6)
    wanted = torch.zeros_like(x)
    for b in range(2):
        for t in range(7):
            scores = (net.router.weight @ x[b, t]).float()
            best = sorted(range(4), key=lambda e: -scores[e])[:chosen]
            shares = torch.softmax(scores[best], 0)
            for share, e in zip(shares, best, strict=True):
                wanted[b, t] += share.double() * net.experts[e](x[b, t])
    torch.testing.assert_close(net(x), wanted, rtol=1e-6, atol=1e-8)  # weights are made in float32


def test_gradients_reach_the_router_and_every_expert_that_was_chosen():
    torch.manual_seed(0)
    net, x = Experts(6, 4, 2, hidden=5), noise(4, 30, 6).float()
    (net(x).square().sum() + 0.01 * balance(net)).backward()
    assert (net.load > 0).all(), "with 240 choices all experts are used"
    assert all(p.grad is not None and p.grad.any() for p in net.parameters())


def test_the_balance_is_1_for_equal_shares_and_n_over_k_for_the_same_experts():
    net = Experts(4, 4, 1).double()
    with torch.no_grad():
        net.router.weight.copy_(100 * torch.eye(4))
    net(torch.eye(4, dtype=torch.float64))
    assert net.load.tolist() == [0.25] * 4 and net.balance.item() == pytest.approx(1)
    net(torch.eye(4, dtype=torch.float64)[[0] * 8])
    assert net.load.tolist() == [1, 0, 0, 0] and net.balance.item() == pytest.approx(4)
    two = Experts(4, 4, 2).double()
    with torch.no_grad():
        two.router.weight.copy_(torch.tensor([[100.0], [100], [0], [0]]).expand(4, 4))
    two(torch.ones(5, 4, dtype=torch.float64))
    assert two.balance.item() == pytest.approx(2)


def test_training_on_the_balance_spreads_the_load():
    torch.manual_seed(0)
    net, x = Experts(8, 4, 1, hidden=4), noise(200, 8).float() + 1
    with torch.no_grad():
        net.router.weight[0] += 0.5
    net(x)
    before = net.load.max().item()
    optimiser = torch.optim.Adam(net.router.parameters(), 0.02)
    for _ in range(60):
        optimiser.zero_grad()
        net(x)
        balance(net).backward()
        optimiser.step()
    assert before > 0.9 and net.load.max().item() < 0.5


def test_refusals_are_sentences():
    with pytest.raises(ValueError, match="1 to 4 was wanted"):
        Experts(6, 4, 5)
    with pytest.raises(ValueError, match="one or more was wanted"):
        balance(torch.nn.Linear(2, 2))
