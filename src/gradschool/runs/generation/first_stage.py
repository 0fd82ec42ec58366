"""The first stage of latent diffusion: a frozen autoencoder between pictures and small maps of numbers.

Source: Rombach et al. 2022, section 3.1. It is a finished run of ours, or Stable Diffusion's by way of the
package diffusers; both take and give pictures in 0 to 1, and a map is the mean of the encoder's Gaussian.
"""

import json
import shutil
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from gradschool.data.cache import cache_folder
from gradschool.engine.run import RunFolder
from gradschool.engine.weights import read_weights
from gradschool.errors import UserError, WorkFailed
from gradschool.models import catalogue
from gradschool.models.generative.vae import VAE
from gradschool.parts import need
from gradschool.phrases import command
from gradschool.runs.finish import rebuilt
from gradschool.runs.generation.variational import VaeRun
from gradschool.runs.reopen import reopen
from gradschool.runs.request import Request, Say
from gradschool.runs.train import train

Shape = tuple[int, int, int]
HUB = "hub:"  # before the name of a place on the Hugging Face Hub
WEIGHTS = "diffusion_pytorch_model.safetensors"
WAITS = 10  # seconds for the Hub's first answer


class FirstStage(nn.Module):
    """A frozen autoencoder.

    Args:
        inner: the network.
        made_of: all that `again` needs to build the same network without its weights.
    """

    def __init__(self, inner: nn.Module, made_of: dict[str, Any]) -> None:
        super().__init__()
        self.inner, self.made_of = inner.eval().requires_grad_(False), made_of

    def train(self, mode: bool = True) -> "FirstStage":
        """It stays as it is."""
        return super().train(False)

    def encode(self, x: Tensor) -> Tensor:
        """Pictures in 0 to 1 to maps (b, c, h, w)."""
        raise NotImplementedError

    def decode(self, z: Tensor) -> Tensor:
        """Maps to pictures in 0 to 1."""
        raise NotImplementedError


class OwnStage(FirstStage):
    """A VAE of a run of ours, whose code is a map."""

    inner: VAE

    def encode(self, x: Tensor) -> Tensor:
        """The mean code, as a map."""
        assert self.inner.map_shape is not None
        return self.inner.encode(x)[0].float().view(-1, *self.inner.map_shape)

    def decode(self, z: Tensor) -> Tensor:
        """The mean of every pixel."""
        return self.inner.decode(z.flatten(1)).float().sigmoid()


class PublishedStage(FirstStage):
    """The autoencoder of Stable Diffusion, as diffusers builds it; its pictures lie in -1 to 1."""

    def encode(self, x: Tensor) -> Tensor:
        """The mean of the encoder's Gaussian."""
        mean: Tensor = self.inner.encode(2 * x - 1).latent_dist.mean  # type: ignore[operator]
        return mean.float()

    def decode(self, z: Tensor) -> Tensor:
        """What its decoder draws, cut to 0 to 1."""
        pictures: Tensor = self.inner.decode(z).sample  # type: ignore[operator]
        return (pictures.float() + 1).div(2).clamp(0, 1)


def opened(where: str, shape: Shape) -> FirstStage:
    """The first stage that a person names: a run of ours, a folder of diffusers', or hub:OWNER/NAME.

    Args:
        where: one of these three.
        shape: of the pictures, which a run of ours must have been trained on.
    Raises:
        UserError: it is none of them, or does not fit the pictures.
        WorkFailed: the Hub cannot be reached.
    """
    if where.startswith(HUB):
        return published(fetched(where.removeprefix(HUB)), shape)
    folder = Path(where).expanduser()
    if (folder / WEIGHTS).is_file():
        return published(folder, shape)
    return own(RunFolder.open(folder), shape)


def own(folder: RunFolder, shape: Shape) -> OwnStage:
    """The VAE of a finished run.

    Raises:
        UserError: it is another kind of run, its code is no map, or its pictures have another shape.
    """
    run, _ = reopen(folder)
    advice = f"Train one: {command('train vae_photos')}"
    if not isinstance(run, VaeRun):
        raise UserError(f"first_stage is {folder.path}, which is no VAE", "a run such as vae_photos", advice)
    model, facts = rebuilt(folder, run)
    if not isinstance(model, VAE) or model.map_shape is None:
        raise UserError(f"the code of {folder.path} is no map", "a VAE with model=map_vae", advice)
    if tuple(facts["input"]) != shape:
        was, now = (f"{w}x{h} of {c} channels" for c, h, w in (facts["input"], shape))
        size = facts["input"][2]
        raise UserError(f"{folder.path} was trained on {was}, the pictures are {now}", "the same",
                        f"Use --set size={size}.")  # fmt: skip
    made_of = {"model": run.network(), "shape": facts["input"], "options": run.model_options}
    return OwnStage(model, made_of)


def published(folder: Path, shape: Shape) -> PublishedStage:
    """An AutoencoderKL from a folder with config.json and its weights as safetensors.

    Raises:
        UserError: the folder lacks one of them or holds another network, diffusers is not installed, or the
            pictures do not fit.
    """
    config, weights = folder / "config.json", folder / WEIGHTS
    if not config.is_file() or not weights.is_file():
        raise UserError(f"{folder} holds no autoencoder of diffusers", f"config.json and {WEIGHTS}", "")
    stage = PublishedStage(autoencoder(json.loads(config.read_text(encoding="utf-8"))), {})
    stage.made_of = {"diffusers": {k: v for k, v in stage.inner.config.items() if not k.startswith("_")}}  # type: ignore[union-attr, operator]
    channels, unit = stage.made_of["diffusers"]["in_channels"], halved(stage)
    if shape[0] != channels or shape[1] % unit or shape[2] % unit:
        what = f"the pictures are {shape[2]}x{shape[1]} of {shape[0]} channels"
        raise UserError(what, f"{channels} channels and sides that are multiples of {unit}", "Set size=64.")
    try:
        stage.inner.load_state_dict(read_weights(weights))
    except RuntimeError as error:
        raise UserError(f"{weights} does not fit {config}", "the weights of that network", "") from error
    return stage


def halved(stage: PublishedStage) -> int:
    """By how much the sides of the picture are those of the map."""
    return int(2 ** (len(stage.made_of["diffusers"]["block_out_channels"]) - 1))


def autoencoder(config: dict[str, Any]) -> nn.Module:
    """The network of a configuration, with random weights.

    Raises:
        UserError: diffusers is not installed, or it is another network.
    """
    if config.get("_class_name", "AutoencoderKL") != "AutoencoderKL":
        raise UserError(f"the network is a {config['_class_name']}", "an AutoencoderKL", "")
    need("diffusers", "practice", "an autoencoder of diffusers")
    try:
        from diffusers import AutoencoderKL
    except Exception as error:  # it checks the versions of many packages when it is imported
        advice = "Leave first_stage out to train one of ours."
        raise UserError(f"diffusers cannot be imported ({error})", "a whole diffusers", advice) from error
    untyped: Any = AutoencoderKL
    made: nn.Module = untyped.from_config(config)
    return made


def fetched(place: str) -> Path:
    """The folder of an autoencoder from the Hugging Face Hub or from its cache; vae/ of a whole pipeline.

    Raises:
        UserError: there is none, or not as safetensors.
        WorkFailed: the Hub cannot be reached; the sentence says what to bring.
    """
    from huggingface_hub import get_hf_file_metadata, hf_hub_download, hf_hub_url, try_to_load_from_cache
    from huggingface_hub.errors import EntryNotFoundError

    advice = "Leave first_stage out to train one of ours."
    for inside in ("", "vae/"):
        names = [f"{inside}{name}" for name in ("config.json", WEIGHTS)]
        here = [try_to_load_from_cache(place, name) for name in names]
        if all(isinstance(path, str) for path in here):
            return Path(str(here[0])).parent
        try:
            get_hf_file_metadata(hf_hub_url(place, names[1]), timeout=WAITS)
            config, _ = (Path(hf_hub_download(place, name)) for name in names)
            return config.parent
        except EntryNotFoundError:
            continue
        except Exception as error:  # of whichever library the Hub's client makes its connections with
            wanted = f"a network, or a folder with config.json and {WEIGHTS} of it as first_stage"
            what = f"{place} on the Hugging Face Hub cannot be reached ({type(error).__name__})"
            raise WorkFailed(what, wanted, advice) from error
    raise UserError(
        f"{place} on the Hugging Face Hub has no {WEIGHTS}", "an autoencoder as safetensors", advice
    )


def again(made_of: dict[str, Any]) -> FirstStage:
    """The first stage that `made_of` tells of, before its weights."""
    if "diffusers" in made_of:
        return PublishedStage(autoencoder(made_of["diffusers"]), made_of)
    make = catalogue.find(made_of["model"], "shape")
    return OwnStage(make(tuple(made_of["shape"]), 0, **made_of["options"]), made_of)


def trained(run: VaeRun, key: str, say: Say) -> RunFolder:
    """A VAE of all classes of a set, trained now or before, in the user's cache.

    Args:
        run: its settings.
        key: names what it learns from.
        say: told what happens.
    """
    folder = cache_folder() / "first-stages" / f"{Path(run.data).stem}-{key}"
    if (folder / "result.json").is_file():
        say(f"First stage: {folder}, trained before.")
        return RunFolder(folder)
    say(f"First stage: vae_photos on all classes, kept in {folder}.")
    shutil.rmtree(folder, ignore_errors=True)  # one that was cut short
    found = train(run, Request("vae_photos", out=folder), say=say)
    say(run.conclusion(found.read("result.json"), ""))
    return found
