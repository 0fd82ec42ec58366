"""Dialogues as one running text, for what is measured on running text: they stand one after the other."""

from collections.abc import Sequence
from itertools import chain

import numpy as np

from gradschool.data.text.dialogues.dialogue import Dialogue
from gradschool.data.text.dialogues.template import rendered
from gradschool.data.text.running.corpus import Corpus, kind_of
from gradschool.data.text.tokens.tokeniser import Tokeniser


def joined(dialogues: Sequence[Dialogue], tokeniser: Tokeniser) -> Corpus:
    """The dialogues in the chat template, each with its last (for pairs: its chosen) answer.

    Args:
        dialogues: in this order.
        tokeniser: of the language model; its tokens give back the text.

    Raises:
        UserError: the tokeniser does not know a character.
    """
    tokens = list(chain.from_iterable(rendered(each.turns, tokeniser)[0] for each in dialogues))
    text = tokeniser.decode(tokens)
    return Corpus(np.array(tokens, kind_of(tokeniser)), tokeniser, len(text), len(text.encode()))
