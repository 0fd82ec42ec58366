"""What is asked of a generator, and what it takes to show the answer."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from gradschool.errors import UserError
from gradschool.runs.kind import Wanted, check_count

USUAL, MOST = 64, 100_000  # pictures


@dataclass(frozen=True)
class Ask:
    """What is asked of a generator.

    Args:
        n: how many pictures.
        generator: where all noise comes from, on the CPU, so that every device draws the same.
        labels: (n,) the class of each, for conditional models; None lets the model choose.
        steps: of the sampler, for models that sample step by step; None: as the run says.
        guidance: how strongly the class pulls, for models with classifier-free guidance; None: as it says.
        sampler: by name, for models that sample step by step; None: as the run says.
    """

    n: int
    generator: Generator
    labels: Tensor | None = None
    steps: int | None = None
    guidance: float | None = None
    sampler: str | None = None

    def noise(self, *shape: int) -> Tensor:
        """N(0, 1) numbers, (n, *shape)."""
        return torch.randn(self.n, *shape, generator=self.generator)


def ask_for(n: int, seed: int, classes: int) -> Ask:
    """Ask for n pictures, in turn of every class where `classes` says how many; 0: of no class."""
    labels = torch.arange(n) % classes if classes else None
    return Ask(n, torch.Generator().manual_seed(seed), labels)


def columns_for(n: int) -> int:
    """Columns of a sheet of n pictures that is about square."""
    return max(1, round(n**0.5))


def to_unit(x: Tensor, scale: str) -> Tensor:
    """Pictures as a model sees them back to 0 to 1."""
    return (x if scale == "unit" else (x + 1) / 2).clamp(0, 1)


def asked(wanted: Wanted, classes: Sequence[str], conditional: bool) -> Ask:
    """What a person wants, as it is asked of a generator.

    Args:
        wanted: see `gradschool sample --help`.
        classes: names of the classes that it has learnt.
        conditional: whether it is conditional on the class.
    Raises:
        UserError: a number outside its range, an unknown class, or a class for a model that knows none.
    """
    n = USUAL if wanted.n is None else wanted.n
    check_count("n", n, MOST, "-n 64")
    if wanted.label is not None and not conditional:
        raise UserError(
            f"--class {wanted.label} was given", "a class-conditional model", "Leave --class out."
        )
    ask = ask_for(n, wanted.seed, len(classes) if conditional else 0)
    labels = ask.labels
    if wanted.label is not None:
        number = classes.index(wanted.label) if wanted.label in classes else number_of(wanted.label, classes)
        labels = torch.full((n,), number)
    return Ask(n, ask.generator, labels, wanted.steps, wanted.guidance, wanted.sampler)


def number_of(label: str, classes: Sequence[str]) -> int:
    """A class by its number.

    Raises:
        UserError: it is no number, or there is no such class.
    """
    if not label.isdigit() or int(label) >= len(classes):
        raise UserError(f"--class is {label!r}", f"one of {', '.join(classes)}, or a number", "")
    return int(label)
