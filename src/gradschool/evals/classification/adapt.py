"""Adaptation to pictures of another kind without labels: normalise by statistics of the new pictures.

Batch normalisation remembers means and variances of photographs; drawings have others, so every layer sees
shifted values. Sources: Li et al. 2017 (AdaBN); Schneider et al. 2020, section 3 (mixing both statistics).
"""

import copy
from collections.abc import Iterable

import torch
from torch import Tensor, nn

from gradschool.evals.inference import Precision, device_of


def normalisations(model: nn.Module) -> list[nn.Module]:
    """The layers that keep running statistics."""
    return [module for module in model.modules() if isinstance(getattr(module, "running_mean", None), Tensor)]


@torch.no_grad()
def adapted(
    model: nn.Module, batches: Iterable[Tensor], precision: Precision, share: float = 0.5
) -> nn.Module:
    """A copy of the model, in eval mode, whose running statistics are partly those of other pictures.

    Args:
        model: left as it is.
        batches: inputs (b, c, h, w) of the new kind, without labels; large ones are better.
        precision: makes the context to run in.
        share: of the new statistics, 0 to 1; the rest are the old ones.
    """
    old, model = model, copy.deepcopy(model).eval()
    layers = normalisations(model)
    # 1. Running statistics become plain means over the batches: the i-th counts 1 / i.
    for count, x in enumerate(batches, start=1):
        for layer in layers:
            layer.train()
            layer.momentum = 1 / count  # type: ignore[assignment]
        with precision():
            model(x.to(device_of(model)))
    # 2. Mix with the old ones.
    for layer, before in zip(layers, normalisations(old), strict=True):
        for name in ("running_mean", "running_var"):
            getattr(layer, name).lerp_(getattr(before, name), 1 - share)
        layer.momentum = before.momentum
    return model.eval()
