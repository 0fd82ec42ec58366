"""Score a finished generator by a finished classifier of ours, whose name goes with every number."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from gradschool.data.images import Images
from gradschool.engine.run import RunFolder
from gradschool.errors import UserError
from gradschool.evals import generators
from gradschool.evals.features import seen
from gradschool.evals.frechet import fitted, frechet_distance
from gradschool.evals.pictures import save_grid
from gradschool.evals.predict import Classifier
from gradschool.recipes.draw import Wanted, asked
from gradschool.recipes.finish import rebuilt
from gradschool.recipes.generate import GenerativeRun
from gradschool.recipes.image import ImageRun
from gradschool.recipes.reopen import machine_of, reopen
from gradschool.recipes.serve import classifier

AT_ONCE = 256  # pictures that are generated and looked at together
SHOWN = 10  # pictures beside their nearest training pictures


@dataclass(frozen=True)
class Looked:
    """Pictures as the classifier sees them: features (n, d) and probabilities (n, k)."""

    features: Tensor
    probabilities: Tensor


def score(
    folder: RunFolder, network: RunFolder, against: str | None = None, n: int = 2000, seed: int = 0
) -> dict[str, Any]:
    """Compare n generated pictures with the test part of a set; writes score.json and nearest.png to the run.

    Generated pictures of another size are brought to the classifier's, and the result says so.

    Args:
        folder: a finished run of a generator.
        network: a finished run of a classifier; its penultimate layer is what is compared.
        against: a set, folder or zip; None is what the generator was trained on.
        n: pictures, generated and real; fewer real ones if there are not so many.
        seed: of the noise.
    Raises:
        UserError: a run is of another kind or not finished, or n is below 4.
    """
    # 1. Who generates, and who looks.
    run, _ = reopen(folder)
    judge, _ = reopen(network)
    if not isinstance(run, GenerativeRun):
        raise UserError(f"{folder.path} is no generator", "a run such as vae_mnist", "See: gradschool train")
    if not isinstance(judge, ImageRun):
        raise UserError(f"{network.path} is no classifier", "a run such as mnist", "See: gradschool train")
    if n < 4:
        raise UserError(f"n is {n}", "a whole number >= 4", "Example: -n 2000")
    eye = classifier(network)
    # 2. What there is to look at.
    splits = run.open(folder.read("config.json")["seed"], against)
    drawn = generated(folder, run, n, seed)
    made = fitting(drawn, eye)
    test, train = spread(splits.test, n), spread(splits.train, 5 * n)
    ours, real, known = (look(eye, pixels) for pixels in (made, test.pixels, train.pixels))
    # 3. The scores; real pictures against real ones are the floor that no generator should fall below.
    floor = spread(splits.train, len(test))
    apart = generators.copies(ours.features, known.features, real.features)
    found = scores(ours, real, look(eye, floor.pixels), seed) | {"copied": apart.share}
    whose = named(network, judge, ours)
    told: dict[str, Any] = {"n": n, "real": len(test), "against": splits.name, "seed": seed, "network": whose}
    told["resized"] = None if made is drawn else f"{side_by_side(drawn)} to {side_by_side(made)}"
    folder.write("score.json", {**told, **found})
    # 4. The generated pictures that are nearest to a training picture, each above it.
    closest = apart.distance.argsort()[:SHOWN]
    pairs = torch.cat([made[closest], train.pixels[apart.place[closest]]])
    save_grid(folder.path / "nearest.png", pairs.float() / 255, min(SHOWN, n), 3)
    return {**told, **found}


def scores(ours: Looked, real: Looked, floor: Looked, seed: int) -> dict[str, Any]:
    """All scores of generated pictures against real ones, by name."""
    draws = torch.Generator().manual_seed(seed)
    truth = fitted(real.features)
    precision, recall = generators.precision_recall(real.features, ours.features)
    classes = ours.probabilities.shape[1]
    return {
        "frechet": frechet_distance(fitted(ours.features), truth),
        "frechet_of_real": frechet_distance(fitted(floor.features), truth),
        "kid": asdict(generators.kernel_distance(real.features, ours.features, draws)),
        "precision": precision,
        "recall": recall,
        "inception_score": asdict(generators.inception_score(ours.probabilities, draws)),
        "inception_score_of_real": generators.inception_score(real.probabilities, draws).value,
        "classes_covered": [generators.covered(ours.probabilities), classes],
    }


def generated(folder: RunFolder, run: GenerativeRun, n: int, seed: int) -> Tensor:
    """So many pictures of a run, uint8 (n, c, h, w), conditional models in turn of every class."""
    model, facts = rebuilt(folder, run)
    model = machine_of(folder).place_module(model)
    pieces = []
    for start in range(0, n, AT_ONCE):
        wanted = Wanted(min(AT_ONCE, n - start), seed + start)
        with torch.inference_mode():
            pictures = run.generate(model, asked(run, wanted, facts["classes"]))
        pieces.append(as_stored(pictures))
    return torch.cat(pieces)


def as_stored(pictures: Tensor) -> Tensor:
    """Pictures in 0 to 1 as data sets hold them: uint8, on the CPU."""
    return (pictures.float().cpu().clamp(0, 1) * 255).round().to(torch.uint8)


def fitting(pixels: Tensor, eye: Classifier) -> Tensor:
    """Pictures (uint8) at the size that the classifier was trained on."""
    size = eye.height, eye.width
    if tuple(pixels.shape[2:]) == size:
        return pixels
    return interpolate(pixels.float(), size=size, mode="bilinear", antialias=True).round().to(torch.uint8)


def side_by_side(pixels: Tensor) -> str:
    """Width and height in words."""
    return f"{pixels.shape[3]}x{pixels.shape[2]}"


def look(eye: Classifier, pixels: Tensor) -> Looked:
    """What the classifier sees in pictures; grey ones are shown to a colour network as three equal channels.

    Raises:
        UserError: they are colour pictures and the network is for grey ones, or of another size.
    """
    channels, height, width = pixels.shape[1:]
    is_other = channels not in (1, eye.channels) or (height, width) != (eye.height, eye.width)
    if is_other:
        raise UserError(
            f"the pictures are {width}x{height} of {channels} channels",
            f"{eye.width}x{eye.height} of {eye.channels}, as the network was trained on",
            "Train one on this set: gradschool train folder --data ...",
        )

    def batches() -> Iterator[Tensor]:
        for piece in torch.split(pixels, AT_ONCE):
            yield eye.transform(piece.expand(-1, eye.channels, -1, -1))

    features, logits = seen(eye.model, batches(), eye.precision)
    return Looked(features, logits.softmax(1))


def spread(images: Images, most: int) -> Images:
    """At most so many images, evenly spaced."""
    return images.take(torch.linspace(0, len(images) - 1, min(most, len(images))).long())


def named(network: RunFolder, judge: ImageRun, ours: Looked) -> str:
    """The network in words: what it is, what it learned, how well, and which layer is compared."""
    accuracy = network.read("result.json")["metrics"]["test_accuracy"]
    return (
        f"{judge.network()} of {network.path.name}, trained on {Path(judge.data).name} "
        f"({100 * accuracy:.1f} % on its test part), {ours.features.shape[1]} features before its last layer"
    )


def in_words(found: dict[str, Any]) -> str:
    """The scores for a terminal."""
    kid, clear = found["kid"], found["inception_score"]
    have, of = found["classes_covered"]
    return "\n".join(
        [
            f" {found['n']:,} generated against {found['real']:,} real pictures of {found['against']}",
            f" seen by   {found['network']}; not Inception, so compare with nothing else",
            *([f" resized   generated pictures from {found['resized']}"] if found["resized"] else []),
            f" frechet   {found['frechet']:.4g} (training pictures {found['frechet_of_real']:.4g})",
            f" kid       {kid['value']:.4g} [{kid['low']:.4g}, {kid['high']:.4g}]",
            f" precision {found['precision']:.3f}, recall {found['recall']:.3f}",
            f" inception {clear['value']:.3f} [{clear['low']:.3f}, {clear['high']:.3f}] "
            f"(real pictures {found['inception_score_of_real']:.3f})",
            f" classes   {have} of {of} covered",
            f" copies    {100 * found['copied']:.1f} % nearer to a training picture than 99 % of test ones",
        ]
    )
