"""Features: what goes into the last linear layer, whatever comes before it."""

import pytest
import torch
from torch import nn

from gradschool.evals.features import seen
from gradschool.models.vision.resnet9 import resnet9
from gradschool.models.vision.vgg import vgg11


class Reversed(nn.Module):
    """Two linear layers."""

    def __init__(self):
        super().__init__()
        self.first, self.last = nn.Linear(12, 5), nn.Linear(5, 3)

    def forward(self, x):
        return self.last(self.first(x.flatten(1)).relu())


def test_features_are_what_the_last_layer_is_given_and_the_mode_comes_back():
    model = Reversed()
    x = torch.rand(7, 3, 2, 2)
    features, logits = seen(model, x.split(4))
    torch.testing.assert_close(features, model.first(x.flatten(1)).relu().detach())
    torch.testing.assert_close(logits, model(x).detach())
    assert model.training and not model.last._forward_pre_hooks


@pytest.mark.parametrize(("network", "width"), [(resnet9, 192), (vgg11, 4096)])
def test_our_networks_have_them(network, width):
    model = network(4, 3)
    features, logits = seen(model, [torch.rand(2, 3, 64, 64)])
    assert features.shape == (2, width) and logits.shape == (2, 4)


def test_a_network_without_a_linear_end_is_refused():
    with pytest.raises(ValueError, match="no linear layer"):
        seen(nn.Sequential(nn.Conv2d(3, 2, 3)), [torch.rand(1, 3, 8, 8)])
