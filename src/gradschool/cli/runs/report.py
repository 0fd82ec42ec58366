"""gradschool report RUN: everything about a run on one page."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import tyro

from gradschool.cli.main import finish
from gradschool.errors import UserError
from gradschool.phrases import hanging

if TYPE_CHECKING:
    from gradschool.engine.run import RunFolder
    from gradschool.runs.kind import Kind


@dataclass(frozen=True)
class Args:
    """Write a run's report, or a study's, as one self-contained HTML file."""

    run: Annotated[Path, tyro.conf.Positional]
    """Folder of the run, e.g. runs/digits-0001, or of a study, e.g. runs/tune-digits."""
    ood: str | None = None
    """A second set of the same classes (name, folder or zip) to compare with."""
    data: str | None = None
    """Where the run's data lie now, if they moved."""
    sentence: str | None = None
    """Of a language model: the sentence whose attention maps are shown."""
    json: bool = False
    """Print the result as one line of JSON."""


def run(args: Args) -> int:
    """Write the report and say where it is."""
    from gradschool.engine.run import RunFolder
    from gradschool.runs.reopen import reopen

    if (study := study_at(args.run)) is not None:
        return of_study(args, study)
    folder = RunFolder.open(args.run)
    run, _ = reopen(folder)
    if args.ood is not None:
        run.refuse_second(args.ood)
    if args.sentence is not None:
        run = about(run, args.sentence)
    path = run.report(folder, args.ood, args.data)
    print(f" report   {path}")
    abroad = tell_second_set(folder) if args.ood else {}
    finish(args, {"run": folder.path, "report": path, **abroad})
    return 0


def study_at(path: Path) -> Path | None:
    """The folder of a study at a path, or of its name under runs/; None for anything else."""
    return next((each for each in (path, Path("runs") / path) if (each / "study.json").is_file()), None)


def of_study(args: Args, path: Path) -> int:
    """Write the report of a study.

    Raises:
        UserError: an option is given that is about a run.
    """
    from gradschool.parts import need

    for name in ("ood", "data", "sentence"):
        if getattr(args, name) is not None:
            raise UserError(f"--{name} was given for {path}, a study", "a run", f"Leave --{name} out.")
    need("optuna", "practice", "the report of a study")
    from gradschool.practice.search.report import write_report
    from gradschool.practice.search.storage import given
    from gradschool.practice.search.study import open_study

    page = write_report(open_study(path, given("")))
    print(f" report   {page}")
    finish(args, {"study": path, "report": page})
    return 0


def about(run: "Kind", sentence: str) -> "Kind":
    """The run with another sentence for its report.

    Raises:
        UserError: its report shows none.
    """
    from gradschool.runs.language.model import LanguageRun

    if not isinstance(run, LanguageRun):
        raise UserError(f"--sentence was given to {run.title}", "a language model", "Leave --sentence out.")
    return replace(run, sentence=sentence)


def tell_second_set(folder: "RunFolder") -> dict[str, Any]:
    """Print how a run did on the second set that its report was just written for; returns it for JSON."""
    found = folder.read("ood.json")
    if found:
        print(hanging(" ood      ", found["told"]))
    return {"ood": found} if found else {}
