"""TF-IDF: a text is a vector of its words' counts times how rare they are; texts are compared by the cosine.

Source: Salton and Buckley 1988, with the smoothed rarity of scikit-learn's TfidfVectorizer. Beside BM25,
repetition never levels off, and the length of a text counts through the length of its vector alone.
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from jaxtyping import Float
from torch import Tensor

from gradschool.data.text.passages import words_of


@dataclass(frozen=True)
class TFIDF:
    """Scores of texts for a question: the cosine of both vectors, 0 where no word is shared, 1 at most.

    Args:
        texts: to look in.
    """

    texts: Sequence[str]

    @cached_property
    def counts(self) -> list[Counter[str]]:
        """How often each word stands in each text."""
        return [Counter(words_of(text)) for text in self.texts]

    @cached_property
    def rarity(self) -> dict[str, float]:
        """log((1 + n) / (1 + m)) + 1 for each word, which stands in m of n texts: 1 for a word in all."""
        holders = Counter(word for count in self.counts for word in count)
        return {word: math.log((1 + len(self.texts)) / (1 + m)) + 1 for word, m in holders.items()}

    def vector(self, count: Mapping[str, int]) -> dict[str, float]:
        """The weights of the words of a text that some text has, divided by the length of their vector."""
        weights = {word: times * self.rarity[word] for word, times in count.items() if word in self.rarity}
        length = math.hypot(*weights.values())
        return {word: weight / length for word, weight in weights.items()}

    @cached_property
    def holders(self) -> dict[str, list[tuple[int, float]]]:
        """The texts that hold a word, and its weight there."""
        found: dict[str, list[tuple[int, float]]] = {}
        for i, count in enumerate(self.counts):
            for word, weight in self.vector(count).items():
                found.setdefault(word, []).append((i, weight))
        return found

    def scores(self, question: str) -> Float[Tensor, " n"]:
        """The cosine of every text's vector with the question's."""
        found = [0.0] * len(self.texts)
        for word, weight in self.vector(Counter(words_of(question))).items():
            for i, other in self.holders[word]:
                found[i] += weight * other
        return torch.tensor(found, dtype=torch.float64)
