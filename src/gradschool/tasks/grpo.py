"""Group relative policy optimisation (GRPO): try several answers to each question, and make those more
probable that were better than the others.

Source: Shao et al. 2024, section 4.1. Deviation: answers are drawn at temperature 1 from all tokens, so that
what is drawn and what is learnt are one distribution.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor, nn

from gradschool.ops.activation import log_softmax
from gradschool.ops.tuning.preference import Rollout, group_advantages, grpo_loss, kl_estimate
from gradschool.tasks.sft import Sft

Batch = tuple[Tensor, ...]
Judge = Callable[[int, Sequence[int]], tuple[float, int]]
"""The number of a question and the tokens that were drawn, to the reward and how many of them count."""


@dataclass(frozen=True)
class Trying:
    """How answers are tried.

    Args:
        group: answers to each question, >= 2.
        longest: tokens of an answer, >= 1.
        updates: optimiser steps that each draw is used for, >= 1.
        clip, beta, scaled: as of `grpo_loss` and `group_advantages`.
    """

    group: int = 8
    longest: int = 16
    updates: int = 1
    clip: float = 0.2
    beta: float = 0.04
    scaled: bool = True


class Grpo:
    """Train a decoder by rewards of its own answers.

    A batch is (tokens, valid, number): questions (b, t), padded before their beginning, True where there is a
    token, and the number of each question (b). It is evaluated on dialogues, as `Sft` is.

    Args:
        model: `model(tokens, valid=None, texts=None)` to logits; it is trained.
        network: the same network as it draws, with `cache(rows, capacity)`.
        reference: the network at the start, which is not trained; None: no KL term.
        judge: rewards an answer.
        how: size of the groups, lengths, clipping.
        held_out: the word before the scores, "val" or "test".

    `precision` makes the context that draws and the reference compute in: that of the steps, since the ratio
    of two probabilities in different precisions is not 1 where the weights are the same.
    """

    precision: Callable[[], AbstractContextManager[object]] = staticmethod(nullcontext)

    def __init__(
        self, model: nn.Module, network: nn.Module, reference: nn.Module | None, judge: Judge,
        how: Trying | None = None, held_out: str = "val",
    ) -> None:  # fmt: skip
        self.parts, self.held_out = {"model": model}, held_out
        self.network, self.reference, self.judge, self.how = network, reference, judge, how or Trying()

    def loss(self, batch: Batch) -> dict[str, Tensor]:
        """The loss of GRPO on answers that were drawn, and how far the model is from the reference in nats a
        token.
        """
        tokens, valid, counts, drawn_at, advantage, reference = batch
        log_p = log_probs(self.parts["model"], tokens, valid, counts.shape[1])
        known = reference if self.reference is not None else None
        rollout = Rollout(drawn_at, advantage, counts, known)
        loss = grpo_loss(log_p, rollout, self.how.clip, self.how.beta)
        away = (kl_estimate(log_p, reference) * counts).sum() / counts.sum()
        return {"loss": loss, **({"kl": away} if known is not None else {})}

    def step(self, batch: Batch, update: Callable[..., dict[str, Tensor]]) -> dict[str, Tensor]:
        """Draw answers, reward them, and take the optimiser steps that they are worth."""
        tried, rewards = self.tried(batch)
        for _ in range(self.how.updates):
            losses = update("model", tried, self.loss)
        lengths = tried[2].sum(1).float().mean()
        return {**losses, "reward": rewards.mean(), "answer_tokens": lengths}

    @torch.no_grad()
    def tried(self, batch: Batch) -> tuple[Batch, Float[Tensor, "b g"]]:
        """A group of answers to each question with all that the loss asks for, and their rewards."""
        # 1. Draw; a row for each answer.
        tokens, valid, number = (each.repeat_interleave(self.how.group, 0) for each in batch)
        was = self.network.training
        self.network.eval()
        with self.precision():
            drawn, log_p = draw(self.network, tokens, valid, self.how.longest)
        # 2. What each is worth, and how many of its tokens are the answer.
        judged = [self.judge(n, row) for n, row in zip(number.tolist(), drawn.tolist(), strict=True)]
        rewards = torch.tensor([reward for reward, _ in judged], device=tokens.device)
        lengths = torch.tensor([length for _, length in judged], device=tokens.device)
        counts = torch.arange(drawn.shape[1], device=tokens.device) < lengths[:, None]
        # 3. Better or worse than the other answers to the same question.
        rewards = rewards.view(-1, self.how.group)
        advantage = group_advantages(rewards, self.how.scaled).flatten()
        # 4. The whole texts, and what the reference says of them.
        texts = torch.cat([tokens, drawn], 1)
        there = torch.cat([valid, torch.ones_like(drawn, dtype=torch.bool)], 1)
        reference = log_p
        if self.reference is not None:
            with self.precision():
                reference = log_probs(self.reference, texts, there, drawn.shape[1])
        self.network.train(was)
        return (texts, there, counts, log_p, advantage, reference), rewards

    def evaluate(self, batches: Iterator[Batch]) -> dict[str, float]:
        """As of `Sft`: the share of dialogues that greedy decoding answers right, and the loss."""
        return Sft(self.parts["model"], self.held_out).evaluate(batches)


def log_probs(
    model: nn.Module, tokens: Int64[Tensor, "b t"], valid: Bool[Tensor, "b t"], last: int
) -> Float[Tensor, "b last"]:
    """The log-probability of each of the last tokens of a text given those before it, in nats."""
    logits = model(tokens, valid=valid)[:, -last - 1 : -1].float()
    return log_softmax(logits, 2).gather(2, tokens[:, -last:, None]).squeeze(2)


@torch.no_grad()
def draw(
    network: nn.Module, tokens: Int64[Tensor, "b t"], valid: Bool[Tensor, "b t"], longest: int
) -> tuple[Int64[Tensor, "b n"], Float[Tensor, "b n"]]:
    """Draw tokens after questions with torch's generator, and the log-probability of each, in nats."""
    cache = network.cache(len(tokens), tokens.shape[1] + longest)  # type: ignore[operator]
    drawn: list[Tensor] = []
    log_ps: list[Tensor] = []
    logits = network(tokens, valid=valid, cache=cache)[:, -1].float()
    for i in range(longest):
        log_p = log_softmax(logits, 1)
        drawn.append(torch.multinomial(log_p.exp(), 1))
        log_ps.append(log_p.gather(1, drawn[-1]))
        if i < longest - 1:
            logits = network(drawn[-1], cache=cache)[:, -1].float()
    return torch.cat(drawn, 1), torch.cat(log_ps, 1)
