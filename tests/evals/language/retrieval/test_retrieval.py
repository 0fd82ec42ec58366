"""Retrieval against loops, scikit-learn and a folder whose answers are known."""

import math
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.neighbors import NearestNeighbors

from gradschool.data.text.passages import Passage, passages_of, read_passages, sentences_of, words_of
from gradschool.errors import UserError
from gradschool.evals.language.retrieval.answer import find, prompt_of, recall
from gradschool.evals.language.retrieval.ranking import BM25, fused, nearest, reciprocal_rank
from gradschool.evals.language.retrieval.tfidf import TFIDF

bags = st.lists(st.lists(st.sampled_from("abcde"), max_size=8).map(" ".join), min_size=1, max_size=6)


@settings(max_examples=60)
@given(bags, st.lists(st.sampled_from("abcdef"), max_size=4).map(" ".join), st.floats(0, 3), st.floats(0, 1))
def test_bm25_is_the_formula_written_out(texts, question, k1, b):
    found = BM25(texts, k1, b).scores(question)
    split = [text.split() for text in texts]
    mean = max(1.0, sum(map(len, split)) / len(split))
    for i, own in enumerate(split):
        wanted = 0.0
        for word in question.split():
            m = sum(word in other for other in split)
            f = own.count(word)
            if f:
                idf = math.log(1 + (len(split) - m + 0.5) / (m + 0.5))
                wanted += idf * f * (k1 + 1) / (f + k1 * (1 - b + b * len(own) / mean))
        assert found[i].item() == pytest.approx(wanted)


@settings(max_examples=60)
@given(bags, st.lists(st.sampled_from("abcdef"), max_size=4).map(" ".join))
def test_tfidf_is_scikit_learns_to_a_millionth(texts, question):
    found = TFIDF(texts).scores(question)
    if any(texts):  # scikit-learn refuses texts without a word
        peer = TfidfVectorizer(analyzer=words_of).fit(texts)
        wanted = (peer.transform(texts) @ peer.transform([question]).T).toarray()[:, 0]
        assert found.tolist() == pytest.approx(wanted.tolist(), abs=1e-6)
    else:
        assert found.tolist() == [0] * len(texts)


def test_tfidf_by_hand():
    # "a" is in both texts and weighs 1, "b" is in one of two: log(3 / 2) + 1 = 1.405.
    b = math.log(1.5) + 1
    found = TFIDF(["a b", "a a"]).scores("b")
    assert found.tolist() == pytest.approx([b / math.hypot(1, b), 0])


@pytest.mark.parametrize("at_once", [2, 100])
def test_nearest_neighbours_are_scikit_learns(at_once):
    g = torch.Generator().manual_seed(0)
    queries, vectors = torch.randn(7, 5, generator=g), torch.randn(40, 5, generator=g)
    scores, index = nearest(queries, vectors, 4, at_once)
    peer = NearestNeighbors(n_neighbors=4, metric="cosine").fit(vectors.numpy())
    far, wanted = peer.kneighbors(queries.numpy())
    assert index.tolist() == wanted.tolist()
    torch.testing.assert_close(scores, 1 - torch.tensor(far))
    assert nearest(queries, vectors[:2], 9)[1].shape == (7, 2)
    assert nearest(queries, torch.zeros(1, 5), 1)[0].tolist() == [[0]] * 7


def test_fused_ranks_by_hand():
    found = fused(torch.tensor([3.0, 1, 2]), torch.tensor([-5.0, -1, -9]))
    wanted = [1 / 61 + 1 / 62, 1 / 63 + 1 / 61, 1 / 62 + 1 / 63]
    assert found.tolist() == pytest.approx(wanted)
    assert [reciprocal_rank([4, 2, 7], i) for i in (4, 7, 1)] == [1, 1 / 3, 0]


TEXT = """Bees make honey. Mr Smith keeps
bees near Lake No. 3. "Do they sting?" Yes, they do!

The heart pumps blood.
It beats 100,000 times a day. Sleep makes
it slower.
"""


def test_sentences_and_passages_know_where_they_stand():
    assert sentences_of('He came. She left! "Why?" Nobody knows No. 3.') == [
        "He came.", "She left!", '"Why?"', "Nobody knows No. 3.",
    ]  # fmt: skip
    assert [(p.line, p.text.split()[0]) for p in passages_of(TEXT, Path("a.txt"))] == [
        (1, "Bees"),
        (4, "The"),
    ]
    short = list(passages_of(TEXT, Path("a.txt"), most=4))
    assert [p.line for p in short] == sorted(p.line for p in short) and short[-1].line == 5
    whole = " ".join(words_of(TEXT))
    assert " ".join(word for p in short for word in words_of(p.text)) == whole


@settings(max_examples=60)
@given(st.text('aB. !?\n"1', max_size=60), st.integers(1, 6))
def test_no_word_is_lost_and_none_is_twice(text, most):
    found = list(passages_of(text, Path("x"), most))
    assert [word for p in found for word in words_of(p.text)] == words_of(text)
    assert all(p.text and 1 <= p.line <= len(text.splitlines()) for p in found)


def test_a_folder_answers(tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "bees.txt").write_text(
        "Bees live in hives. Bees make honey from nectar.\n\nWasps do not."
    )
    (tmp_path / "body.md").write_text("The heart pumps blood. The lungs take up oxygen.")
    (tmp_path / "data.bin").write_bytes(b"\x00honey")
    passages = read_passages([tmp_path])
    assert len(passages) == 3
    best, *_ = find("Who makes honey from nectar?", passages)
    assert best.sentence == "Bees make honey from nectar." and best.passage.file.name == "bees.txt"
    assert find("quantum", passages) == []
    prompt = prompt_of("Who makes honey?", [best])
    assert prompt.startswith("Texts:\n[1] Bees live") and prompt.endswith("Answer (from the texts):")
    questions = [("what do bees make", 1), ("wasps", 2), ("what pumps blood", 0), ("nectar", 2)]
    assert recall(questions, passages, 1) == 0.75 and recall(questions, passages, 3) == 1
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match="no text to look in"):
        read_passages([tmp_path / "empty"])


def test_vectors_find_what_shares_no_word():
    """Vectors by scikit-learn, of letters: "honeybees" is near "honeybee"."""
    passages = [
        Passage(Path("a"), 1, text) for text in ("A honeybee stings.", "Rain falls.", "Trains run late.")
    ]

    def embed(texts):
        return torch.tensor(
            TfidfVectorizer(analyzer="char", ngram_range=(3, 3)).fit_transform(texts).toarray()
        )

    assert find("honeybees", passages) == []
    assert find("honeybees", passages, 1, embed)[0].passage is passages[0]
