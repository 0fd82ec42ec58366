"""Take up a run from its folder: its settings as the dataclass they were, what was asked for, its data."""

from dataclasses import replace
from typing import Any

from gradschool.data.cache import cache_folder
from gradschool.data.examples import Splits, changes, inventory
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
    try:
        kind = find_kind(config["kind"] if "kind" in config else KINDS[config["recipe"]])
        request = Request(
            config["recipe"],
            config["seed"],
            config["steps"],
            config["device"],
            folder.path,
            plain=config["plain"],
            mine=tuple(config.get("mine", ())),
        )
        return from_dict(kind, config["settings"]), request
    except KeyError as error:
        raise UserError(
            f"{folder.path / 'config.json'} lacks {error}", "a run of this version", "Train again."
        ) from error


def splits_again(run: Run, folder: RunFolder, data: str | None = None) -> Splits[Any]:
    """The data of a run, opened again; where they are not what they were, their notes say so.

    Args:
        run: its settings.
        folder: of the run.
        data: where the data lie now, if they moved.
    """
    splits = run.open(folder.read("config.json")["seed"], data)
    told = changes(folder.read("data.json"), inventory(splits))
    return replace(splits, notes=[*splits.notes, *told]) if told else splits


def machine_of(folder: RunFolder) -> Machine:
    """The machine that a run computed on, if it is here; else this one."""
    found = folder.read("environment.json")
    try:
        find_device(found["device"])
    except (UserError, KeyError):
        return choose("auto", "auto", cache_folder())
    return Machine(**{name: found[name] for name in Machine.__annotations__})
