"""The stages of a network and how they are connected, found by running the network once.

The run is on torch's meta device: shapes without numbers, so it takes no time whatever the size. Every tensor
operation is watched: it belongs to the module that called it, and its inputs say which stages feed it. So
skip connections, branches and concatenations are found however `forward` is written.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.weak import WeakIdKeyDictionary

from gradschool.evals.inference import evaluating

MERGES = {"add": "add", "cat": "concat", "mul": "multiply"}
KINDS = {
    "ConvTranspose": "up-conv", "Conv2d": "conv", "Linear": "linear", "Adaptive": "mean",
    "MaxPool": "max pool", "AvgPool": "mean pool",
}  # fmt: skip
COMPUTES = ("conv", "mm", "pool", "mean", "upsample", "embedding", "attention", "index")


@dataclass
class Stage:
    """A part of a network as one box of a drawing.

    Args:
        label: an operation ("conv 3×3"), a module's name ("layer1"), "input" or a merge ("concat").
        shape: of its output, without the batch axis: (channels, height, width) or (features,).
        parameters: of all layers in it.
        inputs: the number of every stage that feeds it, and how: "" as the layer's input, or "add", "concat",
            "multiply" for one that is merged with it.
    """

    label: str
    shape: tuple[int, ...]
    parameters: int = 0
    inputs: dict[int, str] = field(default_factory=dict)

    @property
    def size(self) -> tuple[int, ...]:
        """Height and width of a feature map; empty for a vector."""
        return self.shape[1:] if len(self.shape) == 3 else ()

    @property
    def merge(self) -> bool:
        """Whether it only joins other stages."""
        return self.label in MERGES.values()


@dataclass(eq=False)
class Part:
    """A stage while the network runs.

    Args:
        name: of its module; "" for operations between modules.
        shape: of its output, without the batch axis.
        layers: every module that was called in it.
        operations: names of the tensor operations in it.
        inputs: as in `Stage`.
        taken: layers of later parts that went into it.
        is_input: whether it is an input of the network.
    """

    name: str = ""
    shape: tuple[int, ...] = ()
    layers: list[nn.Module] = field(default_factory=list)
    operations: set[str] = field(default_factory=set)
    inputs: dict[Part, str] = field(default_factory=dict)
    taken: list[nn.Module] = field(default_factory=list)
    is_input: bool = False

    @property
    def parameters(self) -> int:
        """Each layer counts once."""
        return sum(p.numel() for x in {*self.layers, *self.taken} for p in x.parameters(recurse=False))

    @property
    def merge(self) -> str:
        """How it joins other parts, "add", "concat" or "multiply", if it does nothing else."""
        found = [how for how in self.inputs.values() if how]
        return found[0] if not self.layers and len(self.inputs) > 1 and found else ""

    def computes(self) -> bool:
        """Whether it is more than an activation, a normalisation or a reshape of its one input."""
        (before,) = self.inputs
        heavy = {o for o in self.operations if any(name in o for name in COMPUTES)}
        if before.shape == self.shape:  # adaptive pooling to the size that is already there does nothing
            heavy = {o for o in heavy if "adaptive" not in o and "mean" not in o}
        return bool(heavy) or (before.is_input and self.parameters > 0)

    def absorb(self, other: Part) -> None:
        """Take in a part that follows. A map that is only flattened stays a map."""
        if len(other.shape) == 3 or len(other.shape) <= len(self.shape) < 3:
            self.shape = other.shape
        self.taken += other.layers + other.taken


class Watch(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """While active, notes which part made every tensor that descends from the inputs.

    Args:
        inputs: of the network.
        depth: how many levels of modules are opened.
        whole: classes of modules that are not opened.
    """

    def __init__(self, inputs: Sequence[Tensor], depth: int, whole: tuple[type, ...]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.depth, self.whole = depth, whole
        self.calls: list[tuple[nn.Module, Part]] = []
        self.parts: list[Part] = []
        self.origin: Any = WeakIdKeyDictionary()
        for tensor in inputs:
            self.parts.append(Part("input", shape_of(tensor), is_input=True))
            self.origin[tensor] = self.parts[-1]

    def __torch_dispatch__(self, func: Any, types: object, args: Any = (), kwargs: Any = None) -> Any:
        """Run the operation, and let what it gives belong to the part that is running."""
        out = func(*args, **(kwargs or {}))
        sources = [self.origin[t] for t in tensors((args, kwargs)) if t in self.origin]
        if sources:
            part, name = self.running(), func.overloadpacket.__name__.rstrip("_")
            part.operations.add(name)
            merges = MERGES.get(name, "") if len(set(sources)) > 1 else ""
            for source in sources:
                if source is not part and part.inputs.get(source) != "":
                    part.inputs[source] = merges
            for tensor in tensors(out):
                self.origin[tensor] = part
                part.shape = shape_of(tensor)
        return out

    def level(self) -> int:
        """How deep in the calls that are open now the stages begin."""
        closed = (i for i, (module, _) in enumerate(self.calls) if isinstance(module, self.whole))
        return min(self.depth, next(closed, self.depth))

    def running(self) -> Part:
        """The part of the call that is open at that level; a new one for what stands between such calls."""
        module, part = self.calls[min(self.level(), len(self.calls) - 1)]
        if len(self.calls) <= self.level() and any(module.children()):
            part = Part()
        if part not in self.parts:
            self.parts.append(part)
        return part

    @contextmanager
    def hooked(self, model: nn.Module) -> Iterator[None]:
        """Keep the stack of calls."""
        with ExitStack() as hooks:
            for name, module in model.named_modules():
                for hook in (
                    module.register_forward_pre_hook(partial(self.enter, name)),
                    module.register_forward_hook(self.leave),
                ):
                    hooks.callback(hook.remove)
            yield

    def enter(self, name: str, module: nn.Module, args: Any) -> None:
        """A call begins; its module counts for the stage that it is in."""
        self.calls.append((module, Part(name)))
        self.calls[min(self.level(), len(self.calls) - 1)][1].layers.append(module)

    def leave(self, module: nn.Module, args: Any, out: Any) -> None:
        """A call ends; its part has the shape of what it returns."""
        _, part = self.calls.pop()
        first = tensors(out)[0]
        if part in self.parts and self.origin.get(first) is part:
            part.shape = shape_of(first)


def tensors(values: Any) -> list[Tensor]:
    """The tensors among nested arguments or results."""
    return [value for value in tree_leaves(values) if isinstance(value, Tensor)]


def shape_of(batch: Tensor) -> tuple[int, ...]:
    """Without the batch axis; a number for each example is a vector of one."""
    return tuple(batch.shape[1:]) or (1,)


def stages(
    model: nn.Module, shape: Sequence[int], *more: Any, depth: int = 1, by_size: bool = False,
    whole: tuple[type, ...] = (),
) -> list[Stage]:  # fmt: skip
    """The stages of a network in the order in which they run; the inputs come first.

    Activations, normalisations and reshapes belong to the layer before them.

    Args:
        model: any module; it is left as it was.
        shape: of one input, without the batch axis.
        more: further arguments of `forward`, batches of tensors.
        depth: levels of modules that are opened: 1 for the children of the model, 2 for their children ...
        by_size: whether stages in a row whose maps have the same height and width become one.
        whole: classes of modules that stay one stage at any depth.
    """
    first = torch.zeros(1, *shape, device="meta")
    args = [first, *(t.to("meta") if isinstance(t, Tensor) else t for t in more)]
    weights = {n: t.to("meta") for n, t in [*model.named_parameters(), *model.named_buffers()]}
    watch = Watch(tensors(args), depth, whole)
    with torch.no_grad(), evaluating(model), watch.hooked(model), watch:
        functional_call(model, weights, tuple(args))
    parts = folded(watch.parts)
    groups = merged(parts) if by_size else [[part] for part in parts]
    return connected(groups, by_size)


def folded(parts: list[Part]) -> list[Part]:
    """The parts without those that compute nothing of their own: they go into the part before them."""
    into: dict[Part, Part] = {}
    kept = []
    for part in parts:
        inputs: dict[Part, str] = {}
        for source, how in part.inputs.items():
            before = into.get(source, source)
            if before is not part and inputs.get(before) != "":
                inputs[before] = how
        part.inputs = inputs
        if len(inputs) == 1 and not part.computes():
            (before,) = inputs
            into[part] = before
            if not before.is_input:
                before.absorb(part)
        else:
            kept.append(part)
    return kept


def merged(parts: list[Part]) -> list[list[Part]]:
    """Runs of parts whose maps have one size; inputs, vectors and a last layer of other width stay alone."""
    groups: list[list[Part]] = []
    of: dict[Part, list[Part]] = {}
    for part in parts:
        latest = max(part.inputs, key=parts.index, default=None)
        last = part is parts[-1] and latest is not None and part.shape[0] != latest.shape[0]
        same = latest is not None and not latest.is_input and latest.shape[1:] == part.shape[1:]
        if latest is not None and same and not last and len(part.shape) == 3:
            group = of[latest]
        else:
            groups.append(group := [])
        group.append(part)
        of[part] = group
    return groups


def connected(groups: list[list[Part]], by_size: bool) -> list[Stage]:
    """Groups as stages, with numbers for connections."""
    number = {part: i for i, group in enumerate(groups) for part in group}
    made = []
    for i, group in enumerate(groups):
        stage = Stage(label(group, by_size), group[-1].shape, sum(part.parameters for part in group))
        for part in group:
            for source, how in part.inputs.items():
                before = number[source]
                if before != i and stage.inputs.get(before) != "":
                    stage.inputs[before] = how
        made.append(stage)
    return made


def label(group: list[Part], by_size: bool) -> str:
    """What a group is: its only operation, its convolutions if it was made by size, or its module's name."""
    first = group[0]
    if first.is_input:
        return "input"
    if len(group) == 1 and first.merge:
        return first.merge
    layers = [layer for part in group for layer in part.layers]
    found = [name for name in map(kind, layers) if name]
    if len(found) == 1:
        return found[0]
    ups, downs = (sum(name.startswith(how) for name in found) for how in ("up-conv", "conv"))
    if by_size and downs:
        attends = any("Attention" in type(layer).__name__ for layer in layers)
        return "up-conv, " * bool(ups) + f"{downs} conv" + ", attention" * attends
    return first.name or ", ".join(sorted(first.operations))


def kind(layer: nn.Module) -> str:
    """A layer's operation, "" for what is no layer of its own."""
    name = type(layer).__name__
    size = getattr(layer, "kernel_size", None)
    window = "×".join(map(str, size)) if isinstance(size, tuple) else f"{size}×{size}"
    for part, words in KINDS.items():
        if part in name:
            return f"{words} {window}" if isinstance(size, int | tuple) else words
    return ""
