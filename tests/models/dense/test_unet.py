"""U-Nets: any size, gradients everywhere, known sizes, and the plain one against a torch.nn port."""

import pytest
import torch
from torch import nn

from gradschool.models import catalogue
from gradschool.models.dense.unet import unet, unet_restorer

NAMES = sorted(catalogue.listing("labels"))


def build(name):
    if name == "timm_unet":
        pytest.importorskip("timm")
        return catalogue.find(name, "labels")(3, 1, backbone="test_resnet")
    return catalogue.find(name, "labels")(3, 1, width=4, depth=2)


def test_they_are_found_by_name():
    assert {"unet", "attention_unet", "unet_plus", "timm_unet"} <= set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_any_size_and_a_gradient_for_every_parameter(name):
    torch.manual_seed(0)
    model = build(name)
    for size in ((32, 48), (37, 50), (9, 64)):
        assert model(torch.rand(2, 1, *size)).shape == (2, 3, *size)
    model(torch.rand(2, 1, 64, 64)).square().mean().backward()
    silent = [n for n, p in model.named_parameters() if p.grad is None or p.grad.abs().max() == 0]
    assert not silent or name == "timm_unet"  # a backbone may have layers that no map comes from


@pytest.mark.parametrize("name", NAMES)
def test_a_far_pixel_and_a_near_pixel_are_both_seen(name):
    torch.manual_seed(0)
    model = build(name).eval()
    x = torch.rand(1, 1, 64, 64, requires_grad=True)
    model(x)[0, 0, 32, 32].backward()
    seen = x.grad[0, 0].abs() > 0
    assert seen[32, 32] and seen[26:38, 26:38].float().mean() > 0.9


@pytest.mark.parametrize(("width", "millions"), [(16, 1.94), (32, 7.76), (64, 31.04)])
def test_parameters_of_known_widths(width, millions):
    """31.04 million are those of the usual ports with transposed convolutions at 64 channels."""
    count = sum(p.numel() for p in unet(2, 1, width).parameters())
    assert count / 1e6 == pytest.approx(millions, abs=0.01)


class Port(nn.Module):
    """Figure 1 of the paper in torch.nn, as usually written, with two halvings."""

    def __init__(self, width):
        super().__init__()

        def double(a, b):
            layers = [nn.Conv2d(a, b, 3, 1, 1, bias=False), nn.BatchNorm2d(b), nn.ReLU()]
            return nn.Sequential(*layers, nn.Conv2d(b, b, 3, 1, 1, bias=False), nn.BatchNorm2d(b), nn.ReLU())

        self.a, self.b, self.c = double(1, width), double(width, 2 * width), double(2 * width, 4 * width)
        self.up_b, self.up_a = (nn.ConvTranspose2d(2 * k * width, k * width, 2, 2) for k in (2, 1))
        self.join_b, self.join_a = double(4 * width, 2 * width), double(2 * width, width)
        self.head = nn.Conv2d(width, 2, 1)

    def forward(self, x):
        a = self.a(x)
        b = self.b(nn.functional.max_pool2d(a, 2))
        c = self.c(nn.functional.max_pool2d(b, 2))
        b = self.join_b(torch.cat([b, self.up_b(c)], 1))
        return self.head(self.join_a(torch.cat([a, self.up_a(b)], 1)))


def test_it_computes_what_the_port_does():
    torch.manual_seed(0)
    ours, port = unet(2, 1, width=6, depth=2), Port(6)
    weights = [p.detach() for p in ours.parameters()]
    names = dict(port.named_parameters())
    order = ["a", "b", "c", "up_b", "join_b", "up_a", "join_a", "head"]
    slots = [p for part in order for n, p in names.items() if n.split(".")[0] == part]
    assert [p.shape for p in weights] == [p.shape for p in slots]
    with torch.no_grad():
        for slot, value in zip(slots, weights, strict=True):
            slot.copy_(value)
    x = torch.rand(3, 1, 20, 24)
    torch.testing.assert_close(ours(x), port(x), atol=1e-5, rtol=1e-4)


def test_a_restorer_starts_from_the_picture_and_stays_within_its_scale():
    model = unet_restorer(1, 28)
    damaged, mask = torch.rand(2, 1, 28, 28), torch.zeros(2, 1, 28, 28, dtype=torch.bool)
    found = model(damaged, mask)
    assert found.shape == damaged.shape and found.min() >= 0 and found.max() <= 1
    nn.init.zeros_(model.net.head.weight)
    nn.init.zeros_(model.net.head.bias)
    torch.testing.assert_close(model(damaged, mask), damaged)


def test_wrong_pictures_and_backbones_are_refused():
    with pytest.raises(ValueError, match="3 channels, 1 were wanted"):
        unet(2, 1, width=4)(torch.rand(1, 3, 16, 16))
    pytest.importorskip("timm")
    with pytest.raises(ValueError, match="a network of timm was wanted"):
        catalogue.find("timm_unet", "labels")(2, 1, backbone="resnet1x")
