"""The random changes: what is drawn has the right range and frequency, and only the generator decides."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gradschool.data.augment import colour, draw, mix, policy
from gradschool.data.augment import random as augment
from gradschool.errors import UserError

FEW = settings(max_examples=15, deadline=None)


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def pictures(n: int = 64, side: int = 16) -> torch.Tensor:
    return torch.rand(n, 3, side, side, generator=seeded(9))


CHANGES = {
    "flip": lambda x, g: augment.random_flip(x, g),
    "crop": lambda x, g: augment.random_crop(x, 3, g),
    "mirror crop": lambda x, g: augment.random_crop(x, 3, g, "mirror"),
    "resized crop": lambda x, g: augment.random_resized_crop(x, (16, 16), g),
    "rotation": lambda x, g: augment.random_rotation(x, 20.0, g),
    "affine": lambda x, g: augment.random_affine(x, g, 10.0, 0.1, (0.8, 1.2), 5.0),
    "perspective": lambda x, g: augment.random_perspective(x, 0.4, g),
    "jitter": lambda x, g: augment.random_jitter(x, g, 0.4, 0.4, 0.4, 0.1),
    "grey": lambda x, g: augment.random_grey(x, 0.5, g),
    "blur": lambda x, g: augment.random_blur(x, 0.5, g),
    "noise": lambda x, g: colour.noise(x, 0.1, g),
    "cutout": lambda x, g: augment.random_cutout(x, 6, g),
    "erasing": lambda x, g: augment.random_erasing(x, 0.5, g),
    "randaugment": lambda x, g: policy.randaugment(x, 2, 9.0, g),
    "mixup": lambda x, g: mix.mixup(x, torch.arange(len(x)) % 5, 5, 0.4, g)[0],
    "cutmix": lambda x, g: mix.cutmix(x, torch.arange(len(x)) % 5, 5, 1.0, g)[0],
}


@pytest.mark.parametrize("name", CHANGES)
def test_only_the_generator_decides_and_each_image_gets_its_own(name):
    images = pictures(1).repeat(64, 1, 1, 1)
    if name in ("mixup", "cutmix"):
        images = pictures()
    before = images.clone()
    first, again = CHANGES[name](images, seeded(1)), CHANGES[name](images, seeded(1))
    other = CHANGES[name](images, seeded(2))
    assert torch.equal(images, before), "the images that came in were written to"
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert first.shape == images.shape
    assert torch.isfinite(first).all() and first.min() >= -1e-6 and first.max() <= 1 + 1e-6
    assert len(first.flatten(1).unique(dim=0)) > 1


@pytest.mark.parametrize("name", ["flip", "crop", "cutout", "erasing", "mirror crop"])
def test_bytes_stay_bytes_where_nothing_is_interpolated(name):
    images = (pictures() * 255).to(torch.uint8)
    assert CHANGES[name](images, seeded()).dtype == torch.uint8


def test_flips_come_half_the_time():
    # 3 standard deviations of a mean of 4000 coins are 0.024.
    assert abs(draw.coins(4000, 0.5, seeded()).float().mean() - 0.5) < 0.024
    assert not draw.coins(100, 0.0, seeded()).any()
    assert draw.coins(100, 1.0, seeded()).all()


@FEW
@given(
    st.integers(0, 1000),
    st.integers(1, 40),
    st.integers(1, 40),
    st.floats(0.05, 1),
    st.sampled_from([0.3, 1.0]),
)
def test_crop_boxes_lie_inside_and_keep_their_ranges(seed, height, width, least, smallest_aspect):
    boxes = draw.crop_boxes(
        50, (height, width), (least, 1.0), (smallest_aspect, 1 / smallest_aspect), seeded(seed)
    )
    top, left, h, w = boxes.unbind(1)
    assert (top >= 0).all() and (left >= 0).all() and (h > 0).all() and (w > 0).all()
    assert (top + h <= height).all() and (left + w <= width).all()


def test_crop_boxes_follow_torchvisions_distribution():
    from torchvision.transforms.v2 import RandomResizedCrop

    torch.manual_seed(0)
    peer, image = RandomResizedCrop(8, scale=(0.2, 1.0)), torch.zeros(3, 48, 32)
    theirs = [peer.make_params([image]) for _ in range(3000)]
    theirs = torch.tensor([[p["top"], p["left"], p["height"], p["width"]] for p in theirs]).float()
    mine = draw.crop_boxes(3000, (48, 32), (0.2, 1.0), augment.ASPECT, seeded()).float()
    # Means of 3000 values with deviations below 12 pixels: 4 standard errors of the difference are 1.3.
    assert (mine.mean(0) - theirs.mean(0)).abs().max() < 1.3
    assert (mine.std(0) - theirs.std(0)).abs().max() < 1.0
    area_mine, area_theirs = mine[:, 2] * mine[:, 3], theirs[:, 2] * theirs[:, 3]
    assert abs(area_mine.quantile(0.1) - area_theirs.quantile(0.1)) < 48 * 32 * 0.03


def test_boxes_that_cannot_fit_become_the_whole_image():
    boxes = draw.crop_boxes(20, (40, 2), (0.9, 1.0), (1.0, 1.0), seeded())
    assert boxes.unique(dim=0).tolist() == [[0, 0, 40, 2]]


def test_beta_has_the_moments_of_beta():
    for alpha in (0.2, 1.0, 4.0):
        drawn = draw.beta(20000, alpha, seeded())
        variance = 1 / (4 * (2 * alpha + 1))
        assert abs(drawn.mean() - 0.5) < 4 * (variance / 20000) ** 0.5
        assert abs(drawn.var() / variance - 1) < 0.05  # 4 standard errors for the flattest of the three


def test_factors_reach_both_ends_and_never_below_zero():
    drawn = draw.factors(5000, 0.4, seeded())
    assert 0.6 <= drawn.min() < 0.61 and 1.39 < drawn.max() <= 1.4
    assert draw.factors(5000, 3.0, seeded()).min() >= 0


def test_affine_with_all_ranges_at_rest_is_the_identity():
    images = pictures()
    rest = augment.random_affine(images, seeded())
    torch.testing.assert_close(rest, images, atol=1e-5, rtol=0)  # float32 rounding of grid coordinates
    for change in (augment.random_perspective, augment.random_rotation):
        torch.testing.assert_close(change(images, 0.0, seeded()), images, atol=1e-5, rtol=0)


def test_perspective_beyond_one_is_refused():
    with pytest.raises(UserError, match="from 0 to below 1"):
        augment.random_perspective(pictures(), 1.0, seeded())


def test_cutout_hides_a_square_or_less_at_the_border():
    hidden = (augment.random_cutout(torch.ones(500, 1, 16, 16), 6, seeded()) == 0).sum((1, 2, 3))
    assert hidden.max() == 36 and hidden.min() >= 9
    assert set(hidden.tolist()) <= {h * w for h in range(3, 7) for w in range(3, 7)}


@FEW
@given(st.integers(0, 1000), st.floats(0.1, 3))
def test_mixed_labels_are_shares_that_match_the_pixels(seed, alpha):
    labels, n = torch.arange(12) % 4, 12
    # Images that are their own label: mean pixel = share-weighted label.
    images = labels.float().view(n, 1, 1, 1).expand(n, 1, 20, 20).contiguous()
    for mixer in (mix.mixup, mix.cutmix):
        x, y = mixer(images, labels, 4, alpha, seeded(seed))
        torch.testing.assert_close(y.sum(1), torch.ones(n))
        assert (y >= 0).all()
        torch.testing.assert_close((y * torch.arange(4.0)).sum(1), x.mean((1, 2, 3)), atol=1e-5, rtol=0)


def test_grey_images_pass_through_colour_changes():
    images = pictures()[:, :1]
    g = seeded()
    assert torch.equal(augment.random_jitter(images, g, saturation=0.9, hue=0.5), images)
    assert torch.equal(augment.random_grey(images, 1.0, g), images)
    assert policy.randaugment(images, 3, 9.0, g).shape == images.shape
