"""The pack's GloVe to the digit, the toy sentence by hand, and files that are no tests."""

import numpy as np
import pytest
import torch

from gradschool.data.text.vectors.wordvectors import WordVectors
from gradschool.errors import UserError
from gradschool.evals.language import words

SENTENCE = "tall towers stand where small flowers grow wild"


@pytest.mark.long
def test_the_packs_glove(pack):
    place = pack / "wordvectors"
    vectors = WordVectors.load(place / "glove-6b-50d-25k.npz")
    found = words.analogies(vectors, words.read_analogies(place / "questions-words.txt"))
    shares = {name: round(100 * found[name].value, 2) for name in ("all", "semantic", "syntactic")}
    assert shares == {"all": 48.10, "semantic": 50.58, "syntactic": 46.03} and found["all"].n == 19_544
    for file, rho in (("wordsim353.txt", 0.503), ("simlex999.txt", 0.265)):
        score = words.similarity(vectors, words.read_pairs(place / file))
        assert round(score.value, 3) == rho and score.low < rho < score.high and not score.left_out


def test_an_analogy_that_is_a_parallelogram():
    vectors = WordVectors(
        ["a", "b", "c", "d", "e"], torch.tensor([[1.0, 0, 0], [1, 1, 0], [1, 0, 1], [1, 1, 1], [0, -1, -1]])
    )
    sections = {"pairs": [("a", "b", "c", "d")], "gram1": [("a", "b", "c", "e"), ("a", "b", "c", "x")]}
    found = words.analogies(vectors, sections)
    told = {name: (found[name].value, found[name].n, found[name].left_out) for name in found}
    assert told["semantic"] == (1, 1, 0) and told["syntactic"] == (0, 1, 1) and told["all"] == (0.5, 2, 1)
    assert words.analogies(vectors, sections, product=True)["semantic"].value == 1


def test_many_questions_are_answered_in_parts(monkeypatch):
    table = torch.randn(9, 4, generator=torch.Generator().manual_seed(0))
    vectors = WordVectors(list("abcdefghi"), table)
    questions = [(a, b, "h", d) for a in "abc" for b in "def" for d in "abcdefgi"]
    for product in (False, True):
        whole = words.answers(vectors, questions, product)
        monkeypatch.setattr(words, "AT_ONCE", 5)
        assert 0 < whole.sum() < len(questions)
        np.testing.assert_array_equal(words.in_parts(vectors, questions, product), whole)
        assert words.in_parts(vectors, [], product).shape == (0,)


def test_similarity_of_ordered_pairs_is_one():
    angles = torch.linspace(0, 3, 13)
    vectors = WordVectors([str(i) for i in range(13)], torch.stack([angles.cos(), angles.sin()], 1))
    pairs = [("0", str(i), float(-i)) for i in range(1, 13)]
    found = words.similarity(vectors, [*pairs, ("0", "x", 1.0)])
    assert (found.value, found.n, found.left_out) == (pytest.approx(1), 12, 1)


def test_one_sentence_by_hand():
    counts, vectors = words.of_one_sentence(SENTENCE, 4, 8)
    order = [vectors.numbers[word] for word in SENTENCE.split()]
    near = np.abs(np.subtract.outer(range(8), range(8)))
    np.testing.assert_array_equal(counts[np.ix_(order, order)], (near > 0) & (near <= 4))
    # U S has the same inner products as the rows of counts.
    torch.testing.assert_close(
        vectors.table @ vectors.table.T, torch.tensor(counts @ counts.T).float(), atol=1e-4, rtol=0
    )


def test_lines_that_are_no_questions(tmp_path):
    (tmp_path / "q.txt").write_text(": s\na b c\n")
    (tmp_path / "p.txt").write_text("a b\t1\n")
    with pytest.raises(UserError, match="has 3 words"):
        words.read_analogies(tmp_path / "q.txt")
    with pytest.raises(UserError, match="line 1 of"):
        words.read_pairs(tmp_path / "p.txt")
