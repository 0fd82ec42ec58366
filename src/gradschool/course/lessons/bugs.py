"""Find the bug: training loops with one fault each, made from a loop that is right.

A sheet is the text of `small_loop.learn` with one fault put in, names and numbers changed by a seed, and its
lines counted. `gradschool bugs 7` prints sheet 7 and its curve beside that of the right loop;
`gradschool bugs 7 31` says whether the bug is in line 31.
"""

import ast
import random
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

LOOP = Path(__file__).with_name("small_loop.py")
NAMES = {
    "model": ("model", "network", "net"),
    "optimizer": ("optimizer", "optimiser", "opt"),
    "images": ("images", "pixels", "inputs"),
    "labels": ("labels", "targets", "classes"),
    "held": ("held", "test", "val"),
    "total": ("total", "summed", "loss_sum"),
    "right": ("right", "correct", "hits"),
}  # fmt: skip
# No batch size may leave a last batch of one, which batch normalisation refuses: neither of the right loop's
# 1,437 training images nor of the 1,761 of `trains_on_test`.
NUMBERS = {"lr=0.05": ("lr=0.05", "lr=0.04", "lr=0.06"), "split(64)": ("split(64)", "split(48)", "split(72)")}


@dataclass(frozen=True)
class Fault:
    """One mistake.

    Args:
        find: one line of the right loop, or two with a line feed between them, without indentation.
        put: what stands there instead; "" takes the line out.
        why: the mistake, and how to mend it.
        signs: what can be seen of it from outside.
    """

    find: str
    put: str
    why: str
    signs: str


FAULTS = {
    "no_zero_grad": Fault(
        "optimizer.zero_grad()", "",
        "The gradients are never cleared: backward adds to what is there, so every step goes along the "
        "sum of all gradients so far. Call zero_grad before backward.",
        "The loss is high and jumps: the steps are far too long.",
    ),
    "step_first": Fault(
        "loss.backward()\noptimizer.step()", "optimizer.step()\nloss.backward()",
        "The step comes before backward, right after the gradients were cleared: it finds none.",
        "The loss stays where it began, near log 10, and the accuracy is chance.",
    ),
    "cleared_too_late": Fault(
        "optimizer.zero_grad()\nloss.backward()", "loss.backward()\noptimizer.zero_grad()",
        "The gradients are cleared between backward and step: the step finds none.",
        "The loss stays where it began, near log 10, and the accuracy is chance.",
    ),
    "softmax_twice": Fault(
        "loss = F.cross_entropy(model(x), y)", "loss = F.cross_entropy(model(x).softmax(1), y)",
        "cross_entropy applies a softmax itself: it takes logits. Of probabilities, it cannot fall below "
        "log(e + 9) - 1 = 1.46.",
        "The loss cannot fall below 1.46, though the accuracy is fair.",
    ),
    "softmax_over_batch": Fault(
        "loss = F.cross_entropy(model(x), y)", "loss = F.nll_loss(model(x).log_softmax(0), y)",
        "The softmax runs along axis 0, over the images of the batch, in place of axis 1, over the classes.",
        "The loss ends near log of the batch size, not near 0; the accuracy suffers less.",
    ),
    "labels_apart": Fault(
        "x, y = (images[batch] - mean) / std, labels[batch]",
        "x, y = (images[batch] - mean) / std, labels[batch[torch.randperm(len(batch))]]",
        "Images and labels are shuffled apart: every image gets another one's label.",
        "The loss stays near log 10 = 2.30; held-out accuracy is chance.",
    ),
    "labels_off_by_one": Fault(
        "x, y = (images[batch] - mean) / std, labels[batch]",
        "x, y = (images[batch] - mean) / std, (labels[batch] + 1) % 10",
        "The training labels are one too high: the network learns to give every digit the label of the next.",
        "The loss falls as it should, and held-out accuracy is near 0, far below chance.",
    ),
    "rate_too_large": Fault(
        "optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)",
        "optimizer = torch.optim.SGD(model.parameters(), lr=50.0, momentum=0.9)",
        "The learning rate is a thousand times too large.",
        "The loss jumps to huge values or NaN in the first epoch.",
    ),
    "no_eval": Fault(
        "model.eval()", "",
        "The network is never put into eval mode: half of its units are silent in the test, and the test "
        "images are normalised by their own batch and change the running statistics.",
        "Accuracy is below that of the right loop, and two tests of the same weights differ.",
    ),
    "train_once": Fault(
        "model.train()", "",
        "Nothing puts the network back into training mode after the first test: from then on there is no "
        "dropout, and batch normalisation keeps the statistics of the first epoch.",
        "The training loss drops at once in the second epoch and falls far below the right loop's.",
    ),
    "trains_on_test": Fault(
        "held, train = order[:360], order[360:]", "held, train = order[:360], order[36:]",
        "A missing zero: nine tenths of the held-out images are trained on as well, so the score says "
        "little of images not seen.",
        "Nothing in the loss; the accuracy is a little too good.",
    ),
    "not_normalised": Fault(
        "x, y = (images[held] - mean) / std, labels[held]", "x, y = images[held], labels[held]",
        "The held-out images are not normalised as the training images are: the network has never seen "
        "numbers of this size.",
        "The loss is as it should be, the accuracy is far below.",
    ),
    "own_statistics": Fault(
        "x, y = (images[held] - mean) / std, labels[held]",
        "x, y = (images[held] - images[held].mean()) / images[held].std(), labels[held]",
        "The held-out images are normalised by statistics of their own: the answer for one image then "
        "depends on the other held-out images, and a single image cannot be tested at all.",
        "Nothing in these curves: both parts come from one source. You have to read the code.",
    ),
    "wrong_count": Fault(
        'curve.append({"loss": total / len(train), "accuracy": right / len(held)})',
        'curve.append({"loss": total / len(train), "accuracy": right / len(train)})',
        "The right answers are divided by the number of training images.",
        "The loss is as it should be; the accuracy climbs to a quarter and stays there.",
    ),
    "batch_means": Fault(
        "total += loss.item() * len(batch)", "total += loss.item()",
        "Means of batches are added up, but the sum is divided by the number of images.",
        "The loss is some sixty times too small from the first epoch on; the accuracy is as it should be.",
    ),
    "keeps_graph": Fault(
        "total += loss.item() * len(batch)", "total += loss * len(batch)",
        "The sum keeps the graph of every batch, and with it all activations, until the epoch ends: take the "
        "number out with item().",
        "Nothing in these curves: memory grows batch by batch.",
    ),
    "last_layer_only": Fault(
        "optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)",
        "optimizer = torch.optim.SGD(model[-1].parameters(), lr=0.05, momentum=0.9)",
        "The optimiser was handed the last layer alone: the first keeps its random weights.",
        "The loss falls and the accuracy climbs, but slower and not as far as in the right loop.",
    ),
    "rectified_logits": Fault(
        "nn.Linear(64, 10),", "nn.Linear(64, 10), nn.ReLU(),",
        "The logits are rectified: no class can be less likely than one whose logit is 0, and units "
        "that are below 0 for all images learn nothing any more.",
        "The loss falls more slowly, and in some runs a class is never named.",
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Sheet:
    """A loop with a bug in it.

    Args:
        text: of the loop.
        fault: the bug's name in FAULTS.
        lines: where it is, counted from 1; where a line is missing, the two between which it belongs.
    """

    text: str
    fault: str
    lines: tuple[int, ...]

    def __str__(self) -> str:
        """The text, its lines numbered."""
        return "\n".join(f"{n:2}  {line}" for n, line in enumerate(self.text.splitlines(), 1))


def right_loop() -> list[str]:
    """The lines of the loop without a bug, without its docstring."""
    source = LOOP.read_text(encoding="utf-8")
    (function,) = (n for n in ast.parse(source).body if isinstance(n, ast.FunctionDef))
    first = function.body[1].lineno - 2  # the comment above the first statement
    lines = source.splitlines()
    return [
        line.split("  # fmt")[0] for line in [lines[function.lineno - 1], *lines[first : function.end_lineno]]
    ]


def sheet(seed: int, fault: str = "") -> Sheet:
    """A loop with a bug.

    Args:
        seed: chooses names, numbers and, if none is asked for, the fault.
        fault: a name in FAULTS.
    """
    # 1. What the seed says.
    draw = random.Random(seed)
    fault = fault or draw.choice(list(FAULTS))
    names = {name: draw.choice(choices) for name, choices in NAMES.items()}
    numbers = {number: draw.choice(choices) for number, choices in NUMBERS.items()}
    # 2. The fault, then other names and numbers: the fault is found by the loop's own.
    lines, places = spoiled(right_loop(), FAULTS[fault])
    text = "\n".join(line if line.lstrip().startswith("#") else renamed(line, names) for line in lines)
    for number, other in numbers.items():
        text = text.replace(number, other)
    return Sheet(text + "\n", fault, places)


def spoiled(lines: list[str], fault: Fault) -> tuple[list[str], tuple[int, ...]]:
    """The lines with a fault put in, and where it is now, counted from 1."""
    # 1. Where the lines to change are: once, one after the other.
    wanted, put = fault.find.split("\n"), fault.put.split("\n") if fault.put else []
    bare = [line.strip() for line in lines]
    (start,) = (i for i in range(len(bare)) if bare[i : i + len(wanted)] == wanted)
    # 2. Others in their place, as far in.
    indent = " " * (len(lines[start]) - len(bare[start]))
    changed = [*lines[:start], *(indent + line for line in put), *lines[start + len(wanted) :]]
    # 3. All that differ; around a gap, the lines on both sides.
    places = range(start + 1, start + 1 + len(put)) if put else (start, start + 1)
    return changed, tuple(places)


def renamed(line: str, names: dict[str, str]) -> str:
    """A line of code with other names for some variables."""
    return re.sub(r"\b\w+\b", lambda word: names.get(word[0], word[0]), line)


def curve_of(text: str, seed: int = 0) -> list[dict[str, float]]:
    """What a loop returns when it is run."""
    import torch
    from sklearn.datasets import load_digits

    found: dict[str, Any] = {
        "torch": torch, "nn": torch.nn, "F": torch.nn.functional, "load_digits": load_digits, "Line": dict
    }  # fmt: skip
    exec(text, found)
    curve = found["learn"](seed)
    return [
        {name: torch.as_tensor(value, dtype=torch.float64).item() for name, value in line.items()}
        for line in curve
    ]


def mark(given: Sheet, line: int) -> str:
    """What to tell somebody who thinks that the bug is in this line."""
    fault = FAULTS[given.fault]
    if line in given.lines:
        return f"Yes. {fault.why}"
    return f"Not in line {line}. {fault.signs}"
