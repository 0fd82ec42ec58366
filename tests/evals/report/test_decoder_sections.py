"""Sections on a language model with attention: what they draw, and that they leave out what is not known."""

import math
from pathlib import Path

import numpy as np
import torch

from gradschool.evals.classification.calibration import equal_width
from gradschool.evals.language.interpret.lens import Lens
from gradschool.evals.language.interpret.repeats import Repeats
from gradschool.evals.report.material import Material
from gradschool.evals.report.text import corpus, decoder, inside
from gradschool.evals.report.text.decoder import DecoderFacts, Inside

LINES = [{"step": s, "loss": 3.0 / s} for s in range(1, 9)] + [{"step": 8, "val_loss": 0.5}]


def material(lines=(), **facts):
    return Material(DecoderFacts(**facts), Path(), {}, {}, {}, list(lines))


def test_what_is_missing_is_left_out():
    parts = (decoder.compute, decoder.position, decoder.calibration, decoder.attention,
             inside.lens, inside.induction)  # fmt: skip
    assert [section(material()) for section in parts] == [None] * 6
    assert inside.induction(material(inside=Inside(Lens([[0]], [[1.0]], [math.nan]), [["a"]]))) is None
    assert decoder.compute(material(flops=1e9)) is None


def test_loss_stands_against_the_arithmetic_of_all_steps():
    section = decoder.compute(material(LINES, flops=2e12))
    assert "0.016 PFLOP" in section.reading and "training" in section.body and "held out" in section.body


def test_the_context_is_in_bits_a_byte_where_there_are_bytes():
    facts = {"positions": [1, 2, 3.5], "by_position": [3.0, 2.5, 2.25]}
    assert (
        "bits per token after one token 3.00, after 4 tokens 2.25" in decoder.position(material(**facts)).body
    )
    assert "bits per byte" in decoder.position(material(per_byte=2.0, **facts)).body


def test_calibration_tells_the_error():
    right = torch.tensor([1.0, 0.0, 1.0, 1.0], dtype=torch.float64)
    bins = equal_width(torch.full((4,), 0.85, dtype=torch.float64), right, 10)
    assert "is 10.0 points" in decoder.calibration(material(reliability=bins)).reading


def test_heads_stand_side_by_side_with_their_tokens():
    weights = np.tril(np.full((2, 3, 3), 0.5, np.float32))
    section = decoder.attention(material(heads=[weights, weights], sentence=["a", "<", "␣"]))
    assert section.body.count("layer ") == 2 and section.body.count('class="frame"') == 4
    assert section.body.count('fill-opacity="0.50"') == 2 * 2 * 6 and "&lt;" in section.body
    assert "fill:" not in section.body, "colours are the page's, light and dark"


def test_blocks_stand_above_the_text_and_heads_beside_each_other():
    looked = Inside(
        Lens([[0, 1], [1, 0]], [[0.5, 0.25], [1.0, 0.75]], [2.0, 0.125]),
        [["a", "<b"], ["<b", "a"]],
        Repeats(8, [[0.125, 0.5], [0.75, 0.25]], [[0.75, 0.125], [0.125, 0.25]], 0.0625, 2.5, 1.25),
    )
    facts = material(sentence=["a", "<b"], inside=looked)
    body = str(inside.lens(facts).body)
    assert body.index("block 2: 0.12 nats") < body.index("block 1: 2.00 nats") < body.index("the text")
    assert body.count("<rect") == 6 and "<title>&lt;b 0.25</title>" in body and "fill:" not in body
    section = inside.induction(facts)
    assert "head 1 of layer 2, gives that 0.75 of its weight" in section.reading
    assert "0.06" in section.reading and "2.50 nats in the first half and 1.25" in section.reading
    assert str(section.body).count("<rect") == 2 * 6, "a row for the names of the heads"


def test_the_mixture_stands_below_the_network():
    mixture = {"beside": "7-gram", "weight": 0.8, "test_loss": 1.3}
    section = corpus.against(material(loss=1.4, baselines={"7-gram": 1.45}, mixture=mixture))
    body = str(section.body)
    assert body.index(">7-gram<") < body.index(">this network<") < body.index(">this network and the 7-gram<")
    assert "a weight of 0.80" in section.reading
