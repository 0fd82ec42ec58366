"""Where a generator's pictures are written: a sheet, a folder of single files, or a film."""

from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

from gradschool.engine.checkpoint import disk_errors
from gradschool.errors import UserError
from gradschool.evals.generation.films import FORMS, save_film
from gradschool.evals.pictures import SHEETS, save_each, save_grid
from gradschool.runs.generation.ask import columns_for


def write_pictures(out: Path, draw: Callable[[], Tensor]) -> None:
    """Draw and write pictures: a sheet where `out` has the ending of one, else a folder of single files."""
    check_form(out, film=False)
    with disk_errors(out, "Free some space, or choose another place with --out."), torch.inference_mode():
        pictures = draw()
        if out.suffix and not out.is_dir():
            save_grid(out, pictures, columns_for(len(pictures)))
        else:
            save_each(out, pictures)


def write_film(out: Path, draw: Callable[[], list[Tensor]], columns: int) -> None:
    """Draw and write how pictures come about."""
    check_form(out, film=True)
    with disk_errors(out, "Free some space, or choose another place with --out."), torch.inference_mode():
        save_film(out, draw(), columns)


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
