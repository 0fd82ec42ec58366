"""Multiple choice against lm-evaluation-harness 0.4.13, whose numbers for one model lie in harness.json.

They were made once: the model below, loaded into transformers' GPT2LMHeadModel (logits equal to 2e-6), and
the tokeniser, saved as tokenizer.json, went into `lm_eval.models.huggingface.HFLM`. The questions, each with
its solved examples as context, were a task of the type multiple_choice (`doc_to_text` the context,
`doc_to_choice` the choices, target_delimiter " ", metrics acc and acc_norm) of `simple_evaluate`.
"""

import json
from pathlib import Path

import pytest
import torch

from gradschool.data.text.tokens.bpe import ByteBPE
from gradschool.evals.language.benchmarks.choice import answered, twenty, with_shots
from gradschool.models.language.gpt2 import gpt2

HARNESS = json.loads(Path(__file__).with_name("harness.json").read_text())


@pytest.fixture(scope="module")
def bpe():
    text = " ".join(question.context + " " + choice for question in twenty() for choice in question.choices)
    return ByteBPE.train([text], 400, special=["<|end|>"])


@pytest.fixture(scope="module")
def model(bpe):
    """Weights are sines of their number: the same on every machine."""
    net = gpt2(len(bpe), context=256, width=16, depth=2, heads=2).eval()
    for i, p in enumerate(net.parameters()):
        if p.dim() == 2:
            waves = 0.3 * torch.sin(torch.arange(p.numel(), dtype=torch.float64) * (1.3 + i))
            p.data = waves.view(p.shape).float()
    return net


@pytest.mark.parametrize("shots", [0, 2])
def test_log_probabilities_and_both_accuracies_are_those_of_the_harness(model, bpe, shots):
    found = answered(model, bpe, with_shots(twenty(), twenty(), shots, seed=0), longest=256)
    wanted = HARNESS[str(shots)]
    for row, true in zip(found.log_p, wanted["log_p"], strict=True):
        assert row == pytest.approx(true, abs=2e-3)  # float32; 1.2e-5 apart where they were made
    assert (found.accuracy, found.normalised_accuracy) == (wanted["acc"], wanted["acc_norm"])
