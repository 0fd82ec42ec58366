"""In half precision the model that learns and the one that it is compared with compute alike."""

import json
import math
import random

import pytest
import torch

from gradschool.engine.device import Machine
from gradschool.models.language.gpt import gpt
from gradschool.runs.language.model import LanguageRun
from gradschool.runs.language.tuning.answers import AnswersRun
from gradschool.runs.language.tuning.groups import GroupsRun
from gradschool.runs.language.tuning.preferences import PreferenceRun
from gradschool.runs.request import Request
from gradschool.runs.train import train
from gradschool.tasks.grpo import log_probs

QUICK = {"batch_size": 32, "learning_rate": 1e-2, "threads": 1, "evaluations": 1}
HALF = Machine("cpu", "bf16", False)


def quiet(text):
    """Hears nothing."""


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Sums with a right and a wrong answer, and a model that has read some."""
    place, draw = tmp_path_factory.mktemp("half"), random.Random(0)
    sums = [(a, b) for a in range(6) for b in range(6)]
    draw.shuffle(sums)
    rows = [{"prompt": f"{a}+{b}", "chosen": str(a + b), "rejected": str(a + b + 1)} for a, b in sums]
    (place / "own.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (place / "text.txt").write_text("".join(f"Q: {a}+{b}\n\nA: {a + b}\n\n" for a, b in sums) * 4 + "789")
    network = {"model": gpt, "model_options": {"depth": 1}, "context": 32, "precision": "fp32"}
    train(
        LanguageRun(data=str(place / "text.txt"), val=0, **network, **QUICK),
        Request("gpt", steps=20, device="cpu", out=place / "base"), say=quiet,
    )  # fmt: skip
    return place


def assembled(kind, place, **changes):
    run = kind(data=str(place / "own.jsonl"), start=str(place / "base"), precision="bf16", **QUICK | changes)
    return run, run.assemble(Request("fine_tune", steps=1, device="cpu"), HALF, quiet)


@pytest.mark.parametrize("lora", [0, 2])
def test_dpo_begins_at_log_2(place, lora):
    run, pieces = assembled(PreferenceRun, place, lora=lora)
    # All pairs at once, as the reference reads them: equal shapes, so equal kernels.
    batch = pieces.batches.columns
    with torch.no_grad():
        found = pieces.task.loss(batch)
    assert found["loss"].item() == pytest.approx(math.log(2), abs=1e-6)
    assert found["lead"].item() == pytest.approx(0, abs=1e-5)
    # It is half precision that was compared: in float32 the same weights say something else.
    other, columns = run.origin.model(), run.columns(pieces.splits.train)
    with torch.no_grad():
        single = log_probs(other, columns[0], torch.ones_like(columns[1]), 4)
        with HALF.autocast():
            half = log_probs(other, columns[0], torch.ones_like(columns[1]), 4)
    assert single.dtype == half.dtype == torch.float32
    assert 1e-4 < (single - half).abs().max() < 1


@pytest.mark.parametrize("lora", [0, 2])
def test_grpo_begins_at_its_reference(place, lora):
    _, pieces = assembled(GroupsRun, place, lora=lora, group=4, longest=5)
    batch = next(iter(pieces.batches.epoch(0)))
    torch.manual_seed(0)
    (texts, there, counts, drawn_at, _, reference), _ = pieces.task.tried(batch)
    with torch.no_grad():
        now = log_probs(pieces.task.parts["model"], texts, there, counts.shape[1])
    torch.testing.assert_close(reference, now, rtol=0, atol=1e-6)
    # Draws go through the cache, whose kernels are others: equal but for the rounding of bfloat16.
    torch.testing.assert_close(drawn_at, now, rtol=0, atol=0.1)


def test_the_divergence_of_a_model_from_itself_is_0(place, tmp_path):
    run = AnswersRun(
        data=str(place / "own.jsonl"), start=str(place / "base"), precision="bf16",
        **QUICK | {"learning_rate": 1e-12},
    )  # fmt: skip
    folder = train(run, Request("fine_tune", steps=1, device="cpu", out=tmp_path / "sft"), say=quiet)
    assert folder.read("result.json")["metrics"]["test_kl"] == pytest.approx(0, abs=1e-6)
