"""The second coursework since 2025: a VAE of digits, a VAE of photographs, and diffusion in a VAE's codes.

Every part is trained here or brought along as a finished run. The photographs are one class of any folder of
class folders; whether the class can be recognised is judged by a classifier that had no part in it.
"""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any

import torch
import tyro

from gradschool.classroom.coursework.frame import Coursework, Desk, Outcome
from gradschool.classroom.coursework.handed import write_vae
from gradschool.classroom.coursework.vae_dcgan.record import Paper
from gradschool.classroom.coursework.vae_ddpm import figures as vae_ddpm_figures
from gradschool.classroom.coursework.vae_ddpm import marks as vae_ddpm_marks
from gradschool.classroom.coursework.vae_ddpm.record import LIMIT, Parts, Trained
from gradschool.data.vision.open import open_set
from gradschool.engine.device import on_threads
from gradschool.engine.run import RunFolder
from gradschool.errors import UserError
from gradschool.models.generative.vae import VAE, conv_vae
from gradschool.recipes import ask
from gradschool.recipes.generative.latent_photos import latent_photos
from gradschool.recipes.generative.vae_mnist import vae_mnist
from gradschool.recipes.generative.vae_photos import vae_photos
from gradschool.recipes.own.folder import folder as folder_recipe
from gradschool.runs.classification.image import ImageRun
from gradschool.runs.generation.latent import LatentRun
from gradschool.runs.generation.variational import VaeRun
from gradschool.runs.reopen import reopen
from gradschool.runs.run import Run
from gradschool.runs.settings import override
from gradschool.runs.train import train

LOOKS = 8  # at the test digits, so that there is a curve
QUICK = {"vae": 1.0, "photos": 30.0, "stage": 0.5, "latent": 30.0, "judge": 3.0}  # epochs


@dataclass(frozen=True, kw_only=True)
class VaeDdpm(Coursework):
    """A VAE of digits, a VAE of photographs, and latent diffusion: the second coursework, from 2025."""

    data: str = "natural_animals"
    """The photographs: a data set, or a folder or zip of class folders."""
    label: Annotated[str | None, tyro.conf.arg(name="class")] = None
    """The class that is drawn: jellyfish, or the first of another set's classes if not given."""
    vae: Path | None = None
    """A finished run of a VAE of digits; trained now if not given."""
    photos: Path | None = None
    """A finished run of a VAE of photographs; trained now if not given."""
    latent: Path | None = None
    """A finished run such as latent_photos; trained now if not given."""
    first_stage: str | None = None
    """The frozen autoencoder: a run of vae_photos, a folder of diffusers' or hub:OWNER/NAME; trained if not
    given."""
    network: str | None = None
    """The classifier: a finished run, or a network of timm that knows ImageNet; trained now if not given."""

    def work(self, desk: Desk) -> Outcome:
        """Train what is missing, draw, mark."""
        label = self.chosen()
        runs = self.runs(desk, label)
        paper = handed_in(runs["vae"], desk.folder / "handin", self.seed, 2000 if self.quick else 10_000)
        classifier = self.network or str(runs["judge"].path)
        parts = Parts(paper, Trained(runs["photos"]), Trained(runs["latent"]), label, classifier, self.seed)
        with on_threads(1), torch.inference_mode():
            desk.say(" drawing  every figure that is asked for")
            shown = vae_ddpm_figures.drawn(parts, desk.say)
            desk.say(" marking  each line of the scheme")
            marks, numbers = vae_ddpm_marks.marks(parts)
        return Outcome(shown, marks, vae_ddpm_marks.BY_HAND, numbers, self.warnings(paper))

    def warnings(self, paper: Paper) -> list[str]:
        """What differs from what the coursework asks for."""
        data = paper.facts["vae"]["data"]
        other = [] if Path(data).name == "mnist" else [f"The VAE was trained on {data}, not on MNIST."]
        stage = (
            "The frozen autoencoder is one of ours; the coursework's is Stable Diffusion's (--first-stage)."
        )
        return other + ([] if self.first_stage or self.latent else [stage])

    def chosen(self) -> str:
        """The class of the photographs.

        Raises:
            UserError: the set does not have it.
        """
        classes = open_set(self.data, val=0.0).train.classes
        usual = latent_photos()
        label = self.label or (usual.only[0] if self.data == usual.data else classes[0])
        if label not in classes:
            raise UserError(f"{self.data} has no class {label!r}", f"one of {', '.join(classes)}", "")
        return label

    def runs(self, desk: Desk, label: str) -> dict[str, RunFolder]:
        """Every part's finished run.

        Raises:
            UserError: a run that was brought along is of another kind, or a setting is wrong.
        """
        # 1. Refuse before anything is trained.
        folders = self.brought()
        starts: dict[str, tuple[str, Run]] = {
            "vae": ("vae_mnist", replace(vae_mnist(), model=conv_vae, limit=LIMIT, evaluations=LOOKS)),
            "photos": ("vae_photos", replace(vae_photos(), data=self.data, only=(label,), model=conv_vae,
                                             size=28, epochs=200, sigma=0.3)),
            "stage": ("vae_photos", replace(vae_photos(), data=self.data)),
            "judge": ("folder", replace(folder_recipe(), data=self.data)),
            "latent": ("latent_photos", replace(latent_photos(), data=self.data, only=(label,),
                                                noise="linear", first_stage=self.first_stage)),
        }  # fmt: skip
        plans = {}
        for part, (recipe, start) in starts.items():
            words = self.settings_of(part, list(starts))
            start = replace(start, epochs=QUICK[part]) if self.quick else start
            plans[part] = (recipe, override(start, words, recipe))
        # 2. Train what is missing; the first stage comes before what is drawn in its codes.
        needless = {"stage"} if "latent" in folders or self.first_stage else set()
        needless |= {"judge"} if self.network else set()
        for part, (recipe, run) in plans.items():
            if part in folders or part in needless:
                continue
            if isinstance(run, LatentRun) and "stage" in folders:
                run = replace(run, first_stage=str(folders["stage"].path))
            desk.say(f" training {part}")
            request = ask(recipe, seed=self.seed, device=self.device, out=desk.folder / part, mine=desk.mine)
            folders[part] = train(run, request, desk.say)
        return folders

    def brought(self) -> dict[str, RunFolder]:
        """The runs that were brought along.

        Raises:
            UserError: one is of another kind.
        """
        fits: dict[str, tuple[Path | None, type[Run], str]] = {
            "vae": (self.vae, VaeRun, "an unconditional VAE"),
            "photos": (self.photos, VaeRun, "an unconditional VAE"),
            "latent": (self.latent, LatentRun, "a run such as latent_photos"),
        }
        found = {}
        for part, (path, kind, wanted) in fits.items():
            if path is None:
                continue
            run: Any = reopen(RunFolder.open(path))[0]
            if not isinstance(run, kind) or run.conditional:  # type: ignore[attr-defined]
                raise UserError(f"{path} cannot be handed in as {part}", wanted, "")
            found[part] = RunFolder.open(path)
        if self.network and Path(self.network).exists():
            run = reopen(RunFolder.open(Path(self.network)))[0]
            if not isinstance(run, ImageRun):
                raise UserError(f"{self.network} is no classifier", "a run such as natural_animals", "")
        return found


def handed_in(folder: RunFolder, place: Path, seed: int, looked: int) -> Paper:
    """The VAE of digits as a file that torch alone can load, with the digits that it is asked about.

    Raises:
        UserError: the run is not finished, or its code is a map.
    """
    place.mkdir(parents=True, exist_ok=True)
    part = Trained(folder)
    if not isinstance(part.model, VAE) or part.model.map_shape is not None:
        raise UserError(f"{folder.path} cannot be handed in", "a VAE whose code is a list of numbers", "")
    write_vae(part.model, part.x, place / "vae.pt")
    (place / "vae.jsonl").write_bytes((folder.path / "metrics.jsonl").read_bytes())
    facts = {"vae": {"data": part.run.data}}
    digits = open_set(part.run.data, val=0.0)
    return Paper(place, facts, digits, digits, seed, looked)
