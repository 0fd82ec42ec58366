"""What every network promises, asked of every size function that the package holds."""

import copy
import re
from functools import cache

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch.nn import functional as F

from gradschool.models import catalogue
from gradschool.ops import switch

CLASSES, BATCH = 5, 4
NAMES = sorted(catalogue.listing())
SAMPLE = {"lenet5", "mlp", "netconv", "nin", "resnet9", "resnet18_small", "simple_ffn"}  # not marked long
# One network of each kind answers in seconds; deeper and wider sizes of the same code are slow-marked.
QUICK = {
    "coatnet_small", "coursework", "densenet100_small", "googlenet", "lenet5", "lenet_digits", "mlp",
    "netconv", "netfull", "netlin", "nin", "packed_vit", "plain_vit", "quicknet", "resnet9", "resnet18",
    "resnet18_small", "resnet18c", "resnet18d", "resnetv2_18", "se_resnet18", "shufflenet_v2_x0_5",
    "shufflenet_v2_x1_0", "simple_ffn", "vgg11_bn_small", "vit",
}  # fmt: skip
SHORT = {"lenet_digits", "netfull", "quicknet", "resnet18", "resnetv2_18", "se_resnet18", "vgg11_bn_small"}
ONE_SIZE = {"mlp", "netlin", "netfull", "simple_ffn", "vit", "vit_b_16"}


def marked(names, quick):
    def mark(name):
        return [] if name in quick & SAMPLE else pytest.mark.long if name in quick else pytest.mark.slow

    return [pytest.param(name, marks=mark(name)) for name in names]


@cache
def smallest(name):
    """The fewest pixels a network takes, from the sentence with which it refuses a single pixel."""
    with torch.device("meta"):
        model = catalogue.find(name)(CLASSES, 3)
        with pytest.raises(ValueError, match="was wanted") as refusal:
            model(torch.zeros(1, 3, 1, 1))
    return int(re.search(r"(\d+)x\1( or larger)? was wanted", str(refusal.value))[1])


def build(name, channels=3):
    torch.manual_seed(0)
    return catalogue.find(name)(CLASSES, channels)


def images(name, channels=3, seed=1):
    side = smallest(name)
    return torch.randn(BATCH, channels, side, side, generator=torch.Generator().manual_seed(seed))


@pytest.fixture(scope="module", params=marked(NAMES, QUICK))
def network(request):
    """A network, its name and a batch; running statistics are those of a few batches."""
    model, x = build(request.param), images(request.param)
    with torch.no_grad():
        for seed in range(3):
            model.train()(images(request.param, seed=seed))
    return request.param, model, x


def answer(model, x):
    with torch.no_grad():
        return model.eval()(x)


def close(ours, theirs, share):
    """Equal up to a share of the largest logit: float32 sums in another order differ by about 1e-6 of it."""
    torch.testing.assert_close(ours, theirs, rtol=0, atol=share * theirs.abs().max().item() + 1e-7)


def test_gives_a_logit_a_class(network):
    _, model, x = network
    y = answer(model, x)
    assert y.shape == (BATCH, CLASSES) and y.dtype == torch.float32 and y.isfinite().all()
    assert y.std(0).min() > 0, "different images, same answer"


def test_gradient_reaches_every_parameter(network):
    _, model, x = network
    model = copy.deepcopy(model).train()
    torch.manual_seed(0)
    for gain in (p for p in model.parameters() if not p.any()):
        torch.nn.init.normal_(gain, std=0.1)  # a gain that starts at 0 blocks its path in the first step only
    F.cross_entropy(model(x), torch.arange(BATCH) % CLASSES).backward()
    missed = [
        name for name, p in model.named_parameters() if p.grad is None or not p.grad.isfinite().all()
    ] + [name for name, p in model.named_parameters() if p.grad is not None and not p.grad.any()]
    assert not missed


def test_eval_is_deterministic(network):
    _, model, x = network
    assert torch.equal(answer(model, x), answer(model, x))


def test_an_image_is_judged_alone_in_eval(network):
    _, model, x = network
    close(answer(model, x[1:2]), answer(model, x)[1:2], 1e-4)


def test_channels_last_gives_the_same(network):
    _, model, x = network
    before = answer(model, x)
    other = copy.deepcopy(model).to(memory_format=torch.channels_last)
    close(answer(other, x.to(memory_format=torch.channels_last)), before, 1e-4)


def test_saved_and_loaded_is_equal(network, tmp_path):
    """The numbers to the bit; the answers to rounding, for numbers elsewhere in memory take other kernels."""
    name, model, x = network
    save_file(model.state_dict(), tmp_path / "model.safetensors")
    with torch.device("meta"):
        fresh = build(name)
    fresh.load_state_dict(load_file(tmp_path / "model.safetensors"), assign=True)
    kept, found = model.state_dict(), fresh.state_dict()
    assert found.keys() == kept.keys() and all(torch.equal(found[key], kept[key]) for key in kept)
    close(answer(fresh, x), answer(model, x), 1e-4)


def test_bfloat16_is_finite_and_close(network):
    name, model, x = network
    y = answer(copy.deepcopy(model).bfloat16(), x.bfloat16())
    assert y.dtype == torch.bfloat16 and y.isfinite().all()
    # bfloat16 keeps 8 bits; errors of 0.4 % a layer add up over depth, hence a loose bound on direction only.
    expected = answer(model, x)
    assert F.cosine_similarity(y.float().flatten(), expected.flatten(), dim=0) > 0.9, name


def test_plain_ops_give_the_same(network):
    _, model, x = network
    expected = answer(model, x[:2])
    with switch.using("plain"):
        ours = answer(model, x[:2])
    # Float32 sums in another order: about 1e-6 a layer, times depth.
    close(ours, expected, 1e-3)


def test_takes_one_channel_and_one_class(network):
    name, _, _ = network
    with torch.device("meta"):
        model = catalogue.find(name)(1, 1)
    side = smallest(name)
    assert model.eval()(torch.zeros(2, 1, side, side, device="meta")).shape == (2, 1)


@pytest.mark.parametrize("name", marked(NAMES, {*NAMES}))
def test_refuses_in_a_sentence(name):
    side = smallest(name)
    with torch.device("meta"):
        model = build(name)
        with pytest.raises(ValueError, match=r"images have 2 channels, 3 were wanted; build"):
            model(torch.zeros(1, 2, side, side))
        with pytest.raises(
            ValueError, match=rf"images are {side}x{side - 1} pixels, {side}x{side} .*was wanted"
        ):
            model(torch.zeros(1, 3, side - 1, side))
        with pytest.raises(ValueError, match=r"shape \(3, 9, 9\), .* was wanted; .* x.unsqueeze"):
            model(torch.zeros(3, 9, 9))


@pytest.mark.parametrize("name", marked(sorted({*NAMES} - ONE_SIZE), QUICK))
def test_takes_larger_and_oblong_images(name):
    side = smallest(name)
    with torch.device("meta"):
        model = build(name).eval()
        for height, width in ((side, side + 7), (2 * side + 1, side), (96, 128), (224, 224)):
            assert model(torch.zeros(2, 3, height, width)).shape == (2, CLASSES)


@pytest.mark.parametrize("name", marked(NAMES, {"netlin"}))
def test_compiled_equals_eager(name, unchecked):
    model, x = build(name).eval(), images(name)
    expected = answer(model, x)
    # Long networks would take minutes each to generate code for: they are traced as a whole and run so.
    backend = "inductor" if name in SHORT else "aot_eager"
    close(answer(torch.compile(model, backend=backend, fullgraph=True), x), expected, 1e-3)
