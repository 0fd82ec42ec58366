"""What a report is made from: the run's folder, read once, and what its kind knows beyond that."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, TypeVar

from torch import nn

from gradschool.data.examples import Splits
from gradschool.engine.run import RunFolder
from gradschool.evals.metric import Metric
from gradschool.evals.report.html import Section, flatten


@dataclass(frozen=True)
class Figure:
    """One of the large figures on top of the page."""

    value: str
    name: str
    note: str = ""


@dataclass(frozen=True)
class Facts:
    """What the caller knows beyond the run folder; all of it optional. A wing adds what its sections show.

    Args:
        splits: the data.
        model: the trained network.
        warnings: sentences to put at the top, e.g. about leaks.
        scores: numbers of the result that stand on top, at most three, each of the test part.
        unit: what an example is called, for people.
    """

    splits: Splits[Any] | None = None
    model: nn.Module | None = None
    warnings: Sequence[str] = ()
    scores: Sequence[Metric] = ()
    unit: str = "examples"

    def on_top(self) -> list[Figure]:
        """Large figures that a wing makes from what it knows, before those of the result."""
        return []


F = TypeVar("F", bound=Facts)


@dataclass(frozen=True)
class Material(Generic[F]):
    """The facts, and what the run folder holds, read once."""

    facts: F
    run_dir: Path
    config: dict[str, Any]
    environment: dict[str, Any]
    result: dict[str, Any]
    lines: list[dict[str, Any]] = field(repr=False)

    @classmethod
    def read(cls, run_dir: Path, facts: F) -> "Material[F]":
        """Read the run folder; files that are not there read as empty."""
        run = RunFolder(run_dir)
        config, environment, result = (
            run.read(f"{name}.json") for name in ("config", "environment", "result")
        )
        return cls(facts, run_dir, config, environment, result, list(run.metrics()))

    def known(self, *names: str) -> Any:
        """The first of these names found in result, config or environment, at any depth; else None."""
        found = dict(flatten(self.environment)) | dict(flatten(self.config)) | dict(flatten(self.result))
        by_last = {key.rpartition(".")[2]: value for key, value in reversed(found.items())}
        return next((by_last[name] for name in names if by_last.get(name) not in (None, "")), None)


SectionOf = Callable[[Material[Any]], Section | None]


def in_words(name: str) -> str:
    """A class or setting as people write it: `african_elephant` becomes `african elephant`."""
    return name.replace("_", " ")
