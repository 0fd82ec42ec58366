"""Prune a finished run, train it on, and measure what that is worth: accuracy, file, latency."""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import nn

from gradschool.data.vision.loader import evaluation_batches
from gradschool.engine.device import Machine, on_threads
from gradschool.engine.run import RunFolder
from gradschool.errors import UserError
from gradschool.evals.turns import in_turn
from gradschool.nn.prune.magnitude import settled
from gradschool.phrases import counted
from gradschool.runs.classification.image import ImageRun
from gradschool.runs.classification.pruned import By, PrunedRun, cut_down, prunable
from gradschool.runs.finish import rebuilt
from gradschool.runs.reopen import machine_of, reopen, splits_again
from gradschool.runs.request import Request, Say
from gradschool.runs.settings import override
from gradschool.runs.train import train

TIMED = (1, 32)  # images a call
SAME = 1.1  # times as fast, below which a network is as fast as before
RATE = 0.1  # learning rate of the fine-tuning, as a share of the base's


@dataclass(frozen=True)
class Wanted:
    """How to prune; see `gradschool prune --help`."""

    share: float
    by: By = "weight"
    epochs: float | None = None
    changes: Sequence[str] = ()
    out: Path | None = None
    steps: int | None = None


def prune(where: str, wanted: Wanted, say: Say = print) -> RunFolder:
    """Prune a run and train what is left.

    Args:
        where: the run.
        wanted: how.
        say: told what a person should read.

    Returns:
        The folder of the pruned run; its result.json has "pruning" besides.

    Raises:
        UserError: it is no run that can be pruned, or the share is none.
    """
    if not 0 < wanted.share < 1:
        raise UserError(f"share is {wanted.share:g}", "a number above 0 and below 1", "Example: --share 0.8")
    base, model, folder = prunable(where)
    seed = folder.read("config.json")["seed"]
    run = settings(base, folder, wanted)
    # 1. What is left at once, and after training on.
    splits, machine = splits_again(base, folder), machine_of(folder)
    facts = folder.read("model.json")
    pipeline = base.prepared(facts["mean"], facts["std"], len(facts["classes"]))
    example, _ = next(evaluation_batches(splits.test, pipeline, 2))
    small = settled(cut_down(model, example, wanted.share, wanted.by)).eval()
    logits, labels = base.answers(machine.place_module(small), splits.test, pipeline, machine)
    at_once = float((logits.argmax(1) == labels).double().mean())
    recipe = folder.read("config.json")["recipe"]
    made = train(run, Request(recipe, seed, wanted.steps, out=wanted.out), say)
    # 2. What that is worth.
    result = made.read("result.json")
    before = folder.read("result.json")["metrics"]["test_accuracy"]
    found = {
        "share": wanted.share, "by": wanted.by, "zeros": made.read("model.json")["zeros"],
        "accuracy": {"before": before, "cut": at_once, "trained": result["metrics"]["test_accuracy"]},
        "parameters": [each.read("model.json")["parameters"] for each in (folder, made)],
        "bytes": [sizes(each.path / "model.safetensors") for each in (folder, made)],
        "milliseconds": latencies(folder, made, example[:1]), "threads": torch.get_num_threads(),
    }  # fmt: skip
    made.write("result.json", {**result, "pruning": found})
    return made


def settings(base: ImageRun, folder: RunFolder, wanted: Wanted) -> PrunedRun:
    """The pruned run's: those of its base, for a quarter of its epochs at its last size and a lower rate."""
    own = {each.name: getattr(base, each.name) for each in fields(ImageRun)}
    chosen = base.split_seed if base.split_seed is not None else folder.read("config.json")["seed"]
    sizes = ((0.0, base.sizes[-1][1]),) if base.sizes else ()
    changed = {
        "epochs": wanted.epochs or base.epochs / 4, "learning_rate": RATE * base.learning_rate,
        "minutes": None, "sizes": sizes, "split_seed": chosen, "teacher": None,
    }  # fmt: skip
    run = PrunedRun(base=str(folder.path.resolve()), share=wanted.share, by=wanted.by, **(own | changed))
    return override(run, wanted.changes, folder.read("config.json")["recipe"])


def sizes(file: Path) -> dict[str, int]:
    """Bytes of a file, and of the same file compressed (zlib, level 9)."""
    content = file.read_bytes()
    return {"file": len(content), "compressed": len(zlib.compress(content, 9))}


def latencies(before: RunFolder, after: RunFolder, one: torch.Tensor) -> dict[str, list[dict[str, float]]]:
    """Milliseconds of both networks in float32 on this processor, by images a call, in turn."""
    run = reopen(before)[0]
    networks: list[nn.Module] = [rebuilt(each, reopen(each)[0])[0] for each in (before, after)]
    place, found = Machine("cpu", "fp32", False).place, {}
    with on_threads(run.threads), torch.inference_mode():
        for size in TIMED:
            x = place(one.expand(size, -1, -1, -1).contiguous())
            timed = in_turn([partial(each, x) for each in networks])
            found[str(size)] = [vars(each) for each in timed]
    return found


def lines(found: dict[str, Any]) -> list[str]:
    """What pruning was worth, for a terminal."""
    accuracy, (whole, left) = found["accuracy"], found["bytes"]
    told = [
        f" cut      {100 * found['share']:g} % of the {found['by']}s; {found['parameters'][1]:,} of "
        f"{counted(found['parameters'][0], 'parameter')} are left, {100 * found['zeros']:.1f} % of the "
        "weights are 0",
        f" accuracy {100 * accuracy['before']:.2f} % before, {100 * accuracy['cut']:.2f} % when cut, "
        f"{100 * accuracy['trained']:.2f} % after training on",
        f" file     {whole['file'] / 1e6:.2f} MB before, {left['file'] / 1e6:.2f} MB after; compressed "
        f"{whole['compressed'] / 1e6:.2f} MB and {left['compressed'] / 1e6:.2f} MB",
    ]
    ratios = []
    for size, (old, new) in found["milliseconds"].items():
        ratios.append(old["median"] / new["median"])
        told.append(
            f" latency  {old['median']:.2f} ms before, {new['median']:.2f} ms after: {ratios[-1]:.2f} times "
            f"as fast ({counted(int(size), 'image')} a call, median of calls in turn)"
        )
    if max(ratios) < SAME:
        told.append(f" note     {slow(found['by'])}")
    return told


def slow(by: str) -> str:
    """Why a pruned network is not faster, in a sentence."""
    if by == "weight":
        return (
            "the network is not faster: a dense kernel multiplies by zeros as by any number. What shrinks is "
            "the compressed file; --by channel computes less."
        )
    return "the network is not faster here: so few channels are gone that calls cost more than products."
