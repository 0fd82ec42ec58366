"""Byte-level byte-pair encoding, the tokeniser of GPT-2 and of most language models since: any text has tokens.

Source: Radford et al. 2019, section 2.2. Training is in `training.py`, the plain algorithm in `pairs.py`.
Encoding looks whole chunks up, since most of a text are chunks that came before.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from heapq import heapify, heappop, heappush
from itertools import chain, pairwise
from typing import Any, Literal

import regex

from gradschool.data.text.tokens.alphabet import ALPHABET
from gradschool.data.text.tokens.pairs import BYTES, Pair, Ties, encode_by_merges
from gradschool.data.text.tokens.split import GPT2, count_chunks, splitter
from gradschool.data.text.tokens.tokeniser import REPLACEMENT, all_different, in_range, visible
from gradschool.data.text.tokens.training import train_merges
from gradschool.errors import UserError

REMEMBERED = 200_000  # chunks whose tokens are kept
SHORT = 32  # bytes up to which the plain algorithm is the faster one; no longer chunk is kept


@dataclass(frozen=True)
class ByteBPE:
    """Tokens of bytes.

    Args:
        merges: pairs of parts in the order in which they were learnt; 0 to 255 are the bytes, and 256 + k is what
            merge k makes.
        ids: the token id of every part; empty for the parts' own numbers.
        pattern: cuts a text into chunks that no token crosses.
        special: tokens that stand for no text, such as <|endoftext|>, with their ids; none by default.

    Raises:
        UserError: a merge is of parts that are not there yet, or two tokens are the same.
    """

    merges: Sequence[Pair]
    ids: Sequence[int] = ()
    pattern: str = GPT2
    special: Mapping[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        parts = BYTES + len(self.merges)
        for number, pair in enumerate(self.merges, BYTES):
            if len(pair) != 2 or not all(0 <= part < number for part in pair):
                made = f"merge {number - BYTES} is of {list(pair)}"
                raise UserError(made, f"two parts that are there before it, 0 to {number - 1}")
        object.__setattr__(self, "ids", list(self.ids) or list(range(parts)))
        if len(self.ids) != parts:
            raise UserError(f"{len(self.ids)} token ids came for {parts} parts", "one each")
        numbers = [*self.ids, *self.special.values()]
        if "" in self.special or sorted(numbers) != list(range(len(numbers))):
            what = f"the ids of {parts} parts and {len(self.special)} special tokens are not consecutive"
            raise UserError(what, f"every number from 0 to {len(numbers) - 1} once, and no empty token")
        all_different(self.parts, "token")

    @classmethod
    def train(
        cls,
        texts: Iterable[str],
        size: int,
        ties: Ties = "rustbpe",
        pattern: str = GPT2,
        special: Sequence[str] = (),
    ) -> "ByteBPE":
        """Learn the merges of some texts.

        Args:
            texts: read once; only their different chunks are held.
            size: of the vocabulary: 256 bytes, the merges, the special tokens. It becomes smaller where a text
                has no more pairs.
            ties: which of equally frequent pairs is merged first: as "rustbpe", "hf" (Hugging Face tokenizers,
                with its ids too) or "cs336" does it. See `pairs.tie_rule`.
            pattern: cuts the texts into chunks.
            special: tokens that stand for no text; they get the last ids.

        Raises:
            UserError: the size has no room for the bytes and the special tokens, or the pattern will not do.
        """
        merges = size - BYTES - len(special)
        if merges < 0:
            least = BYTES + len(special)
            raise UserError(f"a vocabulary of {size} tokens has no room for every byte", f"{least} or more")
        # 1. Merges.
        learnt = train_merges(count_chunks(texts, pattern), merges, ties)
        # 2. Ids: the numbers of the parts, or the bytes in the order of the alphabet.
        order = list(ALPHABET) if ties == "hf" else list(range(BYTES))
        ids = [order.index(byte) for byte in range(BYTES)] + [BYTES + k for k in range(len(learnt))]
        return cls(learnt, ids, pattern, {token: len(ids) + i for i, token in enumerate(special)})

    def __len__(self) -> int:
        return len(self.ids) + len(self.special)

    def encode(self, text: str, special: Literal["refuse", "text", "token"] = "refuse") -> list[int]:
        """The token ids of a text.

        Args:
            text: any. Bytes that are no UTF-8 may stand in it as Python's surrogate escapes.
            special: what to do where a special token is written out in the text. "token" makes it one: only for texts
                that you wrote, since whoever writes <|endoftext|> into a form would end your prompt. "text"
                takes it as any other text.

        Raises:
            UserError: a special token is written out and `special` is "refuse", or a surrogate stands alone.
        """
        if not self.special or special == "text":
            return self.ordinary(text)
        # 1. Every second piece is a special token.
        pieces = self.specials.split(text)
        if len(pieces) > 1 and special == "refuse":
            raise UserError(
                f"the text holds the special token {pieces[1]!r}",
                "a text without special tokens",
                "Say encode(text, special='text') for plain text, special='token' if you wrote it yourself.",
            )
        # 2. The others are text.
        found = [[self.special[piece]] if i % 2 else self.ordinary(piece) for i, piece in enumerate(pieces)]
        return list(chain.from_iterable(found))

    def ordinary(self, text: str) -> list[int]:
        """The token ids of a text in which nothing is special: each chunk is looked up.

        Raises:
            UserError: a surrogate stands alone.
        """
        try:
            return list(chain.from_iterable(map(self.chunks.__getitem__, splitter(self.pattern)(text))))
        except UnicodeEncodeError as error:
            half = error.object[error.start : error.end]
            what = f"the text holds {half!r}, a half of a character"
            raise UserError(what, "a text that can be written in UTF-8") from error

    def encode_bytes(self, data: bytes) -> list[int]:
        """The token ids of any bytes, text or not; `decode_bytes` gives them back."""
        return self.ordinary(data.decode("utf-8", "surrogateescape"))

    def encode_each(self, texts: Iterable[str]) -> Iterator[int]:
        """The token ids of many texts, one after the other; what is held is one text and its ids."""
        return chain.from_iterable(map(self.encode, texts))

    def decode(self, ids: Iterable[int]) -> str:
        """The text of some token ids.

        A token may be a part of a character, so ids that a model made up, or that were cut off, need not be text:
        what is no UTF-8 becomes U+FFFD, the replacement character. `decode_bytes` loses nothing.

        Raises:
            UserError: an id is not in the vocabulary.
        """
        return self.decode_bytes(ids).decode("utf-8", "replace")

    def decode_bytes(self, ids: Iterable[int]) -> bytes:
        """The bytes of some token ids.

        Raises:
            UserError: an id is not in the vocabulary.
        """
        return b"".join([self.tokens[token] for token in in_range(ids, len(self))])

    def shown(self, token: int) -> str:
        """The token's text with visible spaces; bytes that are no text as <e2>."""
        text = self.decode([token])
        return "".join(f"<{byte:02x}>" for byte in self.tokens[token]) if REPLACEMENT in text else visible(text)

    def facts(self) -> dict[str, Any]:
        """Merges, ids, pattern and special tokens."""
        merges, special = [list(pair) for pair in self.merges], dict(self.special)
        return {"kind": "byte_bpe", "merges": merges, "ids": list(self.ids), "pattern": self.pattern,
                "special": special}  # fmt: skip

    @classmethod
    def of(cls, facts: dict[str, Any]) -> "ByteBPE":
        """The tokeniser that wrote `facts`."""
        merges = [(int(a), int(b)) for a, b in facts["merges"]]
        return cls(merges, facts["ids"], facts["pattern"], facts["special"])

    @cached_property
    def parts(self) -> list[bytes]:
        """The bytes of every part."""
        texts = [bytes([byte]) for byte in range(BYTES)]
        for first, second in self.merges:
            texts.append(texts[first] + texts[second])
        return texts

    @cached_property
    def tokens(self) -> list[bytes]:
        """The bytes of every token id."""
        of_id = dict(zip(self.ids, self.parts, strict=True))
        of_id |= {number: token.encode() for token, number in self.special.items()}
        return [of_id[number] for number in range(len(self))]

    @cached_property
    def ranks(self) -> dict[Pair, int]:
        """The number of each pair's merge."""
        return {pair: rank for rank, pair in enumerate(self.merges)}

    @cached_property
    def specials(self) -> Any:
        """A pattern that captures special tokens, longer ones first: one may begin as another does."""
        longest = sorted(self.special, key=len, reverse=True)
        return regex.compile(f"({'|'.join(map(regex.escape, longest))})")

    @cached_property
    def chunks(self) -> "Chunks":
        """The token ids of chunks that came before."""
        return Chunks(self.ranks, self.ids)


class Chunks(dict[str, list[int]]):
    """Token ids by chunk; what is not there yet is encoded, and kept if it is short.

    Args:
        ranks: of each pair of parts the number of its merge.
        ids: of each part.
    """

    def __init__(self, ranks: Mapping[Pair, int], ids: Sequence[int]) -> None:
        super().__init__()
        self.ranks, self.ids = ranks, ids

    def __missing__(self, chunk: str) -> list[int]:
        word = list(chunk.encode("utf-8", "surrogateescape"))
        if len(word) > SHORT:
            return [self.ids[part] for part in encode_long(word, self.ranks)]
        if len(self) >= REMEMBERED:
            self.clear()
        self[chunk] = found = [self.ids[part] for part in encode_by_merges(word, self.ranks)]
        return found


def encode_long(word: Sequence[int], ranks: Mapping[Pair, int]) -> list[int]:
    """What `encode_by_merges` returns, in a time that grows as n log n with the length and not as its square.

    Args:
        word: parts, at first the bytes.
        ranks: of each pair the number of its merge.
    """
    # 1. The parts as a list with links to the next and the one before; -1 marks a part that is gone.
    parts, n = list(word), len(word)
    after, before = list(range(1, n + 1)), list(range(-1, n - 1))
    heap = [(ranks[pair], at) for at, pair in enumerate(pairwise(parts)) if pair in ranks]
    heapify(heap)
    while heap:
        # 2. The merge that was learnt first, leftmost first. An entry is old if other parts stand there now.
        rank, at = heappop(heap)
        right = after[at]
        if parts[at] < 0 or right >= n or ranks.get((parts[at], parts[right])) != rank:
            continue
        # 3. The two become one.
        parts[at], parts[right] = BYTES + rank, -1
        after[at] = after[right]
        if after[at] < n:
            before[after[at]] = at
        # 4. The pairs with its neighbours are new.
        for left in (before[at], at):
            if left >= 0 and after[left] < n:
                found = ranks.get((parts[left], parts[after[left]]))
                if found is not None:
                    heappush(heap, (found, left))
    return [part for part in parts if part >= 0]
