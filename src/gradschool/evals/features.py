"""What a network sees in pictures: the inputs of its last linear layer, and what it answers."""

from collections.abc import Iterable
from contextlib import nullcontext

import torch
from jaxtyping import Float
from torch import Tensor, nn

from gradschool.evals.inference import Precision, device_of, evaluating


def last_linear(model: nn.Module) -> nn.Module:
    """The layer that turns features into answers: the last one with a matrix of weights.

    Raises:
        ValueError: the network ends otherwise.
    """
    found = [m for m in model.modules() if getattr(m, "weight", None) is not None and m.weight.ndim == 2]
    if not found:
        what = f"{type(model).__name__} has no linear layer"
        raise ValueError(f"{what}, one at its end was wanted; take a network such as resnet9")
    return found[-1]


@torch.no_grad()
def seen(
    model: nn.Module, batches: Iterable[Tensor], precision: Precision = nullcontext
) -> tuple[Float[Tensor, "n d"], Float[Tensor, "n k"]]:
    """Features and logits of all pictures, float32, on the CPU.

    Args:
        model: a classifier that ends in a linear layer.
        batches: inputs (b, c, h, w) as it was trained on.
        precision: makes the context to run in.
    """
    features: list[Tensor] = []
    logits: list[Tensor] = []
    device = device_of(model)
    watch = last_linear(model).register_forward_pre_hook(
        lambda _, inputs: features.append(inputs[0].float().flatten(1).cpu())
    )
    try:
        with evaluating(model), precision():
            for x in batches:
                logits.append(model(x.to(device)).float().cpu())
    finally:
        watch.remove()
    return torch.cat(features), torch.cat(logits)
