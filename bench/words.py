"""Word vectors: GloVe's figures, counting against training, and skip-gram against gensim on one core.

Usage: python -m bench.words [EPOCHS]. Both sides of skip-gram have 100 numbers a word, window 5, 5 random
words, subsampling at 1e-3, words of 5 occurrences or more, one thread, rate 0.025 falling linearly; epochs
alternate between them, and processor time counts, since on a busy machine wall time says little. A word is
one of the text, kept or not. Writes results/words.json.
"""

import json
import os
import statistics
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from gensim.models import Word2Vec

from bench import common
from gradschool.data.catalogue import find, located
from gradschool.data.text.read import read_lines
from gradschool.data.text.vectors.cooccurrence import Corpus, WordVocabulary, cooccurrence, words_of
from gradschool.data.text.vectors.stretches import Stretches
from gradschool.data.text.vectors.wordsets import ANALOGIES, SIMLEX, WORDSIM
from gradschool.data.text.vectors.wordvectors import WordVectors
from gradschool.evals.language import words
from gradschool.models.language.word_table import WordTable
from gradschool.tasks.word_vectors import Predicting

SIZE, WINDOW, RATE, LEAST_RATE = 100, 5, 0.025, 1e-4


def placed(name: str) -> Path:
    """Where a set lies."""
    place = located(find(name))
    assert place is not None, f"{name} is not here: set GRADSCHOOL_DATA"
    return place


def scores(vectors: WordVectors) -> dict[str, Any]:
    """WordSim-353 and SimLex-999."""
    place = placed("word_tests")
    pairs = {"wordsim": place / WORDSIM, "simlex": place / SIMLEX}
    return {name: asdict(words.similarity(vectors, words.read_pairs(file))) for name, file in pairs.items()}


def glove() -> dict[str, Any]:
    """The pack's vectors on all tests."""
    vectors = WordVectors.load(placed("glove"))
    questions = words.read_analogies(placed("word_tests") / ANALOGIES)
    found = scores(vectors)
    for name, product in (("3CosAdd", False), ("3CosMul", True)):
        answered = words.analogies(vectors, questions, product)
        found[name] = {group: asdict(answered[group]) for group in ("all", "semantic", "syntactic")}
    return found


def counting(texts: Sequence[Sequence[str]], vocabulary: WordVocabulary, corpus: Corpus) -> dict[str, Any]:
    """PPMI and SVD; seconds without reading the file and without the tests."""
    start = time.process_time()
    counts = cooccurrence(corpus, len(vocabulary), WINDOW)
    counted = time.process_time() - start
    found: dict[str, Any] = {"counts_s": counted}
    for power in (0.0, 0.5):
        start = time.process_time()
        vectors = words.ppmi_svd(counts, vocabulary.words, SIZE, power=power)
        seconds = counted + time.process_time() - start
        found[f"power {power}"] = {"processor_s": seconds, **scores(vectors)}
    return found


class Rate:
    """What the engine would hand to a step."""

    rate = RATE


class Ours:
    """Skip-gram of this library, an epoch at a time."""

    def __init__(self, corpus: Corpus, vocabulary: WordVocabulary, epochs: int) -> None:
        torch.manual_seed(0)
        self.words, self.epochs = vocabulary.words, epochs
        self.model = WordTable(len(vocabulary), SIZE)
        self.task, self.batches = Predicting(self.model, "skip_gram"), Stretches(corpus, vocabulary, 1024, 0)

    def epoch(self, number: int) -> None:
        """All stretches once, at a falling rate."""
        rate: Any = Rate()
        for position, batch in enumerate(self.batches.epoch(number)):
            done = (number + position / len(self.batches)) / self.epochs
            rate.rate = RATE - (RATE - LEAST_RATE) * done
            self.task.step(batch, rate)

    def vectors(self) -> WordVectors:
        """As they are now."""
        return WordVectors(self.words, self.model.vectors())


class Gensim:
    """gensim's skip-gram, an epoch at a time."""

    def __init__(self, texts: Sequence[Sequence[str]], epochs: int) -> None:
        self.texts, self.epochs = texts, epochs
        self.model = Word2Vec(
            vector_size=SIZE, window=WINDOW, negative=5, sg=1, sample=1e-3, min_count=5, workers=1, seed=0
        )
        self.model.build_vocab(texts)

    def epoch(self, number: int) -> None:
        """The text once, at the rates of this epoch."""
        step = (RATE - LEAST_RATE) / self.epochs
        first, last = RATE - step * number, RATE - step * (number + 1)
        self.model.train(
            self.texts, total_examples=len(self.texts), epochs=1, start_alpha=first, end_alpha=last
        )

    def vectors(self) -> WordVectors:
        """As they are now."""
        return WordVectors(self.model.wv.index_to_key, torch.from_numpy(self.model.wv.vectors.copy()))


def main() -> None:
    """All three parts."""
    epochs = int(sys.argv[1]) if len(sys.argv) > 1 else 8
    torch.set_num_threads(1)
    start = time.process_time()
    texts = [words_of(line) for line in read_lines(placed("reviews"))]
    vocabulary = WordVocabulary.of(texts)
    corpus = Corpus.of(texts, vocabulary)
    reading, size = time.process_time() - start, sum(map(len, texts))
    result: dict[str, Any] = {
        "name": "words", "n": epochs, "seeds": 1, "words": size, "vocabulary": len(vocabulary),
        "reading_s": reading, "glove": glove(), "ppmi_svd": counting(texts, vocabulary, corpus),
    }  # fmt: skip
    print(json.dumps(result["ppmi_svd"]))
    # Epochs in turn, so that both sides drift alike as the machine does.
    sides: dict[str, Any] = {"ours": Ours(corpus, vocabulary, epochs), "gensim": Gensim(texts, epochs)}
    speed: dict[str, list[float]] = {name: [] for name in sides}
    course: dict[str, list[Any]] = {name: [] for name in sides}
    for number in range(epochs):
        for name, side in sides.items():
            start = time.process_time()
            side.epoch(number)
            speed[name].append(size / (time.process_time() - start))
            course[name].append(scores(side.vectors()))
            print(number + 1, name, round(speed[name][-1]), course[name][-1]["wordsim"]["value"], flush=True)
        ratios = [ours / theirs for ours, theirs in zip(speed["ours"], speed["gensim"], strict=True)]
        result["skip_gram"] = {
            "unit": "words per processor second", "speed": speed, "epochs": number + 1, "of": epochs,
            "ratio": {"median": statistics.median(ratios), "lowest": min(ratios), "highest": max(ratios)},
            "scores_by_epoch": course,
        }  # fmt: skip
        result["load"], result["machine"] = os.getloadavg()[0], common.machine()
        (common.RESULTS / "words.json").write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
