"""Batches for skip-gram and CBOW: stretches of running text, with windows and random words drawn anew.

Source: Mikolov et al. 2013 (subsampling before windows are laid, windows of random width). Deviation: all
pairs of a few words share their random words (Ji et al. 2016).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import torch
from jaxtyping import Float
from torch import Tensor

from gradschool.data.rows import seeded
from gradschool.data.text.vectors.cooccurrence import Corpus, Noise, WordVocabulary, windows
from gradschool.errors import UserError
from gradschool.ops.sequence.words import keep_probability

Batch = tuple[Tensor, Tensor, Tensor]
PIECE = 32  # words that share their random words


@dataclass(frozen=True)
class Stretches:
    """Stretches of a corpus, in a new order every epoch.

    Args:
        corpus: the texts.
        vocabulary: its words, with their counts in it.
        size: words a stretch, about, >= 1.
        seed: of all chance.
        window: largest distance of a context, >= 1; that of each word is drawn from 1 to it.
        threshold: of `keep_probability`, > 0; 0 keeps every word.
        noise: random words for each `PIECE` words of a stretch, >= 1.
    """

    corpus: Corpus
    vocabulary: WordVocabulary
    size: int
    seed: int
    window: int = 5
    threshold: float = 1e-3
    noise: int = 32

    def __post_init__(self) -> None:
        if len(self.corpus) < 2:
            raise UserError(f"the text has {len(self.corpus)} known words", "2 or more", "Take more text.")

    @cached_property
    def keep(self) -> Float[Tensor, " v"]:
        """The probability of each word to be kept; 1 without a threshold."""
        counts = torch.bincount(self.corpus.tokens, minlength=len(self.vocabulary)).clamp(min=1).double()
        return keep_probability(counts / counts.sum(), self.threshold or torch.inf)

    @cached_property
    def count(self) -> int:
        """Stretches an epoch, from how many words are kept on average."""
        return max(1, round(float(self.keep[self.corpus.tokens].sum()) / self.size))

    def __len__(self) -> int:
        return self.count

    def epoch(self, number: int, start: int = 0) -> Iterator[Batch]:
        """The batches of epoch `number` from position `start` on: words, their windows, and random words."""
        # 1. What is kept of the text, and how far each word looks.
        chance = seeded(self.seed, "text", number)
        text = self.corpus.subsampled(self.keep, chance)
        reach = torch.randint(1, self.window + 1, (len(text),), generator=chance)
        # 2. Stretches of equal size; windows end where a stretch does.
        columns = text.tokens, text.text, reach
        pieces = list(zip(*(column.tensor_split(len(self)) for column in columns), strict=True))
        order = torch.randperm(len(pieces), generator=chance).tolist()
        noise = Noise(self.vocabulary.counts)
        for position in range(start, len(pieces)):
            tokens, texts, wide = pieces[order[position]]
            count = -(-len(tokens) // PIECE)
            drawn = noise.draw(count * self.noise, seeded(self.seed, "noise", number, position))
            yield tokens, windows(Corpus(tokens, texts), wide), drawn.view(count, self.noise)
