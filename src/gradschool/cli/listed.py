"""The recipes in groups: what each is, whether its data are here, how long it takes and what it reaches.

All is read: names and data from the recipes' source, minutes and scores from the measured results.
"""

import json
from pathlib import Path
from typing import Any

from gradschool import recipes
from gradschool.cli.main import finish
from gradschool.phrases import as_called, command, hanging

GROUPS = {
    "own": "Your own data",
    "transfer": "Transfer: few pictures, a network that has learnt elsewhere",
    "representation": "Learn without labels, for classes with few labels",
    "neurons": "First steps",
    "vision": "Classify pictures",
    "dense": "Segment and restore",
    "generative": "Generate",
    "adversarial": "Generate with adversarial networks",
    "sequences": "Formal languages",
    "language": "Text",
    "tuning": "Fine-tune a language model",
    "encoders": "Text on encoders that have learnt elsewhere",
    "translation": "Translate",
    "audio": "Sound",
    "series": "Series",
    "rl": "Play",
}
RESULTS = Path(__file__).resolve().parents[3] / "bench" / "results"  # of a clone; a wheel has none


def tell_recipes(args: Any) -> int:
    """Print every recipe under its group."""
    rows = listed()
    for group in dict.fromkeys(row["group"] for row in rows):
        print(f"\n{group}")
        for row in (row for row in rows if row["group"] == group):
            head = f"  {row['name']:<{max(len(row['name']) for row in rows)}}  "
            print(hanging(head, as_called(row["task"])))
            facts = [row[key] for key in ("data", "time", "score") if row[key]]
            if facts:
                print(hanging(" " * len(head), " · ".join(facts)))
    print(f"\n{hanging('', advice())}")
    finish(args, {"recipes": rows})
    return 0


def advice() -> str:
    """What the list is for."""
    settings, own = command("train NAME --help"), command("train folder --data PATH")
    return f"Settings of a recipe: {settings} · Pictures of your own, a folder for each class: {own}"


def listed() -> list[dict[str, str]]:
    """Every recipe: its group, name, task, data, time and score; "" for what was not measured."""
    rows = []
    for name, (module, task) in recipes.places().items():
        subject = module.split(".")[2]
        group = GROUPS.get(subject, subject.capitalize())
        rows.append({"group": group, "name": name, "task": task, "data": where(name), **measured(name)})
    order = [*GROUPS.values()]
    return sorted(rows, key=lambda row: order.index(row["group"]) if row["group"] in order else len(order))


def where(name: str) -> str:
    """The data of a recipe: here, to fetch with their size, to bring, or to name."""
    from gradschool.data.catalogue import find, is_known, located

    data = recipes.data_of()[name]
    if data == "":
        return "your data: --data PATH"
    if data is None or not is_known(data):
        return ""
    info = find(data)
    if located(info) is not None or not (info.files or info.packs):
        return f"{data}: here"
    size = f", {info.size / 1e6:,.0f} MB" if info.size else ""
    return f"{data}: to fetch{size}" if info.files else f"{data}: not here"


def measured(name: str) -> dict[str, str]:
    """Time and score of a recipe, means over the seeds of its result file; "" where there is none."""
    from gradschool.evals.metric import metric_of

    for file in (RESULTS / f"accuracy-{name}.json", RESULTS / f"likelihood-{name}.json"):
        if not file.is_file():
            continue
        result = json.loads(file.read_text(encoding="utf-8"))
        goal = result.get("goal", {})
        score = goal.get("score") or result.get("score", "test_accuracy")
        metric, value = metric_of(result, score), result[score]["mean"]
        shown = f"{value:.4g} {goal['unit']}" if goal else f"{metric.title} {metric.shown(value)}"
        return {"time": duration(result["seconds"]["median"]), "score": shown}
    return {"time": "", "score": ""}


def duration(seconds: float) -> str:
    """23 s, 5.5 min, 1.2 h."""
    if seconds < 60:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.1f} min" if seconds < 3600 else f"{seconds / 3600:.1f} h"
