"""Every deterministic core against torchvision's functional form, image by image.

Tolerance 2e-5 on the scale 0 to 1 unless stated: both sides are float32 and differ in the order of a few
additions and in where grid coordinates are rounded.
"""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torchvision.transforms.v2 import InterpolationMode as Mode
from torchvision.transforms.v2 import functional as V

from gradschool.data.augment import colour, geometry, mix, policy

FEW = settings(max_examples=15, deadline=None)
CLOSE = {"atol": 2e-5, "rtol": 0}


def photographs(
    n: int = 4, channels: int = 3, height: int = 20, width: int = 26, seed: int = 0
) -> torch.Tensor:
    """Smooth random uint8 pictures with full range, so that neither flat nor pure noise hides a mistake."""
    coarse = torch.rand(n, channels, 6, 7, generator=torch.Generator().manual_seed(seed))
    fine = torch.nn.functional.interpolate(coarse, (height, width), mode="bicubic").clamp(0, 1)
    return (fine * 255).round().to(torch.uint8)


def one_by_one(function, images, *parameters):
    """`function(image, parameters of this image)` stacked."""
    return torch.stack([function(image, *each) for image, *each in zip(images, *parameters, strict=True)])


def numbers(low: float, high: float, n: int = 4):
    return st.lists(st.floats(low, high), min_size=n, max_size=n)


def test_hflip_is_exact_and_keeps_uint8():
    images, which = photographs(), torch.tensor([True, False, True, False])
    wanted = one_by_one(lambda x, f: V.horizontal_flip(x) if f else x, images, which)
    assert torch.equal(geometry.hflip(images, which), wanted)
    assert geometry.hflip(images, which).dtype == torch.uint8


@FEW
@given(padding=st.integers(0, 7), edge=st.sampled_from(["black", "mirror"]), data=st.data())
def test_crop_and_flip_is_exact(padding, edge, data):
    images = photographs()
    offset = st.integers(0, 2 * padding)
    offsets = torch.tensor(data.draw(st.lists(st.tuples(offset, offset), min_size=4, max_size=4)))
    flipped = torch.tensor(data.draw(st.lists(st.booleans(), min_size=4, max_size=4)))

    def peer(image, corner, flip):
        padded = V.pad(image, [padding], padding_mode="reflect" if edge == "mirror" else "constant")
        cut = V.crop(padded, int(corner[0]), int(corner[1]), *image.shape[1:])
        return V.horizontal_flip(cut) if flip else cut

    mine = geometry.crop_and_flip(images, offsets, flipped, padding, edge)
    assert mine.dtype == torch.uint8
    assert torch.equal(mine, one_by_one(peer, images, offsets, flipped))


def test_mirror_bounces_more_than_once_and_survives_one_pixel():
    places = geometry.mirrored(torch.tensor([[-4, -3, -2, -1, 0, 1, 2, 3, 4]]), 3)
    assert places.tolist() == [[0, 1, 2, 1, 0, 1, 2, 1, 0]]
    assert geometry.mirrored(torch.tensor([[-2, 0, 3]]), 1).tolist() == [[0, 0, 0]]


@pytest.mark.parametrize("size", [(12, 12), (40, 33), (20, 26), (7, 50)])
def test_resize_is_torchvisions_antialiased_one(size):
    images = photographs()
    wanted = V.resize(images.float() / 255, list(size), antialias=True)
    torch.testing.assert_close(geometry.unit(geometry.resize(images, size)), wanted, **CLOSE)


@FEW
@given(data=st.data(), out=st.tuples(st.integers(1, 40), st.integers(1, 40)))
def test_resized_crop_is_torchvisions(data, out):
    images, boxes = photographs(), []
    for _ in range(4):
        h, w = data.draw(st.integers(1, 20)), data.draw(st.integers(1, 26))
        boxes.append([data.draw(st.integers(0, 20 - h)), data.draw(st.integers(0, 26 - w)), h, w])
    boxes = torch.tensor(boxes)
    wanted = one_by_one(lambda x, b: V.resized_crop(x, *b.tolist(), list(out)), images.float() / 255, boxes)
    torch.testing.assert_close(geometry.resized_crop(images, boxes, out), wanted, **CLOSE)
    nearest = one_by_one(
        lambda x, b: V.resized_crop(x, *b.tolist(), list(out), interpolation=Mode.NEAREST_EXACT),
        images,
        boxes,
    )
    mine = geometry.resized_crop(images, boxes, out, nearest=True)
    # A centre that falls between two pixels may go to either (float rounding); few do.
    assert mine.dtype == torch.uint8
    assert (mine == nearest).float().mean() > 0.9


def test_nearest_resize_by_whole_factors_is_exact():
    images = photographs()
    assert torch.equal(
        geometry.resize(images, (40, 52), nearest=True),
        images.repeat_interleave(2, 2).repeat_interleave(2, 3),
    )
    boxes = torch.tensor([[2, 4, 10, 12]]).repeat(4, 1)
    cut = geometry.resized_crop(images, boxes, (10, 12), nearest=True)
    assert torch.equal(cut, images[:, :, 2:12, 4:16])


@FEW
@given(
    numbers(-180, 180), numbers(-8, 8), numbers(-8, 8), numbers(0.5, 2), numbers(-40, 40), numbers(-40, 40)
)
def test_affine_warp_is_torchvisions(angle, right, down, scale, shear_x, shear_y):
    images = photographs().float() / 255
    angle, scale = torch.tensor(angle), torch.tensor(scale)
    shift = torch.stack([torch.tensor(right), torch.tensor(down)], 1).round()
    shear = torch.stack([torch.tensor(shear_x), torch.tensor(shear_y)], 1)

    def peer(image, a, t, s, sh):
        return V.affine(image, a.item(), t.tolist(), s.item(), sh.tolist(), Mode.BILINEAR)

    mine = geometry.warp(images, geometry.affine_matrices(angle, shift, scale, shear))
    # 5e-4: strong shears multiply the rounding of a coordinate.
    torch.testing.assert_close(mine, one_by_one(peer, images, angle, shift, scale, shear), atol=5e-4, rtol=0)


def test_rotation_by_a_quarter_turn_moves_every_pixel_exactly():
    images = photographs(height=16, width=16)
    n, zero = len(images), torch.zeros(4, 2)
    matrices = geometry.affine_matrices(torch.full((n,), 90.0), zero, torch.ones(n), zero)
    assert torch.equal(geometry.warp(images, matrices, nearest=True), images.rot90(-1, (2, 3)))
    torch.testing.assert_close(
        geometry.warp(images, matrices), geometry.unit(images.rot90(-1, (2, 3))), **CLOSE
    )


@FEW
@given(st.lists(st.tuples(*[st.integers(0, 6)] * 8), min_size=4, max_size=4))
def test_perspective_warp_is_torchvisions(moves):
    images = photographs().float() / 255
    h, w = images.shape[2:]
    home = torch.tensor([[0, 0], [w, 0], [w, h], [0, h]])
    inwards = torch.tensor([[1, 1], [-1, 1], [-1, -1], [1, -1]])
    corners = home + inwards * torch.tensor(moves).view(4, 4, 2)
    wanted = one_by_one(
        lambda x, c: V.perspective(x, home.tolist(), c.tolist(), Mode.BILINEAR), images, corners
    )
    mine = geometry.warp(images, geometry.perspective_matrices(corners.float(), h, w))
    torch.testing.assert_close(mine, wanted, atol=5e-4, rtol=0)  # as for the affine warp


@FEW
@given(numbers(0, 2))
def test_factors_are_torchvisions(factor):
    images, factor = photographs().float() / 255, torch.tensor(factor)
    pairs = [
        (colour.brightness, V.adjust_brightness), (colour.contrast, V.adjust_contrast),
        (colour.saturation, V.adjust_saturation), (colour.sharpness, V.adjust_sharpness),
    ]  # fmt: skip
    for mine, peer in pairs:
        for x in (images, images[:, :1]):
            wanted = one_by_one(lambda image, f, peer=peer: peer(image, f.item()), x, factor)
            torch.testing.assert_close(mine(x, factor), wanted, **CLOSE)


@FEW
@given(numbers(-0.5, 0.5))
def test_hue_is_torchvisions(shift):
    images, shift = photographs().float() / 255, torch.tensor(shift)
    images[0] = images[0, :1]  # grey has no hue
    wanted = one_by_one(lambda x, s: V.adjust_hue(x, s.item()), images, shift)
    torch.testing.assert_close(colour.hue(images, shift), wanted, **CLOSE)
    assert torch.equal(colour.hue(images[:, :1], shift), images[:, :1])


def test_grey_is_torchvisions():
    images = photographs().float() / 255
    torch.testing.assert_close(colour.luminance(images), V.rgb_to_grayscale(images), **CLOSE)


@FEW
@given(numbers(0.1, 3), st.integers(1, 9))
def test_blur_is_torchvisions(sigma, radius):
    images, sigma = photographs().float() / 255, torch.tensor(sigma)
    wanted = one_by_one(lambda x, s: V.gaussian_blur(x, [2 * radius + 1] * 2, [s.item()] * 2), images, sigma)
    torch.testing.assert_close(colour.blur(images, sigma, radius), wanted, **CLOSE)


def test_noise_is_torchvisions():
    images, std = photographs().float() / 255, 0.2
    torch.manual_seed(3)
    wanted = V.gaussian_noise(images, 0.0, std)
    torch.testing.assert_close(colour.noise(images, std, torch.Generator().manual_seed(3)), wanted, **CLOSE)


@FEW
@given(st.lists(st.integers(0, 8), min_size=4, max_size=4))
def test_posterize_is_torchvisions_on_bytes(bits):
    images = photographs()
    wanted = one_by_one(lambda x, b: V.posterize(x, int(b)), images, torch.tensor(bits))
    mine = colour.posterize(images.float() / 255, torch.tensor(bits).float())
    assert torch.equal((mine * 255).round().to(torch.uint8), wanted)


@FEW
@given(numbers(0, 1))
def test_solarize_is_torchvisions(threshold):
    images, threshold = photographs().float() / 255, torch.tensor(threshold)
    wanted = one_by_one(lambda x, t: V.solarize(x, t.item()), images, threshold)
    torch.testing.assert_close(colour.solarize(images, threshold), wanted, **CLOSE)


def test_autocontrast_and_equalize_are_torchvisions():
    images = photographs() // 3 + 40
    images[0, 0] = 7  # a flat channel stays
    float_images = images.float() / 255
    torch.testing.assert_close(colour.autocontrast(float_images), V.autocontrast(float_images), **CLOSE)
    assert torch.equal((colour.equalize(float_images) * 255).round().to(torch.uint8), V.equalize(images))


def test_erase_is_torchvisions():
    images = photographs().float() / 255
    boxes = torch.tensor([[0, 0, 20, 26], [3, 4, 5, 6], [19, 25, 1, 1], [5, 5, 0, 0]])
    fill = torch.full((1, 1, 1), 0.25)
    wanted = one_by_one(lambda x, b: V.erase(x, *b.tolist(), fill), images, boxes)
    assert torch.equal(mix.erase(images, boxes, 0.25), wanted)


def test_mixing_is_torchvisions():
    from torchvision.transforms import v2

    images, labels = photographs().float() / 255, torch.tensor([2, 0, 1, 1])
    share = 0.3
    peer = v2.MixUp(num_classes=3)
    options = {"labels": labels, "batch_size": 4, "lam": share}
    x, y = mix.blend_pairs(images, labels, 3, torch.full((4,), share))
    torch.testing.assert_close(x, peer.transform(images, options), **CLOSE)
    torch.testing.assert_close(y, peer.transform(labels, options), **CLOSE)
    peer = v2.CutMix(num_classes=3)
    options = {"labels": labels, "batch_size": 4, "box": (4, 3, 14, 9), "lam_adjusted": 1 - 60 / 520}
    x, y = mix.paste_pairs(images, labels, 3, torch.tensor([[3, 4, 6, 10]]).repeat(4, 1))
    assert torch.equal(x, peer.transform(images, options))
    torch.testing.assert_close(y, peer.transform(labels, options), **CLOSE)


@pytest.mark.parametrize("sign", [1.0, -1.0])
@pytest.mark.parametrize("name", policy.OPERATIONS)
def test_each_randaugment_operation_is_torchvisions(name, sign):
    images, level, n = photographs(height=24, width=24), 0.6, 4
    which = torch.full((n,), policy.OPERATIONS.index(name))
    mine = policy.apply(images.float() / 255, policy.Choice(which, torch.full((n,), sign * level)))
    s, x = sign * level, images.float() / 255
    reach = int(s * 150 / 331 * 24)
    tilt = math.degrees(math.atan(0.3 * s))
    still = {
        "angle": 0.0,
        "translate": [0, 0],
        "scale": 1.0,
        "shear": [0.0, 0.0],
        "interpolation": Mode.BILINEAR,
    }
    wanted = {
        "identity": lambda: x,
        "shear_x": lambda: V.affine(x, **still | {"shear": [tilt, 0.0]}),
        "shear_y": lambda: V.affine(x, **still | {"shear": [0.0, tilt]}),
        "translate_x": lambda: V.affine(x, **still | {"translate": [reach, 0]}),
        "translate_y": lambda: V.affine(x, **still | {"translate": [0, reach]}),
        "rotate": lambda: V.rotate(x, 30 * s, Mode.BILINEAR),
        "brightness": lambda: V.adjust_brightness(x, 1 + 0.9 * s),
        "saturation": lambda: V.adjust_saturation(x, 1 + 0.9 * s),
        "contrast": lambda: V.adjust_contrast(x, 1 + 0.9 * s),
        "sharpness": lambda: V.adjust_sharpness(x, 1 + 0.9 * s),
        "posterize": lambda: V.posterize(images, round(8 - 4 * level)).float() / 255,
        "solarize": lambda: V.solarize(x, 1 - level),
        "autocontrast": lambda: V.autocontrast(x),
        "equalize": lambda: V.equalize(images).float() / 255,
    }[name]()
    torch.testing.assert_close(mine, wanted, **CLOSE)
