"""Pruning by channel: weak channels are cut out, and a smaller dense network is left.

A channel may go where nothing but one further layer reads it: inside a residual block, or between two layers
of a plain network. Which layers these are is read off the network's graph. Source: Li et al. 2017, section 3
(filters by the sum of their magnitudes). Deviation: a filter is compared with the mean of its layer, so that
one threshold serves all layers.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor, nn

LEAST = 1  # channels that every layer keeps
# What works on each channel by itself and gives 0 for a channel of zeros.
ALONE = ("relu", "relu_", "leaky_relu", "silu", "gelu", "hardtanh", "max_pool2d", "avg_pool2d", "dropout",
         "adaptive_avg_pool2d", "contiguous", "clone", "mean", "pad", "constant_pad_nd")  # fmt: skip
LAYERS = ("conv2d", "linear")
FLAT = ("flatten", "view", "reshape")


@dataclass(frozen=True)
class Chain:
    """Two layers with a channel between them that nothing else reads.

    Args:
        first: name of the convolution that makes the channels.
        norms: of the normalisations between them.
        last: of the convolution or linear layer that reads them.
        places: numbers of the linear layer's input that belong to a channel; 1 for a convolution.
        kept: channels that are left.
    """

    first: str
    norms: tuple[str, ...]
    last: str
    places: int
    kept: int

    def facts(self) -> dict[str, Any]:
        """For model.json."""
        return asdict(self) | {"norms": list(self.norms)}


def chains(model: nn.Module, example: Tensor) -> list[Chain]:
    """All pairs of layers with channels that may go; `kept` is how many there are now.

    Args:
        model: in evaluation mode.
        example: a batch of two or more inputs.
    """
    program = torch.export.export(model, (example,), strict=False)
    names = {
        **program.graph_signature.inputs_to_parameters,
        **program.graph_signature.inputs_to_buffers,
    }
    layers = [node for node in program.graph.nodes if kind(node) in LAYERS]
    calls = Counter(owner(node.args[1], names) for node in layers)  # of a shared layer nothing may go
    modules: dict[str, Any] = dict(model.named_modules())
    found = [
        followed(node, names, modules) for node in layers if kind(node) == "conv2d" and groups(node) == 1
    ]
    return [each for each in found if each and calls[each.first] == calls[each.last] == 1]


def kind(node: Any) -> str:
    """The name of a node's operation without its overload, "" for what is none."""
    return node.target._schema.name.partition("::")[2] if hasattr(node.target, "_schema") else ""


def groups(node: Any) -> int:
    """The groups of a convolution's node."""
    return int(node.args[6]) if len(node.args) > 6 else int(node.kwargs.get("groups", 1))


def followed(node: Any, names: dict[str, str], modules: dict[str, Any]) -> Chain | None:
    """The chain that begins with a convolution, None where its channels are read elsewhere as well."""
    first, norms, places = owner(node.args[1], names), [], 1
    width = int(modules[first].weight.shape[0])
    while len(node.users) == 1:
        node, before = next(iter(node.users)), node
        name = kind(node)
        if not node.args or node.args[0] is not before:
            return None
        if name == "batch_norm":
            norms.append(owner(node.args[1], names))
        elif name in FLAT:
            places = int(before.meta["val"].shape[2:].numel())
        elif name == "linear" or (name == "conv2d" and groups(node) == 1):
            last = owner(node.args[1], names)
            return Chain(first, tuple(norms), last, places, width)
        elif name not in ALONE:
            return None
        if node.meta["val"].shape[1] != width * places:
            return None
    return None


def owner(node: Any, names: dict[str, str]) -> str:
    """The name of the module that a weight belongs to."""
    return names[node.name].rpartition(".")[0]


def scores(model: nn.Module, chain: Chain) -> Tensor:
    """How large each channel's filter is beside the mean of its layer, (channels,)."""
    first: Any = model.get_submodule(chain.first)
    sizes: Tensor = first.weight.detach().flatten(1).abs().sum(1)
    return sizes / sizes.mean().clamp(min=1e-12)


def chosen(model: nn.Module, found: Sequence[Chain], share: float, multiple: int = 8) -> list[Tensor]:
    """The channels of each chain that stay, in their order: all but this share of all, the smallest.

    Args:
        model: the network.
        found: its chains.
        share: of all channels, 0 to 1.
        multiple: kernels take channels in packs, so as many stay in a layer as the nearest multiple of this
            says; a layer that has fewer than two packs is not rounded, and every layer keeps a channel.
    """
    each = [scores(model, chain) for chain in found]
    order = torch.cat(each).argsort(stable=True)
    stays = torch.ones(len(order), dtype=torch.bool)
    stays[order[: round(share * len(order))]] = False
    kept = []
    for score, part in zip(each, torch.split(stays, [len(score) for score in each]), strict=True):
        count = int(part.sum())
        if len(score) >= 2 * multiple:
            count = max(multiple, round(count / multiple) * multiple)
        kept.append(score.topk(max(LEAST, count)).indices.sort().values)
    return kept


def cut(model: nn.Module, chain: Chain, index: Tensor) -> None:
    """Leave the channels at `index` between the two layers of a chain, in place."""
    first, last = model.get_submodule(chain.first), model.get_submodule(chain.last)
    rows = (index[:, None] * chain.places + torch.arange(chain.places)).flatten()
    select(first, ("weight", "bias"), index, 0)
    first.out_channels = len(index)  # type: ignore[assignment]
    for name in chain.norms:
        norm = model.get_submodule(name)
        select(norm, ("weight", "bias", "running_mean", "running_var"), index, 0)
        norm.num_features = len(index)  # type: ignore[assignment]
    select(last, ("weight",), rows, 1)
    for name in ("in_channels", "in_features"):
        if hasattr(last, name):
            setattr(last, name, len(rows))


def select(module: nn.Module, names: Sequence[str], index: Tensor, axis: int) -> None:
    """Leave a part of a module's tensors, along an axis."""
    for name in names:
        value = getattr(module, name, None)
        if value is None:
            continue
        part = value.detach().index_select(axis, index).clone()
        setattr(module, name, nn.Parameter(part) if isinstance(value, nn.Parameter) else part)


def resized(model: nn.Module, facts: Sequence[dict[str, Any]]) -> nn.Module:
    """A fresh network at the size that pruning left it; its weights are loaded afterwards."""
    cuts = [Chain(**each | {"norms": tuple(each["norms"])}) for each in facts]
    for chain in cuts:
        cut(model, chain, torch.arange(chain.kept))
    model.cuts = cuts  # type: ignore[assignment]
    return model
