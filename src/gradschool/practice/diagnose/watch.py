"""Watches a step from outside: which units fire, how large each layer's gradient is, how far weights move."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from gradschool.engine.task import Batch, LossOf
from gradschool.engine.update import Stepper
from gradschool.practice.diagnose.measures import relative_change

RELU = (torch.ops.aten.relu.default, torch.ops.aten.relu_.default)


class Firing(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Inside, every rectifier's output is looked at, whoever calls it: a layer, a function, a timm network.

    `peaks` holds, for each call of a forward pass, the highest output of every unit so far: of a channel in
    pictures (axis 1), of the last axis elsewhere.
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.peaks: dict[int, Tensor] = {}
        self.examples = self.calls = 0

    def begin(self, examples: int) -> None:
        """Another forward pass begins."""
        self.calls, self.examples = 0, self.examples + examples

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Run the operation, and note what a rectifier gave."""
        out = func(*args, **(kwargs or {}))
        if func in RELU:
            self.note(out.detach())
        return out

    def note(self, out: Tensor) -> None:
        """Take the output of the next rectifier."""
        if out.dim() > 1:
            axis = 1 if out.dim() == 4 else out.dim() - 1
            peak = out.amax([i for i in range(out.dim()) if i != axis]).float().cpu()
            before = self.peaks.get(self.calls)
            is_same = before is not None and before.shape == peak.shape
            self.peaks[self.calls] = torch.maximum(before, peak) if is_same else peak  # type: ignore[arg-type]
        self.calls += 1


class Probe:
    """An `update` for a task's step that takes none: it notes gradients and who fires.

    Args:
        stepper: of the run, whose parts are watched.
    """

    def __init__(self, stepper: Stepper) -> None:
        self.stepper, self.firing = stepper, {name: Firing() for name in stepper.modules}
        self.gradients: dict[str, list[dict[str, float]]] = {name: [] for name in stepper.modules}
        self.progress, self.rate = 0.0, 0.0

    def __call__(self, part: str, batch: Batch, loss_of: LossOf) -> dict[str, Tensor]:
        """One forward and one backward pass without a step; as `engine.task.Update`."""
        module, firing = self.stepper.modules[part], self.firing[part]
        firing.begin(len(batch[0]))
        with gradients(module) as found:
            with firing, self.stepper.machine.autocast():
                losses = loss_of(batch)
            losses["loss"].backward()  # type: ignore[no-untyped-call]
        self.gradients[part].append(found)
        for each in self.stepper.modules.values():
            each.zero_grad()
        return {name: value.detach() for name, value in losses.items()}


@contextmanager
def gradients(module: nn.Module) -> Iterator[dict[str, float]]:
    """Inside, a forward and a backward pass fill a dictionary with the length of the gradient at the output
    of every layer that has a weight matrix, in the order of the forward pass. Look-up tables are left out.
    """
    found: dict[str, float] = {}

    def note(name: str) -> Any:
        def hook(_: nn.Module, inputs: Any, output: Any) -> None:
            out = output[0] if isinstance(output, tuple) else output
            if isinstance(out, Tensor) and out.requires_grad:
                found.setdefault(name, 0.0)
                out.register_hook(lambda slope: found.update({name: max(found[name], length(slope))}))  # type: ignore[no-untyped-call]

        return hook

    with ExitStack() as stack:
        for name, layer in module.named_modules():
            own = layer.named_parameters(recurse=False)
            if "Embedding" not in type(layer).__name__ and any(weight.dim() > 1 for _, weight in own):
                stack.callback(layer.register_forward_hook(note(name)).remove)
        yield found


def length(values: Tensor) -> float:
    """The Euclidean norm of all entries."""
    return float(values.detach().float().norm())


def weights_of(modules: Mapping[str, nn.Module]) -> dict[str, nn.Parameter]:
    """The weight matrices of all parts that are trained."""
    return {
        f"{part}.{name}": weight
        for part, module in modules.items()
        for name, weight in module.named_parameters()
        if weight.dim() > 1 and weight.requires_grad
    }


@contextmanager
def watched(modules: Mapping[str, nn.Module]) -> Iterator[dict[str, float]]:
    """Inside, weights are trained; afterwards the dictionary holds by how much each matrix moved, as a share
    of its length. A matrix that was all 0 is left out.
    """
    weights = weights_of(modules)
    before = {name: weight.detach().clone() for name, weight in weights.items()}
    found: dict[str, float] = {}
    yield found
    for name, weight in weights.items():
        if before[name].any():
            found[name] = relative_change(before[name], weight)
