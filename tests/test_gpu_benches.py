"""The benchmarks that wait for a GPU run: here on the processor, with the smallest runs that exist."""

import json
from dataclasses import replace

import pytest
import torch

from bench import common, generators_gpu
from gradschool.models.generative.denoiser import denoiser_small
from gradschool.recipes.generative.flow_mnist import flow_mnist
from gradschool.recipes.generative.vae_mnist import vae_mnist
from gradschool.runs.settings import to_dict


@pytest.fixture
def results(tmp_path, monkeypatch):
    monkeypatch.setattr(common, "RESULTS", tmp_path)
    return tmp_path


@pytest.mark.slow
def test_generators_are_timed_on_both_sides(results):
    runs = {
        "vae": replace(vae_mnist(), data="digits", epochs=1, evaluations=1),
        "flow": replace(
            flow_mnist(), data="digits", size=8, model=denoiser_small, model_options={"width": 8},
            epochs=0.2, evaluations=1,
        ),
    }  # fmt: skip
    found = generators_gpu.run(1, runs, "cpu", say=lambda text: None)
    assert json.loads((results / "generators_gpu.json").read_text()) == found
    for each in found["configurations"].values():
        assert each["ours"] > 0
        assert each["ratio"] == pytest.approx(each["ours"] / each["peer"])
        assert [len(rounds) for rounds in each["rounds"].values()] == [1, 1]


def test_without_a_gpu_nothing_is_measured(results):
    if torch.cuda.is_available():
        pytest.skip("there is one")
    with pytest.raises(common.BusyError, match="needs a CUDA GPU"):
        generators_gpu.run(1)
    assert not list(results.iterdir())


def test_the_configurations_are_whole_settings():
    assert {"vae", "dcgan", "edm", "flow", "unet"} == set(generators_gpu.configurations())
    assert all(to_dict(run)["epochs"] >= 1 for run in generators_gpu.configurations().values())
