"""A timm network as the body of a classifier: found by name, with weights that were learnt elsewhere.

Weights come from safetensors files only: a pickle can run code when it is opened, so it is refused. Source of
networks and weights: Wightman, PyTorch Image Models (timm), and the Hugging Face Hub.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from textwrap import shorten
from typing import Any, Self

from torch import Tensor, nn

from gradschool.data.cache import cache_folder
from gradschool.engine.weights import read_weights
from gradschool.errors import UserError, WorkFailed
from gradschool.nn import Linear
from gradschool.parts import need
from gradschool.phrases import did_you_mean, nearest

UNSAFE = (".bin", ".pth", ".pt", ".ckpt", ".pkl", ".tar")  # endings of files that may hold code
CONVERT = (
    "Convert it first: safetensors.torch.save_file(torch.load(FILE, weights_only=True), 'FILE.safetensors')"
)
WAITS = 10  # seconds for the Hub's first answer


class TransferNet(nn.Module):
    """A body that turns images into features, and a linear head on them.

    Args:
        body: images (b, c, h, w) to features (b, d).
        features: d.
        classes: outputs.
        steady: batch normalisation of the body keeps its running statistics in training, too: a body whose
            weights stay goes on to see what it has learnt to see.
    """

    def __init__(self, body: nn.Module, features: int, classes: int, steady: bool = False) -> None:
        super().__init__()
        self.body, self.head, self.steady = body, Linear(features, classes), steady

    def train(self, mode: bool = True) -> Self:
        """Training or evaluation mode, but for a steady body's normalisation."""
        super().train(mode)
        for module in self.body.modules() if self.steady else ():
            if isinstance(module, nn.modules.batchnorm._BatchNorm):
                module.eval()
        return self

    def forward(self, x: Tensor) -> Tensor:
        """Logits (b, classes)."""
        return self.head(self.body(x))


@dataclass(frozen=True)
class Expects:
    """What a backbone was trained on: side in pixels, mean and deviation of each channel on the scale 0 to 1.

    Args:
        side: of its square images.
        is_fixed: it takes no other side.
        mean: red, green, blue.
        std: red, green, blue.
    """

    side: int
    is_fixed: bool
    mean: tuple[float, ...]
    std: tuple[float, ...]

    def of(self, channels: int) -> "Expects":
        """The same for grey images, whose one channel has the colours' mean."""
        if channels == len(self.mean):
            return self
        mean, std = (sum(each) / len(each) for each in (self.mean, self.std))
        return Expects(self.side, self.is_fixed, (mean,) * channels, (std,) * channels)


def expects(name: str, learnt_from: Mapping[str, Any] | None = None) -> Expects:
    """Input size and normalisation from the backbone's own configuration.

    Args:
        name: of the network in timm.
        learnt_from: `input_size`, `mean` or `std` of these very weights, where timm does not know them.
    """
    config = found(name) | dict(learnt_from or {})
    from timm.data.config import resolve_data_config

    data: dict[str, Any] = resolve_data_config(pretrained_cfg=config, verbose=False)  # type: ignore[no-untyped-call]
    side, fixed = int(data["input_size"][-1]), bool(config.get("fixed_input_size"))
    return Expects(side, fixed, tuple(data["mean"]), tuple(data["std"]))


def found(name: str) -> dict[str, Any]:
    """What timm knows of a backbone, by its name with or without a tag, e.g. resnet18.a1_in1k.

    Raises:
        UserError: timm is not installed, or has no such network or weights; the nearest are named.
    """
    known = is_network(name)
    import timm

    if not known:
        guess = did_you_mean(nearest(name, timm.list_models(), 3)) or "Try --set backbone=resnet18."
        raise UserError(f"backbone is {name!r}", "a network of timm", guess)
    try:
        config = timm.get_pretrained_cfg(name)
    except RuntimeError as error:
        plain = name.partition(".")[0]
        tags = ", ".join(timm.list_pretrained(f"{plain}.*"))
        raise UserError(f"backbone is {name!r}", f"one of {plain}, {tags}", "") from error
    # Nothing where nobody keeps weights.
    return config.to_dict() if config else {}  # type: ignore[no-untyped-call]


def is_network(name: str) -> bool:
    """Whether timm has a network of this name, with or without a tag.

    Raises:
        UserError: timm is not installed.
    """
    need("timm", "practice", f"backbone={name}")
    import timm

    return bool(timm.is_model(name))


def body(name: str, channels: int, options: Mapping[str, Any]) -> nn.Module:
    """A backbone without its classifier and with random weights; nothing is fetched."""
    need("timm", "practice", f"backbone={name}")
    import timm

    made: nn.Module = timm.create_model(name, pretrained=False, num_classes=0, in_chans=channels, **options)
    return made


def trained_body(name: str, channels: int, options: Mapping[str, Any], file: Path) -> nn.Module:
    """A backbone without its classifier, with the weights of a safetensors file.

    Where the file was trained on another number of channels, the first filters are summed or repeated.

    Args:
        name: of the network in timm.
        channels: of the images to come.
        options: further arguments of the network.
        file: a checkpoint of timm's, or the model.safetensors of a transfer run.
    Raises:
        UserError: the file is not safetensors, or belongs to another network.
    """
    need("timm", "practice", f"backbone={name}")
    import timm

    # 1. The weights; a run of ours keeps them beside its head.
    weights, config = checked_weights(file), found(name)
    if any(key.startswith("body.") for key in weights):
        weights = {k.removeprefix("body."): v for k, v in weights.items() if k.startswith("body.")}
    # 2. How many classes and channels they were trained on, so that every one of them must find its place.
    classifier = one(config.get("classifier"))
    classes = len(weights[classifier]) if classifier in weights else 0
    first = one(config.get("first_conv"))
    sources = weights[first].shape[1] if first in weights else channels
    size = (sources, *(config.get("input_size") or (3, 224, 224))[1:])
    own = {"state_dict": weights, "num_classes": classes, "input_size": size, "source": "",
           "label_offset": 0, "custom_load": False}  # fmt: skip
    # 3. timm adapts and loads them; then the classifier goes.
    try:
        made = timm.create_model(
            name,
            pretrained=True,
            pretrained_cfg_overlay=own,
            num_classes=classes,
            in_chans=channels,
            **options,
        )
    except (RuntimeError, KeyError) as error:
        reason = shorten(str(error), 120, placeholder=" ...")
        raise UserError(
            f"the weights in {file} do not fit {name} ({reason})", f"weights of {name}",
            "Name the backbone that they belong to: --set backbone=NAME.",
        ) from error  # fmt: skip
    made.reset_classifier(0)  # type: ignore[operator]
    return made


def one(names: str | tuple[str, ...] | None) -> str:
    """The weight's key of a layer that timm's configuration names, the first where there are several."""
    return f"{(names if isinstance(names, str) else (names or ('',))[0])}.weight"


def checked_weights(file: Path) -> dict[str, Tensor]:
    """The tensors of a safetensors file.

    Raises:
        UserError: it is not there, is a pickle, or is damaged.
    """
    if file.suffix != ".safetensors":
        what = f"weights is {file}, and such a file can run code when it is opened"
        raise UserError(what, "a .safetensors file", CONVERT)
    if not file.is_file():
        raise UserError(f"weights is {file}, which is not there", "a .safetensors file", "Check the path.")
    return read_weights(file)


USUAL = "Pass --set weights=FILE.safetensors, or use random weights: --set pretrained=false."


def at_hand(name: str) -> Path | None:
    """The safetensors file of a backbone's published weights, where it is here already: as NAME.safetensors
    in the folder `weights` of the data pack or of our cache, or in the cache of the Hub. Nothing is fetched.
    """
    # 1. Names that the file may have: the tag may be left out where it is timm's usual one.
    plain, _, tag = name.partition(".")
    usual = found(plain).get("tag") or ""
    names = [name] if tag not in ("", usual) else [plain, f"{plain}.{usual}"]
    # 2. Our folders, then the Hub's.
    pack = os.environ.get("GRADSCHOOL_DATA")
    folders = [*([Path(pack).expanduser()] if pack else []), cache_folder()]
    files = [folder / "weights" / f"{each}.safetensors" for folder in folders for each in names]
    for file in files:
        if file.is_file():
            return file
    from huggingface_hub import try_to_load_from_cache

    place, revision, inside = on_the_hub(name)
    cached = try_to_load_from_cache(place, inside, revision=revision) if place else None
    return Path(cached) if isinstance(cached, str) else None


def on_the_hub(name: str) -> tuple[str, str | None, str]:
    """Repository, revision and file of a backbone's weights on the Hugging Face Hub; "" where there are none
    that are safe to open.
    """
    config = found(name)
    place, _, revision = (config.get("hf_hub_id") or "").partition("@")
    file = config.get("hf_hub_filename") or "model.safetensors"
    return place if file.endswith(".safetensors") else "", revision or None, file


def learnt(name: str, fetch: bool) -> Path:
    """The safetensors file of a backbone's published weights.

    Args:
        name: of the backbone in timm.
        fetch: whether they may be fetched from the Hub where they are not here.

    Raises:
        UserError: they are not here, or nobody publishes weights of this name as safetensors.
        WorkFailed: they cannot be reached.
    """
    if fetch:
        return fetched(name)
    here = at_hand(name)
    if here is not None:
        return here
    wanted = f"{name}.safetensors in {cache_folder() / 'weights'}, or in the cache of the Hugging Face Hub"
    advice = "To fetch them by their name train with --set fetch=true, or name a file: --set weights=FILE."
    raise UserError(f"the weights of {name} are not here", wanted, f"{advice} {IN_PACK}")


IN_PACK = "The data pack holds those of tf_efficientnet_lite0: --set backbone=tf_efficientnet_lite0."


def fetched(name: str, advice: str = USUAL) -> Path:
    """The safetensors file of a backbone's published weights, as `at_hand`, or fetched from the Hub.

    Args:
        name: of the backbone in timm.
        advice: what to do without.
    Raises:
        UserError: nobody publishes weights of this name as safetensors.
        WorkFailed: they cannot be reached; the sentence says what to bring.
    """
    from huggingface_hub import get_hf_file_metadata, hf_hub_download, hf_hub_url
    from huggingface_hub.errors import EntryNotFoundError

    # 1. Where they lie; here already?
    here, (place, version, file) = at_hand(name), on_the_hub(name)
    if here is not None:
        return here
    safe = "a backbone with published safetensors"
    if not place:
        raise UserError(f"{name} has no published weights that are safe to open", safe, advice)
    # 2. One quick look at the Hub first, since its client retries for long.
    try:
        get_hf_file_metadata(hf_hub_url(place, file, revision=version), timeout=WAITS)
        return Path(hf_hub_download(place, file, revision=version))
    except EntryNotFoundError as error:
        raise UserError(f"{place} on the Hugging Face Hub has no {file}", safe, advice) from error
    except Exception as error:  # of whichever library the Hub's client makes its connections with
        wanted = f"a network, or {file} of {place} on the Hugging Face Hub brought by hand"
        what = f"the weights of {name} cannot be reached ({type(error).__name__})"
        raise WorkFailed(what, wanted, advice) from error
