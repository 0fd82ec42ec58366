"""A study is a folder: study.json says what is searched, Optuna's storage what was found, and every trial is
a run folder in it.

The recipe, its settings, the space and the methods are fixed when the folder is made; a search that differs
in one of them needs another folder.
"""

import platform
import shlex
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Any

from filelock import FileLock

from gradschool import recipes
from gradschool.engine.run import RunFolder
from gradschool.errors import UserError
from gradschool.evals.metric import Metric
from gradschool.phrases import command
from gradschool.practice.search.samplers import PrunerName, SamplerName, make_pruner, refuse_sampler, rust
from gradschool.practice.search.space import Dimension, read_space
from gradschool.practice.search.storage import address_of, open_storage, shown
from gradschool.runs.config import absolute, config
from gradschool.runs.kind import Kind
from gradschool.runs.kinds import find_kind
from gradschool.runs.request import Request
from gradschool.runs.run import Run
from gradschool.runs.settings import from_dict, override

FILE, DATABASE = "study.json", "study.db"
HELD_OUT = 0.1  # share that a search holds out where the recipe holds out nothing


@dataclass(frozen=True)
class Asked:
    """What a search is started with.

    Args:
        recipe: its name.
        over: the search space, in words of the form key=values.
        set: settings that every trial has, in words of the form key=value.
        data: another data set than the recipe's.
        sampler: where the next trial is.
        pruner: which trials end early.
        seed: of every trial, and of the sampler.
        steps: of every trial, in place of the recipe's epochs.
        device: that trials are trained on.
    """

    recipe: str
    over: tuple[str, ...]
    set: tuple[str, ...] = ()
    data: str | None = None
    sampler: SamplerName = "tpe"
    pruner: PrunerName = "none"
    seed: int = 0
    steps: int | None = None
    device: str = "auto"

    @property
    def command(self) -> str:
        """The words that start the search."""
        words = [word for each in self.over for word in ("--over", each)]
        words += [word for each in self.set for word in ("--set", each)]
        words += ["--sampler", self.sampler, "--pruner", self.pruner, "--seed", str(self.seed)]
        words += ["--data", self.data] if self.data else []
        words += ["--steps", str(self.steps)] if self.steps else []
        return shlex.join(["gradschool", "tune", self.recipe, *words])


@dataclass(frozen=True)
class Study:
    """A study's folder.

    Args:
        path: where it is.
        asked: what it was started with.
        space: what is searched.
        run: the settings that all trials start from.
        url: of the database, as SQLAlchemy has it; None for SQLite in the folder.
    """

    path: Path
    asked: Asked
    space: tuple[Dimension, ...]
    run: Kind
    url: Any = None

    @property
    def metric(self) -> Metric:
        """What is optimised: the first metric of the kind of run, on the validation part."""
        return self.run.metrics[0]

    @property
    def scored(self) -> str:
        """The name of what is optimised, as in metrics.jsonl."""
        return f"val_{self.metric.name}"

    @property
    def facts(self) -> dict[str, Any]:
        """What study.json holds."""
        return RunFolder(self.path).read(FILE)

    @cached_property
    def storage(self) -> Any:
        """Where Optuna keeps the trials."""
        from sqlalchemy.engine import URL

        return open_storage(self.url or URL.create("sqlite", database=str(self.path.resolve() / DATABASE)))

    def load(self, sampler: Any = None) -> Any:
        """The study as Optuna has it, made where it is not there yet; `sampler` draws its next trial."""
        import optuna

        return optuna.create_study(
            study_name=self.facts["study"], storage=self.storage, load_if_exists=True,
            direction="maximize" if self.metric.higher_is_better else "minimize",
            sampler=sampler or optuna.samplers.RandomSampler(), pruner=make_pruner(self.asked.pruner),
        )  # fmt: skip

    def lock(self) -> FileLock:
        """Held by the process that takes the next trial."""
        return FileLock(self.path / ".lock")

    def place(self, number: int) -> Path:
        """The run folder of a trial."""
        return self.path / f"trial-{number:04d}"

    def request(self, number: int) -> Request:
        """What a trial is started with, besides its settings."""
        asked = self.asked
        return recipes.ask(
            asked.recipe, asked.data, asked.set, seed=asked.seed, steps=asked.steps, device=asked.device,
            out=self.place(number),
        )  # fmt: skip


def open_study(path: Path, storage: str = "") -> Study:
    """A study that was begun.

    Args:
        path: its folder, or its name under runs/.
        storage: the address of its database, where it has one with a password.

    Raises:
        UserError: there is none at `path`, or its database is another.
    """
    if not (path / FILE).is_file() and (Path("runs") / path / FILE).is_file():
        path = Path("runs") / path
    if not (path / FILE).is_file():
        raise UserError(f"{path} is not a study", "a folder that a search has made", command("tune --help"))
    facts = RunFolder(path).read(FILE)
    asked = Asked(**{name: tupled(value) for name, value in facts["asked"].items()})
    space = tuple(Dimension(**{k: tupled(v) for k, v in each.items()}) for each in facts["space"])
    url = address_of(storage or facts["storage"])
    if shown(url) != facts["storage"]:
        where = facts["storage"] or "its own folder"
        raise UserError(f"{path} has its trials in {where}", f"not {shown(url)}", "Leave --storage out.")
    if url is not None and url.password == "***":
        what = f"the database of {path} has a password, which was not written down"
        raise UserError(what, "its address", f"Add --storage {facts['storage']} with the password.")
    return Study(path, asked, space, from_dict(find_kind(facts["kind"]), facts["settings"]), url)


def tupled(value: Any) -> Any:
    """A list from JSON as the tuple that it was."""
    return tuple(value) if isinstance(value, list) else value


def begin(asked: Asked, path: Path, storage: str = "") -> Study:
    """A new study, or the one that is in the folder, if it is the same.

    Raises:
        UserError: another study is in the folder, a word is not allowed, or nothing can be searched by.
    """
    asked = replace(asked, data=absolute(asked.data) if asked.data else None)
    if (path / FILE).is_file():
        found = open_study(path, storage)
        refuse_another(found, asked)
        return found
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise UserError(f"{path} holds something else", "an empty folder", "Use another --out.")
    url = address_of(storage)
    # 1. The recipe with what all trials have, and the space.
    run = recipes.on(asked.recipe, asked.data, asked.set)
    run = override(run, asked.set, asked.recipe)
    refuse_kind(run, asked)
    space = read_space(asked.over, run, asked.recipe)
    refuse_overlap(space, asked)
    refuse_sampler(asked.sampler, space)
    run = with_validation(run, asked)
    # 2. The folder, once the storage is there.
    study = Study(path, asked, space, run, url)
    if url is not None:
        open_storage(url)
    write(study)
    refuse_stranger(study)
    return study


def write(study: Study) -> None:
    """Write study.json."""
    study.path.mkdir(parents=True, exist_ok=True)
    asked = study.asked
    drawn_by = rust(asked.sampler, asked.pruner)
    known = config(study.run, Request(asked.recipe, asked.seed, asked.steps, asked.device))
    RunFolder(study.path).write(FILE, {
        "study": study.path.resolve().name, "recipe": asked.recipe, "kind": study.run.kind,
        "asked": asdict(asked), "space": [each.to_json() for each in study.space],
        "settings": known["settings"], "metric": {"name": study.scored, "better": study.metric.better},
        "storage": shown(study.url), "command": asked.command,
        "versions": {name: version(name) for name in ("gradschool", "optuna", "torch", *drawn_by)}
        | {"python": platform.python_version()},
    })  # fmt: skip


def refuse_another(found: Study, asked: Asked) -> None:
    """Refuse to go on with a study of another recipe, space or method.

    Raises:
        UserError: it names what differs first.
    """
    words = {"over": "searches over", "set": "has --set", "data": "has --data"}
    for name, kept in asdict(found.asked).items():
        new = getattr(asked, name)
        if (sorted(new) if isinstance(new, tuple) else new) != (
            sorted(kept) if isinstance(kept, tuple) else kept
        ):
            before, now = (" ".join(each) if isinstance(each, tuple) else each for each in (kept, new))
            what = f"the study in {found.path} {words.get(name, f'has the {name}')} {before or 'nothing'}"
            raise UserError(what, f"{now or 'nothing'}, as typed now", "Use another --out.")


def refuse_stranger(study: Study) -> None:
    """Refuse a study of the same name in the same database that searches for something else.

    Raises:
        UserError: there is one.
    """
    loaded = study.load()
    mine = {"recipe": study.asked.recipe, "space": [str(each) for each in study.space],
            "set": sorted(study.asked.set)}  # fmt: skip
    other = loaded.user_attrs.get("asked")
    if other is None:
        loaded.set_user_attr("asked", mine)
    elif other != mine:
        (study.path / FILE).unlink()
        what = (
            f"the database has a study {study.path.name} of {other['recipe']} over {' '.join(other['space'])}"
        )
        raise UserError(what, "the same recipe and space", "Use another --out.")


def refuse_kind(run: Kind, asked: Asked) -> None:
    """Refuse a recipe that cannot be searched.

    Raises:
        UserError: it has no data yet, no score, or none on a validation part.
    """
    if not getattr(run, "data", ""):
        wanted = getattr(run, "takes", "a file or a folder")
        raise UserError(f"recipe {asked.recipe} has no data yet", wanted, "Add --data PATH.")
    if not run.validates or not run.metrics or not run.metrics[0].better:
        what = f"{asked.recipe} trains {run.title}, which has no validation score to search by"
        raise UserError(what, "a recipe that has one, such as digits", "")


def refuse_overlap(space: Sequence[Dimension], asked: Asked) -> None:
    """Refuse a setting that is searched and set at once, and a length that --steps replaces.

    Raises:
        UserError: there is one.
    """
    names = {each.name for each in space}
    for word in asked.set:
        if (name := word.partition("=")[0].strip()) in names:
            raise UserError(f"{name} is in --set and in --over", "one of them", "Leave one out.")
    if asked.steps and "epochs" in names:
        raise UserError("--steps replaces epochs, which --over names", "one of them", "Leave one out.")


def with_validation(run: Kind, asked: Asked) -> Kind:
    """The run with a validation part, which a search chooses by: a tenth is held out where none is.

    Raises:
        UserError: there is none, and none can be held out.
    """
    if not isinstance(run, Run) or run.open(asked.seed).val is not None:
        return run
    if not any(word.partition("=")[0].strip() == "val" for word in asked.set):
        run = replace(run, val=HELD_OUT)
        if run.open(asked.seed).val is not None:
            return run
    what = f"{asked.recipe} has no validation part"
    raise UserError(what, "one to choose by; the test part is not looked at", "Add --set val=0.1.")
