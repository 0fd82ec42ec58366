"""The report of a study: what `evals/report/search.py` shows, from the study's folder."""

from pathlib import Path

from gradschool.evals.report import page
from gradschool.evals.report.search import SECTIONS, Axis, SearchFacts, Tried
from gradschool.practice.search.found import Row, best_of, importance, rows, so_far
from gradschool.practice.search.samplers import TITLES
from gradschool.practice.search.study import Study

FEW = 10  # finished trials below which a report warns


def write_report(study: Study) -> Path:
    """Write report.html into the study's folder and return its path."""
    found = rows(study)
    best = best_of(study, found)
    done = sum(row.state == "done" for row in found)
    warnings = [] if done >= FEW else [f"Only {done} finished: chance decides much of what is best here."]
    facts = SearchFacts(
        trials=[tried(row) for row in found],
        axes=[Axis(each.name, [str(v) for v in each.distribution().choices] if each.choices else (), each.log)
              for each in study.space],
        score=study.metric.title or study.metric.name, shown=study.metric.shown,
        higher_is_better=study.metric.higher_is_better, best=tried(best.row) if best else None,
        test=best.shown if best else "", progress=so_far(study, found), importance=importance(study),
        asked=asked(study), command=best.command if best else "", warnings=warnings,
    )  # fmt: skip
    return page.write_report(study.path, facts, SECTIONS)


def tried(row: Row) -> Tried:
    """A trial as the report shows it."""
    return Tried(row.number, row.state, row.value, row.params, row.seconds, row.why, row.run.name)


def asked(study: Study) -> dict[str, object]:
    """What the search was started with, for people."""
    facts = study.facts
    return {
        "recipe": study.asked.recipe, "optimised": study.scored, "better": study.metric.better,
        "sampler": TITLES[study.asked.sampler], "pruner": study.asked.pruner, "seed": study.asked.seed,
        "steps": study.asked.steps, "space": [str(each) for each in study.space],
        "set": list(study.asked.set), "storage": facts["storage"] or "SQLite in the folder",
        "versions": facts["versions"], "command": facts["command"],
    }  # fmt: skip
