"""What a report gathers from a run's folder and from a second set."""

import torch

from gradschool.data.examples import Splits
from gradschool.data.vision.images import Images
from gradschool.engine.run import RunFolder
from gradschool.runs.classification import report


def test_a_second_set_comes_at_the_size_of_the_run(monkeypatch, tmp_path):
    """Sets of arrays have a size of their own: an 8-pixel network is not asked about 28 pixels."""
    pixels = torch.full((4, 1, 28, 28), 90, dtype=torch.uint8)
    images = Images(pixels, torch.arange(4), tuple("0123"))
    monkeypatch.setattr(report, "open_set", lambda *words, **more: Splits("arrays", images, None, images))
    found = report.second_set("arrays", RunFolder(tmp_path), {"height": 8, "width": 8, "channels": 1})
    assert found.pixels.shape == (8, 1, 8, 8) and found.pixels.dtype == torch.uint8
    assert (found.pixels == 90).all() and found.labels.tolist() == [0, 1, 2, 3, 0, 1, 2, 3]
