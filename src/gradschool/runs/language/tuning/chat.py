"""A talk with a fine-tuned model: what was said before is read again, as far as the context reaches."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import nn

from gradschool.data.rows import seeded
from gradschool.data.text.dialogues.dialogue import Turn
from gradschool.data.text.dialogues.template import END, answer_of, asked, tidy
from gradschool.data.text.tokens.tokeniser import REPLACEMENT, Tokeniser
from gradschool.errors import UserError
from gradschool.evals.language.stepping import CachedStep
from gradschool.ops.activation import softmax
from gradschool.ops.decoding.logits import temperature as tempered
from gradschool.ops.language import inverse_cdf

ROOM = 4  # one part in so many of the context is kept free for the answer


@dataclass(frozen=True)
class Reply:
    """An answer.

    Args:
        text: of the answer.
        forgotten: turns that the context has no room for any more, since the talk began.
        ended: whether the model ended it; else the context was full.
    """

    text: str
    forgotten: int
    ended: bool


class Chat:
    """Answers questions and remembers the talk.

    Args:
        model: in eval mode, with a cache.
        tokeniser: of the model.
        context: tokens that it reads, with its answer.
        temperature: 0 takes the most probable token, 1 draws as the model says.
        seed: of the draws.
    """

    def __init__(
        self, model: nn.Module, tokeniser: Tokeniser, context: int, temperature: float = 0.0, seed: int = 0
    ) -> None:
        self.model, self.tokeniser, self.context = model, tokeniser, context
        self.temperature, self.generator = temperature, seeded("chat", seed)
        self.turns: list[Turn] = []
        self.forgotten = 0

    def reset(self) -> None:
        """Forget what was said."""
        self.turns, self.forgotten = [], 0

    def say(self, text: str, heard: Callable[[str], None] = lambda piece: None) -> Reply:
        """Ask, and hear the answer as it comes.

        Args:
            text: the question.
            heard: told every piece of the answer.

        Raises:
            UserError: the question is empty, too long, or has characters that the model does not know. The
                talk stays as it was.
        """
        # 1. What was said, as far as there is room for it and for an answer.
        if not tidy(text):
            raise UserError("the question is empty", "some text", "")
        turns, most = [*self.turns, Turn("user", text)], self.context - self.context // ROOM
        prompt = asked(turns, self.tokeniser)
        while len(prompt) > most and len(turns) > 1:
            turns = turns[2:]
            prompt = asked(turns, self.tokeniser)
        if len(prompt) > most:
            what = f"the question has {len(prompt):,} tokens with its marks"
            raise UserError(what, f"at most {most:,} of the {self.context:,} that the model reads", "")
        self.forgotten += len(self.turns) + 1 - len(turns)
        # 2. The answer, and the talk with it.
        answer, ended = self.drawn(prompt, heard)
        self.turns = [*turns, Turn("assistant", answer)] if answer else turns[:-1]
        return Reply(answer, self.forgotten, ended)

    @torch.inference_mode()
    def drawn(self, prompt: list[int], heard: Callable[[str], None]) -> tuple[str, bool]:
        """An answer, told piece by piece, and whether it came to its end."""
        place = next(self.model.parameters()).device
        step, row = CachedStep(self.model, self.context), torch.zeros(1, dtype=torch.int64, device=place)
        tokens, drawn, told = torch.tensor([prompt], device=place), list[int](), 0
        while len(prompt) + len(drawn) < self.context:
            # 1. The next token.
            share = softmax(tempered(step(tokens, row).cpu(), self.temperature), 1)
            drawn.append(int(inverse_cdf(share, torch.rand(1, generator=self.generator))))
            tokens = torch.cat([tokens, torch.tensor([drawn[-1:]], device=place)], 1)
            # 2. Its text, without what may be the beginning of the end or half a character.
            text = self.tokeniser.decode(drawn)
            if END in text:
                heard(answer_of(drawn, self.tokeniser)[told:])
                return answer_of(drawn, self.tokeniser), True
            whole = text.lstrip().rstrip(f"\n {REPLACEMENT}")
            heard(whole[told:])
            told = max(told, len(whole))
        return answer_of(drawn, self.tokeniser), False
