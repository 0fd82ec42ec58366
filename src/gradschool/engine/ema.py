"""An exponential moving average of the weights: a smoother model for free.

Source: Polyak and Juditsky 1992; the rising decay follows the TensorFlow `ExponentialMovingAverage`
documentation. Buffers (running statistics) are averaged as well, so that the averaged weights meet
statistics of their own.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn


class Ema:
    """The averaged copy of a module's state.

    Args:
        module: whose weights to follow.
        decay: how much of the average survives a step, 0 <= decay < 1; 0.999 averages over about 1,000 steps.
    """

    def __init__(self, module: nn.Module, decay: float) -> None:
        if not 0 <= decay < 1:
            raise ValueError(f"ema decay is {decay}, a number from 0 to below 1 was wanted, e.g. 0.999")
        self.decay = decay
        self.steps = 0
        self.shadow = {name: value.detach().clone() for name, value in module.state_dict().items()}

    @torch.no_grad()
    def update(self, module: nn.Module) -> None:
        """Move the average, `self.shadow`, towards the module's present weights, in place.

        The k-th update (k = 1, 2, ...) keeps the share min(decay, (1 + k) / (10 + k)) of the average and
        takes the rest from `module.state_dict()`. Tensors of whole numbers are copied. `self.steps` counts
        the updates.
        """
        # 1. Count the update. Early on, a long memory would keep the random start: let it grow.
        self.steps += 1
        weight = 1 - min(self.decay, (1 + self.steps) / (10 + self.steps))
        # 2. Average floating-point tensors, copy whole numbers (such as the number of batches seen).
        now = module.state_dict()
        real = [name for name, value in self.shadow.items() if value.is_floating_point()]
        for kind in {type(self.shadow[name]) for name in real}:  # sharded and whole tensors go separately
            names = [name for name in real if type(self.shadow[name]) is kind]
            torch._foreach_lerp_([self.shadow[n] for n in names], [now[n].detach() for n in names], weight)
        for name in self.shadow.keys() - set(real):
            self.shadow[name].copy_(now[name])

    @contextmanager
    def applied(self, module: nn.Module) -> Iterator[None]:
        """Evaluate with the averaged weights, then put the trained ones back."""
        trained = {name: value.detach().clone() for name, value in module.state_dict().items()}
        module.load_state_dict(self.shadow)
        try:
            yield
        finally:
            module.load_state_dict(trained)

    def load(self, shadow: dict[str, Tensor], steps: int) -> None:
        """Take up an average from a checkpoint."""
        for name, value in self.shadow.items():
            value.copy_(shadow[name])
        self.steps = steps
