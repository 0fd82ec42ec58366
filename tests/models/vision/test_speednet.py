"""What is particular to the fast CIFAR network; what every network promises is in test_contract."""

import copy
from dataclasses import replace

import pytest
import torch
from torch import nn

from gradschool.data.vision.images import Images
from gradschool.engine.device import Machine
from gradschool.engine.optim import Optim, make_optimizer
from gradschool.engine.update import Stepper
from gradschool.models.vision.speednet import SCALE, STRENGTH, WINDOW, ShiftNorm, dirac_conv, speednet
from gradschool.recipes import find
from gradschool.runs.request import Request
from gradschool.runs.train import train
from gradschool.tasks.classify import Classify


def photographs(n=64, side=32, seed=0):
    """Noise, blurred so that neighbours are alike and channels are mixed: far from white."""
    generator = torch.Generator().manual_seed(seed)
    noise = torch.randn(n, 3, side + 4, side + 4, generator=generator)
    mixed = torch.einsum("dc,nchw->ndhw", torch.tensor([[1.0, 0.8, 0.6], [0.2, 1, 0.7], [0, 0.3, 1]]), noise)
    return nn.functional.avg_pool2d(mixed, 5, 1) * 5


def small():
    torch.manual_seed(0)
    return speednet(10, widths=(16, 24, 24))


def test_shapes_and_size():
    net = speednet(10)
    assert (
        sum(p.numel() for p in net.parameters())
        == 24 + 9 * (24 + 64) * 64 + 9 * (64 + 256 + 256 + 256) * 256 + 2 * (64 + 256 + 256) + 2560
    )
    x = torch.randn(2, 3, 32, 32)
    assert net.whiten(x).shape == (2, 24, 31, 31)
    assert net.groups(net.whiten(x)).shape == (2, 256, 3, 3)
    assert net(x).shape == (2, 10)


def test_whitened_patches_are_uncorrelated_and_of_size_one():
    """Second moments of the first layer's answers: v / (v + eps) for each direction's variance v, else 0."""
    images, net = photographs(), small()
    before = net.whiten(images)[:, :12]
    net.look_at(images)
    answers = net.whiten(images)
    moments = torch.einsum("nahw,nbhw->ab", answers[:, :12], answers[:, :12]) / before[:, 0].numel()
    variances = directions(images)[0] ** 2
    wanted = torch.diag(variances / (variances + 5e-4)).float()
    assert wanted.diagonal().min() > 0.9, "close to the identity"
    torch.testing.assert_close(moments, wanted, rtol=0, atol=2e-3)  # float32 sums over 60,000 patches
    assert torch.equal(net.whiten.weight[:12], -net.whiten.weight[12:])
    strengths = torch.einsum("nahw,nahw->a", before, before)
    assert strengths.max() > 3 * strengths.min(), "the images were white already"


def directions(images):
    """Deviations and axes of all patches, the strongest first: by singular values, in float64."""
    patches = nn.functional.unfold(images, WINDOW).transpose(1, 2).reshape(-1, 12).double()
    _, values, axes = torch.linalg.svd(patches, full_matrices=False)
    return values / len(patches) ** 0.5, axes


def test_filters_are_the_directions_of_the_patches_the_strongest_first():
    images, net = photographs(8), small()
    net.look_at(images)
    deviations, axes = directions(images)
    filters = net.whiten.weight[:12].reshape(12, 12).double()
    signs = (filters * axes).sum(1, keepdim=True).sign()  # either way along an axis will do
    wanted = axes / (deviations**2 + 5e-4).sqrt()[:, None]
    torch.testing.assert_close(filters * signs, wanted, rtol=0, atol=0.01 * wanted.abs().max().item())


def test_the_whitening_filters_do_not_learn_but_are_saved():
    net = small()
    assert "whiten.weight" in net.state_dict() and "whiten.weight" not in dict(net.named_parameters())


@pytest.mark.parametrize(("inputs", "outputs"), [(3, 8), (8, 8), (8, 3)])
def test_dirac_passes_its_input_on(inputs, outputs):
    x = torch.randn(2, inputs, 5, 5)
    few = min(inputs, outputs)
    torch.testing.assert_close(dirac_conv(inputs, outputs)(x)[:, :few], x[:, :few])


def test_a_shift_moves_64_times_as_far_as_torchs():
    """One plain gradient step on the same loss; torch's layer with its gain held at 1."""
    mine, theirs, x = ShiftNorm(4), nn.BatchNorm2d(4), torch.randn(8, 4, 3, 3)
    target = torch.randn(8, 4, 3, 3)
    for layer, parameter in ((mine, mine.shift), (theirs, theirs.bias)):
        ((layer(x) - target) ** 2).sum().backward()
        torch.optim.SGD([parameter], 1e-3).step()
    torch.testing.assert_close(STRENGTH * mine.shift, 64 * theirs.bias)
    assert [name for name, _ in mine.named_parameters()] == ["shift"]
    torch.testing.assert_close(mine.running_var, theirs.running_var)


def test_logits_are_scaled():
    net, x = small().eval(), torch.randn(2, 3, 32, 32)
    with torch.no_grad():
        features = net.groups(net.whiten(x))
        wanted = nn.functional.max_pool2d(features, 3).flatten(1) @ net.fc.weight.T / 9
        torch.testing.assert_close(net(x), wanted)
    assert pytest.approx(1 / 9) == SCALE


@pytest.mark.long
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_it_learns_through_the_engine_on_a_processor_also_compiled(precision):
    """Compiled in place, as the engine does on CUDA: the state dict keeps its names, the step its numbers."""
    x, y = photographs(16), torch.arange(16) % 10
    machine, found = Machine("cpu", precision, True), []
    for compiles in (False, True):
        net = small()
        net.look_at(x)
        if compiles:
            net.compile(backend="eager", fullgraph=True)
        task = Classify(net, label_smoothing=0.2)
        stepper = Stepper(
            task, {"model": make_optimizer(net, Optim("nesterov", 0.02, momentum=0.85))}, machine
        )
        losses = []
        for step in range(6):
            stepper.begin(step / 6)
            losses.append(float(task.step((machine.place(x), y), stepper)["loss"]))
        assert losses[-1] < losses[0]
        found.append((losses, copy.deepcopy(net.state_dict())))
    torch.compiler.reset()
    assert found[0][1].keys() == found[1][1].keys() == small().state_dict().keys()
    torch.testing.assert_close(found[0][0], found[1][0], rtol=1e-3, atol=1e-4)


def test_the_recipe_looks_at_its_images_before_it_trains():
    run = replace(find("cifar10_gpu")(), model_options={"widths": (16, 24, 24)})
    values = (photographs(32) * 20 + 128).clamp(0, 255).to(torch.uint8)
    images = Images(values, torch.arange(32) % 10, tuple("0123456789"))
    pipeline = run.pipeline(images)
    net = run.start_model(images, pipeline)
    answers = net.whiten(pipeline.eval(images.pixels, images.labels)[0])[:, :12]
    moments = torch.einsum("nahw,nbhw->ab", answers, answers) / answers[:, 0].numel()
    apart = moments - torch.diag(moments.diagonal())
    assert apart.abs().max() < 5e-3 and 0.85 < moments.diagonal().min() <= moments.diagonal().max() < 1.01
    assert not torch.equal(run.build_model(10, 3).whiten.weight, net.whiten.weight)


@pytest.mark.gpu
def test_the_recipe_trains_compiled_on_a_gpu(tmp_path):
    if not torch.cuda.is_available():
        pytest.skip("needs an NVIDIA GPU")
    run = replace(find("cifar10_gpu")(), data="digits", sizes=((0.0, 32),), batch_size=256, learning_rate=0.5)
    folder = train(
        run, Request("cifar10_gpu", steps=60, device="cuda", out=tmp_path / "run"), lambda text: None
    )
    assert folder.read("result.json")["metrics"]["test_accuracy"] > 0.8
