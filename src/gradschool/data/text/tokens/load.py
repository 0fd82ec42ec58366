"""A tokeniser from the facts that it wrote: a run's folder keeps them as JSON, and nothing else is needed."""

from collections.abc import Callable, Mapping
from typing import Any

from gradschool.data.text.tokens.bert import BertPieces
from gradschool.data.text.tokens.bpe import ByteBPE
from gradschool.data.text.tokens.characters import Characters
from gradschool.data.text.tokens.tokeniser import Tokeniser
from gradschool.data.text.tokens.unigram import Unigram
from gradschool.data.text.tokens.wordpiece import WordPiece
from gradschool.data.text.tokens.words import Words
from gradschool.errors import UserError

KINDS: Mapping[str, Callable[[dict[str, Any]], Tokeniser]] = {
    "characters": Characters.of,
    "words": Words.of,
    "wordpiece": WordPiece.of,
    "bert": BertPieces.of,
    "unigram": Unigram.of,
    "byte_bpe": ByteBPE.of,
}


def tokeniser_of(facts: Mapping[str, Any]) -> Tokeniser:
    """The tokeniser whose `facts()` these are.

    Raises:
        UserError: the kind is not known, something is missing, or the vocabulary contradicts itself.
    """
    kind = str(facts.get("kind"))
    if kind not in KINDS:
        raise UserError(f"a tokeniser of the kind {kind!r} is not known", f"one of {', '.join(KINDS)}")
    try:
        return KINDS[kind](dict(facts))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        what = f"the facts of the {kind} tokeniser are damaged ({type(error).__name__}: {error})"
        raise UserError(what, "what its facts() returned") from error
