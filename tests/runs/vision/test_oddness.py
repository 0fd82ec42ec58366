"""Odd pictures: an autoencoder of digits against noise, and runs that cannot tell."""

import re

import numpy as np
import pytest
from PIL import Image

from gradschool.errors import UserError
from gradschool.recipes import find
from gradschool.runs.request import Request
from gradschool.runs.settings import override
from gradschool.runs.train import train


def trained(name, out, steps, *changes):
    run = override(find(name)(), ["data=digits", "threads=1", *changes], name)
    return run, train(run, Request(name, steps=steps, out=out), say=lambda text: None)


@pytest.fixture(scope="module")
def noise(tmp_path_factory):
    """A folder of two classes of noise."""
    place, rng = tmp_path_factory.mktemp("noise"), np.random.default_rng(0)
    for i in range(40):
        file = place / "ab"[i % 2] / f"{i}.png"
        file.parent.mkdir(exist_ok=True)
        Image.fromarray(rng.integers(0, 256, (8, 8), dtype=np.uint8)).save(file)
    return str(place)


@pytest.mark.long
def test_an_autoencoder_rebuilds_digits_better_than_noise(tmp_path, noise):
    run, folder = trained("vae_mnist", tmp_path / "run", 150)
    page = run.report(folder, ood=noise).read_text()
    assert float(re.search(r"in ([\d.]+) % of all pairs", page)[1]) > 90


@pytest.mark.long
def test_a_model_that_is_told_classes_cannot_tell(tmp_path, noise):
    run, folder = trained("vae_mnist", tmp_path / "run", 1, "conditional=true")
    with pytest.raises(UserError, match="to a variational autoencoder; wanted: a run that rebuilds any"):
        run.report(folder, ood=noise)
