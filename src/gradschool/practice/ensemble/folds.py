"""The same run on k folds: every example of the training data is predicted once by a network that has not
seen it, and the test part once by all of them together.

Each fold is an ordinary run inside one folder, which is an ensemble of them with equal weights; a folder that
was cut short goes on with the fold that it was in. Source: Stone 1974 (cross-validation); Wolpert 1992
(out-of-fold predictions as what weights are fitted on).
"""

import shutil
from dataclasses import replace
from statistics import mean, stdev
from typing import Any

import torch
from safetensors.torch import save
from torch import Tensor

from gradschool.data.examples import Splits, changes, inventory
from gradschool.engine.checkpoint import disk_errors, write_whole
from gradschool.engine.run import RunFolder
from gradschool.engine.weights import read_weights
from gradschool.errors import UserError
from gradschool.evals.classification.blend import even
from gradschool.phrases import command
from gradschool.practice.ensemble.result import result_of, scored
from gradschool.runs.config import config
from gradschool.runs.ensembles.ensemble import HELD_OUT, write_blend
from gradschool.runs.ensembles.folded import FoldedRun
from gradschool.runs.kinds import find_kind
from gradschool.runs.reopen import reopen
from gradschool.runs.request import Request, Say
from gradschool.runs.run import share_of_processes
from gradschool.runs.train import resume, train

OOF = "oof.safetensors"  # the out-of-fold predictions of all folds, in the order of the training data


def train_folds(run: Any, request: Request, count: int, say: Say = print) -> RunFolder:
    """Train a run on each of so many folds, from the start.

    Args:
        run: the recipe's settings.
        request: as for one run; all folds share its seed.
        count: how many folds, from 2 to the number of examples in the smallest class.
        say: told what a person should read.

    Raises:
        UserError: the run has no classes, is of one fold already, or a class is too small.
    """
    check(run, count)
    # 1. A number of folds that cannot be is refused before anything is written.
    whole = run.whole(request.seed)
    run.cut(whole, count, request.seed)
    settings = config(run, request)
    of = {"kind": run.kind, "seed": request.seed, "settings": settings["settings"]}
    ensemble = find_kind(run.ensemble)(
        data=run.data, members=tuple(names(count)), folds=count, pooled=True, of=of
    )
    # 2. The folder.
    folder = RunFolder.create(request.recipe, request.out)
    told = config(ensemble, request) | {"command": f"{settings['command']} --folds {count}"}
    folder.write("data.json", inventory(whole))
    folder.write("config.json", told)
    return go_on(folder, say)


def check(run: Any, count: int) -> None:
    """Refuse what cannot be cut into folds."""
    if not isinstance(run, FoldedRun) or not run.ensemble:
        wanted = "a classifier of pictures or texts, such as digits"
        raise UserError(f"--folds was given to {run.title}", wanted, "Leave --folds out.")
    if run.fold:
        raise UserError(f"--folds came with fold={run.fold}", "one of the two", "Leave fold out.")
    if count < 2:
        raise UserError(f"folds is {count}", "a whole number >= 2", "Example: --folds 5")
    if share_of_processes()[1] > 1:
        raise UserError("--folds came with several processes", "one", "Start it without torchrun.")


def names(count: int) -> list[str]:
    """The folders of the folds."""
    return [f"fold-{number}" for number in range(1, count + 1)]


def go_on(folder: RunFolder, say: Say = print) -> RunFolder:
    """Train the folds that are not finished, and put all together.

    Raises:
        UserError: it is finished, or its data have changed.
    """
    run, request = reopen(folder)
    if folder.read("result.json"):
        what = f"{folder.path} is finished"
        raise UserError(what, "a run that was cut short", f"See it: {command('report', folder.path)}")
    # 1. The same data as when it began.
    base, seed = run.base(), run.of["seed"]
    whole = base.whole(seed)
    if told := changes(folder.read("data.json"), inventory(whole)):
        what = f"{folder.path} cannot go on: {' '.join(told).rstrip('.')}"
        raise UserError(what, "the data it began with", "Put them back, or train again.")
    # 2. Every fold, and what it says of the examples that it has not seen, in their places.
    places = base.cut(whole, run.folds, seed)
    held, rows = None, []
    for number, name in enumerate(names(run.folds)):
        say(f"Fold {number + 1} of {run.folds}.")
        inner = fold(base, request, folder, name, f"{number + 1}/{run.folds}", say)
        logits = held_out(inner, whole, places == number)
        held = torch.zeros(len(whole.train), logits.shape[1]) if held is None else held
        held[places == number] = logits
        rows.append({"fold": number + 1, **scores_of(inner)})
    assert held is not None, "there are two folds or more"
    # 3. The folder as an ensemble of its folds.
    conclude(folder, run, whole, (held, places), rows)
    return folder


def fold(base: Any, request: Request, folder: RunFolder, name: str, which: str, say: Say) -> RunFolder:
    """The finished run of one fold: trained, gone on with, or found."""
    inner = RunFolder(folder.path / name)
    begun = inner.path.is_dir() and not inner.read("result.json")
    if begun and not (inner.path / "checkpoints" / "index.json").is_file():
        shutil.rmtree(inner.path)  # it was killed before there was anything to go on from
    if not inner.read("config.json"):
        return train(replace(base, fold=which), replace(request, out=inner.path), say)
    if not inner.read("result.json"):
        resume(inner, *reopen(inner), say)
    return inner


def held_out(inner: RunFolder, whole: Splits[Any], mask: Tensor) -> Tensor:
    """What a fold's run says of its validation part, kept in its folder."""
    file = inner.path / HELD_OUT
    if not file.is_file():
        part = whole.train.take(mask.nonzero().flatten())
        logits = reopen(inner)[0].said(inner, part).float().contiguous()
        with disk_errors(inner.path):
            write_whole(file, save({"logits": logits, "labels": part.labels.contiguous()}))
    return read_weights(file)["logits"]


def scores_of(inner: RunFolder) -> dict[str, float]:
    """Validation and test scores of one fold, and its seconds."""
    kept, result = read_weights(inner.path / HELD_OUT), inner.read("result.json")
    tested = {name: result["metrics"][name] for name in ("test_accuracy", "test_loss")}
    return {**scored(kept["logits"], kept["labels"], "val"), **tested, "seconds": result["seconds"]}


def conclude(
    folder: RunFolder, run: Any, whole: Splits[Any], held: tuple[Tensor, Tensor], rows: list[dict[str, Any]]
) -> None:
    """Write the out-of-fold predictions, the ensemble and what it is worth.

    Args:
        folder: of all folds.
        run: its settings.
        whole: its data.
        held: logits of all training examples, each by the run that has not seen it, and its fold, from 0.
        rows: scores of each fold.
    """
    # 1. Predictions, in the order of the training data.
    logits, labels, places = held[0], whole.train.labels, held[1]
    with disk_errors(folder.path):
        write_whole(
            folder.path / OOF,
            save({"logits": logits, "labels": labels.contiguous(), "fold": places.contiguous()}),
        )
    # 2. The plain mean of all folds.
    write_blend(folder, even(torch.zeros(run.folds, 1, 1)), names(run.folds), whole.train.classes)
    test = run.said(folder, whole.test)
    # 3. Numbers.
    accuracies = [row["val_accuracy"] for row in rows]
    spread = (
        f"{100 * mean(accuracies):.1f} % mean of the folds, standard deviation {100 * stdev(accuracies):.1f}"
    )
    val = scored(logits, labels, "val")
    single = mean(row["test_accuracy"] for row in rows)
    told = [
        ("folds", f"{100 * val['val_accuracy']:.1f} % of {len(labels):,} examples out of fold ({spread})"),
        ("single", f"{100 * single:.1f} % of the test part, mean of the folds' own networks"),
    ]
    seconds = sum(row["seconds"] for row in rows)
    device = RunFolder(folder.path / names(1)[0]).read("result.json")["device"]
    facts = {"folds": rows, "metrics": val, "seconds": seconds, "device": device}
    found = result_of(run, test, whole.test.labels, told, **facts)
    folder.write("result.json", found)


def labelled(folder: RunFolder) -> tuple[Tensor, Tensor]:
    """The out-of-fold logits of a run over folds, in the order of its training data, and the labels."""
    kept = read_weights(folder.path / OOF)
    return kept["logits"], kept["labels"]


def places(folder: RunFolder) -> Tensor:
    """The fold of each example of the training data of a run over folds, from 0."""
    return read_weights(folder.path / OOF)["fold"]
