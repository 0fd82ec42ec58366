"""What a run over folds or an ensemble is worth: scores for result.json, and sentences for people."""

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor

from gradschool.evals.classification.difference import Difference, errors, losses, paired
from gradschool.evals.classification.metrics import scores, wilson
from gradschool.evals.metric import described
from gradschool.runs.ensembles.ensemble import Ensemble


def scored(logits: Tensor, labels: Tensor, part: str = "test") -> dict[str, float]:
    """Accuracy and log-loss, each name beginning with the part."""
    found = scores(logits, labels)
    return {f"{part}_accuracy": found.accuracy, f"{part}_loss": found.loss}


def result_of(
    run: Ensemble, logits: Tensor, labels: Tensor, told: Sequence[tuple[str, str]], **facts: Any
) -> dict[str, Any]:
    """What result.json holds.

    Args:
        run: the ensemble's settings.
        logits: of the ensemble for the test part.
        labels: of the test part.
        told: (a word, a sentence) for people.
        facts: what else: device, seconds ...; `metrics` among them are added to those of the test part.
    """
    right, n = int((logits.argmax(1) == labels).sum()), len(labels)
    more = dict(facts)
    metrics = {**scored(logits, labels), **more.pop("metrics", {})}
    known = {"metrics": metrics, "main": f"test_{run.monitor}", "about": described(run.metrics)}
    place = {"interval": wilson(right, n), "tested": n, "test_images": n}
    return {**known, **place, "told": [list(pair) for pair in told], **more}


def against_mean(ours: Tensor, mean: Tensor, labels: Tensor) -> dict[str, Difference]:
    """How an ensemble differs from the plain mean of its members on the test part: error and log-loss."""
    return {
        "error": paired(errors(ours, labels), errors(mean, labels)),
        "loss": paired(losses(ours, labels), losses(mean, labels)),
    }


def verdict(how: str, found: Mapping[str, Difference], fitted_on: int) -> str:
    """Whether tuned weights beat the plain mean, in two sentences.

    Args:
        how: the way the weights were found.
        found: by `against_mean`.
        fitted_on: examples that they were fitted on.
    """
    error, loss = found["error"], found["loss"]
    told = (
        f"error {100 * error.value:+.2f} points [{100 * error.low:+.2f}, {100 * error.high:+.2f}], "
        f"log-loss {loss.value:+.4f} nats [{loss.low:+.4f}, {loss.high:+.4f}]"
    )
    better = [name for name, each in (("error", error), ("log-loss", loss)) if each.is_better]
    worse = [name for name, each in (("error", error), ("log-loss", loss)) if each.is_worse]
    if better and not worse:
        return f"{told}: {how} beats the plain mean in {' and '.join(better)}."
    fit = f" Its weights were fitted on {fitted_on:,} examples." if fitted_on else ""
    if worse and not better:
        return (
            f"{told}: {how} is worse than the plain mean in {' and '.join(worse)}; take the plain mean.{fit}"
        )
    if worse:
        return f"{told}: {how} is better than the plain mean in {better[0]} and worse in {worse[0]}.{fit}"
    return f"{told}: {how} does not beat the plain mean.{fit}"
