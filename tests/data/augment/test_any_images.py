"""Every change of colours and places on bytes, on half, single and double precision, and on odd sizes."""

import inspect

import pytest
import torch

from gradschool.data.augment import colour, mix, policy
from gradschool.data.augment import random as changes
from gradschool.data.augment.geometry import fit, resize, resized_crop, warp


def bytes_of(channels=3, side=(9, 8)):
    return torch.randint(0, 256, (2, channels, *side), generator=torch.Generator().manual_seed(0)).byte()


def generator():
    return torch.Generator().manual_seed(1)


FACTOR = torch.tensor([0.5, 1.3])
BOXES = torch.tensor([[1, 1, 5, 6], [0, 2, 7, 4]])
TURN = torch.tensor([[0.8, -0.6, 0.0], [0.6, 0.8, 0.0], [0.0, 0.0, 1.0]]).expand(2, 3, 3)
CHANGES = {
    "brightness": lambda x: colour.brightness(x, FACTOR),
    "contrast": lambda x: colour.contrast(x, FACTOR),
    "saturation": lambda x: colour.saturation(x, FACTOR),
    "hue": lambda x: colour.hue(x, torch.tensor([0.1, -0.3])),
    "blur": lambda x: colour.blur(x, FACTOR, 2),
    "noise": lambda x: colour.noise(x, 0.1, generator()),
    "sharpness": lambda x: colour.sharpness(x, FACTOR),
    "posterize": lambda x: colour.posterize(x, torch.tensor([4.0, 2.0])),
    "solarize": lambda x: colour.solarize(x, torch.tensor([0.5, 0.3])),
    "autocontrast": colour.autocontrast,
    "equalize": colour.equalize,
    "jitter": lambda x: changes.random_jitter(x, generator(), 0.4, 0.4, 0.4, 0.1),
    "grey": lambda x: changes.random_grey(x, 0.5, generator()),
    "random blur": lambda x: changes.random_blur(x, 1.0, generator(), (0.5, 1.0)),
    "randaugment": lambda x: policy.randaugment(x, 2, 9.0, generator()),
    "resize": lambda x: resize(x, (5, 4)),
    "resized crop": lambda x: resized_crop(x, BOXES, (5, 4)),
    "warp": lambda x: warp(x, TURN),
}
FLOATS = {torch.float64: 1e-6, torch.float32: 0, torch.float16: 0.02, torch.bfloat16: 0.1}
# A pixel that lies on a step between two values may fall to either side in a coarser precision.
STEPS = {"posterize", "solarize", "equalize", "randaugment"}


@pytest.mark.parametrize("name", CHANGES)
def test_bytes_are_taken_as_fractions_of_255(name):
    whole = bytes_of()
    y = CHANGES[name](whole)
    assert y.is_floating_point() and 0 < y.mean() < 1
    torch.testing.assert_close(y, CHANGES[name](whole * (1 / 255)))


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("name", CHANGES)
def test_precision_stays_and_the_result_is_right_to_it(name, dtype):
    x = bytes_of().double() / 255
    y, wanted = CHANGES[name](x.to(dtype)), CHANGES[name](x)
    assert y.dtype == dtype
    if name not in STEPS:
        torch.testing.assert_close(y.double(), wanted, rtol=0, atol=max(FLOATS[dtype], 2e-5))


@pytest.mark.parametrize("side", [(1, 1), (2, 5), (5, 2)])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("name", sorted(set(CHANGES) - {"resized crop", "blur", "random blur"}))
def test_small_images_and_grey_ones(name, side, channels):
    y = CHANGES[name](bytes_of(channels, side))
    assert y.shape[1] == channels and y.isfinite().all()


def test_sharpness_leaves_the_outermost_pixels_and_images_of_no_others():
    x = bytes_of(3, (2, 7)) / 255
    torch.testing.assert_close(colour.sharpness(x, FACTOR), x)


@pytest.mark.parametrize("name", ["contrast", "saturation", "hue", "grey", "jitter"])
def test_other_channels_have_no_colour(name):
    for channels in (2, 4):
        with pytest.raises(ValueError, match=f"{channels} channels, 1 .grey. or 3 .colour."):
            CHANGES[name](bytes_of(channels))


def test_resizing_to_the_same_size_gives_floats_too_and_fitting_keeps_bytes():
    x = bytes_of()
    torch.testing.assert_close(resize(x, (9, 8)), x / 255)
    assert fit(x, (9, 8)) is x and fit(x, (5, 4)).is_floating_point()
    assert resize(x, (9, 8), nearest=True) is x and resize(x, (5, 4), nearest=True).dtype == torch.uint8


def test_mixing_keeps_the_precision():
    x, labels = torch.rand(2, 3, 4, 4).half(), torch.tensor([0, 1])
    mixed, _ = mix.blend_pairs(x, labels, 2, torch.tensor([0.25, 1.0]))
    assert mixed.dtype == torch.float16
    torch.testing.assert_close(mixed[0], 0.25 * x[0] + 0.75 * x[1], rtol=0, atol=2e-3)


def test_every_change_of_colours_is_here():
    held = {n for n, f in inspect.getmembers(colour, inspect.isfunction) if f.__module__ == colour.__name__}
    assert held - set(CHANGES) == {"blend", "check_channels", "factors", "luminance", "smooth_down"}
