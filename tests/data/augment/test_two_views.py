"""Two views: what the pipeline makes twice, with random numbers of their own."""

import pytest
import torch

from gradschool.data.augment.pipeline import Augment, Pipeline
from gradschool.data.augment.views import TwoViews
from gradschool.data.vision.images import Images
from gradschool.data.vision.loader import Loader
from gradschool.errors import UserError


def pixels(n=12, side=8):
    return torch.randint(
        0, 256, (n, 1, side, side), dtype=torch.uint8, generator=torch.Generator().manual_seed(0)
    )


def test_views_are_what_the_pipeline_makes_when_asked_twice():
    on = Augment(flip=True, crop_padding=2, brightness=0.5)
    usual, views = (kind((0.4,), (0.2,), on) for kind in (Pipeline, TwoViews))
    x, y = pixels(), torch.zeros(12, dtype=torch.int64)
    first, second = views.train(x, y, torch.Generator().manual_seed(3), 0.0)
    generator = torch.Generator().manual_seed(3)
    for view in (first, second):
        assert torch.equal(view, usual.train(x, y, generator, 0.0)[0])
    assert not torch.equal(first, second)
    assert torch.equal(views.eval(x, y)[0], usual.eval(x, y)[0])


def test_a_loader_hands_out_both_views_of_the_same_pictures():
    """Without changes both views are the picture itself, so pairs can be told from strangers."""
    images = Images(pixels(), torch.arange(12), tuple(map(str, range(12))))
    loader = Loader(images, 4, 7, TwoViews((0.0,), (1.0,)))
    batches = list(loader.epoch(0))
    assert len(batches) == 3
    for first, second in batches:
        assert torch.equal(first, second) and len(first.flatten(1).unique(dim=0)) == 4
    seen = torch.cat([first for first, _ in batches]).flatten(1)
    assert len(seen.unique(dim=0)) == 12, "an epoch shows every picture once"
    halves = [list(Loader(images, 4, 7, TwoViews((0.0,), (1.0,)), share=(i, 2)).epoch(0)) for i in (0, 1)]
    assert torch.equal(torch.cat([halves[0][1][1], halves[1][1][1]]), batches[1][1])


def test_mixed_pictures_are_refused():
    with pytest.raises(UserError, match=r"mixup or cutmix is on.*a view shows one picture"):
        TwoViews((0.0,), (1.0,), Augment(cutmix=1.0), num_classes=3)
