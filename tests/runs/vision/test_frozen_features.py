"""Features of a frozen body: timm's own forward pass, computed once a picture, kept by what they depend
on."""

from dataclasses import replace

import pytest
import timm
import torch

from gradschool.data.augment.pipeline import Augment, Pipeline
from gradschool.data.vision.images import Images
from gradschool.engine.device import Machine
from gradschool.runs.vision import features
from gradschool.runs.vision.features import FrozenBody

SIDE, MEAN, STD = 32, (0.4, 0.5, 0.6), (0.2, 0.25, 0.3)


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("GRADSCHOOL_CACHE", str(tmp_path))
    monkeypatch.setattr(features, "AT_ONCE", 4)


class Counting(torch.nn.Module):
    """A network that counts the pictures it sees."""

    def __init__(self, net):
        super().__init__()
        self.net, self.seen = net, 0

    def forward(self, x):
        self.seen += len(x)
        return self.net(x)


def body(**changes):
    torch.manual_seed(0)
    net = Counting(timm.create_model("test_resnet", num_classes=0).eval())
    pipeline = Pipeline(MEAN, STD, Augment(flip=True, mixup=1.0), ((0.0, SIDE),), 3)
    return replace(FrozenBody(net, pipeline, Machine("cpu", "fp32", False), batch=3), **changes)


def images(n=10, seed=0):
    generator = torch.Generator().manual_seed(seed)
    pixels = torch.randint(0, 256, (n, 3, 20, 20), dtype=torch.uint8, generator=generator)
    return Images(pixels, torch.arange(n) % 3, ("a", "b", "c"))


def by_timm(net, x, flip=False):
    """Oracle: resized, normalised and run by hand, without changes."""
    x = torch.nn.functional.interpolate(x.float(), size=(SIDE, SIDE), mode="bilinear", antialias=True)
    shown = (x / 255 - torch.tensor(MEAN).view(3, 1, 1)) / torch.tensor(STD).view(3, 1, 1)
    with torch.no_grad():
        return (net(shown) + net(shown.flip(-1))) / 2 if flip else net(shown)


@pytest.mark.parametrize("flip", [False, True])
def test_features_are_timms_own(flip):
    """To 1e-4: the pipeline may round resized pixels to whole numbers, which is at most half of 1 / 255."""
    known, made = images(), body(flip=flip)
    pixels = known.pixels.repeat_interleave(2, 2).repeat_interleave(2, 3)[..., :SIDE, :SIDE]
    exact = replace(known, pixels=pixels.contiguous())  # of the network's own size, so nothing is resized
    wanted = by_timm(made.network.net, exact.pixels, flip)
    torch.testing.assert_close(made.features(exact), wanted, rtol=0, atol=1e-4)
    assert wanted.std(0).max() > 0.01, "features that tell pictures apart"


def test_a_picture_is_seen_once_whatever_part_it_comes_in():
    made, known = body(), images()
    first = made.features(known.take(torch.arange(6)))
    assert made.network.seen == 6
    mixed = torch.tensor([7, 2, 9, 2, 0])
    again = made.features(known.take(mixed))
    assert made.network.seen == 8  # 7 and 9 are new
    torch.testing.assert_close(again[[1, 3, 4]], first[[2, 2, 0]], rtol=0, atol=0)
    torch.testing.assert_close(
        again[0], by_timm(made.network.net, known.pixels[7:8])[0], rtol=1e-2, atol=1e-2
    )
    # Another object, the same body: nothing is computed.
    other = body()
    torch.testing.assert_close(other.features(known.take(mixed)), again, rtol=0, atol=0)
    assert other.network.seen == 0


def test_equal_pictures_go_through_the_network_once():
    made, known = body(), images(3)
    found = made.features(known.take(torch.tensor([1, 1, 0, 1])))
    assert made.network.seen == 2 and torch.equal(found[0], found[3]) and not torch.equal(found[0], found[2])


def changed(made, name):
    """The same body with one thing that features depend on changed."""
    if name == "weights":
        with torch.no_grad():
            next(made.network.parameters())[0] += 1
        return made
    looks = {"mean": {"mean": (0.0,) * 3}, "size": {"sizes": ((0.0, SIDE + 8),)}}
    if name in looks:
        return replace(made, pipeline=replace(made.pipeline, **looks[name]))
    return (
        replace(made, flip=True) if name == "flip" else replace(made, machine=Machine("cpu", "bf16", False))
    )


@pytest.mark.parametrize("name", ["weights", "mean", "size", "flip", "precision"])
def test_whatever_features_depend_on_makes_them_anew(name):
    plain = body().features(images(2))
    other = changed(body(), name)
    assert not torch.equal(other.features(images(2)), plain)
    assert other.network.seen == (4 if name == "flip" else 2)


def test_changes_of_training_pictures_do_not_matter():
    body().features(images(2))
    other = body(pipeline=Pipeline(MEAN, STD, Augment(), ((0.0, SIDE),), 7))
    other.features(images(2))
    assert other.network.seen == 0


def test_a_damaged_entry_is_made_again(tmp_path):
    made, known = body(), images(3)
    before = made.features(known)
    for file in (tmp_path / "decoded").rglob("features.npy"):
        file.write_bytes(b"")
    torch.testing.assert_close(made.features(known), before, rtol=0, atol=0)
    assert made.network.seen == 6
