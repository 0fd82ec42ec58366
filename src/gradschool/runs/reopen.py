"""Take up a run from its folder: its settings as the dataclass they were, and what was asked for."""

from typing import Any

from gradschool.data.cache import cache_folder
from gradschool.engine.device import Machine, choose, find_device
from gradschool.engine.run import RunFolder
from gradschool.errors import UserError
from gradschool.recipes import find
from gradschool.runs.run import Request
from gradschool.runs.settings import from_dict


def reopen(folder: RunFolder) -> tuple[Any, Request]:
    """The settings and the request of a run.

    Raises:
        UserError: config.json does not describe a run of this version.
    """
    config = folder.read("config.json")
    try:
        kind = type(find(config["recipe"])())
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


def machine_of(folder: RunFolder) -> Machine:
    """The machine that a run computed on, if it is here; else this one."""
    found = folder.read("environment.json")
    try:
        find_device(found["device"])
    except (UserError, KeyError):
        return choose("auto", "auto", cache_folder())
    return Machine(**{name: found[name] for name in Machine.__annotations__})
