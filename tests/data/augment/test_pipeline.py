"""The pipeline: order, sizes, normalisation, masks, settings."""

import dataclasses

import pydantic
import pytest
import torch
from jaxtyping import TypeCheckError
from torchvision.transforms import v2
from torchvision.transforms.v2 import functional as V

from gradschool.data.augment.pipeline import Augment, Pipeline
from gradschool.errors import UserError

MEAN, STD = (0.5, 0.4, 0.3), (0.2, 0.25, 0.3)
ALL = Augment(
    flip=True, crop_padding=2, resized_crop=(0.4, 1.0), rotate=10.0, translate=0.1, scale=(0.9, 1.1),
    shear=5.0, perspective=0.2, brightness=0.3, contrast=0.3, saturation=0.3, hue=0.1, grey=0.2, blur=0.5,
    noise=0.05, cutout=4, erase=0.3, mixup=0.4, cutmix=1.0, policy=2, magnitude=9.0, edge="mirror",
)  # fmt: skip


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def batch(n: int = 16, side: int = 20, channels: int = 3):
    pixels = torch.randint(0, 256, (n, channels, side, side), dtype=torch.uint8, generator=seeded(5))
    return pixels, torch.arange(n) % 10


def test_evaluation_is_torchvisions_scale_and_normalise():
    pixels, labels = batch()
    peer = v2.Compose([v2.ToDtype(torch.float32, scale=True), v2.Normalize(MEAN, STD)])
    x, y = Pipeline(MEAN, STD).eval(pixels, labels)
    torch.testing.assert_close(x, peer(pixels), atol=1e-5, rtol=0)  # one float32 rounding at values up to 5
    assert torch.equal(y, labels) and x.dtype == torch.float32


def test_evaluation_resizes_to_the_last_size_antialiased():
    pixels, labels = batch()
    x, _ = Pipeline(MEAN, STD, sizes=((0.0, 12), (0.5, 14))).eval(pixels, labels)
    wanted = V.normalize(V.resize(pixels.float() / 255, [14, 14], antialias=True), MEAN, STD)
    torch.testing.assert_close(x, wanted, atol=1e-4, rtol=0)


def test_evaluation_at_a_size_of_its_own():
    pixels, labels = batch()
    pipeline = Pipeline(MEAN, STD, sizes=((0.0, 12),), test_size=18)
    assert pipeline.eval(pixels, labels)[0].shape[2:] == (18, 18)
    assert pipeline.train(pixels, labels, seeded(), 1.0)[0].shape[2:] == (12, 12)


def test_without_changes_training_is_evaluation():
    pixels, labels = batch()
    pipeline = Pipeline(MEAN, STD)
    assert torch.equal(pipeline.train(pixels, labels, seeded(), 0.3)[0], pipeline.eval(pixels, labels)[0])


def test_normalising_first_while_evaluating_can_be_differentiated_later():
    pixels, labels = batch()
    pipeline = Pipeline((0.123, 0.4, 0.3), STD)
    with torch.inference_mode():
        pipeline.eval(pixels, labels)
    images = (pixels / 255).requires_grad_()
    pipeline.normalise(images).sum().backward()
    wanted = (1 / torch.tensor(STD)).view(3, 1, 1).expand_as(images)
    torch.testing.assert_close(images.grad, wanted)


def test_sizes_follow_progress():
    pixels, labels = batch()
    pipeline = Pipeline(MEAN, STD, Augment(flip=True), sizes=((0.0, 8), (0.5, 12), (0.8, 16)))
    sides = [
        pipeline.train(pixels, labels, seeded(), at)[0].shape[-1] for at in (0.0, 0.49, 0.5, 0.79, 0.8, 1.0)
    ]
    assert sides == [8, 8, 12, 12, 16, 16]


@pytest.mark.parametrize("name", [field.name for field in dataclasses.fields(Augment)])
def test_each_setting_alone_changes_the_batch(name):
    settings = {
        "blur_sigma": ({"blur": 1.0}, (1.5, 3.0)),
        "magnitude": ({"policy": 2}, 25.0),
        "edge": ({"crop_padding": 3}, "mirror"),
        "mix_share": ({"cutmix": 1.0}, 0.0),
    }
    if name in settings:
        needed, value = settings[name]
    else:
        needed, value = {}, getattr(ALL, name)
    pixels, labels = batch()
    off = Pipeline(MEAN, STD, Augment(**needed), num_classes=10).train(pixels, labels, seeded(), 0.0)
    changed = Augment(**needed, **{name: value})
    on = Pipeline(MEAN, STD, changed, num_classes=10).train(pixels, labels, seeded(), 0.0)
    assert not torch.equal(on[0], off[0])
    assert on[1].dtype == (torch.float32 if name in ("mixup", "cutmix", "mix_share") else torch.int64)


@pytest.mark.parametrize("channels", [1, 3])
def test_everything_at_once_is_finite_repeatable_and_leaves_the_input_alone(channels):
    pixels, labels = batch(channels=channels)
    before = pixels.clone()
    pipeline = Pipeline(MEAN[:channels], STD[:channels], ALL, sizes=((0.0, 16),), num_classes=10)
    x, y = pipeline.train(pixels, labels, seeded(), 0.0)
    again, _ = pipeline.train(pixels, labels, seeded(), 0.0)
    assert x.shape == (16, channels, 16, 16) and y.shape == (16, 10)
    assert torch.equal(x, again) and torch.isfinite(x).all() and torch.equal(pixels, before)
    torch.testing.assert_close(y.sum(1), torch.ones(16))


def test_mixup_and_cutmix_take_turns():
    pixels, labels = torch.zeros(8, 1, 6, 6, dtype=torch.uint8), torch.arange(8)
    pixels[::2] = 255
    pipeline = Pipeline((0.0,), (1.0,), Augment(mixup=1.0, cutmix=1.0), num_classes=8)
    values = [pipeline.train(pixels, labels, seeded(seed), 0.0)[0] for seed in range(40)]
    pasted = sum(bool(((x < 1e-6) | (x > 1 - 1e-6)).all()) for x in values)
    assert 8 <= pasted <= 32  # 40 coins: outside with a probability below 1e-4


def test_the_share_of_mixed_batches_is_as_asked():
    pixels, labels = torch.zeros(8, 1, 6, 6, dtype=torch.uint8), torch.arange(8)
    pipeline = Pipeline((0.0,), (1.0,), Augment(mixup=1.0, mix_share=0.25), num_classes=8)
    whole = [
        bool((pipeline.train(pixels, labels, seeded(i), 0.0)[1].max(1)[0] == 1).all()) for i in range(80)
    ]
    assert 45 <= sum(whole) <= 74  # 60 expected, four standard deviations either way


def test_masks_move_with_their_images():
    """A mask that is a copy of its image must equal it, thresholded, away from edges."""
    coarse = torch.randint(0, 2, (16, 1, 4, 4), generator=seeded(3))
    masks = coarse.repeat_interleave(10, 2).repeat_interleave(10, 3)
    pixels = (masks * 255).to(torch.uint8)
    on = Augment(
        flip=True,
        crop_padding=4,
        resized_crop=(0.4, 1.0),
        rotate=20.0,
        scale=(0.8, 1.2),
        shear=10.0,
        perspective=0.3,
    )
    pipeline = Pipeline((0.0,), (1.0,), on, sizes=((0.0, 32),))
    x, moved = pipeline.train_with_masks(pixels, masks, seeded(), 0.0)
    assert moved.shape == (16, 1, 32, 32) and moved.dtype == torch.int64
    assert set(moved.unique().tolist()) <= {0, 1}
    certain = (x < 0.02) | (x > 0.98)
    agree = ((x > 0.5) == (moved == 1))[certain].float().mean()
    assert certain.float().mean() > 0.5
    assert agree > 0.99  # a nearest pixel may lie across an edge that bilinear smoothing put just inside


def test_masks_follow_randaugment_and_see_no_colour():
    pixels, _ = batch(64)
    masks = pixels[:, :1].clone()
    colours = Pipeline(MEAN, STD, Augment(brightness=0.5, grey=0.5, blur=0.5, noise=0.1, cutout=4))
    assert torch.equal(colours.train_with_masks(pixels, masks, seeded(), 0.0)[1], masks)
    _, moved = Pipeline(MEAN, STD, Augment(policy=2)).train_with_masks(pixels, masks, seeded(), 0.0)
    share = (moved == masks).all(3).all(2).float().mean()
    # Each of two operations leaves a mask in place with probability 9/14: 0.41, 4 deviations either way.
    assert 0.15 < share < 0.68


def test_masks_refuse_mixing():
    pixels, _ = batch()
    with pytest.raises(UserError, match="neither with masks"):
        Pipeline(MEAN, STD, Augment(mixup=0.2), num_classes=10).train_with_masks(
            pixels, pixels, seeded(), 0.0
        )


@pytest.mark.parametrize(
    "wrong",
    [{"hue": 0.6}, {"grey": 1.5}, {"crop_padding": -1}, {"resized_crop": (0.9, 0.2)},
     {"resized_crop": (0.0, 1.0)}, {"perspective": 1.0}, {"magnitude": 31.0},
     {"mixup": -0.1}, {"scale": (0.0, 1.0)}],
)  # fmt: skip
def test_settings_out_of_range_are_refused_by_name(wrong):
    with pytest.raises(UserError, match=next(iter(wrong))):
        Augment(**wrong)


def test_an_unknown_edge_is_refused():
    with pytest.raises((UserError, TypeCheckError), match="edge"):  # under pytest shape checking comes first
        Augment(edge="white")


def test_pipelines_that_cannot_work_are_refused():
    with pytest.raises(UserError, match="sizes"):
        Pipeline(MEAN, STD, sizes=((0.2, 32),))
    with pytest.raises(UserError, match="sizes"):
        Pipeline(MEAN, STD, sizes=((0.0, 32), (0.5, 0)))
    with pytest.raises(UserError, match="num_classes"):
        Pipeline(MEAN, STD, Augment(cutmix=1.0))
    with pytest.raises(UserError, match="std"):
        Pipeline(MEAN, (0.1, 0.0, 0.1))


def test_pydantic_reads_the_settings_and_names_a_wrong_field():
    adapter = pydantic.TypeAdapter(Augment)
    assert adapter.validate_python({"flip": True, "resized_crop": [0.3, 1.0]}).resized_crop == (0.3, 1.0)
    with pytest.raises(pydantic.ValidationError, match="crop_padding"):
        adapter.validate_python({"crop_padding": "four"})
