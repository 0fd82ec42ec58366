"""The loader: every image once, resuming anywhere, sharing a batch, reading ahead."""

import multiprocessing

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gradschool.data.augment.pipeline import Augment, Pipeline
from gradschool.data.vision import loader as module
from gradschool.data.vision.images import Images
from gradschool.data.vision.loader import Loader, evaluation_batches
from gradschool.errors import UserError

FEW = settings(max_examples=15, deadline=None)
BUSY = Augment(flip=True, crop_padding=2, rotate=5.0, brightness=0.2, noise=0.05, cutmix=1.0, policy=1)


def numbered(n: int = 40, side: int = 6) -> Images:
    """Images whose every pixel is their place in the set (n <= 256)."""
    pixels = torch.arange(n, dtype=torch.uint8).view(n, 1, 1, 1).expand(n, 1, side, side).contiguous()
    return Images(pixels, torch.arange(n) % 5, tuple("abcde"))


def loader(n: int = 40, batch_size: int = 8, augment: Augment = BUSY, **options) -> Loader:
    return Loader(numbered(n), batch_size, 7, Pipeline((0.5,), (0.25,), augment, num_classes=5), **options)


def same(left, right) -> bool:
    left, right = list(left), list(right)
    equal = [
        torch.equal(a, b) for one, two in zip(left, right, strict=True) for a, b in zip(one, two, strict=True)
    ]
    return bool(equal) and all(equal)


@FEW
@given(n=st.integers(1, 60), batch_size=st.integers(1, 70), number=st.integers(0, 3))
def test_an_epoch_shows_images_once_in_full_batches(n, batch_size, number):
    batches = Loader(numbered(n), batch_size, 0, Pipeline((0.0,), (1.0,)))
    sizes, seen, labels = [], [], []
    for x, y in batches.epoch(number):
        sizes.append(len(x))
        seen += (x[:, 0, 0, 0] * 255).round().int().tolist()
        labels += y.tolist()
    assert len(sizes) == len(batches)
    assert set(sizes) == {min(n, batch_size)}
    assert len(seen) == len(set(seen)) == min(n, batch_size) * len(batches)
    assert labels == [place % 5 for place in seen]


def test_epochs_and_seeds_differ():
    batches = loader(augment=Augment())
    first, second = (torch.cat([x for x, _ in batches.epoch(number)]) for number in (0, 1))
    assert not torch.equal(first, second)
    other = Loader(batches.images, 8, 8, batches.pipeline)
    assert not same(batches.epoch(0), other.epoch(0))
    assert same(batches.epoch(0), batches.epoch(0))


@FEW
@given(start=st.integers(0, 4), number=st.integers(0, 3))
def test_resuming_anywhere_is_exact(start, number):
    batches = loader(steps=20)
    assert same(list(batches.epoch(number))[start:], batches.epoch(number, start))


@pytest.mark.parametrize("world", [2, 4])
@pytest.mark.parametrize("n", [40, 7])
def test_processes_that_share_a_batch_see_what_one_would(world, n):
    whole = list(loader(n // world * world).epoch(1))
    parts = [list(loader(n // world * world, share=(rank, world)).epoch(1)) for rank in range(world)]
    for i, (x, y) in enumerate(whole):
        # Smaller batches: a turn or a blur may sum in another order.
        torch.testing.assert_close(torch.cat([part[i][0] for part in parts]), x)
        assert torch.equal(torch.cat([part[i][1] for part in parts]), y)
        assert {len(part[i][0]) for part in parts} == {len(x) // world}


@pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="this system cannot fork")
def test_workers_give_identical_batches():
    plain, reading = loader(steps=20, workers=0), loader(steps=20, workers=2)
    assert reading.reading_workers == 2
    state = torch.get_rng_state()
    assert same(plain.epoch(2, 1), reading.epoch(2, 1))
    assert torch.equal(torch.get_rng_state(), state), "the global generator was used"


def test_workers_read_only_what_memory_cannot_hold(monkeypatch):
    nbytes = numbered().pixels.nbytes
    for free, workers, copied in ((nbytes * 5, 0, True), (nbytes * 3, 0, False), (nbytes * 1.5, 2, False)):
        monkeypatch.setattr(module, "free_memory", lambda device, free=free: free)
        batches = loader()
        assert (batches.pixels.data_ptr() != batches.images.pixels.data_ptr()) == copied
        if "fork" in multiprocessing.get_all_start_methods():
            assert batches.reading_workers == workers
    assert module.free_memory("cpu") > 0


def test_progress_reaches_the_pipeline():
    batches = Loader(numbered(), 8, 0, Pipeline((0.5,), (0.25,), sizes=((0.0, 3), (0.5, 6)))).for_steps(10)
    sides = [x.shape[-1] for number in (0, 1) for x, _ in batches.epoch(number)]
    assert sides == [3] * 5 + [6] * 5


def test_evaluation_shows_everything_once_in_order():
    images = numbered(21)
    batches = list(evaluation_batches(images, Pipeline((0.0,), (1.0,), BUSY, num_classes=5), 8))
    assert [len(x) for x, _ in batches] == [8, 8, 5]
    assert (torch.cat([x[:, 0, 0, 0] for x, _ in batches]) * 255).round().int().tolist() == list(range(21))
    assert torch.equal(torch.cat([y for _, y in batches]), images.labels)


def test_what_cannot_work_is_refused():
    with pytest.raises(UserError, match="no images"):
        loader(0)
    with pytest.raises(UserError, match="a multiple of 3"):
        loader(share=(0, 3))
    with pytest.raises(UserError, match="batch_size is 0"):
        loader(batch_size=0)
    with pytest.raises(UserError, match="rank 2 of 2"):
        loader(share=(2, 2))
    with pytest.raises(UserError, match="of 3 channels"):
        Loader(numbered(), 8, 0, Pipeline((0.5,) * 3, (0.2,) * 3))


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_a_gpu_gets_the_same_batches():
    here, there = loader(steps=20), loader(steps=20, device="cuda")
    assert there.pixels.is_cuda
    for (x, y), (gx, gy) in zip(here.epoch(0), there.epoch(0), strict=True):
        torch.testing.assert_close(
            gx.cpu(), x, atol=1e-4, rtol=0
        )  # the two devices round samples differently
        torch.testing.assert_close(gy.cpu(), y, atol=1e-5, rtol=0)
