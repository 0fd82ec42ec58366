"""Span F1 against the definition and against numbers by hand; the table of words."""

from hypothesis import given
from hypothesis import strategies as st

from gradschool.evals.language.tags import MostFrequent, span_f1, spans, token_accuracy

TAGS = st.lists(st.sampled_from(["O", "B-x", "I-x", "B-y", "I-y", "Aa"]), max_size=8)


def test_spans_by_hand():
    assert spans(["B-PER", "I-PER", "O", "B-LOC"]) == {(0, 2, "PER"), (3, 4, "LOC")}
    assert spans(["I-PER", "I-LOC", "B-LOC", "I-LOC"]) == {(0, 1, "PER"), (1, 2, "LOC"), (2, 4, "LOC")}
    assert spans(["Aa", "O", "AA,"]) == {(0, 1, "Aa"), (2, 3, "AA,")}


def test_f1_by_hand():
    true = [["B-PER", "I-PER", "O", "B-LOC"]]
    # One of two true spans found, of three that are claimed: precision 1/3, recall 1/2, F1 2/5.
    assert span_f1(true, [["B-PER", "O", "B-ORG", "B-LOC"]]) == 0.4
    assert (
        span_f1(true, true) == 1.0 and span_f1([["O"]], [["O"]]) == 1.0 and span_f1([["O"]], [["Aa"]]) == 0.0
    )


@given(TAGS)
def test_spans_cover_every_word_that_is_not_outside_once(tags):
    covered = sorted(i for start, end, _ in spans(tags) for i in range(start, end))
    assert covered == [i for i, tag in enumerate(tags) if tag != "O"]


@given(st.lists(st.tuples(TAGS, TAGS), max_size=4))
def test_f1_is_the_harmonic_mean_of_precision_and_recall(pairs):
    pairs = [(a[: len(b)], b[: len(a)]) for a, b in pairs]
    true = {(i, *span) for i, (a, _) in enumerate(pairs) for span in spans(a)}
    said = {(i, *span) for i, (_, b) in enumerate(pairs) for span in spans(b)}
    found = span_f1([a for a, _ in pairs], [b for _, b in pairs])
    if true and said and true & said:
        precision, recall = len(true & said) / len(said), len(true & said) / len(true)
        assert abs(found - 2 * precision * recall / (precision + recall)) < 1e-12
    else:
        assert found == (0.0 if true or said else 1.0)


def test_a_table_of_words_says_the_most_frequent_label():
    table = MostFrequent([["a", "b", "a"], ["a"]], [["X", "Y", "X"], ["Z"]])
    assert table(["a", "b", "new"]) == ["X", "Y", "X"]
    assert token_accuracy([["X", "Y"]], [["X", "X"]]) == 0.5
