"""Sections about a language model: what they say when n-gram models win, and charts that follow the page."""

from pathlib import Path

import numpy as np
import pytest

from gradschool.evals.report.material import Material
from gradschool.evals.report.text import lines as language
from gradschool.evals.report.text.baselines import bars, verdict
from gradschool.evals.report.text.lines import LineFacts


def material(**facts):
    return Material(LineFacts(**facts), Path(), {}, {}, {}, [])


def test_a_network_that_n_grams_beat_is_called_so():
    baselines = {"bigram, add-one": 2.0, "trigram, add-one": 1.5}
    section = language.against(material(loss=1.6, baselines=baselines))
    assert "The network does not beat the best n-gram model (trigram, add-one, 1.500 nats" in section.reading
    assert "beats the best n-gram model (trigram, add-one, 1.500 nats per character) by 0.100" in (
        verdict(1.4, baselines, "character")
    )
    assert '<td class="number">2.308</td>' in section.body  # bits: 1.6 / log 2
    value, least, new = LineFacts(loss=1.6, baselines=baselines, new=0.25).on_top()
    assert (value.value, least.value, new.value) == ("1.600", "1.500", "25 %")


def test_names_that_are_known_are_marked_and_escaped():
    parts = {"train": frozenset({"anna"}), "test": frozenset({"eva"})}
    section = language.made(material(drawn=["anna", "eva", "<i>"], parts=parts))
    assert "<b>anna*</b> · eva · &lt;i&gt;" in section.body
    assert "2 of 3 are new" in section.reading and "among the new ones: 1" in section.reading
    assert language.share_new(["anna", "eva", "eva"], parts["train"]) == pytest.approx(2 / 3)


def test_what_is_missing_is_left_out():
    parts = (language.against, language.made, language.following, language.vectors)
    assert [section(material()) for section in parts] == [None] * 4
    assert LineFacts().on_top() == []


def test_beginnings_are_the_most_frequent_of_each_length():
    found = language.beginnings(["ab", "ac", "b", "abc"], 2, each=1)
    assert found == [("", 4), ("a", 3), ("ab", 2)]


def test_charts_of_bars_and_words_say_what_they_show():
    drawn = bars({"one": 1.0, "<two>": 2.0}, "nats", own=["one"])
    assert 'aria-label="nats: one 1; &lt;two&gt; 2"' in drawn and drawn.count("var(--one)") == 1
    places = np.array([[0.0, 1.0], [2.0, 0.0], [1.0, 1.0]], np.float32)
    words = language.words(places, ["a", "$x$", "&"], "a", "three tokens")
    assert 'aria-label="three tokens"' in words and "#0102" not in words
    assert ">a</text>" in words and ">$x$</text>" in words and ">&amp;</text>" in words
    assert words.count("var(--two)") == 1 and words.count("var(--one)") == 2
