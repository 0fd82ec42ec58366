"""Supervised fine-tuning: learn to give the answers of dialogues, and nothing else of them.

Sources: Ouyang et al. 2022, section 3.5; Krell et al. 2021 (texts that share a row do not see each other).
"""

from collections.abc import Callable, Iterator

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor, nn

from gradschool.ops.loss import cross_entropy
from gradschool.ops.tuning.supervised import IGNORED, next_token_targets, supervised_loss

Batch = tuple[Tensor, ...]


class Sft:
    """Train a decoder on packed dialogues.

    A batch is (tokens, document, answer), (b, t) each: tokens, the number of the dialogue that each belongs
    to, and whether it is of an answer. To train on, there may be numbers (b) behind them, whose sum the loss
    is divided by (`data.text.dialogues.rows.AnswerRows`).

    Args:
        model: `model(tokens, texts=document)` to logits (b, t, kinds).
        held_out: the word before the scores, "val" or "test".
    """

    def __init__(self, model: nn.Module, held_out: str = "val") -> None:
        self.parts, self.held_out = {"model": model}, held_out

    def loss(self, batch: Batch) -> dict[str, Tensor]:
        """The mean negative log-likelihood of a token of an answer, in nats."""
        tokens, document, answer, *counted = batch
        logits = self.parts["model"](tokens, texts=document)
        loss = supervised_loss(logits, tokens, answer, document)
        # A part of a batch may have more or fewer tokens of answers than its share of the rows.
        return {"loss": loss * (answer.sum() / counted[0].sum()) if counted else loss}

    def step(self, batch: Batch, update: Callable[..., dict[str, Tensor]]) -> dict[str, Tensor]:
        """One step of the one part."""
        return update("model", batch, self.loss)

    def evaluate(self, batches: Iterator[Batch]) -> dict[str, float]:
        """Loss of the answers, and the share of dialogues whose answers are right from beginning to end.

        An answer counts as right if the most probable token is the true one at each of its positions, its end
        included: exactly then greedy decoding gives it.

        Returns:
            "val_right" from 0 to 1 and "val_loss" in nats a token ("test_..." where `held_out` says so).
        """
        nats = tokens_scored = right = dialogues = 0.0
        for tokens, document, answer in batches:
            logits = self.parts["model"](tokens, texts=document).float()
            targets = next_token_targets(tokens, answer, document)
            each = logits.flatten(0, 1), targets.flatten()
            nats += cross_entropy(*each, ignore_index=IGNORED, reduction="sum").item()
            tokens_scored += int((targets != IGNORED).sum())
            hits, all_of_them = whole_answers(logits, targets, document)
            right, dialogues = right + hits, dialogues + all_of_them
        return {f"{self.held_out}_right": right / dialogues, f"{self.held_out}_loss": nats / tokens_scored}


def whole_answers(
    logits: Float[Tensor, "b t k"], targets: Int64[Tensor, "b t"], document: Int64[Tensor, "b t"]
) -> tuple[int, int]:
    """How many dialogues have only right answers under greedy decoding, and how many there are.

    Args:
        logits: at every position.
        targets: the token that each position has to predict, or IGNORED.
        document: the number of the dialogue at each position.
    """
    asked: Bool[Tensor, "b t"] = targets != IGNORED
    wrong = asked & (logits.argmax(2) != targets)
    dialogues = torch.unique(document[asked])
    return len(dialogues) - len(torch.unique(document[wrong])), len(dialogues)
