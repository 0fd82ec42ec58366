"""One self-contained HTML page about a run: no network, no script, light or dark, on a phone or on paper.

A report is a list of sections; each is a small function from the facts to a `Section`, or None when what it
needs is missing. So a run that was just killed, with nothing but its metrics, has a report as well.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from gradschool.data.examples import Splits
from gradschool.data.vision.images import Images
from gradschool.engine.run import RunFolder
from gradschool.evals.classification import metrics
from gradschool.evals.inference import Transform
from gradschool.evals.report.html import Section, flatten

OnTop = Sequence[tuple[str, str, str]]  # a name in the result, what it is called, what it means


@dataclass(frozen=True)
class ReportFacts:
    """What the caller knows beyond the run folder; all of it optional.

    Args:
        splits: the data; the mistakes are shown from `splits.test`.
        model: the trained network.
        transform: uint8 pixels to what the model takes, as in evaluation.
        augment: uint8 pixels to what the model is trained on; drawn anew at each call.
        mean: per channel, in units of [0, 1]; with `std` it undoes the normalisation for pictures.
        std: per channel.
        test_logits: (n, classes) for `splits.test`, in its order.
        val_logits: (n, classes) for `splits.val`; the temperature is fitted on them.
        ood: a second set, untouched so far, and
        ood_logits: what the model says about it.
        warnings: sentences to put at the top, e.g. about leaks.
        chosen: index into the test set of the image whose feature maps are shown.
        ood_adapted: what it says of the second set with normalisation statistics from both.
        scores: what stands on top besides accuracy, at most three.
    """

    splits: Splits | None = None
    model: nn.Module | None = None
    transform: Transform | None = None
    augment: Transform | None = None
    mean: Sequence[float] = (0.0,)
    std: Sequence[float] = (1.0,)
    test_logits: Float[Tensor, "n k"] | None = None
    val_logits: Float[Tensor, "m k"] | None = None
    ood: Images | None = None
    ood_logits: Float[Tensor, "o k"] | None = None
    warnings: Sequence[str] = ()
    chosen: int = 0
    ood_adapted: Float[Tensor, "o k"] | None = None
    scores: OnTop = ()


@dataclass(frozen=True)
class Material:
    """The facts, and what the run folder holds, read once."""

    facts: ReportFacts
    run_dir: Path
    config: dict[str, Any]
    environment: dict[str, Any]
    result: dict[str, Any]
    lines: list[dict[str, Any]] = field(repr=False)

    @classmethod
    def read(cls, run_dir: Path, facts: ReportFacts) -> "Material":
        """Read the run folder; files that are not there read as empty."""
        run = RunFolder(run_dir)
        config, environment, result = (
            run.read(f"{name}.json") for name in ("config", "environment", "result")
        )
        return cls(facts, run_dir, config, environment, result, list(run.metrics()))

    @cached_property
    def tested(self) -> tuple[Images, Float[Tensor, "n k"]] | None:
        """The test images with their logits, when both are known."""
        facts = self.facts
        return (
            None
            if facts.splits is None or facts.test_logits is None
            else (facts.splits.test, facts.test_logits)
        )

    @cached_property
    def confusion(self) -> Tensor | None:
        """The confusion matrix of the test set."""
        if self.tested is None:
            return None
        images, logits = self.tested
        return metrics.confusion_matrix(images.labels, logits.argmax(1), logits.shape[1])

    @cached_property
    def seeing(self) -> tuple[nn.Module, Transform, Images] | None:
        """The network, its input transform and the test images: what every look inside needs."""
        facts = self.facts
        if (
            facts.model is None
            or facts.transform is None
            or facts.splits is None
            or not len(facts.splits.test)
        ):
            return None
        return facts.model, facts.transform, facts.splits.test

    def known(self, *names: str) -> Any:
        """The first of these names found in result, config or environment, at any depth; else None."""
        found = dict(flatten(self.environment)) | dict(flatten(self.config)) | dict(flatten(self.result))
        by_last = {key.rpartition(".")[2]: value for key, value in reversed(found.items())}
        return next((by_last[name] for name in names if by_last.get(name) not in (None, "")), None)


SectionOf = Callable[[Material], Section | None]


def classifier_sections() -> list[SectionOf]:
    """The sections of an image classifier's report, in order; those of other tasks can be other lists."""
    from gradschool.evals.report import looks as looks
    from gradschool.evals.report import scores as scores
    from gradschool.evals.report import trust as trust

    return [
        scores.training, scores.rate, scores.classes, scores.confused, looks.mistakes,
        trust.calibrated, trust.abroad, looks.augmented, looks.filters, looks.maps, looks.attention,
        looks.dreams, scores.layers, scores.settings,
    ]  # fmt: skip


def write_report(run_dir: Path, facts: ReportFacts, sections: Sequence[SectionOf] | None = None) -> Path:
    """Write `run_dir/report.html` and return its path.

    Args:
        run_dir: the run folder; only what lies in it is used, nothing is required.
        facts: data, model and logits as far as they are known.
        sections: which sections, in order; None means those of a classifier.

    Raises:
        WorkFailed: the folder cannot be written or the disk is full.
    """
    from jinja2 import Environment, PackageLoader

    from gradschool.evals.report import scores as report_scores

    # 1. Every section whose inputs are there; a learner's race comes first, whatever was trained.
    material = Material.read(run_dir, facts)
    wanted = classifier_sections() if sections is None else sections
    made = [section(material) for section in (report_scores.race, *wanted)]
    # 2. One page, whole or not at all.
    environment = Environment(
        loader=PackageLoader("gradschool.evals.report"), autoescape=True, trim_blocks=True
    )
    html = environment.get_template("report.html.j2").render(
        name=run_dir.resolve().name,
        subtitle=report_scores.subtitle(material),
        headline=report_scores.headline(material),
        warnings=report_scores.warnings(material),
        sections=[section for section in made if section is not None],
    )
    RunFolder(run_dir).write("report.html", html)
    return run_dir / "report.html"


def picked(images: Images, index: Sequence[int]) -> Images:
    """The images at these places."""
    return images.take(torch.tensor(index, dtype=torch.int64))


def in_words(name: str) -> str:
    """A class or setting as people write it: `african_elephant` becomes `african elephant`."""
    return name.replace("_", " ")
