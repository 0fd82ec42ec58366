"""A classifier of pictures as one module with all that comes before its network, so that several that prepare
pictures differently can stand side by side.
"""

from typing import Any

import torch
from torch import Tensor, nn

from gradschool.data.augment.geometry import resize


class FromPixels(nn.Module):
    """From pixels in [0, 1] at the stored size (n, channels, height, width) to logits (n, classes).

    Args:
        model: takes pictures at its own size, normalised.
        facts: of model.json: height and width as stored, mean and std of each channel, input (its last two
            are height and width for the network), flip.
    """

    mean: Tensor
    std: Tensor
    rows: Tensor
    columns: Tensor

    def __init__(self, model: nn.Module, facts: dict[str, Any]) -> None:
        super().__init__()
        self.model, self.flip = model, bool(facts["flip"])
        for name in ("mean", "std"):
            self.register_buffer(name, torch.tensor(facts[name]).view(1, -1, 1, 1), persistent=False)
        # A resize is linear and separable: two small matrices, which any runtime can multiply with.
        self.is_resized = list(facts["input"][-2:]) != [facts["height"], facts["width"]]
        for name, old, new in zip(("rows", "columns"), (facts["height"], facts["width"]), facts["input"][-2:],
                                  strict=True):  # fmt: skip
            self.register_buffer(name, resize(torch.eye(old)[None, None], (new, old))[0, 0], persistent=False)

    def forward(self, pixels: Tensor) -> Tensor:
        """Logits, (n, classes)."""
        if self.is_resized:
            pixels = self.rows @ pixels @ self.columns.T
        x = (pixels - self.mean) / self.std
        logits = self.model(x)
        return (logits + self.model(x.flip(-1))) / 2 if self.flip else logits
