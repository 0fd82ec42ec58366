"""How good word vectors are: analogies, human judgements of similarity, and a toy to see it on.

Sources: Mikolov et al. 2013 (19,544 analogies; answers among all words but those of the question);
Finkelstein et al. 2002 (WordSim-353); Hill et al. 2015 (SimLex-999); Levy et al. 2015 (PPMI and SVD).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from scipy import sparse, stats
from scipy.sparse.linalg import svds

from gradschool.data.text.read import read_lines
from gradschool.data.text.vectors.cooccurrence import Corpus, WordVocabulary, cooccurrence
from gradschool.data.text.vectors.wordvectors import WordVectors
from gradschool.errors import UserError
from gradschool.ops.sequence.words import cos_add, cos_mul, ppmi

AT_ONCE = 512  # questions that are answered together
FEWEST = 10  # pairs of which a correlation says anything
GRAMMAR = "gram"  # how the names of syntactic sections begin
Question = tuple[str, str, str, str]
Pair = tuple[str, str, float]


@dataclass(frozen=True)
class Score:
    """A share or a correlation with its 95 % interval.

    Args:
        value: of all that have vectors.
        low: lower end of the interval.
        high: upper end.
        n: how many questions or pairs it is of.
        left_out: how many have a word without a vector.
    """

    value: float
    low: float
    high: float
    n: int
    left_out: int


def read_analogies(path: Path) -> dict[str, list[Question]]:
    """The questions of each section of a file as word2vec has it, in lower case.

    Raises:
        UserError: a line has not four words.
    """
    found: dict[str, list[Question]] = {}
    section = ""
    for number, line in enumerate(read_lines(path), 1):
        words = line.lower().split()
        if words[:1] == [":"]:
            section = " ".join(words[1:])
        elif words:
            if len(words) != 4:
                raise UserError(f"line {number} of {path} has {len(words)} words", "four words", "")
            found.setdefault(section, []).append((words[0], words[1], words[2], words[3]))
    return found


def read_pairs(path: Path) -> list[Pair]:
    """Two words in lower case and a score a line, with tabs between.

    Raises:
        UserError: a line is not of this form.
    """
    found = []
    for number, line in enumerate(filter(None, read_lines(path)), 1):
        try:
            a, b, score = line.split("\t")
            found.append((a.lower(), b.lower(), float(score)))
        except ValueError as error:
            what = f"line {number} of {path} is {line[:40]!r}"
            raise UserError(what, "two words and a number, with tabs between", "") from error
    return found


def answers(vectors: WordVectors, questions: Sequence[Question], product: bool = False) -> np.ndarray:
    """Whether each question is answered rightly; every word of every one must have a vector.

    Args:
        vectors: the answer is sought among all their words but the three of the question; `numbers` has the
            row of each word in `table`.
        questions: "a is to b as c is to d", where d is asked for.
        product: 3CosMul in place of 3CosAdd.

    Returns:
        A truth value for each question, in their order; an empty array without questions.
    """
    # 1. The rows of the four words of each question.
    numbers = [[vectors.numbers[word] for word in each] for each in questions]
    a, b, c, d = torch.tensor(numbers, dtype=torch.int64).view(-1, 4).T
    # 2. The score of every word as an answer to each question.
    table = vectors.table
    score = (cos_mul if product else cos_add)(table, table[a], table[b], table[c])
    # 3. The words of the question are no answers; the best of the others must be d.
    score.scatter_(1, torch.stack([a, b, c], 1), -torch.inf)
    return (score.argmax(1) == d).numpy()


def analogies(
    vectors: WordVectors, sections: dict[str, list[Question]], product: bool = False, seed: int = 0
) -> dict[str, Score]:
    """The share of analogies answered rightly: "all", "semantic", "syntactic", and every section.

    Args:
        vectors: of which to ask.
        sections: questions by section; those whose name begins with "gram" are syntactic.
        product: 3CosMul in place of 3CosAdd.
        seed: of the intervals.
    """
    known = {
        name: [each for each in questions if all(word in vectors for word in each)]
        for name, questions in sections.items()
    }
    right = {name: in_parts(vectors, questions, product) for name, questions in known.items()}
    syntactic = [name for name in sections if name.startswith(GRAMMAR)]
    groups = {"all": list(sections), "semantic": [name for name in sections if name not in syntactic]}
    groups |= {"syntactic": syntactic, **{name: [name] for name in sections}}
    found = {}
    for group, names in groups.items():
        values = np.concatenate([right[name] for name in names]) if names else np.zeros(0, bool)
        lost = sum(len(sections[name]) for name in names) - len(values)
        found[group] = share(values, lost, seed)
    return found


def in_parts(vectors: WordVectors, questions: Sequence[Question], product: bool) -> np.ndarray:
    """What `answers` returns, for so many questions that their scores would not all fit into memory."""
    parts = [questions[i : i + AT_ONCE] for i in range(0, len(questions), AT_ONCE)] or [questions]
    return np.concatenate([answers(vectors, part, product) for part in parts])


def share(right: np.ndarray, left_out: int, seed: int, times: int = 1000) -> Score:
    """The mean of ones and zeros with its bootstrap interval: sums of resampled ones are binomial."""
    if not len(right):
        return Score(np.nan, np.nan, np.nan, 0, left_out)
    drawn = np.random.default_rng(seed).binomial(len(right), right.mean(), times) / len(right)
    low, high = np.quantile(drawn, [0.025, 0.975]).tolist()
    return Score(float(right.mean()), low, high, len(right), left_out)


def similarity(vectors: WordVectors, pairs: Sequence[Pair], seed: int = 0, times: int = 1000) -> Score:
    """Spearman's rank correlation of cosines with people's scores, and its bootstrap interval over pairs.

    Args:
        vectors: whose cosines; pairs with a word that has no row are left out and counted.
        pairs: two words and people's score.
        seed: of the resampling.
        times: how many resamples.
    """
    known = [(a, b, score) for a, b, score in pairs if a in vectors and b in vectors]
    if len(known) < FEWEST:
        return Score(np.nan, np.nan, np.nan, len(known), len(pairs) - len(known))
    sides = [a for a, _, _ in known], [b for _, b, _ in known]
    a, b = (vectors.table[[vectors.numbers[word] for word in side]] for side in sides)
    cosine = torch.cosine_similarity(a, b).double().numpy()
    people = np.array([pair[2] for pair in known])
    rho = float(stats.spearmanr(cosine, people).statistic)
    # Ranks are taken anew in every resample, since pairs that occur twice are ties.
    index = np.random.default_rng(seed).integers(0, len(known), (times, len(known)))
    ranks = [stats.rankdata(values[index], axis=1) for values in (cosine, people)]
    x, y = (each - each.mean(1, keepdims=True) for each in ranks)
    with np.errstate(invalid="ignore"):  # a resample of one pair alone has no correlation
        drawn = (x * y).sum(1) / np.sqrt((x**2).sum(1) * (y**2).sum(1))
    low, high = np.nanquantile(drawn, [0.025, 0.975]).tolist()
    return Score(rho, low, high, len(known), len(pairs) - len(known))


def ppmi_svd(
    counts: sparse.csr_array, words: Sequence[str], size: int, smoothing: float = 0.75, shift: float = 1.0,
    power: float = 0.5,
) -> WordVectors:  # fmt: skip
    """Word vectors by counting alone: a truncated singular value decomposition of the PPMI matrix.

    Args:
        counts: how often each word stands near each other one.
        words: the rows.
        size: numbers a word, below the number of words.
        smoothing: of contexts, as of `ppmi`.
        shift: as of `ppmi`.
        power: on the singular values, which scale the columns; 0 leaves them out.

    Source: Levy, Goldberg and Dagan 2015, sections 2.2 and 3.3.
    """
    pairs = counts.tocoo()
    row, column = (torch.from_numpy(each.astype(np.int64)) for each in (pairs.row, pairs.col))
    value = ppmi(torch.from_numpy(pairs.data), row, column, smoothing, shift).numpy()
    matrix = sparse.csr_array((value.astype(np.float32), (pairs.row, pairs.col)), counts.shape)
    matrix.eliminate_zeros()
    start = np.random.default_rng(0).standard_normal(min(counts.shape)).astype(np.float32)
    u, s, _ = svds(matrix, size, v0=start, tol=1e-2)
    order = np.argsort(-s)
    return WordVectors(list(words), torch.from_numpy((u[:, order] * s[order] ** power).astype(np.float32)))


def of_one_sentence(sentence: str, window: int, size: int) -> tuple[np.ndarray, WordVectors]:
    """The smallest case, to compute by hand: co-occurrences of a sentence and the SVD of the counts as they
    are.

    Args:
        sentence: words with spaces between.
        window: largest distance of words that count as near.
        size: numbers a word, at most the number of different words.

    Returns:
        The symmetric counts, words in the order of the vectors, and vectors U S.
    """
    texts = [sentence.lower().split()]
    vocabulary = WordVocabulary.of(texts, 1)
    counts = cooccurrence(Corpus.of(texts, vocabulary), len(vocabulary), window).toarray()
    u, s, _ = np.linalg.svd(counts)
    return counts, WordVectors(list(vocabulary.words), torch.from_numpy((u * s)[:, :size]).float())
