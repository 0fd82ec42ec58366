"""What a number of a run means: its title, its unit and which way is better.

A run's result carries this beside its numbers, so that tables, races and reports need no list of names.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

PARTS = ("train", "val", "test")


@dataclass(frozen=True)
class Metric:
    """One kind of number that runs report.

    Args:
        name: as in metrics.jsonl and result.json, but for the part before it: test_accuracy is accuracy.
        title: for people.
        unit: "share" for numbers from 0 to 1, shown in percent, else a word such as "nats"; "" for none.
        better: which way is better; "" where neither is.
        note: what it is exactly, for a report.
    """

    name: str
    title: str = ""
    unit: str = ""
    better: Literal["higher", "lower", ""] = "lower"
    note: str = ""

    @property
    def higher_is_better(self) -> bool:
        """Whether a larger number is a better one."""
        return self.better == "higher"

    def shown(self, value: float) -> str:
        """A value for people."""
        return f"{100 * value:.1f} %" if self.unit == "share" else f"{value:.4g} {self.unit}".rstrip()

    def best(self, values: Iterable[float]) -> float | None:
        """The best of some values; None where neither way is better."""
        return {"higher": max, "lower": min}[self.better](values) if self.better else None


ACCURACY = Metric("accuracy", "accuracy", "share", "higher")
LOSS = Metric("loss", "loss")
BEFORE = (
    ACCURACY,
    LOSS,
    Metric("iou", "mean IoU", "", "higher"),
)  # of results that carry none, of 0.1.0


def bare(name: str) -> str:
    """A number's name without the part it was measured on: test_accuracy is accuracy."""
    part, _, rest = name.partition("_")
    return rest if part in PARTS and rest else name


def described(metrics: Iterable[Metric]) -> dict[str, dict[str, Any]]:
    """Metrics as JSON, by name, for result.json."""
    return {each.name: {k: v for k, v in asdict(each).items() if k != "name"} for each in metrics}


def metric_of(result: Mapping[str, Any], name: str) -> Metric:
    """What a number of a result means; one of which nothing is told has its name as title, no direction."""
    known = result.get("about") or described(BEFORE)
    word = bare(name)
    return Metric(word, **known[word]) if word in known else Metric(word, word.replace("_", " "), better="")


def in_short(metrics: Iterable[Metric], name: str, value: float) -> str:
    """A number of a running training as a few signs: test_accuracy is told as "test 98.3 %"."""
    known = {each.name: each for each in metrics}
    metric, word = known.get(bare(name)), name.replace("_", " ")
    if metric is None or metric.unit != "share":
        return f"{word} {value:.3f}"
    is_main = metric.name == next(iter(known))  # the score that a run is judged by needs no name
    return f"{name.removesuffix(f'_{metric.name}') if is_main else word} {metric.shown(value)}"


def main_score(result: Mapping[str, Any]) -> str | None:
    """The name of the number that a run is judged by; None where it has none."""
    scores = result.get("metrics", {})
    known = [result.get("main", ""), *(f"test_{each.name}" for each in BEFORE)]
    return next((name for name in known if name in scores), None)
