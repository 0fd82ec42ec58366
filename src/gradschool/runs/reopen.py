"""Take up a run from its folder: its settings as the dataclass they were, what was asked for, its data."""

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

from gradschool.data.cache import cache_folder
from gradschool.data.examples import Splits, as_it_was
from gradschool.engine.device import Machine, choose, find_device
from gradschool.engine.run import RunFolder
from gradschool.errors import UserError
from gradschool.runs.kinds import find_kind
from gradschool.runs.old import KINDS
from gradschool.runs.request import Request
from gradschool.runs.run import Run
from gradschool.runs.settings import from_dict


def reopen(folder: RunFolder) -> tuple[Any, Request]:
    """The settings and the request of a run; its folder says which kind of run it is.

    Raises:
        UserError: config.json does not describe a run of this version.
    """
    config = folder.read("config.json")
    if "kind" not in config and config["recipe"] not in KINDS:
        what = f"{folder.path} names no kind of run, and its recipe {config['recipe']} is not of 0.1.0"
        raise UserError(what, "a run of gradschool", "Train again.")
    kind = find_kind(config["kind"] if "kind" in config else KINDS[config["recipe"]])
    request = Request(
        config["recipe"], config["seed"], config["steps"], config["device"], folder.path,
        plain=config["plain"], mine=tuple(config.get("mine", ())),
    )  # fmt: skip
    return from_dict(kind, config["settings"]), request


def splits_again(run: Run, folder: RunFolder, data: str | None = None) -> Splits[Any]:
    """The data of a run, opened again: its own parts, of what is still the same; notes say what is not.

    Args:
        run: its settings.
        folder: of the run.
        data: where the data lie now, if they moved.

    Raises:
        UserError: they are not where they were, or too little of them is what it was.
    """
    refuse_moved(data or run.data, folder, f"gradschool report {folder.path}")
    opened = run.open(folder.read("config.json")["seed"], data)
    before = folder.read("data.json")
    splits = as_it_was(opened, before, before.get("classes", folder.read("model.json").get("classes")))
    for note in splits.notes[len(opened.notes) :]:
        print(f" note     {note}")
    return splits


def refuse_moved(data: str, folder: RunFolder, command: str) -> None:
    """Data that have moved can be named with --data.

    Raises:
        UserError: there is nothing where the run's data lay.
    """
    if Path(data).is_absolute() and not Path(data).exists():
        advice = f"If they moved, name the place: {command} --data PATH"
        what = f"there is no data set or folder {data!r} any more, where the data of {folder.path} lay"
        raise UserError(what, "the data of the run", advice)


def machine_of(folder: RunFolder) -> Machine:
    """The machine that a run computed on, if it is here; else this one, in the precision that was asked for.

    Of several processes each has a device of its own: the first one's is written down.
    """
    found, settings = folder.read("environment.json"), folder.read("config.json").get("settings", {})
    try:
        device = find_device("auto" if "LOCAL_RANK" in os.environ else found["device"])
        known = {name: found[name] for name in Machine.__annotations__}
    except (UserError, KeyError):
        machine = choose("auto", settings.get("precision", "auto"), cache_folder())
        return replace(machine, channels_last=False) if settings.get("shard") else machine
    return Machine(**(known | {"device": device}))
