"""The members of an ensemble: finished runs of one kind, on the same data, each named once.

A checkpoint that a run has kept is a member as well: RUN@1234 has its weights of step 1234, RUN@best those of
its best step, RUN@ema the moving average of its weights (Huang et al. 2017; Izmailov et al. 2018).
"""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors.torch import save
from torch import Tensor

from gradschool.engine.checkpoint import disk_errors, write_whole
from gradschool.engine.run import RunFolder
from gradschool.errors import UserError
from gradschool.phrases import command, counted
from gradschool.runs.ensembles.ensemble import Ensemble
from gradschool.runs.reopen import reopen

LEFT = (
    "checkpoints",
    "oof.safetensors",
    "held_out.safetensors",
    "report.html",
    "*.onnx",
    "samples*",
    "events*",
)
PART = "model"  # what a classifier's task calls its network


@dataclass(frozen=True)
class Member:
    """One finished run, or one of its checkpoints.

    Args:
        name: as it was typed.
        folder: of the run.
        run: its settings.
        which: "" for its final weights, else "ema", "best", or a checkpoint's name.
    """

    name: str
    folder: RunFolder
    run: Any
    which: str = ""

    @property
    def data(self) -> dict[str, Any]:
        """What was in its data."""
        return self.folder.read("data.json")

    @property
    def classes(self) -> list[str]:
        """Their names, in label order."""
        return list(self.data.get("classes") or self.folder.read("model.json")["classes"])


def opened(names: Sequence[str]) -> list[Member]:
    """The members, in the order in which they were named.

    Raises:
        UserError: fewer than two, one twice, or some that cannot stand together.
    """
    if len(names) < 2:
        what = f"ensemble got {counted(len(names), 'run')}"
        raise UserError(what, "two or more", f"List them with: {command('runs')}")
    members = [one(name) for name in names]
    seen: dict[tuple[Path, str], str] = {}
    for each in members:
        key = (each.folder.path.resolve(), each.which)
        if key in seen:
            what = f"ensemble got {each.name} twice"
            raise UserError(what, "different runs", f"List them with: {command('runs')}")
        seen[key] = each.name
    for each in members[1:]:
        check_alike(each, members[0])
    return members


def one(name: str) -> Member:
    """A member by its name.

    Raises:
        UserError: there is no such run or checkpoint, it is not finished, or of a kind that joins no other.
    """
    path, at, which = name.rpartition("@")
    is_whole = not at or (Path(name) / "config.json").is_file()
    folder = RunFolder.open(Path(name if is_whole else path))
    run, _ = reopen(folder)
    if not run.ensemble:
        run.cannot("be a member of an ensemble", folder)
    if not (folder.read("result.json") and folder.read("model.json")):
        again = command("train --resume", folder.path)
        raise UserError(f"{folder.path} is not finished", "a finished run", f"Go on with it: {again}")
    return Member(name, folder, run, "" if is_whole else checkpoint(folder, which, run))


def checkpoint(folder: RunFolder, which: str, run: Any) -> str:
    """The name of a kept checkpoint, or "ema" or "best".

    Raises:
        UserError: the run has not kept it.
    """
    kept = folder.checkpoints.index()
    steps = [str(int(name.partition("-")[2])) for name in kept["all"]]
    known = [*steps, *(["best"] if kept["best"] else []), *(["ema"] if averages(folder) else [])]
    if isinstance(run, Ensemble) or which not in known:
        wanted = f"one of {', '.join(known)}" if known else "a run with checkpoints"
        raise UserError(f"{folder.path} has kept no weights called {which!r}", wanted, "Leave out the @.")
    return f"step-{int(which):08d}" if which.isdecimal() else which


def averages(folder: RunFolder) -> bool:
    """Whether the last checkpoint holds averaged weights."""
    kept = folder.checkpoints.index()["all"]
    return bool(kept) and (folder.checkpoints.folder / kept[-1] / f"{PART}.ema.safetensors").is_file()


def check_alike(each: Member, first: Member) -> None:
    """Refuse a member that answers other questions than the first.

    Raises:
        UserError: it is of another kind, or has other classes, another set or another test part.
    """
    if each.run.ensemble != first.run.ensemble:
        what = f"{each.name} is {each.run.title}, and {first.name} is {first.run.title}"
        raise UserError(what, "members of one kind")
    if each.classes != first.classes:
        other = sorted({*each.classes} ^ {*first.classes})[:1]
        told = f" ({other[0]} is in one of them alone)" if other else " (in another order)"
        what = f"{each.name} has other classes than {first.name}{told}"
        raise UserError(what, "members of the same classes")
    if each.data.get("name") != first.data.get("name"):
        ours, theirs = (member.data.get("name") for member in (each, first))
        what = f"{each.name} was trained on {ours}, and {first.name} on {theirs}"
        raise UserError(what, "members of one data set")
    if sha(each, "test") != sha(first, "test"):
        what = f"{each.name} has another test part than {first.name}"
        advice = "Train them alike: --set split_seed=0 gives all seeds the same parts."
        raise UserError(what, "members of the same split and image size", advice)


def sha(member: Member, part: str) -> str:
    """The hash of a part of a member's data, "" where it has no such part."""
    return str(member.data.get("parts", {}).get(part, {}).get("sha256", ""))


def copied(member: Member, place: Path) -> RunFolder:
    """A member's folder without its checkpoints and pages, with the weights that were asked for."""
    with disk_errors(place.parent):
        shutil.rmtree(place, ignore_errors=True)
        shutil.copytree(member.folder.path, place, ignore=shutil.ignore_patterns(*LEFT))
        if member.which:
            write_whole(place / "model.safetensors", save(weights_of(member)))
    return RunFolder(place)


def weights_of(member: Member) -> dict[str, Tensor]:
    """The weights of a kept checkpoint.

    Raises:
        UserError: the checkpoint is damaged or holds a part of the network alone.
    """
    is_average = member.which == "ema"
    tensors, _ = member.folder.checkpoints.load("last" if is_average else member.which)
    return {name: each.contiguous() for name, each in tensors[f"{PART}.ema" if is_average else PART].items()}
