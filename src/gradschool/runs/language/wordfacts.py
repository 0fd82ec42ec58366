"""Measure word vectors and gather what their report shows."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from gradschool.data.catalogue import find, located
from gradschool.data.examples import Splits
from gradschool.data.text.vectors.cooccurrence import Corpus, WordVocabulary, cooccurrence
from gradschool.data.text.vectors.wordsets import ANALOGIES, SIMLEX, WORDSIM
from gradschool.data.text.vectors.wordvectors import WordVectors
from gradschool.evals.language import words
from gradschool.evals.language.plane import in_plane
from gradschool.evals.report.text.words import COUNTED, OURS, WordFacts
from gradschool.ops.sequence.words import unit

QUESTIONS = ("man king woman", "good better bad", "actor actress man", "he his she", "boy girl father")
CHOSEN = (
    "good", "great", "excellent", "bad", "awful", "terrible", "man", "woman", "boy", "girl", "actor",
    "actress", "king", "queen", "music", "song", "love", "war", "comedy", "horror", "he", "she", "his", "her",
)  # fmt: skip
NEIGHBOURS, SHOWN, SKIPPED = 8, 12, 100  # the most frequent words are "the" and "of"


def measured(vectors: WordVectors) -> dict[str, dict[str, Any]]:
    """Scores of word vectors on the tests that are here, by test; {} where none is.

    Returns:
        For "wordsim", "simlex", "analogies" and "analogies_mul": value, low, high, n and left_out.
    """
    place = located(find("word_tests"))
    if place is None:
        return {}
    found = {
        "wordsim": words.similarity(vectors, words.read_pairs(place / WORDSIM)),
        "simlex": words.similarity(vectors, words.read_pairs(place / SIMLEX)),
    }
    questions = words.read_analogies(place / ANALOGIES)
    for name, product in (("analogies", False), ("analogies_mul", True)):
        found[name] = words.analogies(vectors, questions, product)["all"]
    return {name: asdict(score) for name, score in found.items() if score.n >= words.FEWEST}


def counted(corpus: Corpus, vocabulary: WordVocabulary, size: int, window: int) -> WordVectors:
    """The vectors of counting alone, of the same text and size: PPMI and a truncated SVD."""
    counts = cooccurrence(corpus, len(vocabulary), window)
    return words.ppmi_svd(counts, vocabulary.words, min(size, len(vocabulary) - 1))


def facts_of(
    vectors: WordVectors, result: dict[str, Any], splits: Splits[Any] | None, model: Any = None
) -> WordFacts:
    """What the report of a finished run shows."""
    frequent = vectors.words[SKIPPED : SKIPPED + SHOWN] or vectors.words[:SHOWN]
    asked = [each.split() for each in QUESTIONS]
    known = [each for each in asked if all(word in vectors for word in each)]
    chosen = [word for word in CHOSEN if word in vectors] or list(vectors.words[:SHOWN])
    rows = unit(vectors.table[[vectors.numbers[word] for word in chosen]])
    places, kept = in_plane(rows) if min(rows.shape) > 1 else (None, 0.0)
    return WordFacts(
        splits=splits,
        model=model,
        unit="texts",
        measured=result["measured"],
        neighbours={word: vectors.nearest(word, NEIGHBOURS) for word in frequent},
        analogies={f"{a} is to {b} as {c} is to": vectors.analogy(a, b, c, NEIGHBOURS) for a, b, c in known},
        places=None if places is None else places.numpy(),
        names=chosen,
        kept=kept,
    )


def verdict(measured: dict[str, Any]) -> str:
    """WordSim-353 of a run beside that of counting, in half a sentence; "" where the tests are not here."""
    if "wordsim" not in measured.get(OURS, {}):
        return "The word tests are not here: nothing was measured."
    own = measured[OURS]["wordsim"]
    counted = measured.get(COUNTED, {}).get("wordsim")
    told = f"WordSim-353 rho {own['value']:.3f} ({own['low']:.2f} to {own['high']:.2f}, {own['n']} pairs)"
    return f"{told}; {COUNTED}: {counted['value']:.3f}" if counted else told


def asked(vectors: WordVectors, words: Sequence[str], top: int) -> list[tuple[str, float]]:
    """Neighbours of one word; the answers to an analogy for three."""
    if len(words) == 1:
        return vectors.nearest(words[0], top)
    a, b, c = words
    return vectors.analogy(a, b, c, top)


def saved(vectors: WordVectors, folder: Path) -> Path:
    """Put the vectors into a run's folder, where `WordVectors.load` reads them."""
    return vectors.save(folder / "vectors.safetensors")
