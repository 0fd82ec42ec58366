"""Ask a finished generator for pictures and write them as files."""

from dataclasses import dataclass
from pathlib import Path

import torch

from gradschool.engine.checkpoint import disk_errors
from gradschool.engine.run import RunFolder
from gradschool.errors import UserError
from gradschool.evals.generation.films import FORMS, save_film
from gradschool.evals.pictures import SHEETS, save_each, save_grid
from gradschool.runs.finish import rebuilt
from gradschool.runs.generation.generator import Ask, GenerativeRun, columns_for
from gradschool.runs.reopen import machine_of, reopen

MOST = 100_000


@dataclass(frozen=True)
class Wanted:
    """What a person asks of a generator; see `gradschool sample --help`."""

    n: int = 64
    seed: int = 0
    label: str | None = None
    steps: int | None = None
    guidance: float | None = None
    sampler: str | None = None
    film: bool = False


def draw(folder: RunFolder, wanted: Wanted, out: Path | None = None) -> Path:
    """Write pictures and return where: a sheet, a folder of single files, or a film.

    Args:
        folder: a finished run of a generator.
        wanted: how many, from which noise, of which class.
        out: a .png, .jpg or .webp file or a folder, for a film a .gif, .png or .html file; None: a file in
            the run's folder.
    Raises:
        UserError: the run is no generator or not finished, or it cannot do what is wanted.
    """
    run, _ = reopen(folder)
    if not isinstance(run, GenerativeRun):
        raise UserError(f"{folder.path} is no generator", "a run such as vae_mnist", "See: gradschool train")
    model, facts = rebuilt(folder, run)
    ask = asked(run, wanted, facts["classes"])
    model = machine_of(folder).place_module(model)
    suffix = "gif" if wanted.film else "png"
    out = out or folder.path / f"samples-{wanted.seed}.{suffix}"
    check_form(out, wanted.film)
    columns = columns_for(wanted.n)
    with disk_errors(out, "Free some space, or choose another place with --out."), torch.inference_mode():
        if wanted.film:
            save_film(out, run.film(model, ask), columns)
        elif out.suffix and not out.is_dir():
            save_grid(out, run.generate(model, ask), columns)
        else:
            save_each(out, run.generate(model, ask))
    return out


def check_form(out: Path, film: bool) -> None:
    """Refuse a file of a kind that is not written.

    Raises:
        UserError: its ending is none of a film's or of a sheet's; a folder has none, or is there already.
    """
    form = out.suffix.lower()
    if film and form not in FORMS:
        raise UserError(f"--out is {out}", f"a file ending in {', '.join(FORMS)}", "Example: --out film.html")
    if not film and form and form not in SHEETS and not out.is_dir():
        wanted = f"a file ending in {', '.join(SHEETS)}, or a folder without an ending"
        advice = "Add --film for a film." if form in FORMS else "Example: --out sheet.png"
        raise UserError(f"--out is {out}", wanted, advice)


def asked(run: GenerativeRun, wanted: Wanted, classes: list[str]) -> Ask:
    """Check what is wanted against what the run can do.

    Raises:
        UserError: a number outside its range, an unknown class, or a class for a model that knows none.
    """
    if not 1 <= wanted.n <= MOST:
        raise UserError(f"n is {wanted.n}", f"a whole number from 1 to {MOST}", "Example: -n 64")
    if wanted.label is not None and not run.conditional:
        raise UserError(
            f"--class {wanted.label} was given", "a model that was told classes", "Leave --class out."
        )
    labels = torch.arange(wanted.n) % len(classes) if run.conditional else None
    if wanted.label is not None:
        number = classes.index(wanted.label) if wanted.label in classes else number_of(wanted.label, classes)
        labels = torch.full((wanted.n,), number)
    generator = torch.Generator().manual_seed(wanted.seed)
    ask = Ask(wanted.n, generator, labels, wanted.steps, wanted.guidance, wanted.sampler)
    run.check(ask)
    return ask


def number_of(label: str, classes: list[str]) -> int:
    """A class by its number.

    Raises:
        UserError: it is no number, or there is no such class.
    """
    if not label.isdigit() or int(label) >= len(classes):
        raise UserError(f"--class is {label!r}", f"one of {', '.join(classes)}, or a number", "")
    return int(label)
