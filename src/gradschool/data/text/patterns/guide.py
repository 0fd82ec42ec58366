"""Constrained decoding: which tokens may come next so that the whole text matches a pattern.

Source: Willard and Louf 2023, section 3: a table of states and tokens is made once; a step is a look-up.
"""

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import torch
from jaxtyping import Bool, Float, Int, Int64
from torch import Tensor

from gradschool.data.text.patterns.machine import NOWHERE, ByteMachine, alive, compiled
from gradschool.errors import UserError

UNREACHED = np.iinfo(np.int64).max


@dataclass(frozen=True)
class Guide:
    """States of a pattern between tokens; state 0 is the start.

    Every token that is allowed leads to a state from which an end can be reached.

    Args:
        to: the state that a token leads to, (states, tokens), NOWHERE where it is not allowed.
        accepting: states in which a text may end.
        end: the token that ends a text; None: a text ends when the caller says so.
    """

    to: Int[np.ndarray, "s v"] = field(repr=False)
    accepting: Bool[np.ndarray, " s"] = field(repr=False)
    end: int | None = None

    def after(self, tokens: Iterable[int]) -> int:
        """The state after some tokens; the end token changes nothing.

        Raises:
            UserError: a token is not allowed where it stands.
        """
        state = 0
        for place, token in enumerate(tokens):
            if token != self.end:
                state = int(self.to[state, token])
            if state == NOWHERE:
                raise UserError(f"token {token} at place {place} does not fit the pattern", "an allowed one")
        return state

    def allowed(self, state: int) -> Bool[Tensor, " v"]:
        """Which tokens may come in a state; the end token where a text may end."""
        found = torch.from_numpy(self.to[state] != NOWHERE)
        if self.end is not None:
            found[self.end] = bool(self.accepting[state])
        return found

    @cached_property
    def to_end(self) -> Int[np.ndarray, " s"]:
        """How many tokens the shortest way from each state to an end has."""
        # 1. From which states each one is reached.
        before: list[list[int]] = [[] for _ in self.to]
        for state, row in enumerate(self.to):
            for after in np.unique(row[row != NOWHERE]).tolist():
                before[after].append(state)
        # 2. From the ends backwards, in breadth.
        found = np.where(self.accepting, 0, UNREACHED)
        waiting = deque(np.flatnonzero(self.accepting).tolist())
        while waiting:
            state = waiting.popleft()
            for each in before[state]:
                if found[each] == UNREACHED:
                    found[each] = found[state] + 1
                    waiting.append(each)
        return found

    def within(self, state: int, left: int) -> Bool[Tensor, " v"]:
        """Which tokens may come so that a text of at most `left` more tokens still comes to an end."""
        after = self.to[state]
        return torch.from_numpy((after != NOWHERE) & (self.to_end[after] < left))

    def masked(self, logits: Float[Tensor, "b v"], texts: Int64[Tensor, "b t"]) -> Float[Tensor, "b v"]:
        """Logits with minus infinity at tokens that may not follow; the texts are without their prompts.

        Where a text is over and there is no end token, nothing is allowed.
        """
        rows = torch.stack([self.allowed(self.after(text)) for text in texts.tolist()])
        return logits.masked_fill(~rows.to(logits.device), -torch.inf)


def guide(pattern: str | ByteMachine, tokens: Sequence[bytes], end: int | None = None) -> Guide:
    """The table for a pattern and a vocabulary.

    Args:
        pattern: of the whole text; see `syntax`.
        tokens: the bytes of every token; special ones, which are no text, are empty.
        end: the token that ends a text.

    Raises:
        UserError: no sequence of these tokens matches.
    """
    machine = pattern if isinstance(pattern, ByteMachine) else compiled(pattern)
    # 1. Every token from all states at once: place -1, NOWHERE, leads nowhere.
    steps = np.vstack([machine.to, np.full((1, machine.to.shape[1]), NOWHERE)])
    to = np.full((len(machine.to), len(tokens)), NOWHERE, np.int32)
    for number, token in enumerate(tokens):
        if not token or number == end:
            continue
        state = np.arange(len(machine.to))
        for byte in token:
            state = steps[state, byte]
        to[:, number] = state
    # 2. A token that leads to where no token goes on is not allowed: a vocabulary need not have all bytes.
    used = set(np.flatnonzero((machine.to != NOWHERE).any(0)).tolist())
    has_all = used <= {token[0] for token in tokens if len(token) == 1}
    useful = np.append(np.ones(len(to), bool) if has_all else alive(to, machine.accepting), False)
    if not useful[0]:
        raise UserError("no sequence of tokens matches the pattern", "tokens for all its characters")
    return Guide(np.where(useful[to], to, NOWHERE), machine.accepting, end)
