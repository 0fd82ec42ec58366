"""One self-contained HTML page about a run: no network, no script, light or dark, on a phone or on paper.

A report is a list of sections; each is a small function from the material to a `Section`, or None when what
it needs is missing. So a run that was just killed, with nothing but its metrics, has a report as well.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader

from gradschool.engine.run import RunFolder
from gradschool.evals.report import numbers
from gradschool.evals.report.material import Facts, Material, SectionOf


def write_report(run_dir: Path, facts: Facts, sections: Sequence[SectionOf]) -> Path:
    """Write `run_dir/report.html` and return its path.

    Args:
        run_dir: the run folder; only what lies in it is used, nothing is required.
        facts: data, model and what else is known.
        sections: which sections, in order; a learner's race comes before them, whatever was trained.

    Raises:
        WorkFailed: the folder cannot be written or the disk is full.
    """
    # 1. Every section whose inputs are there.
    material: Material[Any] = Material.read(run_dir, facts)
    made = [section(material) for section in (numbers.race, *sections)]
    # 2. One page, whole or not at all.
    environment = Environment(
        loader=PackageLoader("gradschool.evals.report"), autoescape=True, trim_blocks=True
    )
    html = environment.get_template("report.html.j2").render(
        name=run_dir.resolve().name,
        subtitle=numbers.subtitle(material),
        headline=numbers.headline(material),
        warnings=numbers.warnings(material),
        sections=[section for section in made if section is not None],
    )
    RunFolder(run_dir).write("report.html", html)
    return run_dir / "report.html"
