"""The unigram language model as a tokeniser: of all ways to cut a word, take the most probable one.

Source: Kudo 2018, section 3.2: EM finds the probabilities, and pieces that the text hardly misses are
dropped until the vocabulary is small enough. Deviations: candidates are the frequent substrings up to a length,
found without a suffix array, and the M-step has no prior.
"""

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from gradschool.data.text.tokens.lattice import edges, expected_uses, viterbi
from gradschool.data.text.tokens.split import GPT2, count_chunks, splitter
from gradschool.data.text.tokens.tokeniser import REPLACEMENT, all_different, in_range, visible
from gradschool.errors import UserError

LONGEST = 12  # characters of a candidate
CANDIDATES = 4  # candidates for each piece that stays
KEPT = 0.75  # share of the pieces that survives one round of pruning
ROUNDS = 2  # of EM between two prunings
FLOOR = 1e-3  # expected uses below which no single character falls: every text stays possible
UNKNOWN, PENALTY = 0, 10.0  # nats that an unknown character costs more than the rarest piece
REMEMBERED, CHUNK = 200_000, 64  # chunks whose tokens are kept, and characters of the longest of them


def em_step(
    chunks: Mapping[str, int], pieces: Mapping[str, float]
) -> tuple[dict[str, float], dict[str, float], float]:
    """One round of EM: the expected uses of all pieces, and the probabilities that make those likeliest.

    Args:
        chunks: how often each chunk occurs.
        pieces: the log-probability of every piece; every character of the chunks is one.

    Returns:
        New log-probabilities, expected uses, and the log-likelihood of the text before the step, in nats.
    """
    # 1. E-step: expected uses in the whole text.
    uses, likelihood, longest = dict.fromkeys(pieces, 0.0), 0.0, max(map(len, pieces))
    for chunk, times in chunks.items():
        lattice = edges(chunk, pieces, longest)
        log_p, shares = expected_uses(lattice, len(chunk), pieces)
        likelihood += times * log_p
        for (_, _, piece), share in zip(lattice, shares, strict=True):
            uses[piece] += times * share
    # 2. M-step: probabilities in proportion; a longer piece that is hardly used goes.
    kept = {piece: max(use, FLOOR) for piece, use in uses.items() if len(piece) == 1 or use > FLOOR}
    total = math.log(sum(kept.values()))
    return {piece: math.log(use) - total for piece, use in kept.items()}, uses, likelihood


def pruned(pieces: Mapping[str, float], uses: Mapping[str, float], size: int) -> dict[str, float]:
    """The pieces that the text would miss most, and all single characters.

    Without a piece, what it was used for is written with the best of the others, which costs log-likelihood.

    Args:
        pieces: log-probabilities.
        uses: expected uses.
        size: how many stay; single characters stay beyond it.
    """
    # 1. What the text loses without each piece.
    loss = {}
    for piece, log_p in pieces.items():
        if (n := len(piece)) > 1:
            others = viterbi(edges(piece, pieces, n - 1), n, pieces)
            loss[piece] = uses[piece] * (log_p - sum(pieces[other] for other in others))
    # 2. The largest losses stay.
    singles = [piece for piece in pieces if len(piece) == 1]
    longer = sorted(loss, key=lambda piece: (-loss[piece], piece))[: max(size - len(singles), 0)]
    return {piece: pieces[piece] for piece in [*singles, *longer]}


def candidates(chunks: Mapping[str, int], most: int) -> dict[str, float]:
    """Pieces to start from: every character, and the substrings that cover most of the text.

    Args:
        chunks: how often each chunk occurs.
        most: substrings at most.

    Returns:
        Log-probabilities in proportion to how often each occurs.
    """
    # 1. Count substrings.
    counts: Counter[str] = Counter()
    for chunk, times in chunks.items():
        for start in range(len(chunk)):
            for end in range(start + 1, min(start + LONGEST, len(chunk)) + 1):
                counts[chunk[start:end]] += times
    # 2. Those of two characters or more, by how much they cover.
    longer = [piece for piece, count in counts.items() if len(piece) > 1 < count]
    longer.sort(key=lambda piece: (-counts[piece] * len(piece), piece))
    kept = [*(piece for piece in counts if len(piece) == 1), *longer[:most]]
    total = math.log(sum(counts[piece] for piece in kept))
    return {piece: math.log(counts[piece]) - total for piece in kept}


@dataclass(frozen=True)
class Unigram:
    """Pieces with probabilities; token 0 is for characters that are no piece.

    Args:
        pieces: tokens 1, 2, ..., each with its log-probability in nats, not above 0.
        pattern: cuts a text into chunks that no piece crosses.

    Raises:
        UserError: a piece is empty, or its log-probability is no number <= 0.
    """

    pieces: Mapping[str, float]
    pattern: str = GPT2

    def __post_init__(self) -> None:
        for piece, log_p in self.pieces.items():
            if not piece or not -math.inf < log_p <= 0:
                what = f"the piece {piece!r} has the log-probability {log_p}"
                raise UserError(what, "a piece of one character or more, and a number <= 0")

    @classmethod
    def train(cls, texts: Iterable[str], size: int, pattern: str = GPT2) -> "Unigram":
        """Learn pieces and their probabilities.

        Args:
            texts: read once.
            size: of the vocabulary with the unknown token; it becomes smaller where a text has no more pieces.
            pattern: cuts a text into chunks.

        Raises:
            UserError: there is no text, or the size has no room for every character.
        """
        # 1. Chunks; a very long one teaches as much in parts.
        chunks: Counter[str] = Counter()
        for chunk, times in count_chunks(texts, pattern).items():
            for start in range(0, len(chunk), CHUNK):
                chunks[chunk[start : start + CHUNK]] += times
        characters = len(set().union(*chunks))
        if not 0 < characters < size:
            what = f"a vocabulary of {size} tokens came for {characters} different characters"
            raise UserError(what, "a text, and a token for each character and one for unknown ones")
        # 2. From many candidates to fewer and fewer, with EM in between.
        pieces = candidates(chunks, CANDIDATES * size)
        while True:
            for _ in range(ROUNDS):
                pieces, uses, _ = em_step(chunks, pieces)
            if len(pieces) < size:
                break
            pieces = pruned(pieces, uses, max(size - 1, int(KEPT * len(pieces))))
        # 3. Probable ones first.
        return cls(dict(sorted(pieces.items(), key=lambda each: (-each[1], each[0]))), pattern)

    def __len__(self) -> int:
        return len(self.pieces) + 1

    def encode(self, text: str) -> list[int]:
        """The most probable tokens of each chunk; neighbouring characters that are no piece are one token 0."""
        return [token for chunk in splitter(self.pattern)(text) for token in self.cut(chunk)]

    def cut(self, chunk: str) -> list[int]:
        """The tokens of one chunk; those of a chunk that came before are looked up."""
        if (known := self.known.get(chunk)) is not None:
            return known
        # 1. An unknown character is a piece here, at a price.
        strange = dict.fromkeys(set(chunk) - self.pieces.keys(), self.rarest - PENALTY)
        pieces = {**self.pieces, **strange} if strange else self.pieces
        best = viterbi(edges(chunk, pieces, self.longest), len(chunk), pieces)
        # 2. Neighbouring unknown ones are one token.
        numbers = [self.numbers.get(piece, UNKNOWN) for piece in best]
        found = [n for i, n in enumerate(numbers) if n != UNKNOWN or not i or numbers[i - 1] != UNKNOWN]
        if len(self.known) < REMEMBERED and len(chunk) <= CHUNK:
            self.known[chunk] = found
        return found

    def decode(self, ids: Iterable[int]) -> str:
        """The text; what was unknown becomes U+FFFD, the replacement character.

        Raises:
            UserError: an id is not in the vocabulary.
        """
        return "".join([self.texts[token] for token in in_range(ids, len(self))])

    def shown(self, token: int) -> str:
        """The piece with visible spaces, or <unk>."""
        return "<unk>" if token == UNKNOWN else visible(self.decode([token]))

    def facts(self) -> dict[str, Any]:
        """Pieces, log-probabilities and pattern."""
        pieces = [list(each) for each in self.pieces.items()]
        return {"kind": "unigram", "pieces": pieces, "pattern": self.pattern}

    @classmethod
    def of(cls, facts: dict[str, Any]) -> "Unigram":
        """The tokeniser that wrote `facts`."""
        all_different([piece for piece, _ in facts["pieces"]], "piece")
        return cls({piece: float(log_p) for piece, log_p in facts["pieces"]}, facts["pattern"])

    @cached_property
    def texts(self) -> list[str]:
        """The text of every token."""
        return [REPLACEMENT, *self.pieces]

    @cached_property
    def numbers(self) -> dict[str, int]:
        """The token of every piece."""
        return {piece: number for number, piece in enumerate(self.pieces, 1)}

    @cached_property
    def longest(self) -> int:
        """Characters of the longest piece."""
        return max(map(len, self.pieces), default=1)

    @cached_property
    def rarest(self) -> float:
        """The lowest log-probability."""
        return min(self.pieces.values(), default=0.0)

    @cached_property
    def known(self) -> dict[str, list[int]]:
        """The tokens of chunks that came before."""
        return {}
