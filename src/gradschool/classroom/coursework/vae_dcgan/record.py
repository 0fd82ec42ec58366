"""A hand-in of the second coursework: its files, the pictures it is about, and what the files answer."""

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from gradschool.classroom.coursework.frame import Lost
from gradschool.classroom.coursework.handed import Call, Handed, ask
from gradschool.data.examples import Splits
from gradschool.data.vision.images import Images

MADE = 2000  # generated pictures that are judged


@dataclass(frozen=True)
class Paper:
    """A hand-in folder and the pictures it is about; the files are asked when an answer is first needed.

    Args:
        folder: of the hand-in.
        facts: of handin.json: for each part its data set, for the generator its noise, range and game.
        digits: what the VAE was trained on.
        photos: what the GAN was trained on.
        seed: of every noise.
        looked: test pictures whose codes are mapped, at most.
    """

    folder: Path
    facts: dict[str, Any]
    digits: Splits[Images]
    photos: Splits[Images]
    seed: int = 0
    looked: int = 10_000

    @property
    def tested(self) -> Images:
        """Test digits that are looked at."""
        return self.digits.test.take(torch.arange(min(self.looked, len(self.digits.test))))

    @cached_property
    def x(self) -> Tensor:
        """The same as a VAE sees them."""
        return self.tested.pixels.float() / 255

    @cached_property
    def known(self) -> tuple[Tensor, Tensor]:
        """Means and log-variances that are asked about: every pair of these, many times."""
        mean = torch.tensor([-1.0, 0.0, 2.0]).repeat(4096, 1)
        log_variance = torch.tensor([0.0, -2.0, 1.0]).repeat(4096, 1)
        return mean, log_variance

    @cached_property
    def vae(self) -> Handed:
        """Answers: pictures, codes of all test digits, samples, means, prices, the first again."""
        known = self.known
        return ask(self.folder / "vae.pt", [
            Call("forward", (self.x[:1000],)), Call("encode", (self.x,)), Call("reparametrise", known, True),
            Call("reparametrise", known), Call("kl", known), Call("encode", (self.x[:100],)),
        ], self.seed)  # fmt: skip

    @cached_property
    def decoder(self) -> Handed:
        """Two answers: pictures of the first hundred mean codes, and of a thousand codes from N(0, 1).

        Raises:
            Lost: there are no codes.
        """
        mean = self.vae.answer(1, 2)[0]
        if mean.ndim != 2:
            raise Lost(f"encode returns {tuple(mean.shape)}, (b, d) was wanted")
        z = torch.randn(1000, mean.shape[1], generator=torch.Generator().manual_seed(self.seed))
        return ask(self.folder / "vae.pt", [Call("decode", (mean[:100],)), Call("decode", (z,))], self.seed)

    @cached_property
    def noise(self) -> Tensor:
        """The fixed noise; its first hundred codes are the grid's."""
        generator = torch.Generator().manual_seed(self.seed)
        return torch.randn(MADE, *self.facts["gan"]["noise"], generator=generator)

    @cached_property
    def generator(self) -> Handed:
        """One answer: a picture of each code."""
        return ask(self.folder / "generator.pt", [Call("forward", (self.noise,))], self.seed)

    @property
    def made(self) -> Tensor:
        """Generated pictures in the range that the hand-in names, brought to 0 to 1."""
        raw = self.generator.answer(0)[0]
        return (raw + 1) / 2 if self.facts["gan"]["range"] == "signed" else raw

    @cached_property
    def discriminator(self) -> Handed:
        """Two answers: scores of real pictures and of generated ones."""
        real = self.photos.test.pixels[:1000].float() / 255
        real = 2 * real - 1 if self.facts["gan"]["range"] == "signed" else real
        try:
            fake = self.generator.answer(0)[0][: len(real)]
        except Lost:
            fake = real
        return ask(
            self.folder / "discriminator.pt", [Call("forward", (real,)), Call("forward", (fake,))], self.seed
        )

    def log(self, part: str) -> list[dict[str, Any]]:
        """What was logged while a part was trained; [] without a log."""
        return list(RunLog(self.folder / f"{part}.jsonl"))


class RunLog(list[dict[str, Any]]):
    """The lines of a log; what is no JSON object is left out."""

    def __init__(self, file: Path) -> None:
        super().__init__()
        for line in file.read_text(encoding="utf-8").splitlines() if file.is_file() else []:
            try:
                found = json.loads(line)
            except ValueError:
                continue
            if isinstance(found, dict):
                self.append(found)
