"""Linear models on counts of words: what a network has to beat on texts.

Source: scikit-learn's logistic regression and support-vector machine (SVM) on TF-IDF weights; naive-Bayes
weights of words and word pairs: Wang and Manning 2012, "Baselines and bigrams", section 2 (NBSVM, without
interpolation).
Deviation: with more than two classes, each has weights and a machine of its own against the others.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from sklearn.dummy import DummyClassifier
from sklearn.feature_extraction.text import TfidfTransformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.svm import LinearSVC

from gradschool.data.text.labelled.words import split

Labels = NDArray[np.int64]
Sides = NDArray[np.float64]
Whole = NDArray[np.int64]


@dataclass(frozen=True)
class Counts:
    """How often each word and each pair of neighbouring words occurs in each text.

    Args:
        train: (n, k) of the texts to learn from: first the columns of words, then those of pairs.
        test: (m, k) of the texts to be scored on; words and pairs that no training text has are not counted.
        words: how many columns are words.
    """

    train: csr_matrix
    test: csr_matrix
    words: int

    @classmethod
    def of(cls, train: Sequence[str], test: Sequence[str]) -> "Counts":
        """Count once for all models."""
        # 1. The words of the training texts by number; any other word is -1.
        number: dict[str, int] = {}
        first = [[number.setdefault(word, len(number)) for word in split(text)] for text in train]
        second = [[number.get(word, -1) for word in split(text)] for text in test]
        # 2. Columns for all words and for all pairs of the training texts.
        known = different(pairs_of(*flat(first), len(number))[1])
        matrices = [counted(texts, known, len(number)) for texts in (first, second)]
        return cls(matrices[0], matrices[1], len(number))

    def without_pairs(self) -> "Counts":
        """The columns of words alone."""
        return Counts(self.train[:, : self.words], self.test[:, : self.words], self.words)


def flat(texts: Sequence[Sequence[int]]) -> tuple[Whole, Whole]:
    """The text and the number of every word, one text after the other."""
    lengths = [len(text) for text in texts]
    numbers = np.fromiter(chain.from_iterable(texts), np.int64, sum(lengths))
    return np.repeat(np.arange(len(texts)), lengths), numbers


def pairs_of(rows: Whole, numbers: Whole, words: int) -> tuple[Whole, Whole]:
    """The text and the number of every pair of known neighbours; both words are in the number."""
    inside = (rows[1:] == rows[:-1]) & (numbers[1:] >= 0) & (numbers[:-1] >= 0)
    return rows[1:][inside], (numbers[:-1] * words + numbers[1:])[inside]


def different(numbers: Whole) -> Whole:
    """Each number once, in order; by sorting, which beats numpy's hash table on millions."""
    ordered = np.sort(numbers)
    return ordered[np.append(True, ordered[1:] != ordered[:-1])[: len(ordered)]]


def counted(texts: Sequence[Sequence[int]], known: Whole, words: int) -> csr_matrix:
    """How often each word and each known pair occurs in each text, (n, words + pairs)."""
    # 1. Words, then pairs by their places among the known ones; what is not known is left out.
    rows, numbers = flat(texts)
    pair_rows, pairs = pairs_of(rows, numbers, words)
    places = np.searchsorted(known, pairs)
    is_known = np.append(known, -1)[places] == pairs
    every = [rows[numbers >= 0], pair_rows[is_known]]
    columns = [numbers[numbers >= 0], places[is_known] + words]
    # 2. A sparse matrix adds up what falls into one cell.
    ones = np.ones(sum(map(len, columns)))
    shape = (len(texts), words + len(known))
    return csr_matrix((ones, (np.concatenate(every), np.concatenate(columns))), shape=shape)


class NaiveBayesSVM:
    """An SVM for each class on which words occur, each weighted by how much more often it does so in the
    class.

    Args:
        penalty: C of the SVM, > 0.
        prior: added to every count, > 0.
    """

    def __init__(self, penalty: float = 0.1, prior: float = 1.0) -> None:
        self.penalty, self.prior = penalty, prior

    def fit(self, counts: csr_matrix, labels: Labels) -> "NaiveBayesSVM":
        """Learn from counts (n, k) and classes (n,)."""
        occurs = counts.sign()
        self.classes = np.unique(labels)
        # With two classes the machine of the second decides: that of the first is its mirror image.
        asked = self.classes[1:] if len(self.classes) == 2 else self.classes
        self.weights = [log_ratio(occurs, labels == each, self.prior) for each in asked]
        self.machines = [
            LinearSVC(C=self.penalty).fit(weighted(occurs, weight), labels == each)
            for each, weight in zip(asked, self.weights, strict=True)
        ]
        return self

    def decision_function(self, counts: csr_matrix) -> Sides:
        """How far each text lies on the side of a class: (n,) with two classes, else (n, classes)."""
        sides = [
            machine.decision_function(weighted(counts.sign(), weight))
            for machine, weight in zip(self.machines, self.weights, strict=True)
        ]
        return sides[0] if len(sides) == 1 else np.stack(sides, 1)

    def predict(self, counts: csr_matrix) -> Labels:
        """The class of each text."""
        sides = self.decision_function(counts)
        return self.classes[(sides > 0).astype(int) if sides.ndim == 1 else sides.argmax(1)]


def log_ratio(occurs: csr_matrix, inside: NDArray[np.bool_], prior: float) -> NDArray[np.float64]:
    """Log of each word's share of all words in a class, over its share of all words outside.

    Args:
        occurs: (n, k), 1 where a text has a word.
        inside: (n,), which texts are of the class.
        prior: added to every count.

    Source: Wang and Manning 2012, section 2.1.
    """
    p, q = (np.asarray(occurs[rows].sum(0)).ravel() + prior for rows in (inside, ~inside))
    return np.log((p / p.sum()) / (q / q.sum()))


def weighted(occurs: csr_matrix, weights: NDArray[np.float64]) -> csr_matrix:
    """Each column times its weight."""
    return csr_matrix(occurs.multiply(weights))


def most_frequent(counts: Counts, labels: Labels) -> tuple[Labels, Sides]:
    """Always the class that most training texts have."""
    model = DummyClassifier(strategy="most_frequent").fit(counts.train, labels)
    return model.predict(counts.test), model.predict_proba(counts.test)


def word_regression(counts: Counts, labels: Labels) -> tuple[Labels, Sides]:
    """Logistic regression on TF-IDF weights of single words."""
    few = counts.without_pairs()
    model = make_pipeline(TfidfTransformer(sublinear_tf=True), LogisticRegression(C=4.0, max_iter=300))
    model.fit(few.train, labels)
    return model.predict(few.test), model.decision_function(few.test)


def pair_svm(counts: Counts, labels: Labels) -> tuple[Labels, Sides]:
    """A linear SVM on TF-IDF weights of words and pairs."""
    model = make_pipeline(TfidfTransformer(sublinear_tf=True), LinearSVC()).fit(counts.train, labels)
    return model.predict(counts.test), model.decision_function(counts.test)


def bayes_svm(counts: Counts, labels: Labels) -> tuple[Labels, Sides]:
    """A linear SVM on naive-Bayes weights of words and pairs."""
    model = NaiveBayesSVM().fit(counts.train, labels)
    return model.predict(counts.test), model.decision_function(counts.test)


MODELS: dict[str, Callable[[Counts, Labels], tuple[Labels, Sides]]] = {
    "most frequent class": most_frequent,
    "words, TF-IDF, logistic regression": word_regression,
    "words and pairs, TF-IDF, linear SVM": pair_svm,
    "words and pairs, naive-Bayes weights, linear SVM": bayes_svm,
}


def scored(train: tuple[Sequence[str], Labels], test: tuple[Sequence[str], Labels]) -> dict[str, float]:
    """Test accuracy of every linear model, in [0, 1], by name; the simplest first.

    Args:
        train: texts and classes to learn from.
        test: texts and classes to be scored on.
    """
    counts = Counts.of(train[0], test[0])
    return {name: float((ask(counts, train[1])[0] == test[1]).mean()) for name, ask in MODELS.items()}


def best(scores: dict[str, float]) -> tuple[str, float]:
    """The name and the accuracy of the best model."""
    return max(scores.items(), key=lambda item: item[1])
