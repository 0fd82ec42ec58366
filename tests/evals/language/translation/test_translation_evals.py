"""Translations: searched for side by side, scored by sacrebleu, beside a dictionary, with attention."""

import math
import random
from collections import defaultdict
from itertools import pairwise

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gradschool.data.text.pairs.joint import joint_tokeniser
from gradschool.data.text.pairs.pairs import TextPairs
from gradschool.evals.language.translation import scores
from gradschool.evals.language.translation.alignment import alignment
from gradschool.evals.language.translation.beams import beam_search_each
from gradschool.evals.language.translation.dictionary import Dictionary
from gradschool.evals.language.translation.translator import Translator
from gradschool.models.language.seq2seq import seq2seq
from gradschool.models.language.transformer import transformer
from gradschool.ops.decoding.search import beam_search

END = 0


def chain(seed, kinds=6):
    """A language whose next token depends on the text's first token and its last two."""
    draw = torch.Generator().manual_seed(seed)
    table = 2 * torch.randn(kinds, kinds, kinds, kinds, generator=draw)

    def step(tokens, rows):
        before = tokens[:, -2] if tokens.shape[1] > 1 else tokens[:, -1]
        return table[tokens[:, 0], before, tokens[:, -1]]

    return step


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 1000), st.integers(1, 3), st.integers(1, 6), st.sampled_from([0.0, 0.6, 1.0]))
def test_many_searches_find_what_each_alone_finds(seed, beams, length, penalty):
    step, starts = chain(seed), torch.tensor([1, 2, 3, 2])
    lengths = [length, length + 2, length, 1]
    found = beam_search_each(step, starts, beams, lengths, END, penalty)
    for start, most, texts in zip(starts, lengths, found, strict=True):
        wanted = beam_search(step, start[None], beams, most, END, penalty)
        scores_wanted = [text.score for text in wanted]
        assert [text.score for text in texts] == pytest.approx(scores_wanted)
        gaps = [a - b for a, b in pairwise(scores_wanted)]
        if all(gap > 1e-5 for gap in gaps):  # texts of the same steps in another order are equally probable
            assert [text.tokens for text in texts] == [text.tokens for text in wanted]


PAIRS = TextPairs(
    ["der Hund läuft .", "die Katze läuft .", "der Hund schläft .", "die Katze schläft ."] * 3,
    ["the dog runs .", "the cat runs .", "the dog sleeps .", "the cat sleeps ."] * 3, ("de", "en"),
)  # fmt: skip
MAKERS = {
    "transformer": lambda n: transformer(n, n, 16, 2, 2, 0.0, norm_first=True, tied=True),
    "seq2seq": lambda n: seq2seq(n, n, 8, 12, 0.0),
}


@pytest.fixture(params=MAKERS)
def translator(request):
    torch.manual_seed(3)
    tokeniser = joint_tokeniser(PAIRS, 300)
    return Translator(MAKERS[request.param](len(tokeniser)).double().eval(), tokeniser)


@torch.no_grad()
def test_greedy_translation_is_the_argmax_without_a_cache(translator):
    texts = ["der Hund läuft .", "die", "die Katze schläft ."]
    sources = [
        [*translator.tokeniser.encode(text), translator.tokeniser.special["<|end|>"]] for text in texts
    ]
    found = translator.write(sources, 1)
    start, end = (translator.tokeniser.special[name] for name in ("<|start|>", "<|end|>"))
    for source, written in zip(sources, found, strict=True):
        tokens = [start]
        for token in written:
            logits = translator.model(torch.tensor([source]), torch.tensor([tokens]))[0, -1]
            assert float(logits[token]) == pytest.approx(float(logits.max()), abs=1e-5)
            tokens.append(token)
            if token == end:
                break


def test_more_beams_find_nothing_less_probable(translator):
    texts = ["der Hund läuft .", "die Katze schläft ."]
    assert len(translator.translate(texts, 3)) == 2
    assert translator.translate(["", "  ", *texts])[:2] == ["", ""]
    told = []
    translator.translate(texts, progress=lambda done, of: told.append((done, of)))
    assert told == [(2, 2)]


def test_a_text_is_translated_alike_alone_and_among_others(translator):
    texts = ["der Hund läuft .", "die", "die Katze schläft . " * 4]
    assert translator.translate(texts, 2) == [translator.translate([text], 2)[0] for text in texts]


def test_attention_sums_to_one_for_every_written_token(translator):
    found = alignment(translator, "der Hund läuft .", "the dog runs .")
    assert found.weights.shape == (len(found.target), len(found.source))
    torch.testing.assert_close(found.weights.sum(1), torch.ones(len(found.target)), rtol=1e-5, atol=1e-5)
    assert found.source[-1] == "<|end|>" and "dog" in "".join(found.target)


def test_words_are_put_in_place():
    words = Dictionary({"die": "the", "katze": "cat", "läuft": "runs", ",": ","})
    assert words.translate("Die Katze läuft, läuft.") == "The cat runs, runs."
    assert words.translate("die Maus") == "The Maus" and words.translate("") == ""


def counted_by_hand(pairs, rounds=8):
    """IBM model 1 as in the paper, one pair of words after the other: target -> source -> probability."""
    texts = [(["", *s.split()], t.split()) for s, t in zip(pairs.sources, pairs.targets, strict=True)]
    p = defaultdict(lambda: 1.0)
    for _ in range(rounds):
        counts, totals = defaultdict(float), defaultdict(float)
        for source, target in texts:
            for t in target:
                of_all = sum(p[s, t] for s in source)
                for s in source:
                    counts[s, t] += p[s, t] / of_all
                    totals[s] += p[s, t] / of_all
        p = defaultdict(float, {(s, t): count / totals[s] for (s, t), count in counts.items()})
    return p


def test_a_dictionary_is_ibm_model_1():
    draw = random.Random(0)
    kinds = [(f"w{i}", f"v{i}") for i in range(20)]
    texts = [draw.sample(kinds, 5) for _ in range(120)]
    sources = [" ".join(s for s, _ in text) for text in texts]
    targets = [" ".join(t for _, t in draw.sample(text, 5)) for text in texts]
    pairs = TextPairs(sources, targets, ("a", "b"))
    found, p = Dictionary.of(pairs).words, counted_by_hand(pairs)
    assert {s: found[s] for s, _ in kinds} == dict(kinds)
    for s in ("", "w3"):
        assert found[s] == max((t for _, t in kinds), key=lambda t: p[s, t])


def test_bleu_is_a_perfect_score_of_what_is_right():
    pytest.importorskip("sacrebleu")
    texts = ["A man walks over the bridge.", "Two dogs run on the white snow."]
    found = scores.score(texts, texts)
    assert found.bleu == pytest.approx(100) and found.chrf == pytest.approx(100)
    assert "tok:13a" in found.signature and "case:mixed" in found.signature
    # Six words of the first are right in a row, of seven: by hand from equation 1 of Papineni et al.
    other = scores.score(["A man walks over the bridge!"], texts[:1]).bleu
    shares = [6 / 7, 5 / 6, 4 / 5, 3 / 4]
    assert other == pytest.approx(100 * math.prod(shares) ** 0.25)


def test_groups_of_lengths_hold_every_pair():
    pytest.importorskip("sacrebleu")
    sources = ["a " * n for n in (1, 8, 9, 12, 13, 16, 17, 40)]
    found = scores.by_length(sources, sources, sources)
    assert [(name, count) for name, count, _ in found] == [
        ("1 to 8", 2), ("9 to 12", 2), ("13 to 16", 2), ("17 or more", 2)]  # fmt: skip


def test_without_sacrebleu_the_part_is_named(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(Exception, match=r"sacrebleu is not installed, and BLEU needs it.*translation"):
        scores.refuse_without_bleu()
