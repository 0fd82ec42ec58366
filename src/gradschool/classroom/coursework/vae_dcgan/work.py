"""The second coursework of 2021 to 2024: a VAE of digits and a DCGAN of small photographs.

Both are trained here, or brought along as runs, or as the files that were handed in; whatever way they came,
figures and marks are made from the hand-in folder alone (see `HANDIN`).
"""

import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from gradschool.classroom.coursework.frame import Coursework, Desk, Lost, Outcome
from gradschool.classroom.coursework.handed import Call, Handed, ask, write_players, write_vae
from gradschool.data.catalogue import open_set
from gradschool.data.examples import Splits
from gradschool.data.vision.images import Images
from gradschool.engine.device import on_threads
from gradschool.engine.run import RunFolder
from gradschool.errors import UserError
from gradschool.models.generative.vae import VAE, conv_vae
from gradschool.nn.players import Players
from gradschool.recipes.generative.dcgan_cifar10 import dcgan_cifar10
from gradschool.recipes.generative.vae_mnist import vae_mnist
from gradschool.runs.finish import rebuilt
from gradschool.runs.generation.adversarial import GanRun
from gradschool.runs.generation.generator import GenerativeRun
from gradschool.runs.generation.variational import VaeRun
from gradschool.runs.reopen import reopen
from gradschool.runs.run import Request
from gradschool.runs.settings import override
from gradschool.runs.train import train

HANDIN = ("vae.pt", "generator.pt", "discriminator.pt", "handin.json", "vae.jsonl", "gan.jsonl", "fixed")
SET = {"vae": "mnist", "gan": "cifar10"}
QUICK = {"vae": 1.0, "gan": 2.0}  # epochs
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
    digits: Splits
    photos: Splits
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


@dataclass(frozen=True, kw_only=True)
class VaeDcgan(Coursework):
    """A VAE of digits and a DCGAN of photographs: the second coursework, 2021 to 2024."""

    vae: Path | None = None
    """A finished run of a VAE, e.g. of vae_mnist; trained now if not given."""
    gan: Path | None = None
    """A finished run of a GAN, e.g. of dcgan_cifar10; trained now if not given."""
    handin: Path | None = None
    """Mark this folder of files in place of runs: vae.pt, generator.pt, discriminator.pt, handin.json."""

    def work(self, desk: Desk) -> Outcome:
        """Train, hand in, draw, mark."""
        from gradschool.classroom.coursework.vae_dcgan import figures as vae_dcgan_figures
        from gradschool.classroom.coursework.vae_dcgan import marks as vae_dcgan_marks

        # 1. The hand-in.
        if self.handin is None:
            place = desk.folder / "handin"
            vae, gan = self.runs(desk)
            hand_in(vae, gan, place)
        else:
            self.refuse()
            place = self.handin
        # 2. What it is judged by.
        facts = facts_of(place)
        digits, photos = (open_set(facts[part]["data"], val=0.0) for part in ("vae", "gan"))
        paper = Paper(place, facts, digits, photos, self.seed, 2000 if self.quick else 10_000)
        # 3. Figures and marks.
        with on_threads(1):
            desk.say(" asking   the files, in a process that has torch and nothing of ours")
            shown = vae_dcgan_figures.drawn(paper, desk.say)
            desk.say(" marking  each line of the scheme")
            marks, numbers = vae_dcgan_marks.marks(paper)
        warnings = [
            f"The {name} part was trained on {facts[part]['data']}; the coursework asks for {SET[part]}."
            for part, name in (("vae", "VAE"), ("gan", "GAN")) if Path(facts[part]["data"]).name != SET[part]
        ]  # fmt: skip
        return Outcome(shown, marks, vae_dcgan_marks.BY_HAND, numbers, warnings)

    def refuse(self) -> None:
        """Refuse words that do not go together.

        Raises:
            UserError: a hand-in folder came with runs or settings, or is none.
        """
        if self.vae or self.gan or self.set or self.mine:
            raise UserError("--handin came with --vae, --gan, --set or --mine", "--handin alone", "")
        if not self.handin or not self.handin.is_dir():
            raise UserError(f"{self.handin} is no folder", "a folder of handed-in files", "")

    def runs(self, desk: Desk) -> tuple[RunFolder, RunFolder]:
        """Both runs: those that were brought along, and those that are trained now.

        Raises:
            UserError: a run is of another kind, or a setting is wrong.
        """
        starts = {
            "vae": replace(vae_mnist(), model=conv_vae),
            # The theory's optimum, ln 4 and ln 2, is that of this game; the recipe's own is the hinge.
            "gan": replace(dcgan_cifar10(), game="non_saturating"),
        }
        kinds: dict[str, type[GenerativeRun]] = {"vae": VaeRun, "gan": GanRun}
        given = {"vae": self.vae, "gan": self.gan}
        names = {"vae": "vae_mnist", "gan": "dcgan_cifar10"}
        # 1. Refuse before anything is trained.
        plans = {}
        for part, start in starts.items():
            words = self.settings_of(part, list(starts))
            if (path := given[part]) is not None:
                run = reopen(RunFolder.open(path))[0]
                if not isinstance(run, kinds[part]) or run.conditional:
                    raise UserError(f"{path} cannot be handed in as {part}", f"an unconditional {part}", "")
                continue
            start = replace(start, epochs=QUICK[part]) if self.quick else start
            plans[part] = override(start, words, names[part])
        # 2. Train.
        folders = {}
        for part, path in given.items():
            if path is not None:
                folders[part] = RunFolder.open(path)
                continue
            request = Request(
                names[part], self.seed, device=self.device, out=desk.folder / part, mine=desk.mine
            )
            folders[part] = train(plans[part], request, desk.say)
        return folders["vae"], folders["gan"]


def hand_in(vae: RunFolder, gan: RunFolder, place: Path) -> None:
    """Write what the coursework hands in: three files, what they are about, logs, sheets of fixed noise.

    Raises:
        UserError: a run is not finished.
    """
    place.mkdir(parents=True, exist_ok=True)
    facts: dict[str, Any] = {}
    # 1. The networks.
    for part, folder in (("vae", vae), ("gan", gan)):
        run, _ = reopen(folder)
        model, _ = rebuilt(folder, run)
        images = run.open(folder.read("config.json")["seed"]).test
        x, _ = run.pipeline(images).eval(images.pixels[:2], images.labels[:2])
        facts[part] = {"data": run.data, "epochs": run.epochs, "learning_rate": run.learning_rate}
        if isinstance(model, VAE):
            facts[part] |= {"beta": run.beta, "likelihood": run.likelihood}
            write_vae(model, x, place / "vae.pt")
        elif isinstance(model, Players):
            facts[part] |= {"noise": [model.latent], "range": run.scale, "game": run.game}
            write_players(model, x, place)
        # 2. Its log.
        lines = [json.dumps(line) for line in folder.metrics()]
        (place / f"{part}.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    # 3. The same noise at several moments.
    (place / "fixed").mkdir(exist_ok=True)
    for file in sorted((gan.path / "samples").glob("step-*.png")):
        shutil.copy(file, place / "fixed" / file.name)
    (place / "handin.json").write_text(json.dumps(facts, indent=1), encoding="utf-8")


def facts_of(place: Path) -> dict[str, Any]:
    """What a hand-in says of itself, with what the coursework asks for where it is silent.

    Raises:
        UserError: handin.json is no JSON object, or says what cannot be.
    """
    usual: dict[str, dict[str, Any]] = {
        "vae": {"data": SET["vae"]},
        "gan": {"data": SET["gan"], "noise": [100], "range": "signed", "game": "non_saturating"},
    }
    file = place / "handin.json"
    try:
        told = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
        found = {part: usual[part] | dict(told.get(part, {})) for part in usual}
    except (ValueError, TypeError, AttributeError) as error:
        raise UserError(f"{file} is not readable ({error})", "a JSON object", "") from error
    noise, values = found["gan"]["noise"], found["gan"]["range"]
    if not is_shape(noise) or values not in ("signed", "unit"):
        raise UserError(
            f"{file} says noise {noise!r}, range {values!r}", "noise such as [100], range signed or unit", ""
        )
    return found


def is_shape(sizes: Sequence[Any]) -> bool:
    """One to three whole numbers from 1 on."""
    is_list = isinstance(sizes, list) and 1 <= len(sizes) <= 3
    return is_list and all(isinstance(size, int) and 1 <= size <= 10_000 for size in sizes)
