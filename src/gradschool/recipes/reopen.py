"""Take up a run from its folder: its settings as the dataclass they were, and what was asked for."""

from typing import Any

from gradschool.engine.run import RunFolder
from gradschool.errors import UserError
from gradschool.recipes import find
from gradschool.recipes.settings import from_dict
from gradschool.recipes.train import Request


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
