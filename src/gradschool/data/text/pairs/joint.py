"""One vocabulary of byte pairs for both languages: names and numbers are the same tokens on both sides.

Source: Sennrich et al. 2016, section 3.2 (joint BPE).
"""

from collections.abc import Iterable, Sequence

from gradschool.data.text.pairs.pairs import TextPairs
from gradschool.data.text.tokens.bpe import ByteBPE

START, END = "<|start|>", "<|end|>"  # before the first token of a translation, and after the last of any text


def joint_tokeniser(pairs: TextPairs, size: int) -> ByteBPE:
    """Byte pairs of the texts of both sides, with a start and an end token.

    Args:
        pairs: to learn from: the training part.
        size: of the vocabulary; smaller where the texts have not so many pairs of bytes.
    """
    return ByteBPE.train([*pairs.sources, *pairs.targets], size, special=[START, END])


def source_tokens(tokeniser: ByteBPE, texts: Iterable[str]) -> list[list[int]]:
    """Texts to read: each with the end token behind it, so that none is empty."""
    end = tokeniser.special[END]
    return [[*tokeniser.encode(text, "text"), end] for text in texts]


def target_tokens(tokeniser: ByteBPE, texts: Iterable[str]) -> list[list[int]]:
    """Translations: each from the start token to the end token."""
    start, end = tokeniser.special[START], tokeniser.special[END]
    return [[start, *tokeniser.encode(text, "text"), end] for text in texts]


def text_of(tokeniser: ByteBPE, tokens: Sequence[int]) -> str:
    """The text of written tokens, up to the first end token."""
    special = set(tokeniser.special.values())
    end = tokeniser.special[END]
    kept = tokens[: tokens.index(end)] if end in tokens else tokens
    return " ".join(tokeniser.decode([token for token in kept if token not in special]).split())
