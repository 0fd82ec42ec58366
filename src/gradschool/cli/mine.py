"""The learner's functions in a training run: put in force, shown, raced against the reference."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

from gradschool.errors import UserError
from gradschool.phrases import command


def put_in_force(folder: Path | None) -> list[Any]:
    """Overlay all that the learner has begun, and say whose code will run.

    Raises:
        UserError: nothing is begun.
    """
    from gradschool.classroom.workspace.layout import find_workspace
    from gradschool.classroom.workspace.overlay import install

    workspace = find_workspace(folder)
    overlaid = install(workspace)
    if not overlaid:
        raise UserError(
            f"{workspace.root} holds nothing of yours yet", "a function you have written",
            f"Write one: {command('start')}",
        )  # fmt: skip
    for one in overlaid:
        print(f" yours    {one}")
    return overlaid


def records(overlaid: list[Any]) -> tuple[dict[str, Any], ...]:
    """What the run folder keeps of each."""
    return tuple({k: v for k, v in asdict(one).items() if k != "calls"} for one in overlaid)


def tell(overlaid: list[Any]) -> None:
    """Say how often each has run."""
    used = [f"{one.target.split(':')[1]} {one.calls:,} times" for one in overlaid if one.calls]
    idle = [one.target.split(":")[1] for one in overlaid if not one.calls]
    print(f" yours    {'ran: ' + ', '.join(used) if used else 'none of it is part of this model'}")
    if used and idle:
        print(f"          not part of this model: {', '.join(idle)}")


def run_race(folder: Any) -> dict[str, Any] | None:
    """Race a finished run against the reference's seeds; draw it, keep it in the run's result."""
    from gradschool.classroom.race import curve_of, draw, find_band, race

    config = folder.read("config.json")
    band = find_band(config["recipe"], config["settings"]) if config["steps"] is None else None
    if band is None:
        print(" race     none: the reference was not measured with these settings")
        return None
    epochs, curve = curve_of(folder, band.metric)
    if len(curve) != len(band.across):
        print(" race     none: this run was evaluated at other epochs than the reference")
        return None
    verdict = race(curve, band)
    print("\n".join(draw(curve, band)))
    print(f" race     {verdict.where} the band")
    print("\n".join(f"          {part}" for part in verdict.said.split("; ")))
    told = {
        "inside": verdict.inside, "where": verdict.where, "said": verdict.said,
        "metric": band.metric, "share": band.unit == "share",
        "epochs": epochs, "yours": curve,
        "lowest": [min(column) for column in zip(*band.curves, strict=True)],
        "highest": [max(column) for column in zip(*band.curves, strict=True)],
        "seeds": len(band.curves),
    }  # fmt: skip
    folder.write("result.json", folder.read("result.json") | {"race": told})
    return told
