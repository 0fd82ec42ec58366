"""WordPiece, the tokeniser of BERT: words in pieces, of which all but a word's first begin with ##.

Sources: Schuster and Nakajima 2012, section 3; encoding: Devlin et al. 2019. Deviations: BERT's own training
was never published; here a merge is chosen by what it adds to the likelihood of the text, as the first
source says.
"""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from typing import Any

from gradschool.data.text.tokens.pairs import Pair
from gradschool.data.text.tokens.tokeniser import all_different, in_range
from gradschool.data.text.tokens.training import PairIndex
from gradschool.data.text.tokens.words import words_of
from gradschool.errors import UserError

UNKNOWN = "[UNK]"
INSIDE = "##"  # how a piece begins that continues a word
LONGEST = 100  # characters of a word beyond which it is unknown, as in BERT


def longest_match(word: str, pieces: Mapping[str, int]) -> list[str] | None:
    """Cut a word greedily: the longest piece that it begins with, then the longest of the rest.

    Args:
        word: not empty.
        pieces: all there are; those that continue a word begin with ##, as do they in what is returned.

    Returns:
        The pieces, or None if at some place none fits.
    """
    # 1. At each place the longest piece that fits.
    found, start = [], 0
    while start < len(word):
        head = INSIDE if start else ""
        ends = range(len(word), start, -1)
        end = next((end for end in ends if head + word[start:end] in pieces), None)
        # 2. One place without a piece makes the whole word unknown.
        if end is None:
            return None
        found.append(head + word[start:end])
        start = end
    return found


@dataclass(frozen=True)
class WordPiece:
    """Pieces of words.

    Args:
        pieces: tokens in the order of their ids; [UNK] among them.
        lower: whether capitals become small letters.

    Raises:
        UserError: a piece occurs twice, or there is no [UNK].
    """

    pieces: Sequence[str]
    lower: bool = True

    def __post_init__(self) -> None:
        all_different(self.pieces, "piece")
        if UNKNOWN not in self.pieces:
            raise UserError("the vocabulary has no piece for unknown words", f"{UNKNOWN} among its pieces")

    @classmethod
    def train(
        cls,
        texts: Iterable[str],
        size: int,
        least: int = 2,
        lower: bool = True,
        special: Sequence[str] = ("[PAD]", UNKNOWN, "[CLS]", "[SEP]", "[MASK]"),
    ) -> "WordPiece":
        """Learn pieces.

        Args:
            texts: read once.
            size: of the vocabulary; it becomes smaller where no pair is left.
            least: how often a word has to occur to be learnt from, >= 1.
            lower: whether capitals become small letters.
            special: tokens that stand for no text; they get the first ids.

        Raises:
            UserError: the size has no room for the special tokens and all letters.
        """
        # 1. Words and how often each occurs.
        counts: Counter[str] = Counter()
        for text in texts:
            counts.update(words_of(text, lower))
        words = {word: count for word, count in counts.items() if count >= least}
        # 2. Letters at the beginning of a word and within one are different pieces.
        letters = sorted({INSIDE * (i > 0) + letter for word in words for i, letter in enumerate(word)})
        if size < len(special) + len(letters):
            room = f"{len(special)} special tokens and {len(letters)} letters"
            raise UserError(f"a vocabulary of {size} tokens has no room for {room}", "a larger size")
        # 3. Merges.
        return cls([*special, *learn(words, letters, size - len(special))], lower)

    def __len__(self) -> int:
        return len(self.pieces)

    @cached_property
    def numbers(self) -> dict[str, int]:
        """The token of every piece."""
        return {piece: number for number, piece in enumerate(self.pieces)}

    @cached_property
    def known(self) -> dict[str, list[int]]:
        """The tokens of words that came before."""
        return {}

    def encode(self, text: str) -> list[int]:
        """The tokens of a text; a word that the pieces cannot write is one [UNK]."""
        found = []
        for word in words_of(text, self.lower):
            if word not in self.known:
                pieces = longest_match(word, self.numbers) if len(word) <= LONGEST else None
                self.known[word] = [self.numbers[piece] for piece in pieces or [UNKNOWN]]
            found += self.known[word]
        return found

    def decode(self, ids: Iterable[int]) -> str:
        """The words with a space between them, as far as they are known.

        Raises:
            UserError: an id is not in the vocabulary.
        """
        pieces = [self.pieces[token] for token in in_range(ids, len(self))]
        return " ".join(pieces).replace(f" {INSIDE}", "")

    def shown(self, token: int) -> str:
        """The piece."""
        return self.pieces[in_range([token], len(self))[0]]

    def facts(self) -> dict[str, Any]:
        """The pieces."""
        return {"kind": "wordpiece", "pieces": list(self.pieces), "lower": self.lower}

    @classmethod
    def of(cls, facts: dict[str, Any]) -> "WordPiece":
        """The tokeniser that wrote `facts`."""
        return cls(facts["pieces"], facts["lower"])


def gain(pair: int, first: int, second: int, total: int) -> float:
    """What merging a pair adds to the log-likelihood of the text, in nats, if parts are drawn independently:
    n log(p(ab) / (p(a) p(b))). Frequent pairs gain, but not those that meet only because both parts are
    frequent.

    Args:
        pair, first, second: how often the pair and each of its parts occur, >= 1.
        total: how many parts the text has.
    """
    # 1. Together as against by chance.
    ratio = pair * total / (first * second)
    # 2. As often as the pair occurs.
    return pair * math.log(ratio)


def learn(words: Mapping[str, int], letters: Sequence[str], size: int) -> list[str]:
    """Pieces: the letters, then what the merges make, until there are `size`.

    Args:
        words: each with the number of times that it occurs.
        letters: all of them, those within a word with ##.
        size: how many pieces are wanted.
    """
    # 1. Words as lists of numbers of pieces, and how often each piece occurs.
    pieces = list(letters)
    numbers = {letter: number for number, letter in enumerate(letters)}
    spelt = {word: [numbers[INSIDE * (i > 0) + letter] for i, letter in enumerate(word)] for word in words}
    index = PairIndex((spelt[word], times) for word, times in words.items())
    uses = [0] * len(pieces)
    for word, times in words.items():
        for part in spelt[word]:
            uses[part] += times

    while len(pieces) < size:
        # 2. The pair that gains most.
        best = best_pair(index.counts, uses, pieces)
        if best is None:
            break
        first, second = best
        # 3. Merge it, and count again how often each part occurs.
        times, _ = index.merge(best, len(pieces))
        uses.append(times)
        uses[first] -= times
        uses[second] -= times
        pieces.append(pieces[first] + pieces[second].removeprefix(INSIDE))
    return pieces


def best_pair(counts: Mapping[Pair, int], uses: Sequence[int], pieces: Sequence[str]) -> Pair | None:
    """The pair of the largest gain, of equal ones the first in alphabetical order; None if there is no pair.

    Args:
        counts: how often each pair occurs.
        uses: how often each part occurs.
        pieces: the text of each part.
    """
    if not counts:
        return None
    total = sum(uses)
    best = max(counts, key=counts.__getitem__)  # a large gain to begin with
    most, least = -math.inf, 1.0
    for pair, n in chain([(best, counts[best])], counts.items()):
        # 1. A pair gains at most n log(total / n), so most are too rare and need no logarithm.
        if n < least:
            continue
        # 2. The largest so far.
        gained = gain(n, uses[pair[0]], uses[pair[1]], total)
        if gained > most:
            best, most = pair, gained
            least = max(most / math.log(total / max(most / math.log(total + 1), 1) + 1), 1.0)
        elif gained == most:
            best = min(best, pair, key=lambda each: (pieces[each[0]], pieces[each[1]]))
    return best if most > -math.inf else None
