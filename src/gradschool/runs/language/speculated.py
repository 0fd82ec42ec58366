"""Speculative decoding with two trained models: a small one proposes tokens, the large one checks them.

Within the window of both models the text is distributed exactly as the large model alone would draw it, and
at temperature 0 it is the same text. Source: Leviathan et al. 2023, algorithm 1; see
`ops.decoding.speculative`.
"""

import statistics
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from gradschool.data.rows import seeded
from gradschool.errors import UserError
from gradschool.evals.language.reading import Reader
from gradschool.ops.decoding.speculative import verify
from gradschool.ops.language import inverse_cdf
from gradschool.runs.language.generate import Drawing

AHEAD = 4  # tokens that are proposed at a time
TIMED = 5  # steps of the large model alone that are timed in the end


@dataclass
class Counted:
    """What speculative decoding took.

    Args:
        proposed: tokens of the small model.
        accepted: of these, by the large one.
        tokens: that were written.
        passes: of the large model.
        seconds: of all rounds.
        step: seconds of the large model for one token.
    """

    proposed: int = 0
    accepted: int = 0
    tokens: int = 0
    passes: int = 0
    seconds: float = 0.0
    step: float = 0.0

    def __str__(self) -> str:
        share = self.accepted / max(self.proposed, 1)
        gain = self.tokens * self.step / max(self.seconds, 1e-9)
        each = self.tokens / max(self.passes, 1)
        return (
            f"{self.accepted:,} of {self.proposed:,} proposed tokens were accepted ({share:.0%}): {each:.1f} "
            f"tokens for each pass of the large model, {gain:.2f} times as fast as without the draft"
        )


class Pair:
    """The two models, each with its window, and what the small one has not read yet.

    Args:
        large: whose texts are wanted.
        small: which proposes; it has the same tokens.
        prompt: tokens, at least one. All but the last are read now.

    Raises:
        UserError: a model has no cache of keys and values that could go back, or a window below 4 tokens.
    """

    def __init__(self, large: Reader, small: Reader, prompt: Sequence[int]) -> None:
        for name, reader in (("the run", large), ("the draft", small)):
            if not reader.cached or reader.context < 4:
                wanted = "models of attention with a window of 4 tokens or more"
                raise UserError(f"{name} cannot go back over tokens that are rejected", wanted)
        self.large, self.small = large, small
        self.place = next(large.model.parameters()).device
        self.waiting = [prompt[-1]]
        # Proposals have to fit into the half of the window that is left when it is full.
        self.ahead = min(AHEAD, large.context // 2 - 1, small.context // 2 - 1)
        if len(prompt) > 1:
            large(self.row(prompt[:-1]))
            small(self.row(prompt[:-1]))

    def row(self, tokens: Sequence[int]) -> Tensor:
        """Tokens as one row on the models' device."""
        return torch.tensor([list(tokens)], device=self.place)

    def round(self, k: int, drawing: Drawing, generator: torch.Generator) -> tuple[list[int], int]:
        """Propose k tokens and check them: 1 to k + 1 tokens of the text, and how many were accepted."""
        # 1. The small model draws token after token.
        last, proposed, q = self.waiting[-1], [], []
        for _ in range(k):
            q.append(drawing.probabilities(self.small(self.row(self.waiting)).cpu()))
            u = torch.rand(1, generator=generator)
            self.waiting = [int(inverse_cdf(q[-1], u))]
            proposed += self.waiting
        # 2. The large model reads all of them, and says which stay.
        p = drawing.probabilities(self.large.read(self.row([last, *proposed]))[0].cpu())
        u = torch.rand(k + 1, generator=generator)
        text = torch.tensor(proposed, dtype=torch.int64)
        new = verify(p, torch.cat(q) if q else p[:0], text, u).tolist()
        # 3. Both forget what was rejected. The small one has not read its own last proposal.
        accepted = len(new) - 1
        self.large.back(k - accepted)
        self.small.back(k - 1 - accepted)
        self.waiting = new[-1:] if accepted < k else [*proposed[-1:], new[-1]]
        return new, accepted

    def step(self) -> float:
        """Seconds of the large model for one token."""
        taken = []
        for _ in range(TIMED):
            start = time.perf_counter()
            self.large(self.row(self.waiting[-1:]))
            taken.append(time.perf_counter() - start)
            self.large.back(1)
        return statistics.median(taken)


@torch.inference_mode()
def speculated(pair: Pair, length: int, drawing: Drawing, counted: Counted) -> Iterator[list[int]]:
    """Go on with a prompt by `length` tokens, a few at a time.

    Args:
        pair: the two models, with the prompt.
        length: tokens to add, >= 1.
        drawing: how both draw; without a repetition penalty and rules.
        counted: filled in, complete at the end.
    """
    generator = seeded("text", drawing.seed, 0)
    while counted.tokens < length:
        start = time.perf_counter()
        k = min(pair.ahead, length - counted.tokens - 1)
        new, accepted = pair.round(k, drawing, generator)
        counted.proposed, counted.accepted = counted.proposed + k, counted.accepted + accepted
        counted.tokens, counted.passes = counted.tokens + len(new), counted.passes + 1
        counted.seconds += time.perf_counter() - start
        yield new
    counted.step = pair.step()
