"""Maps against captum, against closed forms, and against a network that has learnt nothing."""

import pytest
import torch
from captum.attr import IntegratedGradients, LayerGradCam, Saliency
from evals_nets import small_net
from torch import nn

from gradschool.evals.classification import interpret

X = torch.randn(3, 3, 12, 12, generator=torch.Generator().manual_seed(1))
TARGET = torch.tensor([0, 3, 2])


@pytest.fixture
def model() -> nn.Sequential:
    net = small_net()
    net(torch.randn(16, 3, 12, 12))  # running statistics away from their defaults
    return net.eval()


# The same float32 kernels in the same order: only the last bits may differ.
CLOSE = {"rtol": 1e-4, "atol": 1e-6}


def test_saliency_equals_captum(model):
    theirs = Saliency(model).attribute(X.clone().requires_grad_(), target=TARGET, abs=True).amax(1)
    torch.testing.assert_close(interpret.saliency(model, X, TARGET), theirs, **CLOSE)


def test_integrated_gradients_equal_captum_and_are_complete(model):
    theirs = IntegratedGradients(model).attribute(X, target=TARGET, n_steps=32, method="riemann_middle")
    ours = interpret.integrated_gradients(model, X, TARGET, steps=32)
    torch.testing.assert_close(ours, theirs.to(ours.dtype), rtol=1e-3, atol=1e-5)  # captum sums in float64
    # Completeness: attributions sum to the change of the logit; ReLU's kinks leave about 1e-3 at 512 points.
    fine = interpret.integrated_gradients(model, X, TARGET, steps=512)
    gained = (model(X) - model(torch.zeros_like(X))).gather(1, TARGET[:, None]).squeeze(1).detach()
    torch.testing.assert_close(fine.sum((1, 2, 3)), gained, rtol=1e-2, atol=2e-3)


@pytest.mark.parametrize("layer", ["0", "4", "5"])
def test_grad_cam_equals_captum(layer):
    # captum cannot look before an in-place activation, so it gets the same net without.
    net, twin = small_net().eval(), small_net().eval()
    for module in twin.modules():
        if isinstance(module, nn.ReLU):
            module.inplace = False
    theirs = LayerGradCam(twin, twin.get_submodule(layer)).attribute(X, target=TARGET, relu_attributions=True)
    torch.testing.assert_close(interpret.grad_cam(net, layer, X, TARGET), theirs.squeeze(1).detach(), **CLOSE)


def test_grad_cam_works_on_a_frozen_network(model):
    model.requires_grad_(False)
    assert interpret.grad_cam(model, "5", X, TARGET).shape == (3, 6, 6)


def test_feature_maps_are_what_the_layer_gave_even_before_an_in_place_activation(model):
    found = interpret.feature_maps(model, X, ["1", "2"])
    by_hand = model[1](model[0](X))
    torch.testing.assert_close(found["1"], by_hand.detach(), **CLOSE)
    assert found["1"].min() < 0 <= found["2"].min()
    assert not any(module._forward_hooks for module in model.modules())


def test_unknown_layer_is_refused_by_name(model):
    with pytest.raises(ValueError, match="'layer9' is no layer of the model, wanted one of 0, 1"):
        interpret.feature_maps(model, X, ["layer9"])


def test_spatial_layers_are_those_with_maps(model):
    assert interpret.spatial_layers(model, X) == ["0", "1", "2", "3", "4", "5"]


def test_first_filters(model):
    assert torch.equal(interpret.first_filters(model), model[0].weight)
    assert interpret.first_filters(nn.Linear(2, 2)) is None


def test_nothing_of_the_model_changes(model):
    model.train()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    interpret.saliency(model, X, TARGET)
    interpret.grad_cam(model, "4", X, TARGET)
    interpret.activation_maximisation(model, TARGET, (3, 12, 12), torch.Generator(), steps=2)
    interpret.randomised(model, torch.Generator())
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())
    assert model.training and all(p.grad is None for p in model.parameters())


def test_activation_maximisation_climbs_and_total_variation_smooths(model):
    def made(smooth: float) -> torch.Tensor:
        generator = torch.Generator().manual_seed(0)
        return interpret.activation_maximisation(model, TARGET, (3, 12, 12), generator, 40, smooth)

    sharp, soft = made(0.0), made(1.0)
    start = 0.1 * torch.randn(3, 3, 12, 12, generator=torch.Generator().manual_seed(0))
    noise = torch.randn(64, 3, 12, 12, generator=torch.Generator().manual_seed(1))
    best_of_noise = model(noise)[:, TARGET].amax(0)
    reached, began = (model(x).gather(1, TARGET[:, None]).squeeze(1) for x in (sharp, start))
    assert (reached > began).all() and (reached > best_of_noise).all()
    assert interpret.total_variation(soft).sum() < 0.5 * interpret.total_variation(sharp).sum()


def test_total_variation_of_a_step():
    picture = torch.zeros(1, 1, 4, 4)
    picture[..., 2:] = 3.0
    assert interpret.total_variation(picture).item() == 4 * 3.0  # four rows, one step of 3 each


def test_sanity_tells_a_blind_explanation_from_one_that_uses_the_weights(model):
    def edges(net: nn.Module, x: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        return (x[..., 1:, 1:] - x[..., :-1, :-1]).abs().sum(1)

    generator = torch.Generator().manual_seed(0)
    assert interpret.sanity(edges, model, X, TARGET, generator) == pytest.approx(1.0)
    assert interpret.sanity(interpret.saliency, model, X, TARGET, generator) < 0.6


def test_randomised_keeps_values_and_loses_their_places(model):
    shuffled = interpret.randomised(model, torch.Generator().manual_seed(0))
    for before, after in zip(model.parameters(), shuffled.parameters(), strict=True):
        assert torch.equal(before.flatten().sort().values, after.flatten().sort().values)
    assert not torch.equal(model[4].weight, shuffled[4].weight)
