"""Run a network over batches and keep its logits: every score, calibration and report starts from them.

Flipping at test time averages the logits of an image and of its mirror image: one more pass, usually a
fraction of a percent to a percent (Krizhevsky et al. 2012, sec. 4.1, average the softmax over ten crops and
flips).
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

import torch
from jaxtyping import Float, Int64, UInt8
from torch import Tensor, nn

Transform = Callable[[UInt8[Tensor, "b c h w"]], Float[Tensor, "b c2 h2 w2"]]
Precision = Callable[[], AbstractContextManager[object]]


@contextmanager
def evaluating(model: nn.Module) -> Iterator[nn.Module]:
    """The model in eval mode inside the block; every module has its own mode back afterwards."""
    modes = {module: module.training for module in model.modules()}
    model.eval()
    try:
        yield model
    finally:
        for module, mode in modes.items():
            module.training = mode


def device_of(model: nn.Module) -> torch.device:
    """Where the model's parameters lie (CPU when it has none)."""
    first = next(model.parameters(), None)
    return torch.device("cpu") if first is None else first.device


@torch.no_grad()
def collect(
    model: nn.Module,
    batches: Iterable[tuple[Tensor, Tensor]],
    precision: Precision = nullcontext,
    flip: bool = False,
) -> tuple[Float[Tensor, "n k"], Int64[Tensor, " n"]]:
    """The float32 logits and the labels of all batches, on the CPU, in order.

    Args:
        model: maps (b, c, h, w) to (b, k); it is in eval mode meanwhile.
        batches: pairs (x, y); moved to the model's device here.
        precision: makes the context to run in, e.g. `lambda: torch.autocast("cpu", torch.bfloat16)`.
        flip: average the logits with those of the mirrored images.

    Raises:
        ValueError: there is no batch.
    """
    device = device_of(model)
    logits, labels = [], []
    with evaluating(model):
        for x, y in batches:
            x = x.to(device, non_blocking=True)
            with precision():
                out = model(x).float()
                if flip:
                    out = (out + model(x.flip(-1)).float()) / 2
            logits.append(out.cpu())
            labels.append(y.cpu())
    if not logits:
        raise ValueError("0 batches, wanted at least 1. Check the split or the folder.")
    return torch.cat(logits), torch.cat(labels)
