"""What config.json of a run holds: which kind of run it is, and all that was asked for."""

from pathlib import Path
from typing import Any

from gradschool.data.catalogue import is_known
from gradschool.runs.again import command
from gradschool.runs.kind import Kind
from gradschool.runs.request import Request
from gradschool.runs.settings import defaults, to_dict


def config(run: Kind, request: Request) -> dict[str, Any]:
    """Kind, recipe, seed, settings, and the command that repeats the run."""
    asked = {"seed": request.seed, "steps": request.steps, "plain": request.plain, "device": request.device}
    mine = {"mine": list(request.mine)} if request.mine else {}
    settings = to_dict(run)
    settings |= {name: absolute(settings[name]) for name in run.places if settings.get(name)}
    told = {"settings": settings, "command": command(request, settings, defaults(type(run)))}
    return {"recipe": request.recipe, "kind": run.kind, **asked, **mine, **told}


def absolute(data: str) -> str:
    """A path that still holds when the run is taken up from another folder; names of sets stay."""
    is_path = Path(data).exists() and not is_known(data)
    return str(Path(data).resolve()) if is_path else data
