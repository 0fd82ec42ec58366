"""A reward model: from pairs of answers, learn a number that is higher for the one that people chose.

Source: Ouyang et al. 2022, equation 1; the probability of a choice is that of Bradley and Terry 1952.
"""

from collections.abc import Callable, Iterator

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor, nn

from gradschool.ops.tuning.preference import bradley_terry_loss

Batch = tuple[Tensor, ...]


class RewardPairs:
    """Train a model that scores texts.

    A batch is (chosen, chosen_answer, rejected, rejected_answer), (b, t) each: the tokens of both texts,
    padded behind their end, and True at the tokens of their answers.

    Args:
        model: `model(tokens, last)` to a score for each text, as `nn.attention.score`.
        held_out: the word before the scores, "val" or "test".
    """

    def __init__(self, model: nn.Module, held_out: str = "val") -> None:
        self.parts, self.held_out = {"model": model}, held_out

    def rewards(self, batch: Batch) -> tuple[Float[Tensor, " b"], Float[Tensor, " b"]]:
        """The scores of the chosen and of the rejected texts."""
        chosen, chosen_answer, rejected, rejected_answer = batch
        ends = last_token(torch.cat([chosen_answer, rejected_answer]))
        first, second = self.parts["model"](torch.cat([chosen, rejected]), ends).chunk(2)
        return first, second

    def loss(self, batch: Batch) -> dict[str, Tensor]:
        """Minus the log-probability of the choices, and the share of pairs in the right order."""
        chosen, rejected = self.rewards(batch)
        return {"loss": bradley_terry_loss(chosen, rejected), "preferred": (chosen > rejected).float().mean()}

    def step(self, batch: Batch, update: Callable[..., dict[str, Tensor]]) -> dict[str, Tensor]:
        """One step of the one part."""
        return update("model", batch, self.loss)

    def evaluate(self, batches: Iterator[Batch]) -> dict[str, float]:
        """The share of pairs in the right order, and the loss in nats a pair."""
        nats = right = count = 0.0
        for batch in batches:
            chosen, rejected = (each.float() for each in self.rewards(batch))
            nats += bradley_terry_loss(chosen, rejected).item() * len(chosen)
            right += int((chosen > rejected).sum())
            count += len(chosen)
        return {f"{self.held_out}_preferred": right / count, f"{self.held_out}_loss": nats / count}


def last_token(answer: Bool[Tensor, "b t"]) -> Int64[Tensor, " b"]:
    """Where the last token of each answer stands."""
    place = torch.arange(answer.shape[1], device=answer.device)
    return torch.where(answer, place, -1).amax(1)
