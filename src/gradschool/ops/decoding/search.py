"""From logits to texts: token after token by any rule of choice, or the most probable text by beam search.

A model is a function `step(tokens, rows)`: the logits after each of b token sequences, and `rows` says which
sequence of the last call each one continues, so that a cache of keys, values or states can follow.
Sources: Graves 2012 (beam search); Wu et al. 2016, section 7 (length normalisation). Deviation: the score is
divided by a power of the length itself, as transformers does it.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from gradschool.ops.activation import log_softmax
from gradschool.ops.switch import op

Tokens = Int64[Tensor, "b t"]
Step = Callable[[Tokens, Int64[Tensor, " b"]], Float[Tensor, "b v"]]
Choose = Callable[[Float[Tensor, "b v"], Tokens], Int64[Tensor, " b"]]


def decode(
    step: Step, prompt: Tokens, choose: Choose, length: int, end: int | None = None
) -> Iterator[Int64[Tensor, " b"]]:
    """Go on with b prompts side by side: yields the next token of each until all have ended.

    Args:
        step: tokens and rows to the next logits.
        prompt: tokens to begin with, at least one each.
        choose: logits and all tokens so far to the next tokens, e.g. `lambda x, tokens: x.argmax(1)`.
        length: tokens to add at most.
        end: the token at which a text ends; it is repeated after that. None: texts do not end.
    """
    tokens, rows = prompt, torch.arange(len(prompt), device=prompt.device)
    over = torch.zeros_like(rows, dtype=torch.bool)
    for _ in range(length):
        # 1. Choose for all; what is over stays over.
        new = choose(step(tokens, rows), tokens)
        if end is not None:
            new = new.masked_fill(over, end)
            over = over | (new == end)
        yield new
        # 2. Read on.
        if over.all():
            return
        tokens = torch.cat([tokens, new[:, None]], 1)


@dataclass(frozen=True)
class Hypothesis:
    """A text that beam search found.

    Args:
        tokens: that follow the prompt, the end token among them.
        log_p: log-probability of the tokens, in nats.
        score: log_p over a power of their number.
    """

    tokens: tuple[int, ...]
    log_p: float
    score: float


@op
def beam_search(
    step: Step, prompt: Int64[Tensor, " p"], beams: int, length: int, end: int | None = None,
    penalty: float = 1.0,
) -> list[Hypothesis]:  # fmt: skip
    """The most probable continuations of a prompt that a search with a limited number of beams finds.

    A text y has the score log p(y) / |y|^penalty; the longer, the smaller its probability.

    Args:
        step: tokens and rows to the next logits.
        prompt: at least one token.
        beams: texts that are kept at every step, >= 1. If they are as many as there are texts, the search is
            exhaustive; 1 is nearly greedy decoding.
        length: tokens of a text at most, >= 1.
        end: the token at which a text ends; None: all texts have the full length.
        penalty: 0 compares probabilities, which favours short texts; 1 compares means of a token.

    Returns:
        At most `beams` texts, the best first.
    """
    tokens, log_p, rows = prompt[None], torch.zeros(1, dtype=torch.float64), torch.zeros(1, dtype=torch.int64)
    done: list[Hypothesis] = []
    for n in range(1, length + 1):
        # 1. The best continuations of all beams together: one of two could be an end, so twice as many.
        total = log_p[:, None] + log_softmax(step(tokens, rows.to(tokens.device)), 1).double().cpu()
        best, place = total.flatten().topk(min(2 * beams, total.numel()))
        found = best > -torch.inf
        best, rows, new = best[found], place[found] // total.shape[1], place[found] % total.shape[1]
        tokens = torch.cat([tokens[rows.to(tokens.device)], new[:, None].to(tokens.device)], 1)
        # 2. Texts that end here, or have to, are done if they are among the best.
        ends = (
            torch.full_like(new, n == length, dtype=torch.bool)
            if end is None
            else (new == end) | (n == length)
        )
        for i in ends[:beams].nonzero().flatten().tolist():
            text = tuple(tokens[i, len(prompt) :].tolist())
            done.append(Hypothesis(text, float(best[i]), float(best[i]) / n**penalty))
        done = sorted(done, key=lambda text: -text.score)[:beams]
        # 3. The best of the others go on, unless the best of them cannot become better than what is done.
        on = (~ends).nonzero().flatten()[:beams]
        tokens, log_p, rows = tokens[on.to(tokens.device)], best[on], rows[on]
        bound = -math.inf if not len(on) else float(log_p[0]) / (length if penalty > 0 else n + 1) ** penalty
        if not len(on) or (len(done) == beams and bound <= done[-1].score):
            break
    return done
