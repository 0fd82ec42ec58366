"""The mark scheme of the second coursework as checks: a wrong hand-in loses the points of what is wrong.

What a machine cannot judge (reasons, discussions) is left to a person and counted apart: see `BY_HAND`.
"""

from dataclasses import replace
from typing import Any

from gradschool.classroom.coursework.frame import Lost, Mark, marked
from gradschool.classroom.coursework.vae_dcgan.eye import Eye
from gradschool.classroom.coursework.vae_dcgan.gan import Quality, gan_marks
from gradschool.classroom.coursework.vae_dcgan.record import Paper
from gradschool.classroom.coursework.vae_dcgan.vae import vae_marks
from gradschool.nn.players import LIMIT
from gradschool.recipes.adversarial.dcgan_cifar10 import dcgan_cifar10
from gradschool.recipes.generative.vae_mnist import vae_mnist

BY_HAND = (
    ("1.1b", "hyperparameters, prior, output domain and beta, with reasons", 4.0, "vae.jsonl, settings"),
    ("1.2b", "discussion of reconstructions, samples and collapse", 3.0, "vae-reconstructions, vae-samples"),
    ("1.3a", "outliers, borders and groups; how far to trust t-SNE", 7.0, "vae-map, vae-perplexity"),
    ("1.3b", "interpolation tied to the map", 4.0, "vae-interpolation"),
    ("2.1b", "loss and loop, in the code", 3.0, "your notebook, or tasks/gan.py"),
    ("2.1d", "three tricks with their effect", 10.0, "runs with one change each, over seeds"),
    ("2.2", "explanation of the curves", 3.0, "gan-curves"),
    ("2.3", "mode collapse discussed, with remedies", 2.0, "gan-grid, classes below"),
)


def marks(paper: Paper) -> tuple[list[Mark], dict[str, Any]]:
    """Every line that a machine can mark, and the numbers behind them."""
    digits = Eye(replace(vae_mnist(), data=paper.facts["vae"]["data"]), paper.digits)
    photos = Eye(replace(dcgan_cifar10(), data=paper.facts["gan"]["data"]), paper.photos)
    quality = Quality(paper, photos)
    found = [*vae_marks(paper, digits), *gan_marks(paper, quality), *deductions(paper)]
    return found, quality.numbers


def deductions(paper: Paper) -> list[Mark]:
    """A point less for each."""
    return [
        marked("minus", "every file loads in a clean process", -1, lambda: loads(paper)),
        marked("minus", f"at most {LIMIT:,} parameters in both together", -1, lambda: limited(paper)),
        marked("minus", "pictures leave in the range that was named", -1, lambda: ranged(paper)),
    ]


def loads(paper: Paper) -> tuple[float, str]:
    """All three."""
    failed = [each for each in (paper.vae, paper.generator, paper.discriminator) if each.error]
    told = "; ".join(f"{each.file}: {each.error}" for each in failed)
    return float(not failed), told or "three files loaded by torch alone"


def limited(paper: Paper) -> tuple[float, str]:
    """Of what could be loaded."""
    some = [each.parameters for each in (paper.generator, paper.discriminator) if not each.error]
    return float(sum(some) <= LIMIT), f"{sum(some):,} parameters"


def ranged(paper: Paper) -> tuple[float, str]:
    """Pixels in 0 to 1, on both sides of the middle: not so where a transform is missing or done twice."""
    try:
        pixels = paper.made
    except Lost as lost:
        return 1.0, f"not looked at: {lost}"
    outside = float(((pixels < -0.01) | (pixels > 1.01)).float().mean())
    low, high = float(pixels.min()), float(pixels.max())
    is_right = outside < 0.01 and low < 0.5 < high
    told = f"pixels from {low:.2f} to {high:.2f}, {outside:.1%} outside 0 to 1"
    return float(is_right), f"with the range {paper.facts['gan']['range']}: {told}"
