"""Twins that a late split would leak are found, and pictures that are not twins are left alone."""

import io
import time

import numpy as np
import pytest
import torch
from PIL import Image
from torch.nn.functional import interpolate, pad

from gradschool.data.examples import Splits
from gradschool.data.splits import cut
from gradschool.data.vision.images import Images
from gradschool.data.vision.leaks import find_leaks, structure_agreement, warning
from gradschool.data.vision.open import open_set


def photographs(n: int, seed: int = 0, side: int = 64) -> torch.Tensor:
    """Random pictures whose amplitudes fall as 1 / frequency, as those of photographs do."""
    noise = torch.randn(n, 3, side, side, generator=torch.Generator().manual_seed(seed))
    down, across = torch.meshgrid(torch.fft.fftfreq(side), torch.fft.rfftfreq(side), indexing="ij")
    frequency = (down**2 + across**2).sqrt().clamp(min=1 / side)
    values = torch.fft.irfft2(torch.fft.rfft2(noise) / frequency, (side, side))
    scaled = 128 + 50 * values / values.std((1, 2, 3), keepdim=True)
    return scaled.clamp(0, 255).to(torch.uint8)


def jpeg(image: torch.Tensor) -> torch.Tensor:
    with io.BytesIO() as out:
        Image.fromarray(image.permute(1, 2, 0).numpy()).save(out, "JPEG", quality=60)
        return torch.from_numpy(np.asarray(Image.open(out)).copy()).permute(2, 0, 1)


def cropped(x: torch.Tensor) -> torch.Tensor:
    return interpolate(x[:, :, 2:61, 4:63].float(), size=64, mode="bilinear").to(torch.uint8)


COPIES = {
    "same": lambda x: x,
    "mirrored": lambda x: x.flip(-1),
    "darker": lambda x: (x.float() * 0.8).to(torch.uint8),
    "brighter": lambda x: (x.float() * 1.3).clamp(0, 255).to(torch.uint8),
    "jpeg": lambda x: torch.stack([jpeg(image) for image in x]),
    "shifted": lambda x: pad(x, (1, 1, 1, 1), "replicate")[:, :, 2:, 2:],
    "cropped": cropped,
}


@pytest.mark.parametrize("kind", COPIES)
def test_copies_made_before_the_split_are_found(kind):
    """As in a published solution: augmented copies are added, and only then the set is split at random."""
    x = photographs(60)
    pixels = torch.cat([x, COPIES[kind](x)])
    numbers = Images(pixels, torch.arange(120), tuple(map(str, range(120))))  # labels say who is who
    held = torch.randperm(120, generator=torch.Generator().manual_seed(0))[:30]
    kept = torch.tensor([i for i in range(120) if i not in held.tolist()])
    train, test = numbers.take(kept), numbers.take(held)
    report = find_leaks(Splits("late", train, None, test))
    there = set(kept.tolist())
    twins = {(i, (i + 60) % 120) for i in held.tolist() if (i + 60) % 120 in there}
    found = {(int(test.labels[t.second[1]]), int(train.labels[t.first[1]])) for t in report.twins}
    assert found == twins and len(twins) > 15
    assert all(twin.exact == (kind == "same") for twin in report.twins)
    exact = len(twins) if kind == "same" else 0
    assert report.sentence().startswith(f"{len(twins)} of 30 held-out images (")
    assert f"have a twin to train on, {exact} exact" in report.sentence()
    assert "Split before making copies" in report.sentence()


def test_a_clean_split_is_called_clean():
    images = Images(photographs(300), torch.arange(300) % 4, ("a", "b", "c", "d"))
    train, held = cut(images, 0.3, 0)
    report = find_leaks(Splits("clean", train, None, held))
    assert report.leaked == 0 and report.held_out == len(held) and report.sentence() == ""


def test_a_frame_that_pictures_share_makes_no_twins():
    framed = photographs(200)
    framed[:, :, :12], framed[:, :, 52:] = 255, 255
    train, held = cut(Images(framed, torch.arange(200) % 2, ("a", "b")), 0.3, 0)
    assert find_leaks(Splits("framed", train, None, held)).leaked == 0


def test_agreement_is_one_for_itself_and_low_for_others_and_flat_pictures():
    x = photographs(20)
    assert structure_agreement(x, x).min() > 0.999  # rounding of the division by small contrasts
    assert structure_agreement(x, x.roll(1, 0)).max() < 0.4
    assert structure_agreement(torch.full_like(x, 99), x).abs().max() < 1e-3


def test_small_pictures_are_compared_exactly_and_each_part_is_looked_at():
    x = torch.randint(0, 256, (50, 1, 8, 8), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    near = x[:10].clone()
    near[:, 0, 0, 0] ^= 1
    part = Images(x, torch.zeros(50, dtype=torch.int64), ("a",))
    val = Images(x[:5], part.labels[:5], ("a",))
    test = Images(near, part.labels[:10], ("a",))
    report = find_leaks(Splits("small", part, val, test))
    assert [twin.second for twin in report.twins] == [("val", i) for i in range(5)]
    assert all(twin.exact and twin.first == ("train", twin.second[1]) for twin in report.twins)
    assert report.held_out == 15


def test_digits_have_no_twins_and_a_warning_is_empty():
    assert warning(open_set("digits")) == ""


def test_a_warning_looks_at_a_sample_and_still_notices():
    x = photographs(300)
    train = Images(x, torch.zeros(300, dtype=torch.int64), ("a",))
    test = Images(x.repeat(3, 1, 1, 1), train.labels.repeat(3), ("a",))
    assert warning(Splits("sampled", train, None, test)).startswith("200 of 200 held-out images (100.0 %)")


@pytest.mark.long
@pytest.mark.pack
def test_natural_animals_are_looked_over_within_seconds(pack):
    """Ten thousand photographs: no alarm, and one twin found, which is real (a goldfish, cropped twice)."""
    splits = open_set(pack / "natural-animals" / "natural-animals.zip", val=0.0)
    start = time.process_time()
    assert warning(splits) == ""
    assert time.process_time() - start < 5  # 0.6 s on a quiet machine; a busy one may take several times that
    train, test = splits.train.names, splits.test.names
    twins = [(train[t.first[1]], test[t.second[1]]) for t in find_leaks(splits).twins]
    assert all("goldfish" in name for pair in twins for name in pair) and len(twins) <= 1
