"""The second coursework of 2021 to 2024: a VAE of digits and a DCGAN of small photographs.

Both are trained here, or brought along as runs, or as the files that were handed in; whatever way they came,
figures and marks are made from the hand-in folder alone (see `HANDIN`).
"""

import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from gradschool.classroom.coursework.frame import Coursework, Desk, Outcome
from gradschool.classroom.coursework.handed import write_players, write_vae
from gradschool.classroom.coursework.vae_dcgan.figures import drawn
from gradschool.classroom.coursework.vae_dcgan.marks import BY_HAND
from gradschool.classroom.coursework.vae_dcgan.marks import marks as marks_of
from gradschool.classroom.coursework.vae_dcgan.record import Paper
from gradschool.data.vision.open import open_set
from gradschool.engine.device import on_threads
from gradschool.engine.run import RunFolder
from gradschool.errors import UserError
from gradschool.models.generative.vae import VAE, conv_vae
from gradschool.nn.players import Players
from gradschool.recipes import ask
from gradschool.recipes.adversarial.dcgan_cifar10 import dcgan_cifar10
from gradschool.recipes.generative.vae_mnist import vae_mnist
from gradschool.runs.finish import rebuilt
from gradschool.runs.generation.adversarial import GanRun
from gradschool.runs.generation.generator import GenerativeRun
from gradschool.runs.generation.variational import VaeRun
from gradschool.runs.reopen import reopen
from gradschool.runs.settings import override
from gradschool.runs.train import train

HANDIN = ("vae.pt", "generator.pt", "discriminator.pt", "handin.json", "vae.jsonl", "gan.jsonl", "fixed")
SET = {"vae": "mnist", "gan": "cifar10"}
QUICK = {"vae": 1.0, "gan": 2.0}  # epochs


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
            shown = drawn(paper, desk.say)
            desk.say(" marking  each line of the scheme")
            marks, numbers = marks_of(paper)
        warnings = [
            f"The {name} part was trained on {facts[part]['data']}; the coursework asks for {SET[part]}."
            for part, name in (("vae", "VAE"), ("gan", "GAN")) if Path(facts[part]["data"]).name != SET[part]
        ]  # fmt: skip
        return Outcome(shown, marks, BY_HAND, numbers, warnings)

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
            request = ask(
                names[part], seed=self.seed, device=self.device, out=desk.folder / part, mine=desk.mine
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
