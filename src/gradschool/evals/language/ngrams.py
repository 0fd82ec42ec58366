"""n-gram models of any order over any tokens: the baseline that every neural language model has to beat.

An n-gram is a number: that of its history among the (n-1)-grams, times the number of kinds of tokens, plus
its last token. So a table of all n-grams is one sorted column, and looking one up is a binary search.

Sources: Shannon 1948; Chen and Goodman 1999 (interpolated modified Kneser-Ney, Witten-Bell).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from gradschool.errors import UserError
from gradschool.ops.language import inverse_cdf
from gradschool.ops.sequence.counting import (
    back_off_weight,
    continuation_counts,
    discounted,
    kneser_ney_discounts,
    witten_bell_weight,
)

Tokens = Int64[Tensor, " t"] | Sequence[int]
AT_ONCE = 1 << 18  # predictions that are made together


@dataclass(frozen=True)
class Level:
    """All n-grams of one length n; the last entry of each table is for what was never seen.

    Args:
        keys: history * kinds + token of each n-gram, ascending.
        share: what a token has of its own: its discounted probability after its history.
        weight: of the shorter history, for every history.
    """

    keys: Int64[Tensor, " g"]
    share: Float[Tensor, " g1"]
    weight: Float[Tensor, " h1"]

    def find(self, key: Int64[Tensor, "*n"]) -> Int64[Tensor, "*n"]:
        """The number of each n-gram; -1 for one that was never seen."""
        place = torch.searchsorted(self.keys, key).clamp(max=len(self.keys) - 1)
        return torch.where(self.keys[place] == key, place, -1)


@dataclass(frozen=True)
class NGram:
    """A model that knows how often tokens followed others, up to `order - 1` back.

    Args:
        levels: of n = 1 ... order.
        kinds: how many different tokens there are.
        smoothing: its name.
    """

    levels: tuple[Level, ...]
    kinds: int
    smoothing: str

    @property
    def order(self) -> int:
        """Length of the longest n-grams."""
        return len(self.levels)

    @classmethod
    def fit(cls, tokens: Tokens, order: int, kinds: int, smoothing: str = "kneser-ney") -> "NGram":
        """Count all n-grams of a text up to a length.

        Args:
            tokens: of the text, in order, 0 to kinds - 1; at least `order` of them.
            order: length of the longest n-grams, >= 1; a token is predicted from the order - 1 before it.
            kinds: how many different tokens there are, seen or not.
            smoothing: "kneser-ney" (interpolated, modified) or "witten-bell".

        Raises:
            UserError: the order is below 1, the text is shorter, or a token or the smoothing is unknown.
        """
        text = checked(tokens, kinds)
        if not 1 <= order <= len(text):
            raise UserError(f"order is {order} for {len(text):,} tokens", f"1 to {len(text):,}", "")
        if smoothing not in ("kneser-ney", "witten-bell"):
            raise UserError(f"smoothing is {smoothing!r}", "kneser-ney or witten-bell", "")
        # 1. Number the n-grams of every length. `at` has that of the n-gram that ends at each position.
        at, columns = torch.zeros_like(text), []
        for n in range(1, order + 1):
            history = at if n == 1 else at[:-1]
            keys, at_next, count = torch.unique(
                history * kinds + text[n - 1 :], return_inverse=True, return_counts=True
            )
            columns.append((keys, at_next, count))
            at = at_next
        # 2. For Kneser-Ney, all but the longest are counted by the different tokens before them. A longer one
        #    ends at the same positions, which begin one later.
        levels = []
        for n, (keys, at, count) in enumerate(columns, 1):
            if smoothing == "kneser-ney" and n < order:
                longer, ends = columns[n][0], columns[n][1]
                count = continuation_counts(torch.empty_like(longer).scatter_(0, ends, at[1:]), len(keys))
            histories = len(columns[n - 2][0]) if n > 1 else 1
            levels.append(level(keys, count, histories, kinds, smoothing))
        return cls(tuple(levels), kinds, smoothing)

    def histories(self, tokens: Int64[Tensor, "b t"]) -> list[Int64[Tensor, "b t+1"]]:
        """For n = 1 ... order and every position up to the end: the number of the history of n - 1 tokens
        right before it; -1 where it was never seen, or where there are not so many tokens.
        """
        found = [torch.zeros(tokens.shape[0], tokens.shape[1] + 1, dtype=torch.int64)]
        for one in self.levels[:-1]:
            after = one.find(found[-1][:, :-1] * self.kinds + tokens)
            found.append(torch.nn.functional.pad(after, (1, 0), value=-1))
        return found

    def probabilities(
        self, histories: Sequence[Int64[Tensor, "b 1"]], token: Int64[Tensor, "b k"]
    ) -> Float[Tensor, "b k"]:
        """The probability of each token after the histories of all lengths, the shortest first."""
        p = torch.full(token.shape, 1 / self.kinds, dtype=torch.float64)
        for one, history in zip(self.levels, histories, strict=True):
            p = one.share[one.find(history * self.kinds + token)] + one.weight[history] * p
        return p

    def log_probabilities(self, contexts: Int64[Tensor, "b c"]) -> Float[Tensor, "b kinds"]:
        """Logarithms of the probabilities of all next tokens, in float64; those of a row sum to 1.

        Args:
            contexts: the tokens before, the nearest last; more than order - 1 of them do not matter, and
                with fewer, or with a history that was never seen, shorter ones decide.

        Raises:
            UserError: a token is not one of the kinds.
        """
        checked(contexts.flatten(), self.kinds)
        recent = contexts[:, max(0, contexts.shape[1] - self.order + 1) :]
        last = [found[:, -1:] for found in self.histories(recent)]
        everything = torch.arange(self.kinds).expand(len(contexts), -1)
        return self.probabilities(last, everything).log()

    def surprisals(self, tokens: Tokens) -> Float[Tensor, " t"]:
        """The negative log-probability of every token of a text given those before it, in nats.

        Raises:
            UserError: a token is not one of the kinds.
        """
        text = checked(tokens, self.kinds)
        found = [each[0, :-1, None] for each in self.histories(text[None])]
        pieces = zip(*(torch.split(each, AT_ONCE) for each in found), strict=True)
        parts = zip(pieces, torch.split(text[:, None], AT_ONCE), strict=True)
        return -torch.cat([self.probabilities(piece, token)[:, 0] for piece, token in parts]).log()

    def nats(self, tokens: Tokens) -> float:
        """The mean negative log-likelihood of a token of a text, in nats; the text has at least one."""
        return float(self.surprisals(tokens).mean())

    def sample(
        self, n: int, length: int, generator: torch.Generator, start: Sequence[int] = ()
    ) -> Int64[Tensor, "n l"]:
        """Draw texts token by token.

        Args:
            n: how many texts.
            length: tokens of each, without those of the start.
            generator: source of all chance.
            start: tokens that all begin with.
        """
        text = checked(start, self.kinds).expand(n, -1)
        for _ in range(length):
            p = self.log_probabilities(text).exp()
            drawn = inverse_cdf(p, torch.rand(n, dtype=torch.float64, generator=generator))
            text = torch.cat([text, drawn[:, None]], 1)
        return text[:, len(start) :]


def level(
    keys: Int64[Tensor, " g"], count: Int64[Tensor, " g"], histories: int, kinds: int, smoothing: str
) -> Level:
    """Turn counts of all n-grams of one length into shares of tokens and weights of shorter histories."""
    # 1. For every history, and one more that was never seen: how often anything followed, and how many
    #    different tokens did so once, twice, and more often.
    history = keys // kinds
    total = torch.zeros(histories + 1, dtype=torch.int64).index_add_(0, history, count)
    few = torch.bincount(3 * history + count.clamp(1, 3) - 1, count > 0, 3 * (histories + 1)).long()
    sorts = few.view(-1, 3)
    # 2. What tokens keep and what is passed on.
    if smoothing == "kneser-ney":
        discounts = kneser_ney_discounts(count)
        share = discounted(count, total[history], discounts)
        weight = back_off_weight(sorts, total, discounts)
    else:
        weight = witten_bell_weight(sorts.sum(1), total)
        share = (1 - weight[history]) * count / total[history]
    return Level(keys, torch.cat([share, share.new_zeros(1)]), weight)


def checked(tokens: Tokens, kinds: int) -> Int64[Tensor, " t"]:
    """The tokens as a tensor.

    Raises:
        UserError: one is not among the kinds.
    """
    text = torch.as_tensor(tokens, dtype=torch.int64)
    wrong = text[(text < 0) | (text >= kinds)]
    if len(wrong):
        what = f"{len(wrong):,} of {len(text):,} tokens are unknown; the first is {wrong[0]}"
        raise UserError(what, f"whole numbers from 0 to {kinds - 1:,}", "")
    return text
