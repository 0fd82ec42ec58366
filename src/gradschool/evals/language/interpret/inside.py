"""A look inside a network while it runs: what its parts gave, what its heads saw, what a change would do.

Nothing of the network is changed: parts are named as in `named_modules`, watched through hooks, and let go at
the end of a `with` block.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

from gradschool.errors import UserError
from gradschool.ops.attention.dot_product import attend
from gradschool.ops.attention.heads import attend_in_groups, repeat_heads

Change = Callable[[Tensor], Tensor]
Score = Callable[[Tensor], Tensor]  # logits to one number


def part(model: nn.Module, name: str) -> nn.Module:
    """A part of a network by its name.

    Raises:
        UserError: there is none.
    """
    known = dict(model.named_modules())
    if name not in known:
        raise UserError(f"the network has no part {name!r}", f"one of {', '.join(filter(None, known))}")
    return known[name]


@contextmanager
def recorded(model: nn.Module, names: Sequence[str]) -> Iterator[dict[str, Tensor]]:
    """What parts give while the block runs, by name; of several runs the last."""
    found: dict[str, Tensor] = {}
    with ExitStack() as stack:
        for name in names:

            def keep(_: nn.Module, inputs: object, output: Tensor, name: str = name) -> None:
                found[name] = output

            stack.callback(part(model, name).register_forward_hook(keep).remove)
        yield found


@contextmanager
def changed(model: nn.Module, changes: Mapping[str, Change]) -> Iterator[None]:
    """Parts give something else while the block runs: what `changes[name]` makes of their output."""
    with ExitStack() as stack:
        for name, change in changes.items():

            def put(_: nn.Module, inputs: object, output: Tensor, change: Change = change) -> Tensor:
                return change(output)

            stack.callback(part(model, name).register_forward_hook(put).remove)
        yield


@contextmanager
def watched_heads() -> Iterator[list[Float[Tensor, "b h n m"]]]:
    """The weights of every attention in heads while the block runs, in order: of a decoder, one a block."""
    found: list[Tensor] = []
    before = attend_in_groups.mine

    def watching(q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None = None, causal: bool = False) -> Tensor:
        # Attention to the rows of the identity gives the weights themselves.
        keys = repeat_heads(k, q.shape[-3])
        rows = torch.eye(k.shape[-2], dtype=q.dtype, device=q.device).expand(*keys.shape[:-1], -1)
        found.append(attend.plain(q, keys, rows, mask, causal))
        form = before or attend_in_groups.fast or attend_in_groups.plain
        return form(q, k, v, mask, causal)

    attend_in_groups.mine = watching
    try:
        yield found
    finally:
        attend_in_groups.mine = before


@torch.inference_mode()
def logit_lens(
    model: nn.Module, tokens: Int64[Tensor, "b t"], layers: Sequence[str], head: Callable[[Tensor], Tensor]
) -> Float[Tensor, "l b t v"]:
    """What the network would say if it stopped after each layer: the head is applied to what the layer gave.

    Args:
        model: tokens to logits, in eval mode.
        tokens: to read.
        layers: names of the parts whose outputs are vectors (b, t, width), such as the blocks.
        head: vectors to logits: the last normalisation and the output layer of the model. After the last
            block it gives the model's own logits.

    Source: nostalgebraist 2020, "interpreting GPT: the logit lens".
    """
    with recorded(model, layers) as found:
        model(tokens)
    return torch.stack([head(found[name]) for name in layers])


@torch.inference_mode()
def patching_effects(
    model: nn.Module, clean: Int64[Tensor, "1 t"], corrupt: Int64[Tensor, "1 t"], layers: Sequence[str],
    score: Score,
) -> Float[Tensor, "l t"]:  # fmt: skip
    """Where a network keeps what tells two texts apart: how much each place of the clean run repairs.

    The network reads the corrupt text, but one position of one layer gets what it had in the clean run.

    Args:
        model: tokens to logits, in eval mode.
        clean: the text that the network answers rightly.
        corrupt: one of the same length, with another answer.
        layers: names of parts whose outputs are (1, t, width).
        score: logits to one number, such as the difference of the logits of the two answers.

    Returns:
        For each layer and position the share of the difference in score that is repaired: 0 for nothing, 1
        for all of it; it may lie outside.

    Raises:
        UserError: the two texts have the same score, so nothing can be repaired.

    Source: Meng et al. 2022, section 2 (causal tracing); Wang et al. 2023 (activation patching).
    """
    # 1. Both runs.
    with recorded(model, layers) as right:
        best = score(model(clean))
    worst = score(model(corrupt))
    if best == worst:
        raise UserError("the two texts have the same score", "texts that the network answers differently")

    def mended(value: Tensor, t: int) -> Change:
        def change(output: Tensor) -> Tensor:
            return torch.cat([output[:, :t], value[:, t : t + 1], output[:, t + 1 :]], 1)

        return change

    # 2. One place at a time.
    found = torch.zeros(len(layers), clean.shape[1])
    for i, name in enumerate(layers):
        for t in range(clean.shape[1]):
            with changed(model, {name: mended(right[name], t)}):
                found[i, t] = (score(model(corrupt)) - worst) / (best - worst)
    return found
