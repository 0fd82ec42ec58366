"""Drawings of networks: what they show is what the networks do."""

import functools
from itertools import combinations

import pytest
import torch
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.patches import Circle, FancyArrowPatch, Rectangle
from torch import nn

from gradschool.classroom.author.drawing import draw
from gradschool.classroom.author.stages import stages
from gradschool.models.dense.unet import unet, unet_restorer
from gradschool.models.generative.autoencoder import conv_autoencoder
from gradschool.models.generative.dcgan import dcgan
from gradschool.models.generative.denoiser import denoiser_small
from gradschool.models.generative.vae import conv_vae
from gradschool.models.generative.vqvae import vqvae
from gradschool.models.vision.inception import mixed
from gradschool.models.vision.lenet import lenet5
from gradschool.models.vision.resnet import resnet18, resnet50_small
from gradschool.models.vision.senet import SqueezeExcite
from gradschool.models.vision.vgg import vgg16
from gradschool.nn.quantise import Quantise
from gradschool.nn.residual import BasicBlock

MASK = torch.zeros(1, 1, 32, 32, dtype=torch.bool)


def on_meta(build):
    with torch.device("meta"):
        return build()


# A model, its input's shape, further arguments, how it is opened.
MODELS = {
    "lenet": (lambda: lenet5(10), (1, 32, 32), (), {}),
    "vgg": (lambda: vgg16(1000), (3, 224, 224), (), {"depth": 2, "by_size": True}),
    "inception": (lambda: mixed(192, 64, (96, 128), (16, 32), 32), (192, 28, 28), (), {"depth": 2}),
    "resnet": (lambda: resnet18(1000), (3, 224, 224), (), {}),
    "resnet50": (lambda: resnet50_small(10), (3, 32, 32), (), {}),
    "residual": (lambda: BasicBlock(64, 64), (64, 56, 56), (), {}),
    "projection": (lambda: BasicBlock(64, 128, 2), (64, 56, 56), (), {}),
    "excite": (lambda: SqueezeExcite(64), (64, 56, 56), (), {}),
    "unet": (lambda: unet(4, 1, 8, 3), (1, 32, 32), (), {"depth": 2, "by_size": True}),
    "restorer": (lambda: unet_restorer(1, 32), (1, 32, 32), (MASK,), {"depth": 3, "by_size": True}),
    "autoencoder": (lambda: conv_autoencoder((1, 28, 28)), (1, 28, 28), (), {"depth": 2}),
    "vae": (lambda: conv_vae((1, 28, 28)), (1, 28, 28), (), {"depth": 2}),
    "vqvae": (lambda: vqvae((1, 28, 28)), (1, 28, 28), (), {"depth": 2, "whole": (Quantise,)}),
    "generator": (lambda: dcgan((3, 64, 64)).generator, (100,), (), {"depth": 2}),
    "discriminator": (lambda: dcgan((3, 64, 64)).discriminator, (3, 64, 64), (), {"depth": 2}),
    "denoiser": (lambda: denoiser_small((1, 32, 32)), (1, 32, 32), (torch.zeros(1),), {"by_size": True}),
}
EACH = pytest.mark.parametrize("name", MODELS)


@functools.cache
def looked_at(name):
    build, shape, more, how = MODELS[name]
    model = on_meta(build)
    return model, stages(model, shape, *more, **how)


@EACH
def test_stages_hold_every_parameter_and_end_with_what_the_network_gives(name):
    model, found = looked_at(name)
    _, shape, more, _ = MODELS[name]
    assert sum(stage.parameters for stage in found) == sum(p.numel() for p in model.parameters())
    more = [t.to("meta") for t in more]
    out = model.eval()(torch.zeros(1, *shape, device="meta"), *more)
    out = out[0] if isinstance(out, tuple) else out
    last = (1,) if name == "discriminator" else tuple(out.shape[1:])
    assert found[-1].shape[: len(last)] == last


@EACH
def test_every_stage_is_fed_by_an_earlier_one_and_used(name):
    _, found = looked_at(name)
    used = {before for stage in found for before in stage.inputs}
    for i, stage in enumerate(found):
        assert all(before < i for before in stage.inputs)
        assert stage.inputs or stage.label == "input"
        assert i in used or i == len(found) - 1


def test_lenet_is_that_of_the_paper():
    found = looked_at("lenet")[1]
    assert [(s.label, s.shape, s.parameters) for s in found] == [
        ("input", (1, 32, 32), 0),
        ("conv 5×5", (6, 28, 28), 6 * 26),
        ("max pool 2×2", (6, 14, 14), 0),
        ("conv 5×5", (16, 10, 10), 16 * (6 * 25 + 1)),
        ("max pool 2×2", (16, 5, 5), 0),
        ("linear", (120,), 120 * 401),
        ("linear", (84,), 84 * 121),
        ("linear", (10,), 10 * 85),
    ]


def test_vgg_has_its_thirteen_convolutions_by_size():
    found = looked_at("vgg")[1]
    assert [s.label for s in found[1:6]] == ["2 conv", "2 conv", "3 conv", "3 conv", "3 conv"]
    assert [s.shape for s in found[1:6]] == [
        (64, 224, 224), (128, 112, 112), (256, 56, 56), (512, 28, 28), (512, 14, 14)
    ]  # fmt: skip


def joins(found):
    """(from, to, how) of every connection that merges."""
    return {(b, i, how) for i, s in enumerate(found) for b, how in s.inputs.items() if how}


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("lenet", set()),
        ("resnet", set()),
        ("residual", {(0, 3, "add"), (2, 3, "add")}),
        ("projection", {(2, 4, "add"), (3, 4, "add")}),
        ("excite", {(0, 4, "multiply"), (3, 4, "multiply")}),
        ("inception", {(i, 8, "concat") for i in (1, 3, 5, 7)}),
        ("unet", {(3, 5, "concat"), (2, 6, "concat"), (1, 7, "concat")}),
        ("vae", {(3, 5, "add"), (4, 5, "add")}),
        ("denoiser", {(4, 6, "concat"), (3, 7, "concat")}),
    ],
)
def test_connections(name, wanted):
    assert joins(looked_at(name)[1]) == wanted


def test_the_time_feeds_every_residual_stage_of_the_denoiser():
    found = looked_at("denoiser")[1]
    (told,) = (i for i, s in enumerate(found) if s.label == "told")
    assert [i for i, s in enumerate(found) if told in s.inputs] == [3, 4, 5, 6, 7]


class Written(nn.Module):
    """A layer used twice, a branch and a join, all in `forward`."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 3, 3, padding=1)
        self.down = nn.Conv2d(6, 5, 2, 2)
        self.drop = nn.Dropout(0.5)

    def forward(self, x):
        once = self.conv(x).relu()
        twice = self.conv(once)
        return self.drop(self.down(torch.cat([once, twice], 1)))


def test_graph_of_a_forward_that_is_no_list_of_layers():
    model = Written()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    found = stages(model, (3, 8, 8))
    assert [(s.label, s.shape, s.inputs) for s in found] == [
        ("input", (3, 8, 8), {}),
        ("conv 3×3", (3, 8, 8), {0: ""}),
        ("conv 3×3", (3, 8, 8), {1: ""}),
        ("concat", (6, 8, 8), {1: "concat", 2: "concat"}),
        ("conv 2×2", (5, 4, 4), {3: ""}),
    ]
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert model.training
    assert model.drop.training
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in model.modules())
    assert all(p.device.type == "cpu" for p in model.parameters())


@functools.cache
def drawing(name):
    build, shape, more, how = MODELS[name]
    figure = draw(on_meta(build), shape, *more, **how)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return figure, figure.axes[0], canvas.get_renderer()


@EACH
def test_drawing_has_a_box_a_stage_and_words_that_do_not_overlap(name):
    _, found = looked_at(name)
    figure, ax, renderer = drawing(name)
    boxes = [p for p in ax.patches if isinstance(p, Rectangle)]
    circles = [p for p in ax.patches if isinstance(p, Circle)]
    assert len(boxes) == sum(not s.merge for s in found)
    assert len(circles) == sum(s.merge for s in found)
    assert figure.get_figwidth() < 6.2
    assert figure.patch.get_alpha() == 0
    words = [text for text in ax.texts if text.get_text()]
    assert all(text.get_fontsize() >= 9 for text in words)
    extents = [text.get_window_extent(renderer) for text in words]
    width, height = figure.bbox.width, figure.bbox.height
    assert all(e.x0 >= -3 and e.x1 <= width + 3 and e.y0 >= -3 and e.y1 <= height + 3 for e in extents)
    for (one, a), (other, b) in combinations(zip(words, extents, strict=True), 2):
        shared = min(a.x1, b.x1) - max(a.x0, b.x0), min(a.y1, b.y1) - max(a.y0, b.y0)
        assert min(shared) <= 3, (one.get_text(), other.get_text())


@EACH
def test_boxes_grow_with_resolution_and_channels(name):
    _, found = looked_at(name)
    _, ax, _ = drawing(name)
    boxes = iter([p for p in ax.patches if isinstance(p, Rectangle)])
    sized = [(s, next(boxes)) for s in found if not s.merge]
    for (one, a), (other, b) in combinations([(s, box) for s, box in sized if s.size], 2):
        assert (max(one.size) > max(other.size)) == (a.get_height() > b.get_height() + 1e-9)
        assert (one.shape[0] > other.shape[0]) == (a.get_width() > b.get_width() + 1e-9)


def test_only_networks_with_connections_across_are_a_u():
    def levels(name):
        boxes = [p for p in drawing(name)[1].patches if isinstance(p, Rectangle)]
        return len({round(box.get_y() + box.get_height() / 2, 3) for box in boxes})

    assert levels("unet") == 4
    assert levels("lenet") == levels("autoencoder") == levels("generator") == 1


@EACH
def test_arrows_do_not_pass_through_boxes(name):
    _, found = looked_at(name)
    _, ax, _ = drawing(name)
    boxes = [p for p in ax.patches if isinstance(p, Rectangle)]
    arrows = [p for p in ax.patches if isinstance(p, FancyArrowPatch)]
    assert len(arrows) >= sum(bool(stage.inputs) for stage in found)
    for arrow in arrows:
        x, y = arrow._path_original.interpolated(40).vertices.T
        for box in boxes:
            left, low = box.get_xy()
            across = (x > left + 0.02) & (x < left + box.get_width() - 0.02)
            assert not (across & (y > low + 0.02) & (y < low + box.get_height() - 0.02)).any()


def test_names_replace_what_is_found():
    figure = draw(lenet5(10), (1, 32, 32), names=["digit", "", "halved"])
    texts = [text.get_text() for text in figure.axes[0].texts]
    assert "digit" in texts
    assert "halved" in texts
    assert texts.count("conv\n5×5") == 2
