"""Part 2 of the second coursework's mark scheme as checks: the GAN.

Quality is seen by a frozen classifier of ours, not by Inception: its numbers compare with nothing else.
"""

from typing import Any

import torch
from torch import Tensor

from gradschool.classroom.coursework.frame import Lost, Mark, marked
from gradschool.classroom.coursework.handed import convolutions
from gradschool.classroom.coursework.vae_dcgan.eye import Eye
from gradschool.classroom.coursework.vae_dcgan.figures import series
from gradschool.classroom.coursework.vae_dcgan.record import MADE, Paper
from gradschool.evals.generation.frechet import fitted, frechet_distance
from gradschool.models.generative.dcgan import dcgan
from gradschool.runs.generation.score import as_stored, spread

# Of the way from real pictures (0) to those of an untrained generator (1). On CIFAR-10, 2,000 pictures, one
# classifier (bench/levels.py): photographs of which 8x8 pixels are left lie at 0.49, noise at 0.56, those of
# one class alone at 0.25, of five at 0.06. So level 2 shows more than colours, level 3 more than one mode.
LEVEL_2, LEVEL_3 = 0.5, 0.15
COVERED_2, COVERED_3 = 0.5, 0.8  # share of the classes that must be made
# A class is made when it is named this often compared with real pictures. Where classes were left out of
# photographs of CIFAR-10, they were still named up to 0.66 times as often, by mistake; where all are in, each
# is named 0.73 times as often or more.
MADE_FROM = 0.7
LOGGED = ("errD", "errG", "D(x)", "D(G(z)) before", "D(G(z)) after")


def gan_marks(paper: Paper, quality: "Quality") -> list[Mark]:
    """Part 2."""
    generator, discriminator, one = paper.generator, paper.discriminator, ("forward",)
    return [
        marked("2.1a", "generator: pictures of the set's shape", 2, lambda: made(paper)),
        marked("2.1a", "discriminator: one score a picture", 2, lambda: scored(paper)),
        marked("2.1a", "convolutions in the generator", 2, lambda: convolutions(generator, one)),
        marked("2.1a", "convolutions in the discriminator", 2, lambda: convolutions(discriminator, one)),
        marked("2.1b", "errD, errG, D(x), D(G(z)) before and after are logged", 5, lambda: logged(paper)),
        marked("2.1b", "the same noise over the training", 2, lambda: fixed(paper)),
        marked("2.1b", "the discriminator tells real from generated", 2, lambda: told_apart(paper)),
        marked("2.1c", "quality of the pictures, in three levels", 10, quality.level),
        marked("2.2", "distance from the theoretical optimum is followed", 2, lambda: followed(paper)),
        marked("2.3", "modes: classes that are made", 3, quality.modes),
    ]  # fmt: skip


def made(paper: Paper) -> tuple[float, str]:
    """Pictures like those of the set."""
    wanted = (MADE, *paper.photos.test.pixels.shape[1:])
    found = tuple(paper.generator.answer(0)[0].shape)
    if found != wanted:
        raise Lost(f"the generator returns {found}, {wanted} was wanted")
    return 1.0, f"{MADE:,} codes gave {found}"


def scored(paper: Paper) -> tuple[float, str]:
    """One number a picture."""
    real = paper.discriminator.answer(0)[0]
    if real.numel() != min(1000, len(paper.photos.test)):
        raise Lost(f"the discriminator returns {tuple(real.shape)}, one score a picture was wanted")
    return 1.0, f"{real.numel():,} pictures gave {tuple(real.shape)}"


def logged(paper: Paper) -> tuple[float, str]:
    """A fifth each."""
    lines = paper.log("gan")
    there = [name for name in LOGGED if len(series(lines, name)[1]) >= 2]
    missing = [name for name in LOGGED if name not in there]
    told = f"missing: {', '.join(missing)}" if missing else f"over {len(series(lines, 'errD')[1]):,} steps"
    return len(there) / len(LOGGED), f"{len(there)} of {len(LOGGED)} series are logged, {told}"


def fixed(paper: Paper) -> tuple[float, str]:
    """Three sheets or more."""
    sheets = len(list((paper.folder / "fixed").glob("*.png")))
    return min(1.0, sheets / 3), f"{sheets} sheets of the same noise (3 wanted)"


def told_apart(paper: Paper) -> tuple[float, str]:
    """By the area under the ROC curve: 1/2 is guessing."""
    real, fake = (each.flatten() for each in (paper.discriminator.answer(i)[0] for i in range(2)))
    paper.generator.need()
    area = float(((real[:, None] > fake).float() + 0.5 * (real[:, None] == fake).float()).mean())
    return float(area > 0.55), f"a real test picture scores above a generated one in {area:.1%} of all pairs"


def followed(paper: Paper) -> tuple[float, str]:
    """Half for both losses, half for the distance."""
    lines = paper.log("gan")
    both = all(len(series(lines, name)[1]) >= 2 for name in ("errD", "errG"))
    _, apart = series(lines, "distance")
    told = f"the distance went from {apart[0]:.2f} to {apart[-1]:.2f}" if len(apart) >= 2 else "no distance"
    return 0.5 * both + 0.5 * (len(apart) >= 2), told


class Quality:
    """How good the generated pictures are, looked at once.

    Args:
        paper: the hand-in.
        eye: looks.
    """

    def __init__(self, paper: Paper, eye: Eye) -> None:
        self.paper, self.eye = paper, eye
        self.numbers: dict[str, Any] = {}

    def look(self) -> dict[str, Any]:
        """Distances of generated, real and untrained pictures from real ones; classes that are made."""
        if self.numbers:
            return self.numbers
        paper, eye = self.paper, self.eye
        made(paper)
        # 1. Real pictures against real ones are the floor, an untrained generator the ceiling.
        test, train = spread(paper.photos.test, MADE), spread(paper.photos.train, len(paper.photos.test))
        classes, real = len(paper.photos.train.classes), eye.sees(test.pixels)
        truth = fitted(real.features)
        floor = frechet_distance(fitted(eye.sees(spread(train, MADE).pixels).features), truth)
        ceiling = frechet_distance(fitted(eye.sees(untrained(test.pixels)).features), truth)
        # 2. The hand-in.
        ours = eye.sees(as_stored(paper.made))
        distance = frechet_distance(fitted(ours.features), truth)
        counts, usual = (each.probabilities.argmax(1).bincount(minlength=classes) for each in (ours, real))
        often = counts / len(ours.features) >= MADE_FROM * usual / len(test)
        covered = int((often & (counts > 0)).sum())
        way = (distance - floor) / (ceiling - floor)
        self.numbers = {
            "frechet": distance, "floor": floor, "ceiling": ceiling, "way": way,
            "covered": covered, "classes": classes, "counts": counts.tolist(), "of_real": usual.tolist(),
            "generated": MADE, "real": len(test), "eye": eye.name,
        }  # fmt: skip
        self.numbers["level"] = level(way, covered / classes)
        return self.numbers

    def level(self) -> tuple[float, str]:
        """None, half or all of the points."""
        n = self.look()
        told = (
            f"level {n['level']}: Frechet distance {n['frechet']:.3g} (training pictures {n['floor']:.3g}, "
            f"untrained {n['ceiling']:.3g}: {n['way']:.0%} of the way; {LEVEL_2:.0%}, {LEVEL_3:.0%} wanted) "
            f"and {n['covered']} of {n['classes']} classes; {n['generated']:,} against {n['real']:,}, "
            f"seen by {n['eye']}"
        )
        return (n["level"] - 1) / 2, told

    def modes(self) -> tuple[float, str]:
        """The share of the classes."""
        n = self.look()
        told = f"{n['covered']} of {n['classes']} classes: {n['counts']}, among real pictures {n['of_real']}"
        return n["covered"] / n["classes"], told


def level(way: float, covered: float) -> int:
    """1, 2 or 3.

    Args:
        way: where the distance lies between that of training pictures (0) and of an untrained generator (1).
        covered: share of the classes that are made.
    """
    if way <= LEVEL_3 and covered >= COVERED_3:
        return 3
    return 2 if way <= LEVEL_2 and covered >= COVERED_2 else 1


@torch.no_grad()
def untrained(real: Tensor) -> Tensor:
    """As many pictures by a generator with its first weights, whatever was handed in."""
    with torch.random.fork_rng([]):
        torch.manual_seed(0)
        players = dcgan(tuple(real.shape[1:])).eval()  # type: ignore[arg-type]
    z = torch.randn(len(real), players.latent, generator=torch.Generator().manual_seed(0))
    return torch.cat([as_stored((players(piece) + 1) / 2) for piece in torch.split(z, 250)])
