"""What are frozen features worth? Linear classifiers of a few shots, and of pictures from another domain.

The body looks at every picture once; then each draw of the training pictures costs a fraction of a second, so
a table has ten draws and more. Nothing is chosen on the test pictures: the penalty of the probe is fixed. It
was chosen on training photographs of natural_animals, which is another set.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from gradschool.data.cache import cache_folder
from gradschool.data.examples import Splits
from gradschool.data.splits import stratified
from gradschool.data.vision.few import drawn
from gradschool.data.vision.images import Images
from gradschool.engine.device import choose
from gradschool.errors import UserError
from gradschool.evals.classification.probe import class_means, linear_probe
from gradschool.practice.ladder import Rung
from gradschool.runs.classification.transfer import TransferRun
from gradschool.runs.vision.backbone import TransferNet

Fit = Callable[[Tensor, Tensor, int], tuple[Tensor, Tensor]]
FITS: dict[str, Fit] = {"nearest mean": class_means, "linear probe": linear_probe}
SHOTS = (1, 2, 5, 10, 20, 50)
DOMAINS = ("animals_photo", "animals_painting", "animals_cartoon", "animals_sketch")


@dataclass(frozen=True)
class Seen:
    """What a body makes of labelled pictures.

    Args:
        x: features (n, d).
        y: class of each picture (n,).
        classes: names in label order.
    """

    x: Tensor
    y: Tensor
    classes: tuple[str, ...]

    def take(self, index: Tensor) -> "Seen":
        """Some of them."""
        return replace(self, x=self.x[index], y=self.y[index])

    def share_right(self, weight: Tensor, bias: Tensor) -> float:
        """The accuracy of a linear classifier, 0 to 1."""
        return float(((self.x @ weight.T + bias).argmax(1) == self.y).float().mean())


def seen(run: TransferRun, parts: Sequence[Images]) -> list[Seen]:
    """What the body of a run, as it starts, makes of pictures.

    Args:
        run: names the body, its weights and how pictures are prepared.
        parts: pictures; the first says how they are normalised with normalise=data.
    """
    machine = choose("auto", run.precision, cache_folder())
    pipeline = run.pipeline(parts[0])
    torch.manual_seed(0)  # a body without weights is the same one whenever it is asked
    model = machine.place_module(run.start_model(parts[0], pipeline)).eval()
    assert isinstance(model, TransferNet)
    found = [run.features(model, images, pipeline, machine) for images in parts]
    return [Seen(x, images.labels, images.classes) for x, images in zip(found, parts, strict=True)]


def one_draw(fit: Fit, train: Seen, test: Sequence[Seen]) -> list[float]:
    """The accuracies of a classifier that is fitted once, on the training features first."""
    found = fit(train.x, train.y, len(train.classes))
    return [part.share_right(*found) for part in (train, *test)]


def of_shots(train: Seen, test: Seen, shots: int, draws: int, fit: Fit) -> Iterator[list[float]]:
    """Training and test accuracy of each draw of so many shots of each class.

    Raises:
        UserError: a class has fewer.
    """
    for seed in range(draws):
        yield one_draw(fit, train.take(drawn(train.y, train.classes, shots, seed)), [test])


def shot_rungs(run: TransferRun, draws: int, shots: Sequence[int] = SHOTS) -> Iterator[Rung]:
    """A learning curve: accuracy by the number of pictures of each class, up to what the smallest class has.

    Args:
        run: data, body and preparation.
        draws: of the few shots, 1 or more.
        shots: of each class.
    """
    splits = run.opened(0, 0.0)
    train, test = seen(run, [splits.train, splits.test])
    yield from curve(train, test, shots, draws)


def curve(train: Seen, test: Seen, shots: Sequence[int], draws: int) -> Iterator[Rung]:
    """The rows of a learning curve, each of both classifiers; arguments as of `shot_rungs`."""
    most = int(train.y.bincount(minlength=len(train.classes)).min())
    for number in [each for each in shots if each <= most]:
        for name, fit in FITS.items():
            start = time.monotonic()
            scores = list(of_shots(train, test, number, draws, fit))
            yield rung(f"{number} shots, {name}", scores, 1, time.monotonic() - start)


def domain_rungs(run: TransferRun, draws: int, names: Sequence[str] = DOMAINS) -> Iterator[Rung]:
    """A linear probe of one domain's pictures, tested on held-out ones of its own and on the other domains'.

    Args:
        run: body and preparation.
        draws: of the fifth that is held out of the domain that is learnt from.
        names: sets with the same classes.

    Raises:
        UserError: the classes differ.
    """
    parts = [whole(run.opened(0, 0.0, name)) for name in names]
    domains = dict(zip(names, seen(run, parts), strict=True))
    if len({each.classes for each in domains.values()}) > 1:
        raise UserError(f"the classes of {', '.join(names)} differ", "sets with the same classes", "")
    yield from between(domains, draws)


def between(domains: Mapping[str, Seen], draws: int) -> Iterator[Rung]:
    """The rows of every pair of domains; arguments as of `domain_rungs`."""
    for source in domains:
        start = time.monotonic()
        scores = list(of_domain(domains, source, draws, linear_probe))
        seconds = time.monotonic() - start
        for place, target in enumerate(domains, 1):
            yield rung(f"{short(source)} to {short(target)}", scores, place, seconds / len(domains))


def of_domain(domains: Mapping[str, Seen], source: str, draws: int, fit: Fit) -> Iterator[list[float]]:
    """Training accuracy, then the accuracy on every domain, of each draw of four fifths of one domain."""
    learnt = domains[source]
    for seed in range(draws):
        inner, outer = stratified(learnt.y, 0.2, seed)
        tests = [learnt.take(outer) if name == source else each for name, each in domains.items()]
        yield one_draw(fit, learnt.take(inner), tests)


def whole(splits: Splits[Images]) -> Images:
    """All pictures of a set."""
    return splits.train.joined([splits.test], None)


def rung(name: str, scores: Sequence[Sequence[float]], place: int, seconds: float) -> Rung:
    """A row of the table: the test accuracies at a place of the scores of each draw."""
    return Rung(name, tuple(each[place] for each in scores), tuple(each[0] for each in scores), seconds)


def short(name: str) -> str:
    """A domain without what all have in common."""
    return name.removeprefix("animals_")
