"""Let a language model go on with a text: draw a token, read it, draw the next.

Sources: see `ops.decoding`. A text under a pattern ends where it may end and the model would go on with a
token that does not fit; it always matches as a whole.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

from gradschool.data.rows import seeded
from gradschool.data.text.patterns.guide import Guide
from gradschool.data.text.patterns.machine import NOWHERE
from gradschool.errors import UserError
from gradschool.evals.language.reading import Reader
from gradschool.ops.activation import softmax
from gradschool.ops.decoding.logits import min_p, repetition_penalty, temperature, top_k, top_p
from gradschool.ops.decoding.search import Hypothesis, beam_search
from gradschool.ops.language import inverse_cdf

OVER = -1  # in place of a token, where a text has ended


@dataclass(frozen=True)
class Drawing:
    """How tokens are drawn.

    Args:
        temperature: divides the logits, >= 0. Below 1 probable tokens become more probable; 0 takes the most
            probable one.
        top_k: draw among so many most probable tokens only, >= 1; None: among all.
        seed: of the draws.
        top_p: draw among the fewest most probable tokens whose probabilities sum to this, above 0 to 1.
        min_p: draw among tokens at least so many times as probable as the most probable one, 0 to 1.
        repetition_penalty: makes tokens of the text so far less probable, > 0; 1 changes nothing.
        rules: what the whole text has to match; None: anything.
    """

    temperature: float = 1.0
    top_k: int | None = None
    seed: int = 0
    top_p: float | None = None
    min_p: float | None = None
    repetition_penalty: float | None = None
    rules: Guide | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.temperature < float("inf"):
            wanted = "a number >= 0: 0 takes the most probable token, 1 draws as the model says"
            raise UserError(f"temperature is {self.temperature}", wanted, "Example: --temperature 0.8")
        if self.top_k is not None and self.top_k < 1:
            raise UserError(f"top-k is {self.top_k}", "a whole number >= 1", "Example: --top-k 40")
        if self.top_p is not None and not 0 < self.top_p <= 1:
            raise UserError(f"top-p is {self.top_p}", "a number above 0, at most 1", "Example: --top-p 0.9")
        if self.min_p is not None and not 0 <= self.min_p <= 1:
            raise UserError(f"min-p is {self.min_p}", "a number from 0 to 1", "Example: --min-p 0.05")
        penalty = self.repetition_penalty
        if penalty is not None and not 0 < penalty < float("inf"):
            wanted = "a number > 0: 1 changes nothing, above 1 repetition becomes rarer"
            raise UserError(f"repetition-penalty is {penalty}", wanted, "Example: --repetition-penalty 1.2")

    def probabilities(
        self, logits: Float[Tensor, "b k"], seen: Int64[Tensor, "b t"] | None = None
    ) -> Float[Tensor, "b k"]:
        """What the next tokens are drawn from.

        Args:
            logits: of the next tokens; minus infinity where one may not come.
            seen: the texts so far, which a repetition penalty looks at.
        """
        if self.repetition_penalty is not None and seen is not None:
            logits = repetition_penalty(logits, seen, float(self.repetition_penalty))
        logits = temperature(logits, float(self.temperature))
        if self.top_k is not None:
            logits = top_k(logits, self.top_k)
        if self.top_p is not None:
            logits = top_p(logits, float(self.top_p))
        if self.min_p is not None:
            logits = min_p(logits, float(self.min_p))
        return softmax(logits, 1)


class Followed:
    """Where n texts are in a pattern.

    Args:
        rules: of the pattern.
        n: how many texts.
    """

    def __init__(self, rules: Guide, n: int) -> None:
        self.rules, self.states = rules, [0] * n

    def choose(
        self, logits: Float[Tensor, "n k"], u: Float[Tensor, " n"], left: int, drawing: Drawing,
        seen: Int64[Tensor, "n t"],
    ) -> Int64[Tensor, " n"]:  # fmt: skip
        """The next token of each text, OVER where it has ended.

        Args:
            logits: of the next tokens.
            u: uniform random numbers.
            left: tokens that a text may still have.
            drawing: how.
            seen: prompts and texts so far.
        """
        # 1. What the model would draw, and what it draws among tokens that fit.
        free = inverse_cdf(drawing.probabilities(logits, seen), u)
        allowed = torch.stack([self.rules.within(state, left) for state in self.states])
        stuck = ~allowed.any(1, keepdim=True)
        fitting = inverse_cdf(
            drawing.probabilities(logits.masked_fill(~(allowed | stuck), -torch.inf), seen), u
        )
        # 2. Where a text may end, the model says by what it would draw whether it does.
        may_end = torch.tensor(
            [state == NOWHERE or bool(self.rules.accepting[state]) for state in self.states]
        )
        fits = allowed.gather(1, free[:, None])[:, 0]
        gone = torch.tensor(self.states) == NOWHERE
        tokens = torch.where(may_end, free, fitting).masked_fill(gone | (may_end & ~fits), OVER)
        # 3. Where each text is now.
        for i, token in enumerate(tokens.tolist()):
            self.states[i] = NOWHERE if token == OVER else int(self.rules.to[self.states[i], token])
        return tokens


@torch.inference_mode()
def drawn(
    model: nn.Module, prompt: Sequence[int], n: int, length: int, drawing: Drawing, context: int
) -> Iterator[Int64[Tensor, " n"]]:
    """Go on with a prompt, n times side by side: at most `length` times the next token of each.

    Args:
        model: in eval mode.
        prompt: tokens, at least one.
        n: how many texts. Text i is the same however many are asked for.
        length: tokens to draw for each.
        drawing: how. With rules, OVER comes in place of a token where a text has ended.
        context: tokens that a model without a state looks back.
    """
    # 1. All randomness beforehand, a row for each text; then the prompt is read.
    u = torch.stack([torch.rand(length, generator=seeded("text", drawing.seed, i)) for i in range(n)])
    place, read = next(model.parameters()).device, Reader(model, context)
    seen = torch.tensor(prompt, dtype=torch.int64).expand(n, -1)
    logits = read(seen.to(place))
    followed = None if drawing.rules is None else Followed(drawing.rules, n)
    for i in range(length):
        # 2. Draw.
        if followed is None:
            tokens = inverse_cdf(drawing.probabilities(logits.cpu(), seen), u[:, i])
        else:
            tokens = followed.choose(logits.cpu(), u[:, i], length - i, drawing, seen)
            if (tokens == OVER).all():
                return
        yield tokens
        # 3. Read on; what is read behind the end of a text is not used.
        if i < length - 1:
            known = tokens.clamp(min=0)[:, None]
            seen = torch.cat([seen, known], 1) if drawing.repetition_penalty is not None else seen
            logits = read(known.to(place))


@torch.inference_mode()
def searched(
    model: nn.Module, prompt: Sequence[int], beams: int, length: int, penalty: float, context: int
) -> list[Hypothesis]:
    """The most probable texts of `length` tokens that beam search finds, the best first.

    Args:
        model: in eval mode.
        prompt: tokens, at least one.
        beams: texts that are kept at every step, >= 1.
        length: tokens of each.
        penalty: power of the length that the log-probability is divided by.
        context: tokens that a model without a state looks back.
    """
    read, known = Reader(model, context), 0

    def step(tokens: Tensor, rows: Tensor) -> Tensor:
        nonlocal known
        if known:
            read.choose(rows)
        new, known = tokens[:, known:], tokens.shape[1]
        return read(new)

    start = torch.tensor(prompt, dtype=torch.int64, device=next(model.parameters()).device)
    return beam_search(step, start, beams, length, None, penalty)
