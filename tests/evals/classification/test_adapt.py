"""Statistics of new pictures: exact on a shifted copy, harmless to the model itself."""

from contextlib import nullcontext

import pytest
import torch

from gradschool import nn
from gradschool.evals.classification.adapt import adapted


def net():
    torch.manual_seed(0)
    model = nn.Sequential(nn.BatchNorm2d(3), nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU())
    for _ in range(200):  # running statistics come close to those of the data
        model(pictures())
    return model.eval()


def pictures(seed=0):
    return torch.randn(64, 3, 6, 6, generator=torch.Generator().manual_seed(seed)) * 2 + 1


def test_a_shift_and_scale_of_every_channel_is_undone():
    """Normalising first makes a network blind to a x + b for each channel, once the statistics are right."""
    model, x = net(), pictures()
    odd = x * torch.tensor([2.0, 0.5, 1.5]).view(3, 1, 1) + torch.tensor([3.0, -1.0, 0.0]).view(3, 1, 1)
    wanted = model(x)
    assert (model(odd) - wanted).abs().max() > 0.5
    # Two estimates of the same variance: 200 updates at momentum 0.1 leave 1e-9, eps shifts by 1e-5.
    torch.testing.assert_close(
        adapted(model, [odd], nullcontext, share=1.0)(odd), wanted, atol=1e-3, rtol=1e-3
    )


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_statistics_are_mixed_as_asked_over_batches_of_equal_size(share):
    model = net()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    batches = [pictures(1), pictures(2) + 5]
    mean = torch.cat(batches).mean((0, 2, 3))
    found = adapted(model, batches, nullcontext, share)
    wanted = share * mean + (1 - share) * before["0.running_mean"]
    torch.testing.assert_close(found[0].running_mean, wanted, atol=1e-5, rtol=1e-5)
    assert not any(module.training for module in found.modules())
    assert all(
        torch.equal(value, before[name]) for name, value in model.state_dict().items() if "num" not in name
    )
