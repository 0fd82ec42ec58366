"""Put finished runs together: find the weights, judge them on the test part, and write the ensemble.

Weights are fitted on predictions for examples that no member was trained on: a validation part that all
share, or out-of-fold predictions. They are judged on the test part, beside the plain mean.
"""

import shlex
import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from gradschool.data.examples import Splits, inventory
from gradschool.engine.run import RunFolder
from gradschool.errors import UserError
from gradschool.evals.classification.blend import FITS, Blend, even
from gradschool.phrases import command
from gradschool.practice.ensemble.folds import OOF, labelled, places
from gradschool.practice.ensemble.members import Member, copied, opened, sha
from gradschool.practice.ensemble.nested import nested
from gradschool.practice.ensemble.result import against_mean, result_of, scored, verdict
from gradschool.practice.ensemble.soup import check_same, cook, greedy_soup
from gradschool.runs.config import config
from gradschool.runs.ensembles.ensemble import Ensemble, Fit, How, write_blend
from gradschool.runs.kinds import find_kind
from gradschool.runs.reopen import splits_again
from gradschool.runs.request import Request

FITTED = ("greedy", "simplex", "stack", "greedy-soup")
SOUPS = ("soup", "greedy-soup")


@dataclass(frozen=True)
class HeldOut:
    """Predictions that weights are fitted on: logits (m, n, k) and labels (n,)."""

    logits: Tensor
    labels: Tensor


def ensemble(
    names: Sequence[str], how: How = "mean", fit: Fit | None = None, out: Path | None = None
) -> RunFolder:
    """Put runs together.

    Args:
        names: of the runs, or of kept checkpoints such as RUN@ema.
        how: to mix their answers, or their weights.
        fit: what weights are fitted on; None: out-of-fold predictions where all members have them, else the
            validation part.
        out: folder of the ensemble; None takes the next free one under runs/.

    Raises:
        UserError: these runs cannot stand together, or have no predictions to fit weights on.
    """
    start, members = time.monotonic(), opened(names)
    fit = fit_of(members, how, fit)
    check_fit(members, how, fit)
    if how in SOUPS:
        check_same(members)
    first = members[0]
    splits = splits_again(first.run, first.folder)
    # 1. The folder, with a copy of every member.
    run = settings(members, how, fit)
    folder = RunFolder.create("ensemble", out)
    inner = [copied(each, folder.path / f"member-{i:02d}") for i, each in enumerate(members, 1)]
    # 2. What each says, and the weights.
    test = stacked_logits(members, inner, splits.test)
    held = held_out(members, inner, splits, fit)
    if how in SOUPS:
        blend, parts, shares = souped(members, inner, splits, how)
    else:
        blend, parts, shares = weighed(how, test, held, inner)
    # 3. The record.
    write_blend(folder, blend, parts, first.classes)
    for each in inner:
        if each.path.name not in parts:
            shutil.rmtree(each.path)
    folder.write("data.json", inventory(splits))
    record(folder, run, members, (test, splits.test), shares, held, start)
    correct(folder, members, inner)
    words = ["gradschool", "ensemble", *names, "--how", how, *(["--fit", fit] if fit != "none" else [])]
    folder.write("config.json", config(run, Request("ensemble")) | {"command": shlex.join(words)})
    return folder


def fit_of(members: Sequence[Member], how: How, fit: Fit | None) -> Fit:
    """What the weights are fitted on.

    Raises:
        UserError: something is asked for, and this way fits nothing.
    """
    if how not in FITTED:
        if fit not in (None, "none"):
            wanted = f"one of {', '.join(FITTED)}, which are fitted"
            raise UserError(f"--fit {fit} came with --how {how}", wanted, "Leave --fit out.")
        return "none"
    if fit is None or fit == "none":
        return "oof" if all((each.folder.path / OOF).is_file() for each in members) else "val"
    return fit


def is_ensemble(member: Member) -> bool:
    """Whether a member is an ensemble itself, as a run over folds is."""
    return isinstance(member.run, Ensemble)


def check_fit(members: Sequence[Member], how: How, fit: Fit) -> None:
    """Refuse members without the predictions that weights are to be fitted on.

    Raises:
        UserError: one has none, or for other examples than the first.
    """
    part = {"val": "val", "oof": "train"}.get(fit)
    if part is None:
        return
    if fit == "oof" and how == "greedy-soup":
        wanted = "--fit val: a soup is tasted on examples that no member was trained on"
        raise UserError("--fit oof came with --how greedy-soup", wanted)
    for each in members:
        if fit == "oof" and not (each.folder.path / OOF).is_file():
            advice = f"Make them: {command('train RECIPE --folds 5')}, or use --fit val."
            raise UserError(f"{each.name} has no out-of-fold predictions", "runs over folds", advice)
        if fit == "val" and not sha(each, "val"):
            advice = f"Train with --set val=0.1, or over folds: {command('train RECIPE --folds 5')}"
            raise UserError(
                f"{each.name} has no validation part", "members that have one, to fit weights on", advice
            )
        if sha(each, part) != sha(members[0], part):
            word = "validation" if fit == "val" else "training"
            what = f"{each.name} has another {word} part than {members[0].name}"
            wanted = "one that no member was trained on, to fit weights on"
            raise UserError(
                what, wanted, "Train them alike: --set split_seed=0 gives all seeds the same parts."
            )


def chooses(member: Member) -> bool:
    """Whether a member's own weights, or when it stopped, were chosen by its validation part."""
    run = member.run.base() if isinstance(member.run, Ensemble) else member.run
    return bool(run.keep == "best" or run.patience)


def settings(members: Sequence[Member], how: How, fit: Fit) -> Any:
    """The settings of the ensemble; those of the first member say what the data are."""
    first = members[0]
    if is_ensemble(first):
        of, pool = first.run.of, first.run.pooled
    else:
        asked = first.folder.read("config.json")
        of, pool = {"kind": first.run.kind, "seed": asked["seed"], "settings": asked["settings"]}, False
    kind = find_kind(first.run.ensemble)
    names = tuple(each.name for each in members)
    return kind(data=first.run.data, how=how, fit=fit, members=names, pooled=pool, of=of)


def stacked_logits(members: Sequence[Member], inner: Sequence[RunFolder], part: Any) -> Tensor:
    """What every member says of a part, (m, n, k)."""
    return torch.stack([each.run.said(folder, part) for each, folder in zip(members, inner, strict=True)])


def held_out(
    members: Sequence[Member], inner: Sequence[RunFolder], splits: Splits[Any], fit: Fit
) -> HeldOut | None:
    """What every member says of examples that it was not trained on; None where nothing is fitted."""
    if fit == "none":
        return None
    if fit == "val":
        assert splits.val is not None, "checked before"
        return HeldOut(stacked_logits(members, inner, splits.val), splits.val.labels)
    kept = [labelled(each.folder) for each in members]
    return HeldOut(torch.stack([logits for logits, _ in kept]), kept[0][1])


Found = tuple[Blend, list[str], list[float]]  # how to mix, the folders that count, the weight of every member


def weighed(how: How, test: Tensor, held: HeldOut | None, inner: Sequence[RunFolder]) -> Found:
    """The weights of a mixture of answers; members of weight 0 need not be kept."""
    blend = FITS[how](test, None) if held is None else FITS[how](held.logits, held.labels)
    shares, names = blend.weights.tolist(), [each.path.name for each in inner]
    if blend.mixing != "probabilities":
        return blend, names, shares
    used = blend.weights > 0
    parts = [name for name, counts in zip(names, used.tolist(), strict=True) if counts]
    return replace(blend, weights=blend.weights[used]), parts, shares


def souped(members: Sequence[Member], inner: Sequence[RunFolder], splits: Splits[Any], how: How) -> Found:
    """One network in place of all: the mean of their weights, or of those that help on held-out data."""
    run, place = members[0].run, copied(members[0], inner[0].path.with_name("soup"))

    def taste(chosen: Sequence[int]) -> float:
        cook(place, [inner[i] for i in chosen])
        run.settle(place, splits.train)
        said = run.said(place, splits.val)
        return float((said.argmax(1) == splits.val.labels).double().mean())  # type: ignore[union-attr]

    chosen = list(range(len(members)))
    if how == "greedy-soup":
        assert splits.val is not None, "checked before"
        said = stacked_logits(members, inner, splits.val)
        right = (said.argmax(2) == splits.val.labels).double().mean(1)
        chosen, _ = greedy_soup(right.tolist(), taste)
    cook(place, [inner[i] for i in chosen])
    run.settle(place, splits.train)
    shares = [1 / len(chosen) if i in chosen else 0.0 for i in range(len(members))]
    return even(torch.zeros(1, 1, 1)), [place.path.name], shares


def record(
    folder: RunFolder, run: Any, members: Sequence[Member], tested: tuple[Tensor, Any],
    shares: Sequence[float], held: HeldOut | None, start: float,
) -> None:  # fmt: skip
    """Judge the ensemble on the test part and write result.json.

    Args:
        folder: of the ensemble.
        run: its settings.
        members: in order.
        tested: what each says of the test part (m, n, k), and that part.
        shares: the weight of each.
        held: the predictions that the weights were fitted on.
        start: when the work began.
    """
    test, part = tested
    fitted_on = len(held.labels) if held else 0
    mean, ours, labels = even(test)(test), run.said(folder, part), part.labels
    rows: list[dict[str, Any]] = [
        {"name": each.name, "weight": share, **scored(logits, labels)}
        for each, share, logits in zip(members, shares, test, strict=True)
    ]
    facts: dict[str, Any] = {"members": rows, "plain_mean": scored(mean, labels), "fitted_on": fitted_on}
    best = max(rows, key=lambda row: (row["test_accuracy"], -row["test_loss"]))
    alone = f"{100 * best['test_accuracy']:.1f} % is the best of {len(rows)} members alone, {best['name']}"
    told = [("best", alone)]
    if run.fit != "none" and (used := next((each.name for each in members if chooses(each)), "")):
        told.append(
            ("note", f"{used} chose its weights by held-out examples, so that it looks too good there")
        )
    if run.how != "mean":
        found = against_mean(ours, mean, labels)
        facts["against_mean"] = {name: each.facts() for name, each in found.items()}
        told += [
            ("mean", f"{100 * facts['plain_mean']['test_accuracy']:.1f} % is the plain mean of all members"),
            ("against", verdict(run.how, found, fitted_on)),
        ]
    if run.fit == "oof" and held:
        by_folds = nested(run.how, held.logits, held.labels, places(members[0].folder))
        facts["nested"] = by_folds.facts()
        told.append(("nested", by_folds.words(run.how)))
    facts |= {"device": members[0].folder.read("result.json")["device"], "seconds": time.monotonic() - start}
    folder.write("result.json", result_of(run, ours, labels, told, **facts))


def correct(folder: RunFolder, members: Sequence[Member], inner: Sequence[RunFolder]) -> None:
    """Give copies whose weights are not their run's final ones the scores of these weights."""
    result = folder.read("result.json")
    changed = [(each, row) for each, member, row in zip(inner, members, result["members"], strict=True)
               if member.which]  # fmt: skip
    for each, row in [*changed, (RunFolder(folder.path / "soup"), result["metrics"])]:
        if before := each.read("result.json"):
            scores = {name: row[name] for name in ("test_accuracy", "test_loss")}
            each.write("result.json", {**before, "metrics": scores})
