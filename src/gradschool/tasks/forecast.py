"""Forecasting: the squared error of scaled values down, and with it the absolute error of the values."""

from collections.abc import Callable, Iterator

from torch import Tensor, nn

from gradschool.ops.loss import l1_loss, mse_loss

Batch = tuple[Tensor, ...]


class Forecast:
    """Train a model that forecasts all steps of a horizon at once.

    Args:
        model: scaled inputs (b, history) to scaled forecasts (b, horizon).
        back: scaled values to values in their own unit.
        held_out: the word before the scores, "val" or "test".
    """

    def __init__(self, model: nn.Module, back: Callable[[Tensor], Tensor], held_out: str = "val") -> None:
        self.parts = {"model": model}
        self.back, self.held_out = back, held_out

    def loss(self, batch: Batch) -> dict[str, Tensor]:
        """The mean squared error of a batch, over windows and steps ahead."""
        x, y = batch
        return {"loss": mse_loss(self.parts["model"](x), y)}

    def step(self, batch: Batch, update: Callable[..., dict[str, Tensor]]) -> dict[str, Tensor]:
        """One step of the one part."""
        return update("model", batch, self.loss)

    def evaluate(self, batches: Iterator[Batch]) -> dict[str, float]:
        """Mean squared error of scaled values, and mean absolute error in the unit of the series.

        Args:
            batches: (x, y): inputs and targets, scaled; the last batch may be smaller. The engine has put the
                model into eval mode and switched gradients off.

        Returns:
            "val_loss" and "val_mae" ("test_..." where `held_out` says so), means over windows and steps.
        """
        # 1. Sums over windows and steps ahead, batch after batch.
        squared = absolute = count = 0.0
        for x, y in batches:
            found = self.parts["model"](x).float()
            squared += mse_loss(found, y, reduction="sum").item()
            absolute += l1_loss(self.back(found), self.back(y), reduction="sum").item()
            count += y.numel()
        # 2. Means, under their names.
        return {f"{self.held_out}_loss": squared / count, f"{self.held_out}_mae": absolute / count}
