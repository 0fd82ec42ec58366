"""Sizes as published, and the same logits as torchvision's and timm's networks with the same weights."""

import math

import pytest
import timm
import torch
import torchvision

from gradschool.models import catalogue
from gradschool.models.vision import inception, inception_v3, preact_resnet

# Parameters with 1000 classes and three channels, from num_params in torchvision's weight records; where
# torchvision has no such network, of timm's network built here (test_counts_of_timm).
TORCHVISION = {
    "alexnet": 61_100_840,
    "densenet121": 7_978_856,
    "densenet161": 28_681_000,
    "densenet169": 14_149_480,
    "densenet201": 20_013_928,
    "googlenet": 6_624_904,
    "resnet18": 11_689_512,
    "resnet34": 21_797_672,
    "resnet50": 25_557_032,
    "resnet101": 44_549_160,
    "resnet152": 60_192_808,
    "resnext50_32x4d": 25_028_904,
    "resnext101_32x8d": 88_791_336,
    "shufflenet_v2_x0_5": 1_366_792,
    "shufflenet_v2_x1_0": 2_278_604,
    "vgg11": 132_863_336,
    "vgg11_bn": 132_868_840,
    "vgg13": 133_047_848,
    "vgg13_bn": 133_053_736,
    "vgg16": 138_357_544,
    "vgg16_bn": 138_365_992,
    "vgg19": 143_667_240,
    "vgg19_bn": 143_678_248,
}
TIMM = {
    "inception_v3": "inception_v3",
    "resnet18d": "resnet18d",
    "resnet50c": "resnet50c",
    "resnet50d": "resnet50d",
    "resnetv2_18": "resnetv2_18",
    "resnetv2_50": "resnetv2_50",
    "resnetv2_101": "resnetv2_101",
    "se_resnet18": "seresnet18",
    "se_resnet50": "seresnet50",
}
# From papers and course sheets: (name, arguments, parameters).
OTHERS = [
    ("coursework", (20, 3), 11_204_164),  # starter of the coursework
    ("densenet100_small", (10, 3), 769_162),  # Huang et al. 2017, table 2: 0.8M
    ("lenet5", (10, 1), 61_706),  # 156 + 2,416 + 48,120 + 10,164 + 850
    ("netlin", (10, 1), 7_850),  # 784 x 10 + 10
    ("nin", (10, 3), 966_986),  # Lin et al. 2014: the authors' CIFAR-10 model, 0.97M
    ("simple_ffn", (10, 1), 784 * 200 + 200 * 50 + 50 * 10),
]
MAPPINGS = {
    "googlenet": inception.from_torchvision,
    "inception_v3": inception_v3.from_torchvision,
    "resnetv2_18": preact_resnet.from_timm,
    "resnetv2_50": preact_resnet.from_timm,
    "resnetv2_101": preact_resnet.from_timm,
}
SIDES = {"alexnet": 63, "inception_v3": 75}
QUICK = {
    "densenet121", "googlenet", "inception_v3", "resnet18", "resnet18d", "resnet50", "resnetv2_18",
    "resnetv2_50", "se_resnet18", "shufflenet_v2_x0_5", "shufflenet_v2_x1_0",
}  # fmt: skip


def on_meta(build, *args, **kwargs):
    with torch.device("meta"):
        return build(*args, **kwargs)


def parameters(model):
    return sum(p.numel() for p in model.parameters())


def peer(name, classes):
    """The same network of torchvision (identity or documented mapping), else of timm, on the meta device."""
    if name in TIMM and name != "inception_v3":
        return on_meta(timm.create_model, TIMM[name], num_classes=classes)
    extra = {"init_weights": False} if name in ("googlenet", "inception_v3") else {}
    return on_meta(torchvision.models.get_model, name, weights=None, num_classes=classes, **extra)


def filled(model, seed=0):
    """Random weights that keep activations near unit size, and random running statistics."""
    generator = torch.Generator().manual_seed(seed)
    model = model.to_empty(device="cpu").eval()
    for name, value in model.state_dict().items():
        if name.endswith("num_batches_tracked"):
            value.zero_()
        elif name.endswith("running_var") or (value.dim() == 1 and name.endswith("weight")):
            value.uniform_(0.5, 1.5, generator=generator)
        else:
            fan_in = value[0].numel() if value.dim() > 1 else 200
            value.normal_(0, math.sqrt(2 / fan_in), generator=generator)
    return model


@pytest.mark.parametrize(("name", "count"), TORCHVISION.items())
def test_counts_of_torchvision(name, count):
    assert parameters(on_meta(catalogue.find(name), 1000)) == count


@pytest.mark.parametrize("name", TIMM)
def test_counts_of_timm(name):
    theirs = on_meta(timm.create_model, TIMM[name])
    assert parameters(on_meta(catalogue.find(name), 1000)) == parameters(theirs)


@pytest.mark.parametrize(("name", "arguments", "count"), OTHERS)
def test_counts_of_papers(name, arguments, count):
    assert parameters(on_meta(catalogue.find(name), *arguments)) == count


@pytest.mark.long
@pytest.mark.parametrize("name", [*TORCHVISION, *TIMM])
def test_state_dicts_map(name):
    state = peer(name, 7).state_dict()
    mapped = MAPPINGS.get(name, dict)(state)
    ours = on_meta(catalogue.find(name), 7).state_dict()
    assert {k: v.shape for k, v in mapped.items()} == {k: v.shape for k, v in ours.items()}


@pytest.mark.long
@pytest.mark.parametrize(
    "name",
    [n if n in QUICK else pytest.param(n, marks=pytest.mark.slow) for n in [*TORCHVISION, *TIMM]],
)
def test_logits_agree(name):
    theirs = filled(peer(name, 7))
    ours = on_meta(catalogue.find(name), 7).eval()
    ours.load_state_dict(MAPPINGS.get(name, dict)(theirs.state_dict()), assign=True)
    side = SIDES.get(name, 32)
    x = torch.randn(2, 3, side, side, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        expected, found = theirs(x), ours(x)
    # 1e-4 of the difference between two images: far above float32's rounding, far below any slip.
    spread = (expected[0] - expected[1]).abs().max().item()
    assert spread > 1e-2 * expected.abs().max()
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-4 * spread)
