"""Two rings: learnt in seconds, drawn, reported."""

import pytest
import torch
from PIL import Image

from gradschool.engine.run import RunFolder
from gradschool.recipes import find
from gradschool.runs.generation.rings import measure
from gradschool.runs.reopen import reopen
from gradschool.runs.request import Request


@pytest.mark.long
def test_points_end_on_the_rings(tmp_path):
    run, told = find("score_rings")(), []
    folder = run.train(Request("score_rings", steps=600, out=tmp_path / "run"), told.append)
    scores = folder.read("result.json")["metrics"]
    assert scores["test_on_a_ring"] > 0.6  # anywhere in the square of side 6: a quarter would be
    assert Image.open(folder.path / "samples.png").width > 1000
    lines = list(RunFolder.open(folder.path).metrics())
    assert len(lines) == 20 and lines[-1]["loss"] < lines[0]["loss"]
    again, _ = reopen(RunFolder.open(folder.path))
    page = again.report(folder).read_text()
    assert "New pictures" in page and "loss" in page
    assert "score_rings" in told[0]
    assert "end on a ring" in run.conclusion(folder.read("result.json"), "")


def test_measured_by_the_distance_from_the_origin():
    points = torch.tensor([[1.0, 0.0], [0.0, 2.1], [0.0, -0.9], [3.0, 0.0]])
    assert measure(points) == {"test_on_a_ring": 0.75, "test_inner": 2 / 3}
