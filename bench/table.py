"""The README's tables of numbers, made from the result files: `python -m bench.table` writes them."""

import json
import statistics
from pathlib import Path
from typing import Any

from gradschool.evals.metric import metric_of

RESULTS = Path(__file__).parent / "results"
README = Path(__file__).parent.parent / "README.md"
START, END = "<!-- numbers -->\n", "<!-- end of numbers -->\n"
ABLATION = ("ablation", "cures")  # the name of the results of `gradschool ladder`, now and before
Result = dict[str, Any]


def results() -> list[Result]:
    """Every result file, by name."""
    return [json.loads(file.read_text(encoding="utf-8")) for file in sorted(RESULTS.glob("*.json"))]


def number(value: float) -> str:
    """Three significant digits, in full."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def accuracy_row(result: Result) -> str:
    """Recipe, accuracy over seeds, seconds of training."""
    found, took = result["test_accuracy"], result["seconds"]
    spread = f"{100 * found['min']:.1f} to {100 * found['max']:.1f}"
    name = result["name"].removeprefix("accuracy-")
    return f"| `{name}` | {100 * found['mean']:.1f} % | {spread} | {took['median']:,.0f} s | {result['n']} |"


def score_row(result: Result) -> str:
    """Recipe, which score, over seeds, seconds of training."""
    metric, found = metric_of(result, result["score"]), result[result["score"]]
    told = f"{metric.title}, {metric.better} is better"
    spread = f"{metric.shown(found['min'])} to {metric.shown(found['max'])}"
    name, took = result["name"].removeprefix("accuracy-"), result["seconds"]["median"]
    return f"| `{name}` | {told} | {metric.shown(found['mean'])} | {spread} | {took:,.0f} s | {result['n']} |"


def goal_row(result: Result) -> str:
    """Recipe, what it reached over seeds, what was wanted (at most), processor time a run."""
    goal, name = result["goal"], result["name"].removeprefix("likelihood-")
    found, used = result[goal["score"]], result["processor_seconds"]
    minutes = f"{used['median'] / 60:.1f} min" if used else "not measured"
    values = [f"{found[key]:.4g}" for key in ("mean", "min", "max")]
    reached = f"{values[0]} | {values[1]} to {values[2]} | {goal['wanted']:g}"
    return f"| `{name}` | {goal['unit']} | {reached} | {minutes} | {result['n']} |"


def ratio_row(result: Result) -> str:
    """Comparison, both sides, how many times better ours is."""
    sides = f"{number(result['ours'])} | {number(result['peer'])} ({result['peer_name']})"
    return f"| `{result['name']}` | {result['unit']} | {sides} | {result['ratio']:.1f} | {result['n']} |"


def rung_row(rung: Result, first: Result) -> str:
    """A change, test and training accuracy, what it adds to the first row."""
    test, train = (statistics.mean(rung[key]) for key in ("test", "train"))
    spread = statistics.stdev(rung["test"]) if len(rung["test"]) > 1 else 0.0
    gain = 100 * (test - statistics.mean(first["test"]))
    return f"| {rung['rung']} | {100 * test:.1f} % | {100 * spread:.1f} | {100 * train:.1f} % | {gain:+.1f} |"


def ladder(result: Result) -> list[str]:
    """The coursework's table: a baseline, then each change alone."""
    head = [
        "",
        f"| `gradschool ladder`, {result['n']} seeds | test accuracy | spread | training images | points |",
        "|---|---|---|---|---|",
    ]
    return [*head, *(rung_row(rung, result["rows"][0]) for rung in result["rows"])]


def membranes(result: Result) -> list[str]:
    """Both networks after the same processor time."""
    head = [
        "",
        f"| membranes, {result['cpu_seconds_each']:.0f} processor seconds each, {result['n']} seeds | "
        "IoU of membranes | IoU of both classes | pixels wrong |",
        "|---|---|---|---|",
    ]
    names = {"ours": "`unet_membrane`", "peer": "segmentation_models.pytorch, random encoder"}
    for side, name in names.items():
        iou, both, wrong = (result[side][key]["mean"] for key in ("iou_membrane", "iou", "pixel_error"))
        head.append(f"| {name} | {iou:.3f} | {both:.3f} | {100 * wrong:.1f} % |")
    return head


def tables(found: list[Result]) -> str:
    """The tables in Markdown; all but two only where there are results."""
    accuracies = [accuracy_row(result) for result in found if "test_accuracy" in result]
    ratios = [ratio_row(result) for result in found if "ratio" in result]
    goals = [goal_row(result) for result in found if "goal" in result]
    first = ["| recipe | test accuracy, mean | seeds from, to | training | seeds |", "|---|---|---|---|---|"]
    second = [
        "| `gradschool bench` | unit | ours | peer | times better | rounds |",
        "|---|---|---|---|---|---|",
    ]
    others = [
        score_row(result) for result in found
        if result.get("score", "test_accuracy") != "test_accuracy" and "goal" not in result
    ]  # fmt: skip
    heads = ["", "| recipe | score | mean | seeds from, to | training | seeds |", "|---|---|---|---|---|---|"]
    third = [
        "",
        "| recipe | less is better | mean | seeds from, to | wanted | processor | seeds |",
        "|---|---|---|---|---|---|---|",
    ]
    middle = [*third, *goals] if goals else []
    middle += [row for result in found if result["name"] == "membrane" for row in membranes(result)]
    rungs = [row for result in found if result["name"] in ABLATION for row in ladder(result)]
    other = [*heads, *others] if others else []
    return "\n".join([*first, *accuracies, *rungs, *other, *middle, "", *second, *ratios]) + "\n"


def filled(readme: str) -> str:
    """The README with its tables renewed."""
    before, rest = readme.split(START)
    return before + START + "\n" + tables(results()) + "\n" + END + rest.split(END)[-1]


if __name__ == "__main__":
    README.write_text(filled(README.read_text(encoding="utf-8")), encoding="utf-8")
