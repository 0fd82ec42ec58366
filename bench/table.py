"""The README's tables of numbers, made from the result files: `python -m bench.table` writes them."""

import json
import statistics
from pathlib import Path
from string import ascii_uppercase
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


def machines(found: list[Result]) -> dict[str, str]:
    """A letter for every processor, in the order of their first measurements."""
    known = [result["machine"] for result in found if result.get("machine", {}).get("cpu")]
    order = dict.fromkeys(map(processor, sorted(known, key=lambda machine: str(machine["date"]))))
    return dict(zip(order, ascii_uppercase, strict=False))


def processor(machine: dict[str, Any]) -> str:
    """Its name and cores."""
    return f"{machine.get('cpu')}, {machine.get('cores')} cores"


def on(result: Result, letters: dict[str, str]) -> str:
    """Which machine a result comes from."""
    return letters.get(processor(result.get("machine", {})), "-")


def legend(found: list[Result], letters: dict[str, str]) -> list[str]:
    """What the letters stand for, and when each machine measured."""
    lines = []
    for name, letter in letters.items():
        days = sorted({r["machine"]["date"] for r in found if on(r, letters) == letter})
        lines.append(f"{letter}: {name}, measured {' to '.join(dict.fromkeys((days[0], days[-1])))}.")
    return ["", " ".join(lines)] if lines else []


def accuracy_row(result: Result, letters: dict[str, str]) -> str:
    """Recipe, accuracy over seeds, seconds of training."""
    found, took = result["test_accuracy"], result["seconds"]
    spread = f"{100 * found['min']:.1f} to {100 * found['max']:.1f}"
    name, about = result["name"].removeprefix("accuracy-"), f"{result['n']} | {on(result, letters)}"
    return f"| `{name}` | {100 * found['mean']:.1f} % | {spread} | {took['median']:,.0f} s | {about} |"


def score_row(result: Result, letters: dict[str, str]) -> str:
    """Recipe, which score, over seeds, seconds of training."""
    metric, found = metric_of(result, result["score"]), result[result["score"]]
    told = f"{metric.title}, {metric.better} is better"
    spread = f"{metric.shown(found['min'])} to {metric.shown(found['max'])}"
    name, took = result["name"].removeprefix("accuracy-"), result["seconds"]["median"]
    about = f"{took:,.0f} s | {result['n']} | {on(result, letters)}"
    return f"| `{name}` | {told} | {metric.shown(found['mean'])} | {spread} | {about} |"


def goal_row(result: Result, letters: dict[str, str]) -> str:
    """Recipe, what it reached over seeds, what was wanted (at most), processor time a run."""
    goal, name = result["goal"], result["name"].removeprefix("likelihood-")
    found, used = result[goal["score"]], result["processor_seconds"]
    minutes = f"{used['median'] / 60:.1f} min" if used else "not measured"
    values = [f"{found[key]:.4g}" for key in ("mean", "min", "max")]
    reached = f"{values[0]} | {values[1]} to {values[2]} | {goal['wanted']:g}"
    return f"| `{name}` | {goal['unit']} | {reached} | {minutes} | {result['n']} | {on(result, letters)} |"


def ratio_row(result: Result, letters: dict[str, str]) -> str:
    """Comparison, both sides, how many times better ours is."""
    sides = f"{number(result['ours'])} | {number(result['peer'])} ({result['peer_name']})"
    times = f"{result['ratio']:.1f} | {result['n']} | {on(result, letters)}"
    return f"| `{result['name']}` | {result['unit']} | {sides} | {times} |"


def percent(*values: float) -> str:
    """One share, or from the least to the largest."""
    return " to ".join(f"{100 * value:.1f}" for value in values) + " %"


def reviews(result: Result) -> list[tuple[str, ...]]:
    """The best way of counting beside the best network, and both together, for each set of reviews."""
    rows: list[tuple[str, ...]] = []
    for name, title in (
        ("imdb", "reviews of films (slice of IMDB)"),
        ("sst2", "sentences of reviews (SST-2)"),
    ):
        counted = [r for r in result["counting"] if r["set"] == name and ", C " not in r["model"]]
        best = max(counted, key=lambda row: row["accuracy"])
        networks = {k: v for k, v in result["networks"].items() if k.startswith(name)}
        recipe, net = max(networks.items(), key=lambda row: row[1]["median"])
        blends = [b["accuracy"] for k, rows in result["blends"].items() if k.startswith(name) for b in rows]
        told = f"`{recipe}` {percent(net['min'], net['max'])}"
        rows.append((title, f"{percent(best['accuracy'])} ({best['model'].removeprefix('sklearn: ')})", told,
                     percent(min(blends), max(blends))))  # fmt: skip
    return rows


def characters(found: dict[str, Result]) -> list[tuple[str, ...]]:
    """N-gram models beside networks, in nats a character."""
    rows: list[tuple[str, ...]] = []
    if "language" in found:
        name, net = next(iter(found["language"]["models"].items()))
        counts = found["language"]["baselines"]
        best = min(counts, key=counts.__getitem__)
        nats = f"{net['nats']['min']:.3f} to {net['nats']['max']:.3f} nats"
        minutes = found["language"]["minutes"]
        rows.append(("characters of tiny Shakespeare", f"{counts[best]:.3f} nats ({best})",
                     f"`{name}`, {minutes:g} minutes, {nats}", ""))  # fmt: skip
    if "gpt" in found:
        name, net = list(found["gpt"]["models"].items())[-1]
        counts = found["gpt"]["baselines"]
        best = min(counts, key=counts.__getitem__)
        alone, mixed = (f"{net[key]['min']:.3f} to {net[key]['max']:.3f} nats" for key in ("nats", "mixed"))
        rows.append(("the same, by attention", f"{counts[best]:.3f} nats ({best}, other validation part)",
                     f"`{name}`, {net['minutes']:g} minutes, {alone}", mixed))  # fmt: skip
    if "names" in found:
        each = found["names"]["sets"]["names"]
        best = min(each["counting"], key=each["counting"].__getitem__)
        name, net = min(each["networks"].items(), key=lambda row: row[1]["nats"]["median"])
        nats = f"{net['nats']['min']:.3f} to {net['nats']['max']:.3f} nats"
        rows.append(
            ("characters of names", f"{each['counting'][best]:.3f} nats ({best})", f"`{name}` {nats}", "")
        )
    return rows


def digits(result: Result) -> tuple[str, ...]:
    """A linear model beside the best recurrent network, on speakers that were held out."""
    linear = max((r for r in result["ten_mfcc"] if "," in r["name"]), key=lambda row: row["mean"])
    net = max((r for r in result["ten_mfcc"] if "speakers" in r), key=lambda row: row["mean"])
    told = f"`{net['name']}` {percent(net['min'], net['max'])}"
    counted = f"{percent(linear['min'], linear['max'])} ({linear['name']})"
    return ("ten spoken digits, other speakers", counted, told, "")


def words(found: list[Result]) -> list[str]:
    """Language and sound: what needs no network stands first."""
    named = {result["name"]: result for result in found}
    rows = characters(named)
    rows += reviews(named["reviews"]) if "reviews" in named else []
    rows += [digits(named["speech"])] if "speech" in named else []
    head = ["", "| text and sound | without a network | best network, seeds from, to | both blended |",
            "|---|---|---|---|"]  # fmt: skip
    return [*head, *("| " + " | ".join(row) + " |" for row in rows)] if rows else []


def agents(result: Result) -> list[str]:
    """What agents earn in test episodes, seed by seed, and when they first came to their goals."""
    head = ["", "| agent | return, median | seeds from, to | goal | seeds that met it | after | seeds |",
            "|---" * 7 + "|"]  # fmt: skip
    for name, row in result["agents"].items():
        returns, seconds = [run["test_return"] for run in row["runs"]], row["median_seconds_to_goal"]
        after = "" if seconds is None else f"{seconds:,.0f} s" if seconds >= 10 else f"{seconds:.1f} s"
        earned = f"{statistics.median(returns):.4g} | {min(returns):.4g} to {max(returns):.4g}"
        head.append(f"| `{name}` | {earned} | {row['goal']:g} | {row['goal_met']} | {after} | {row['n']} |")
    return head


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
    letters = machines(found)
    accuracies = [accuracy_row(result, letters) for result in found if "test_accuracy" in result]
    ratios = [ratio_row(result, letters) for result in found if "ratio" in result]
    goals = [goal_row(result, letters) for result in found if "goal" in result]
    first = ["| recipe | test accuracy, mean | seeds from, to | training | seeds | on |", "|---" * 6 + "|"]
    second = ["| `gradschool bench` | unit | ours | peer | times better | rounds | on |", "|---" * 7 + "|"]
    others = [
        score_row(result, letters) for result in found
        if result.get("score", "test_accuracy") != "test_accuracy" and "goal" not in result
    ]  # fmt: skip
    heads = ["", "| recipe | score | mean | seeds from, to | training | seeds | on |", "|---" * 7 + "|"]
    third = ["", "| recipe | less is better | mean | seeds from, to | wanted | processor | seeds | on |",
             "|---" * 8 + "|"]  # fmt: skip
    middle = [*third, *goals] if goals else []
    middle += [row for result in found if result["name"] == "membrane" for row in membranes(result)]
    middle += [row for result in found if "agents" in result for row in agents(result)]
    rungs = [row for result in found if result["name"] in ABLATION for row in ladder(result)]
    other = [*heads, *others] if others else []
    text = [*first, *accuracies, *rungs, *other, *words(found), *middle, "", *second, *ratios]
    return "\n".join([*text, *legend(found, letters)]) + "\n"


def filled(readme: str) -> str:
    """The README with its tables renewed."""
    before, rest = readme.split(START)
    return before + START + "\n" + tables(results()) + "\n" + END + rest.split(END)[-1]


if __name__ == "__main__":
    README.write_text(filled(README.read_text(encoding="utf-8")), encoding="utf-8")
