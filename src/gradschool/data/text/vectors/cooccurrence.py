"""Words of a text and how often they stand near each other: what all word vectors are learnt from.

Sources: Harris 1954 (words of similar contexts have similar meanings); Mikolov et al. 2013 (the noise);
Pennington et al. 2014, section 4.2 (counts weighted by distance).
"""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain

import numpy as np
import torch
from jaxtyping import Float, Int64
from scipy import sparse
from torch import Tensor

from gradschool.errors import UserError

WORD = re.compile(r"[a-z']+")


def words_of(text: str) -> list[str]:
    """The words of a text in lower case: letters of the English alphabet and apostrophes."""
    return WORD.findall(text.lower())


@dataclass(frozen=True)
class WordVocabulary:
    """Words that have a number, the most frequent first.

    Args:
        words: each once; its number is its place.
        counts: how often each occurs.
    """

    words: Sequence[str]
    counts: Int64[Tensor, " v"]

    @classmethod
    def of(cls, texts: Iterable[Sequence[str]], least: int = 5) -> "WordVocabulary":
        """The words that occur so often or more, the most frequent first, then in alphabetical order.

        Args:
            texts: each a list of words.
            least: fewest occurrences of a word, >= 1.

        Raises:
            UserError: fewer than two words are left.
        """
        found = Counter(chain.from_iterable(texts))
        kept = sorted(((-n, word) for word, n in found.items() if n >= least))
        if len(kept) < 2:
            what = f"{len(kept)} of {len(found):,} different words occur {least} times or more"
            raise UserError(what, "two or more such words", "Take more text, or a lower minimum count.")
        return cls([word for _, word in kept], torch.tensor([-n for n, _ in kept]))

    def __len__(self) -> int:
        return len(self.words)

    @cached_property
    def numbers(self) -> dict[str, int]:
        """The number of every word."""
        return {word: number for number, word in enumerate(self.words)}


@dataclass(frozen=True)
class Corpus:
    """Texts as the numbers of their words, one after the other; unknown words are left out.

    Args:
        tokens: of all texts.
        text: the number of the text that each token is of, ascending.
        left_out: how many words have no number.
    """

    tokens: Int64[Tensor, " t"]
    text: Int64[Tensor, " t"]
    left_out: int = 0

    @classmethod
    def of(cls, texts: Sequence[Sequence[str]], vocabulary: WordVocabulary) -> "Corpus":
        """Look every word up; a window closes over words that are left out, as in word2vec."""
        numbers = vocabulary.numbers
        rows = [[numbers[word] for word in text if word in numbers] for text in texts]
        sizes = torch.tensor([len(row) for row in rows], dtype=torch.int64)
        tokens = torch.tensor(list(chain.from_iterable(rows)), dtype=torch.int64)
        every = sum(map(len, texts))
        return cls(tokens, torch.arange(len(rows)).repeat_interleave(sizes), every - len(tokens))

    def __len__(self) -> int:
        return len(self.tokens)

    def subsampled(self, keep: Float[Tensor, " v"], generator: torch.Generator) -> "Corpus":
        """The corpus with each occurrence of a word kept at random, with the word's own probability."""
        kept = torch.rand(len(self), generator=generator) < keep[self.tokens]
        return Corpus(self.tokens[kept], self.text[kept], self.left_out)


def cooccurrence(corpus: Corpus, kinds: int, window: int, weighted: bool = False) -> sparse.csr_array:
    """How often each word stands within so many words of each other one, in the same text; symmetric.

    Args:
        corpus: the texts.
        kinds: how many words there are.
        window: largest distance, >= 1.
        weighted: count a pair at distance m as 1 / m, as GloVe does.

    Returns:
        kinds x kinds counts in float64, only those above 0 stored.

    Raises:
        UserError: the window is below 1.
    """
    if window < 1:
        raise UserError(f"window is {window}", "a whole number >= 1", "Example: window 5")
    tokens, text = corpus.tokens.numpy().astype(np.int32), corpus.text.numpy()
    found = sparse.csr_array((kinds, kinds))
    # 1. One distance at a time: pairs of a word and the one that comes so much later in the same text.
    for far in range(1, min(window, len(tokens) - 1) + 1):
        same = text[:-far] == text[far:]
        left, right = tokens[:-far][same], tokens[far:][same]
        amount = np.full(len(left), 1 / far if weighted else 1.0)
        found = found + sparse.coo_array((amount, (left, right)), (kinds, kinds)).tocsr()
    # 2. The later word has the earlier one near it just as well.
    return (found + found.T).tocsr()


def windows(corpus: Corpus, reach: Int64[Tensor, " t"]) -> Int64[Tensor, "t 2"]:
    """How many words before and after each are within its reach and in the same text.

    Args:
        corpus: the texts.
        reach: of each word, >= 0.
    """
    places = torch.arange(len(corpus))
    _, sizes = torch.unique_consecutive(corpus.text, return_counts=True)
    ends = sizes.cumsum(0).repeat_interleave(sizes)
    starts = ends - sizes.repeat_interleave(sizes)
    return torch.stack([torch.minimum(reach, places - starts), torch.minimum(reach, ends - 1 - places)], 1)


@dataclass(frozen=True)
class Noise:
    """The distribution that random words are drawn from: counts to a power below 1, so that rare words come
    more often than they do in the text.

    Args:
        counts: of every word, > 0.
        power: 0.75 in word2vec.
    """

    counts: Int64[Tensor, " v"]
    power: float = 0.75

    @cached_property
    def cdf(self) -> Float[Tensor, " v"]:
        """Cumulative probabilities, the last exactly 1."""
        total = (self.counts.double() ** self.power).cumsum(0)
        return total / total[-1]

    def draw(self, n: int, generator: torch.Generator | None = None) -> Int64[Tensor, " n"]:
        """So many words: each the first whose cumulative probability exceeds a uniform number."""
        u = torch.rand(n, dtype=torch.float64, generator=generator)
        return torch.searchsorted(self.cdf, u, right=True)
