"""Score a finished generator by the features of a classifier, whose name goes with every number: a finished
run of ours, or Inception where its weights are at hand.
"""

import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor

from gradschool.data.cache import cache_folder
from gradschool.data.vision.images import Images, resized
from gradschool.engine.run import RunFolder
from gradschool.errors import UserError
from gradschool.evals.classifier import Classifier
from gradschool.evals.features import seen
from gradschool.evals.generation import generators
from gradschool.evals.generation.frechet import fitted, frechet_distance
from gradschool.evals.generation.inception import FEATURES, WEIGHTS, inception
from gradschool.evals.pictures import save_grid
from gradschool.phrases import command
from gradschool.runs.finish import rebuilt
from gradschool.runs.generation.generator import GenerativeRun
from gradschool.runs.kind import Wanted
from gradschool.runs.reopen import machine_of, reopen

AT_ONCE = 256  # pictures that are generated and looked at together
OURS_ONLY = "; not Inception, so compare with nothing else"
SHOWN = 10  # pictures beside their nearest training pictures


@dataclass(frozen=True)
class Looked:
    """Pictures as the classifier sees them: features (n, d) and probabilities (n, k)."""

    features: Tensor
    probabilities: Tensor


def score(
    folder: RunFolder, network: RunFolder | None, against: str | None = None, n: int = 2000, seed: int = 0,
    part: Literal["test", "train"] = "test",
) -> dict[str, Any]:  # fmt: skip
    """Compare n generated pictures with real ones of a set; writes score.json and nearest.png to the run.

    Generated pictures of another size are brought to the classifier's, and the result says so.

    Args:
        folder: a finished run of a generator.
        network: a finished run of a classifier, whose penultimate layer is what is compared; None: Inception.
        against: a set, folder or zip; None is what the generator was trained on.
        n: pictures, generated and real; fewer real ones if there are not so many.
        seed: of the noise.
        part: the real pictures; published Frechet distances are from the training part.
    Raises:
        UserError: a run is of another kind or not finished, n is below 4, or Inception's weights are missing.
    """
    # 1. Who generates.
    run, _ = reopen(folder)
    if not isinstance(run, GenerativeRun):
        raise UserError(
            f"{folder.path} is no generator", "a run such as vae_mnist", f"See: {command('train')}"
        )
    if n < 4:
        raise UserError(f"n is {n}", "a whole number >= 4", "Example: -n 2000")
    splits = run.open(folder.read("config.json")["seed"], against)
    # 2. Who looks, and at what.
    eye, whose = our_eye(network) if network else published_eye(folder, splits.test)
    drawn = generated(folder, run, n, seed)
    made = fitting(drawn, eye)
    real, floor = (splits.test, splits.train) if part == "test" else (splits.train, splits.test)
    real, floor = spread(real, n), spread(floor, min(n, len(real)))
    test, train = spread(splits.test, n), spread(splits.train, 5 * n)
    ours, known, unknown = (look(eye, pixels) for pixels in (made, train.pixels, test.pixels))
    truth = unknown if part == "test" else look(eye, real.pixels)
    # 3. The scores; real pictures against real ones are the floor that no generator should fall below.
    apart = generators.copies(ours.features, known.features, unknown.features)
    found = scores(ours, truth, look(eye, floor.pixels), seed) | {"copied": apart.share}
    told: dict[str, Any] = {"n": n, "real": len(real), "against": splits.name, "part": part, "seed": seed}
    told |= {"network": whose, "inception": network is None}
    told["resized"] = None if made is drawn else f"{side_by_side(drawn)} to {side_by_side(made)}"
    folder.write("score.json", {**told, **found})
    # 4. The generated pictures that are nearest to a training picture, each above it.
    closest = apart.distance.argsort()[:SHOWN]
    pairs = torch.cat([made[closest], train.pixels[apart.place[closest]]])
    save_grid(folder.path / "nearest.png", pairs.float() / 255, min(SHOWN, n), 3)
    return {**told, **found}


def our_eye(network: RunFolder) -> tuple[Classifier, str]:
    """The classifier of a finished run, and what it is in words."""
    judge, _ = reopen(network)
    return judge.classifier(network), judge.in_words(network)


def published_eye(folder: RunFolder, images: Images) -> tuple[Classifier, str]:
    """Inception for pictures of this size, with weights from the data pack or the cache; its words."""
    places = [Path(os.environ.get("GRADSCHOOL_DATA", cache_folder())).expanduser(), cache_folder()]
    place = next((each for each in places if (each / WEIGHTS).is_file()), places[0])
    height, width = images.pixels.shape[2:]
    eye = inception(height, width, place)
    eye.model.to(machine_of(folder).device)
    return eye, f"Inception v3 of 2015 as torch-fidelity runs it, {FEATURES:,} features before its last layer"


def scores(ours: Looked, real: Looked, floor: Looked, seed: int) -> dict[str, Any]:
    """All scores of generated pictures against real ones, by name."""
    draws = torch.Generator().manual_seed(seed)
    truth = fitted(real.features)
    precision, recall = generators.precision_recall(real.features, ours.features)
    classes = ours.probabilities.shape[1]
    some = max(2, min(1000, len(ours.features) // 2, len(real.features) // 2))  # so that subsets differ
    return {
        "frechet": frechet_distance(fitted(ours.features), truth),
        "frechet_of_real": frechet_distance(fitted(floor.features), truth),
        "kid": asdict(generators.kernel_distance(real.features, ours.features, draws, size=some)),
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
            pictures = run.generate(model, run.asked(wanted, facts["classes"]))
        pieces.append(as_stored(pictures))
    return torch.cat(pieces)


def as_stored(pictures: Tensor) -> Tensor:
    """Pictures in 0 to 1 as data sets hold them: uint8, on the CPU."""
    return (pictures.float().cpu().clamp(0, 1) * 255).round().to(torch.uint8)


def fitting(pixels: Tensor, eye: Classifier) -> Tensor:
    """Pictures (uint8) at the size that the classifier was trained on."""
    return resized(pixels, eye.height, eye.width)


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
            f"Train one on this set: {command('train folder --data PATH')}",
        )

    def batches() -> Iterator[Tensor]:
        for piece in torch.split(pixels, AT_ONCE):
            yield eye.transform(piece.expand(-1, eye.channels, -1, -1))

    features, logits = seen(eye.model, batches(), eye.precision)
    return Looked(features, logits.softmax(1))


def spread(images: Images, most: int) -> Images:
    """At most so many images, evenly spaced."""
    return images.take(torch.linspace(0, len(images) - 1, min(most, len(images))).long())


def in_words(found: dict[str, Any]) -> str:
    """The scores for a terminal."""
    kid, clear = found["kid"], found["inception_score"]
    have, of = found["classes_covered"]
    return "\n".join(
        [
            f" {found['n']:,} generated against {found['real']:,} real pictures of {found['against']}, "
            f"its {found['part']} part",
            f" seen by   {found['network']}{'' if found['inception'] else OURS_ONLY}",
            *([f" resized   generated pictures from {found['resized']}"] if found["resized"] else []),
            f" frechet   {found['frechet']:.4g} (real pictures {found['frechet_of_real']:.4g})",
            f" kid       {kid['value']:.4g} [{kid['low']:.4g}, {kid['high']:.4g}]",
            f" precision {found['precision']:.3f}, recall {found['recall']:.3f}",
            f" inception {clear['value']:.3f} [{clear['low']:.3f}, {clear['high']:.3f}] "
            f"(real pictures {found['inception_score_of_real']:.3f})",
            f" classes   {have} of {of} covered",
            f" copies    {100 * found['copied']:.1f} % nearer to a training picture than 99 % of test ones",
        ]
    )
