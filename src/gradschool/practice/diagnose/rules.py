"""From numbers to findings: where a measure becomes a fault. Each threshold stands here, with its reason."""

import math
from collections.abc import Iterator

import torch
from torch import Tensor, nn

from gradschool import nn as ours
from gradschool.engine.task import Batch
from gradschool.practice.diagnose import finding as names
from gradschool.practice.diagnose.finding import Finding
from gradschool.practice.diagnose.look import Look
from gradschool.practice.diagnose.measures import ends, falls, median, rises
from gradschool.practice.diagnose.memorise import Memorised
from gradschool.runs.run import Run

DEAD = 0.6  # share of a layer's units; sparse layers of healthy networks stay below
WATCHED = 64  # examples without which a unit is not called dead
VANISHED, EXPLODED = 1e-4, 1e3  # gradient at the first layer's output over that at the last
BETTER = 0.1  # share of the first loss by which a lower rate has to end lower
FEW_MOVES = 1e-6  # relative update a step, a thousandth of the usual 1e-3
REACH = 0.01  # share of their length that weights have to be able to move in the whole run
FAR, WIDE, NARROW = 3.0, 10.0, 0.01  # mean and deviation of inputs; 0 and 1 are wanted
UNEVEN = 1e3  # ratio of the deviations of two columns


def input_faults(batch: Batch) -> Iterator[Finding]:
    """Values that are not finite, or far from mean 0 and deviation 1."""
    x = batch[0]
    if not x.is_floating_point() or x.dim() < 2 or not x.numel():
        return
    bad = int((~torch.isfinite(x)).sum())
    if bad:
        yield Finding(
            names.NOT_FINITE, f"{bad:,} of {x.numel():,} input values of the first batch are NaN or infinite",
            "Find them in the data, and fill them or leave their examples out.",
            {"not_finite": bad, "values": x.numel()},
        )  # fmt: skip
        return
    mean, deviation = float(x.double().mean()), float(x.double().std())
    told = {"mean": mean, "deviation": deviation}
    what = f"the inputs have mean {mean:.3g} and deviation {deviation:.3g}"
    advice = "Normalise them: subtract the training part's mean and divide by its deviation."
    if abs(mean) > FAR or deviation > WIDE or 0 < deviation < NARROW:
        yield Finding(names.NORMALISATION, f"{what}; about 0 and 1 are wanted", advice, told)
    elif x.dim() == 2 and (uneven := unevenness(x)) > UNEVEN:
        what = f"the deviations of two input columns differ {uneven:,.0f} times"
        yield Finding(names.NORMALISATION, what, advice, told | {"ratio": uneven})


def unevenness(x: Tensor) -> float:
    """The largest deviation of a column over the smallest that is not 0; 1 for one row or column."""
    spread = x.double().std(0) if len(x) > 1 else x.new_ones(1)
    spread = spread[spread > 0]
    return float(spread.max() / spread.min()) if len(spread) else 1.0


def batch_norm_fault(run: Run, model: nn.Module, batch: Batch) -> Iterator[Finding]:
    """Batch normalisation that is given one example at a time."""
    kinds = (nn.modules.batchnorm._BatchNorm, ours.BatchNorm2d)
    layers = sum(isinstance(layer, kinds) for layer in model.modules())
    at_once = math.ceil(len(batch[0]) / run.accumulate)
    if layers and at_once <= 1:
        cut = f" (batch_size {run.batch_size}, accumulate {run.accumulate})" * (run.accumulate > 1)
        yield Finding(
            names.BATCH_NORM,
            f"{layers} layers of batch normalisation are given 1 example at a time{cut}: its own mean is "
            "subtracted from it, and the running statistics are those of single examples",
            "Raise batch_size or lower accumulate, or use a network with layer or group normalisation.",
            {"layers": layers, "at_once": at_once},
        )  # fmt: skip


def unit_faults(look: Look) -> Iterator[Finding]:
    """Layers most of whose units never fire."""
    if look.examples < WATCHED or not look.layers:
        return
    worst = max(look.layers, key=lambda layer: layer.dead)
    units = sum(layer.units for layer in look.layers)
    dead = round(sum(layer.dead * layer.units for layer in look.layers))
    if worst.dead > DEAD:
        yield Finding(
            names.DEAD,
            f"{100 * worst.dead:.0f} % of the {worst.units} units of {worst.name} never fired for "
            f"{look.examples:,} examples ({dead:,} of {units:,} units of all rectifiers)",
            "Look at how weights and biases begin, lower the learning rate, or use leaky ReLU or GELU.",
            {"dead": worst.dead, "layer": worst.name, "dead_units": dead, "units": units},
        )  # fmt: skip


def gradient_faults(look: Look) -> Iterator[Finding]:
    """Gradients that vanish or explode on their way back."""
    for part, ratios in look.ratios.items():
        known = [ratio for ratio in ratios if math.isfinite(ratio)]
        told = f" of the {part}" if len(look.ratios) > 1 else ""
        what = f"the gradient at the output of the first layer{told} is {{:.1e}} times that at the last"
        if known and 0 <= max(known) < VANISHED:
            yield Finding(
                names.VANISHING, what.format(max(known)),
                "Use ReLU for sigmoid or tanh, residual connections, normalisation, or Kaiming's initial "
                "weights.",
                {"ratio": max(known), "part": part},
            )  # fmt: skip
        if known and median(known) > EXPLODED:
            yield Finding(
                names.EXPLODING, what.format(median(known)),
                "Use normalisation, smaller initial weights, or clip the gradient: --set clip=1.",
                {"ratio": median(known), "part": part},
            )  # fmt: skip


def is_stuck(look: Look) -> bool:
    """Whether the loss rose, became NaN, or did not fall."""
    return len(look.losses) > 0 and (rises(look.losses) or not falls(look.losses))


def too_high(look: Look, lower: Look) -> Iterator[Finding]:
    """A rate at which the loss does not fall, while it does at a lower one.

    Args:
        look: at the run's rate.
        lower: at a lower rate.
    """
    (first, last), (lower_first, lower_last) = ends(look.losses), ends(lower.losses)
    if not is_stuck(look) or is_stuck(lower) or lower_last > last - BETTER * abs(first):
        return
    end = f"{last:.3g}" if look.is_finite else "NaN"
    highest = f" by way of {max(look.losses):.3g}" if look.is_finite and max(look.losses) > 2 * last else ""
    yield Finding(
        names.TOO_HIGH,
        f"the loss went from {first:.3g} to {end}{highest} in {look.steps} steps at a learning rate of "
        f"{look.rate:.2g}; at {lower.rate:.2g} it went from {lower_first:.3g} to {lower_last:.3g}",
        f"Try --set learning_rate={lower.rate:.2g}.",
        {"rate": look.rate, "first": first, "last": last if look.is_finite else "NaN",
         "lower_rate": lower.rate, "lower_last": lower_last},
    )  # fmt: skip


def too_low(look: Look, planned: int) -> Iterator[Finding]:
    """A rate at which the weights cannot get anywhere in the whole run.

    Args:
        look: at the run.
        planned: steps of the whole run.
    """
    known = [each for each in look.moves if math.isfinite(each)]
    if not known or rises(look.losses):
        return
    move = max(known)
    if move < FEW_MOVES or move * planned < REACH:
        yield Finding(
            names.TOO_LOW,
            f"a step changes the weights by {move:.1e} of their size at a learning rate of {look.rate:.2g}, "
            f"and all {planned:,} steps by {100 * move * planned:.2g} % at most; 1e-3 a step is usual",
            f"Try --set learning_rate={look.rate * min(1e-3 / max(move, 1e-12), 1e6):.1g}.",
            {"move": move, "rate": look.rate, "planned": planned},
        )  # fmt: skip


def memory_fault(found: Memorised) -> Iterator[Finding]:
    """A batch that was not learnt by heart."""
    if found.is_done:
        return
    right = "" if found.accuracy is None else f", and {100 * found.accuracy:.0f} % of the labels are right"
    yield Finding(
        names.NO_OVERFIT,
        f"{found.rows} examples were shown {found.steps} times, and the loss went from {found.first:.3g} to "
        f"{found.last:.3g}{right}",
        "Look for what the network loses on its way: a detached tensor, a wrong axis, an input "
        "that is not used.",
        {"rows": found.rows, "steps": found.steps, "first": found.first, "last": found.last,
         **({} if found.accuracy is None else {"accuracy": found.accuracy})},
    )  # fmt: skip
