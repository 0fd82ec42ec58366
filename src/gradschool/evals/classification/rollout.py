"""Where a vision transformer's attention comes from: weights of all layers, rolled out to a map of patches.

Source: Abnar and Zuidema 2020. It says what could flow, not what was used: compare it with saliency.
"""

from contextlib import ExitStack
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from gradschool.evals.inference import evaluating
from gradschool.nn.attention.multihead import Attention
from gradschool.nn.attention.patches import Patches
from gradschool.ops.attention.biased import weights_of
from gradschool.ops.interpret.rollout import rollout


def attentions(model: nn.Module) -> list[Attention]:
    """The layers of attention of a network that cuts images into patches; none of any other network."""
    if not any(isinstance(each, Patches) for each in model.modules()):
        return []
    return [each for each in model.modules() if isinstance(each, Attention)]


@torch.no_grad()
def patch_maps(model: nn.Module, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b rows columns"]:
    """How much of every patch reaches what the head reads: a class token, or the mean over all patches.

    Args:
        model: with `attentions`, over all patches of an image and at most one token before them.
        x: images as the network is fed.

    Returns:
        Shares, 1 over all patches of an image.
    """
    kept: dict[str, list[Tensor]] = {"queries": [], "keys": []}
    grid: list[tuple[int, int]] = []
    # 1. Queries and keys of each layer, (b, heads, n, size), and the rows and columns of patches.
    with ExitStack() as stack, evaluating(model):

        def watch(module: nn.Module, found: list[Any], as_size: bool = False) -> None:
            def keep(_: nn.Module, inputs: object, output: Tensor) -> None:
                found.append((output.shape[1], output.shape[2]) if as_size else output)

            stack.callback(module.register_forward_hook(keep).remove)

        watch(next(each for each in model.modules() if isinstance(each, Patches)), grid, as_size=True)
        for layer in attentions(model):
            watch(layer.query_norm, kept["queries"])
            watch(layer.key_norm, kept["keys"])
        model(x)
    # 2. Their weights, rolled out.
    pairs = zip(kept["queries"], kept["keys"], strict=True)
    whole = rollout([weights_of(q.float() @ k.float().mT * q.shape[-1] ** -0.5) for q, k in pairs])
    # 3. The row that the head reads, without the class token.
    rows, columns = grid[0]
    has_token = whole.shape[-1] > rows * columns
    seen = whole[:, 0, 1:] if has_token else whole.mean(1)
    return (seen / seen.sum(1, keepdim=True)).reshape(-1, rows, columns)
