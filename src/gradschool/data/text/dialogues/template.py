"""The chat template: how a dialogue becomes one text, and which of its tokens are answers.

Every turn is a mark, what is said, and an empty line: "Q: 12+7", "A: 19". An empty line within a turn becomes
a line end, so nobody can write a turn into a question. The template is plain text, so any language model
whose tokens give back the text can be fine-tuned without new tokens; turns are encoded one by one, so that a
text has the same tokens in training and in a chat.
"""

from collections.abc import Sequence
from itertools import chain

from gradschool.data.text.dialogues.dialogue import Dialogue, Turn
from gradschool.data.text.tokens.tokeniser import Tokeniser

MARKS = {"system": "S: ", "user": "Q: ", "assistant": "A: "}
END = "\n\n"  # ends every turn


def tidy(text: str) -> str:
    """A text without space at its ends and without empty lines."""
    return "\n".join(line.rstrip() for line in text.strip().splitlines() if line.strip())


def tidied(dialogue: Dialogue) -> Dialogue:
    """A dialogue as the template writes it."""
    turns = [Turn(turn.role, tidy(turn.text)) for turn in dialogue.turns]
    return Dialogue(turns, None if dialogue.rejected is None else tidy(dialogue.rejected))


def pieces(turn: Turn, tokeniser: Tokeniser) -> tuple[list[int], list[int]]:
    """The tokens of a turn's mark, and those of what is said with its end."""
    said = [*tokeniser.encode(tidy(turn.text)), *tokeniser.encode(END)]
    return tokeniser.encode(MARKS[turn.role]), said


def rendered(turns: Sequence[Turn], tokeniser: Tokeniser) -> tuple[list[int], list[bool]]:
    """A dialogue's tokens, and for each whether it is one of an answer.

    The end of an answer counts as part of it: a model that does not learn to stop goes on for ever.

    Raises:
        UserError: the tokeniser does not know a character.
    """
    tokens: list[int] = []
    counts: list[bool] = []
    for turn in turns:
        mark, said = pieces(turn, tokeniser)
        tokens += mark + said
        counts += [False] * len(mark) + [turn.role == "assistant"] * len(said)
    return tokens, counts


def asked(turns: Sequence[Turn], tokeniser: Tokeniser) -> list[int]:
    """The tokens before an answer: all turns, and the mark that an answer begins with."""
    before = chain.from_iterable(chain(*pieces(turn, tokeniser)) for turn in turns)
    return [*before, *tokeniser.encode(MARKS["assistant"])]


def through_end(tokens: Sequence[int], tokeniser: Tokeniser) -> int:
    """How many of the tokens belong to the answer that they begin with, its end included; all without end."""
    for count in range(1, len(tokens) + 1):
        if tokeniser.decode(tokens[:count]).endswith(END):
            return count
    return len(tokens)


def answer_of(tokens: Sequence[int], tokeniser: Tokeniser) -> str:
    """The text of an answer's tokens, up to its end."""
    return tokeniser.decode(tokens).partition(END)[0].strip()


def answered(dialogue: Dialogue, tokeniser: Tokeniser) -> tuple[list[int], list[bool]]:
    """`rendered` with only the last answer counted: what pairs of answers are compared by."""
    before = asked(dialogue.turns[:-1], tokeniser)
    _, said = pieces(dialogue.turns[-1], tokeniser)
    return before + said, [False] * len(before) + [True] * len(said)
