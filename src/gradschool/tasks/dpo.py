"""Direct preference optimisation (DPO): make chosen answers more probable than rejected ones.

Source: Rafailov et al. 2023. The reference is the model at the start; its log-probabilities are constants,
so they are computed once (`referenced`) and come with the batches.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from gradschool.ops.tuning.preference import Pair, dpo_loss
from gradschool.ops.tuning.supervised import answer_log_prob, next_token_targets
from gradschool.tasks.sft import whole_answers

Batch = tuple[Tensor, ...]
AT_ONCE = 64  # pairs that the reference reads together


@dataclass(frozen=True)
class Preferring:
    """How strongly the pairs pull: `beta` and `smoothing` as of `dpo_loss`."""

    beta: float = 0.1
    smoothing: float = 0.0


class Dpo:
    """Train a decoder on pairs of answers.

    A batch is (chosen, chosen_answer, rejected, rejected_answer), (b, t) each, as for `RewardPairs`, and the
    log-probabilities of the two answers under the reference, (b) each.

    Args:
        model: tokens (b, t) to logits.
        how: beta and label smoothing.
        held_out: the word before the scores, "val" or "test".
    """

    def __init__(self, model: nn.Module, how: Preferring | None = None, held_out: str = "val") -> None:
        self.parts, self.held_out, self.how = {"model": model}, held_out, how or Preferring()

    def loss(self, batch: Batch) -> dict[str, Tensor]:
        """The loss in nats a pair, the share of pairs whose chosen answer gained more, and its mean lead."""
        policy, _ = compared(self.parts["model"], batch[:4])
        reference = Pair(*batch[4:])
        leads = lead(policy, reference)
        found = dpo_loss(policy, reference, self.how.beta, self.how.smoothing)
        return {"loss": found, "preferred": (leads > 0).float().mean(), "lead": leads.mean()}

    def step(self, batch: Batch, update: Callable[..., dict[str, Tensor]]) -> dict[str, Tensor]:
        """One step of the one part."""
        return update("model", batch, self.loss)

    def evaluate(self, batches: Iterator[Batch]) -> dict[str, float]:
        """The share of pairs whose chosen answer gained more than the other, the share of chosen answers that
        greedy decoding gives, and the loss in nats a pair.
        """
        nats = preferred = right = count = 0.0
        for batch in batches:
            policy, logits = compared(self.parts["model"], batch[:4])
            reference, pairs = Pair(*batch[4:]), len(batch[0])
            nats += dpo_loss(policy, reference, self.how.beta, self.how.smoothing).item() * pairs
            preferred += int((lead(policy, reference) > 0).sum())
            targets = next_token_targets(batch[0], batch[1])
            rows = torch.arange(pairs, device=targets.device)[:, None].expand_as(targets)
            right += whole_answers(logits[:pairs], targets, rows)[0]
            count += pairs
        scores = {"preferred": preferred / count, "right": right / count, "loss": nats / count}
        return {f"{self.held_out}_{name}": value for name, value in scores.items()}


def compared(model: nn.Module, batch: Batch) -> tuple[Pair, Tensor]:
    """The log-probabilities of both answers, sums over their tokens, and the logits of both texts."""
    chosen, chosen_answer, rejected, rejected_answer = batch
    tokens, answers = torch.cat([chosen, rejected]), torch.cat([chosen_answer, rejected_answer])
    logits = model(tokens).float()
    return Pair(*answer_log_prob(logits, tokens, answers).chunk(2)), logits


def lead(policy: Pair, reference: Pair) -> Tensor:
    """By how many nats more the chosen answer has gained than the rejected one."""
    return (policy.chosen - reference.chosen) - (policy.rejected - reference.rejected)


@torch.no_grad()
def referenced(model: nn.Module, columns: Batch) -> Batch:
    """The columns, and behind them the log-probabilities of both answers under the reference.

    Args:
        model: the reference; it is read in eval mode and left in the mode that it had.
        columns: all pairs, as in a batch without the reference.
    """
    was, place = model.training, next(model.parameters()).device
    model.eval()
    parts = zip(*(torch.split(column, AT_ONCE) for column in columns), strict=True)
    found = [compared(model, tuple(each.to(place) for each in part))[0] for part in parts]
    model.train(was)
    known = (torch.cat([pair.chosen for pair in found]), torch.cat([pair.rejected for pair in found]))
    return *columns, *(each.cpu() for each in known)
