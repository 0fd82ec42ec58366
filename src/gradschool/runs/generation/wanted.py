"""Is it what it should be? A classifier that had no part in the training looks at generated pictures.

Source: the coursework of 2025 passes a picture when its class is among the classifier's first five guesses.
Chance and real pictures of the class stand beside it, for of 20 classes five are a quarter.
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float, UInt8
from torch import Tensor, nn

from gradschool.data.vision.images import Images
from gradschool.engine.run import RunFolder
from gradschool.errors import UserError
from gradschool.evals.classification.metrics import wilson
from gradschool.evals.pictures import save_grid
from gradschool.phrases import did_you_mean, nearest
from gradschool.runs.finish import rebuilt
from gradschool.runs.generation.ask import columns_for, number_of
from gradschool.runs.generation.generator import GenerativeRun
from gradschool.runs.generation.score import AT_ONCE, as_stored, fitting, look
from gradschool.runs.kind import Wanted
from gradschool.runs.reopen import machine_of, reopen
from gradschool.runs.vision import backbone as timm_net

TOP = 5
SHOWN = 64  # pictures on the sheet


@dataclass(frozen=True)
class Eye:
    """A classifier.

    Args:
        told: what it is, for people.
        classes: their names; of several words for one class, separated by commas.
        probabilities: of every class, of pictures uint8 (n, c, h, w) of any size.
    """

    told: str
    classes: Sequence[str]
    probabilities: Callable[[UInt8[Tensor, "n c h w"]], Float[Tensor, "n k"]]


@dataclass(frozen=True)
class Verdict:
    """How a classifier takes n pictures: how many have the class first, among the first five; its mean and
    highest probability; 95 % intervals of the two shares.
    """

    n: int
    first: int
    among: int
    first_interval: tuple[float, float]
    among_interval: tuple[float, float]
    mean: float
    highest: float


def verdict(probabilities: Float[Tensor, "n k"], wanted: int, top: int = TOP) -> Verdict:
    """Count the pictures whose wanted class is the first guess, or among the first `top`.

    Args:
        probabilities: of every class; a class that shares its place with others counts as the last of them.
        wanted: the number of the class.
        top: guesses that count.
    """
    # 1. How many other classes are at least as probable.
    own = probabilities[:, wanted : wanted + 1]
    ahead = (probabilities >= own).sum(1) - 1
    n, first, among = len(ahead), int((ahead < 1).sum()), int((ahead < top).sum())
    # 2. Shares with intervals.
    mean, highest = own.mean().item(), own.max().item()
    return Verdict(n, first, among, wilson(first, n), wilson(among, n), mean, highest)


def judge(
    folder: RunFolder, network: str, label: str | None = None, n: int = 100, seed: int = 0,
    weights: Path | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Draw n pictures and let a classifier look; writes judged.json and judged.png to the run.

    Args:
        folder: a finished run of a generator.
        network: a finished run of a classifier, or a network of timm that knows ImageNet's classes.
        label: the wanted class; None where the generator knows one class only.
        n: pictures, 1 or more.
        seed: of the noise.
        weights: safetensors of a network of timm; None fetches its published ones.
    Raises:
        UserError: a run is of another kind, or there is no such class.
        WorkFailed: weights cannot be reached.
    """
    # 1. Who draws, what is wanted, and who looks.
    run, _ = reopen(folder)
    if not isinstance(run, GenerativeRun):
        raise UserError(f"{folder.path} is no generator", "a run such as latent_photos", "")
    classes = rebuilt(folder, run)[1]["classes"]  # refuses a run that is not finished
    name = label_of(label, classes)
    eye = eye_of(network, weights)
    place = place_of(name, eye.classes)
    # 2. The pictures, and real ones of the class beside them.
    pixels = drawn(folder, run, name, n, seed)
    said = eye.probabilities(pixels)
    real = real_ones(run.open(folder.read("config.json")["seed"]).test, name)
    found: dict[str, Any] = {
        "class": name, "taken_as": eye.classes[place], "network": eye.told, "seed": seed,
        "classes": len(eye.classes), "generated": asdict(verdict(said, place)),
        "real": asdict(verdict(eye.probabilities(real), place)) if len(real) else None,
    }  # fmt: skip
    # 3. The record, one entry a classifier and class, and a sheet with the most probable first.
    others = [one for one in folder.read("judged.json").get("verdicts", []) if not same(one, found)]
    folder.write("judged.json", {"verdicts": [*others, found]})
    order = said[:, place].argsort(descending=True)[:SHOWN]
    save_grid(folder.path / "judged.png", pixels[order].float() / 255, columns_for(len(order)))
    return found


def same(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """Whether two verdicts are of one classifier and class."""
    return all(one[key] == other[key] for key in ("class", "network"))


def label_of(label: str | None, classes: Sequence[str]) -> str:
    """The wanted class, by name.

    Raises:
        UserError: none was named, and the generator knows several.
    """
    if label is None and len(classes) == 1:
        return classes[0]
    if label is None:
        raise UserError("no class was named", f"one of {', '.join(classes)}", "Add --class NAME.")
    return classes[number_of(label, list(classes))] if label.isdigit() and label not in classes else label


def drawn(folder: RunFolder, run: GenerativeRun, name: str, n: int, seed: int) -> Tensor:
    """So many pictures, uint8; of a class-conditional model, of this class."""
    model, facts = rebuilt(folder, run)
    model = machine_of(folder).place_module(model)
    label, pieces = name if run.conditional else None, []
    run.asked(Wanted(n, seed, label), facts["classes"])  # refuse n and class before anything is drawn
    for start in range(0, n, AT_ONCE):
        wanted = Wanted(min(AT_ONCE, n - start), seed + start, label)
        with torch.inference_mode():
            pieces.append(as_stored(run.generate(model, run.asked(wanted, facts["classes"]))))
    return torch.cat(pieces)


def real_ones(images: Images, name: str) -> Tensor:
    """The pictures of a class, none where the set does not have it."""
    if name not in images.classes:
        return images.pixels[:0]
    return images.pixels[(images.labels == images.classes.index(name)).nonzero().flatten()]


def place_of(name: str, classes: Sequence[str]) -> int:
    """The number of a class in a classifier, by its name or by one of its words.

    Raises:
        UserError: it knows no such class.
    """

    def plain(text: str) -> str:
        return text.strip().lower().replace("_", " ").replace("-", " ")

    words = [[plain(part) for part in text.split(",")] for text in classes]
    for names in (words, [[part.split(" ")[-1] for part in parts] for parts in words]):
        places = [i for i, parts in enumerate(names) if plain(name) in parts]
        if len(places) == 1 or (places and names is words):
            return places[0]
    near = nearest(plain(name), [part for parts in words for part in parts], 3)
    guess = did_you_mean(near) or "Choose a classifier that does."
    raise UserError(f"the classifier knows no {name!r} among its {len(classes)} classes", "", guess)


def eye_of(network: str, weights: Path | None = None) -> Eye:
    """A classifier's run, or a network of timm.

    Raises:
        UserError: it is neither.
        WorkFailed: published weights cannot be reached.
    """
    if Path(network).exists() or (Path("runs") / network / "config.json").is_file():
        folder = RunFolder.open(Path(network))
        run, _ = reopen(folder)
        known = run.classifier(folder)
        accuracy = folder.read("result.json")["metrics"]["test_accuracy"]
        told = f"{run.network()} of {folder.path.name} ({100 * accuracy:.1f} % on its own test part)"
        return Eye(told, known.classes, lambda pixels: look(known, fitting(pixels, known)).probabilities)
    model, expected = imagenet(network, weights)

    def probabilities(pixels: Tensor) -> Tensor:
        mean, std = (torch.tensor(each)[:, None, None] for each in (expected.mean, expected.std))
        said = []
        for part in torch.split(pixels.expand(-1, 3, -1, -1), AT_ONCE):
            x = nn.functional.interpolate(
                part.float() / 255, size=(expected.side, expected.side), mode="bicubic", antialias=True
            )
            with torch.inference_mode():
                said.append(model((x.clamp(0, 1) - mean) / std).float().softmax(1))
        return torch.cat(said)

    return Eye(f"{network} of timm", imagenet_classes(), probabilities)


def imagenet(name: str, weights: Path | None) -> tuple[nn.Module, timm_net.Expects]:
    """A network of timm with ImageNet's thousand outputs, and what it expects.

    Raises:
        UserError: there is none, or the weights are of another.
    """
    expected = timm_net.expects(name)
    import timm

    model: nn.Module = timm.create_model(name, pretrained=False, num_classes=1000)
    file = weights or timm_net.fetched(name, "Pass --weights FILE.safetensors, or --network RUN of your own.")
    try:
        model.load_state_dict(timm_net.checked_weights(file))
    except RuntimeError as error:
        raise UserError(f"{file} does not fit {name}", f"weights of {name} for 1,000 classes", "") from error
    return model.eval(), expected


def imagenet_classes() -> list[str]:
    """Names of ImageNet's classes in the order of the outputs."""
    from timm.data.imagenet_info import ImageNetInfo

    info = ImageNetInfo("imagenet-1k")
    return [info.index_to_description(i, detailed=False) for i in range(1000)]


def in_words(found: dict[str, Any]) -> str:
    """A verdict as a table for the terminal."""
    classes, made, real = found["classes"], found["generated"], found["real"]
    rows = [(f"{made['n']:,} generated", made)] + ([(f"{real['n']:,} real", real)] if real else [])
    lines = [f" seen by   {found['network']}, {classes:,} classes, as {found['taken_as']}"]
    lines.append(f" {found['class']:<16} {'first':>22} {'among five':>22} {'probability: mean':>18} highest")
    for name, each in rows:
        cells = [share(each[key], each["n"], each[f"{key}_interval"]) for key in ("first", "among")]
        lines.append(
            f" {name:<16} {cells[0]:>22} {cells[1]:>22} {each['mean']:>18.3f} {each['highest']:>7.3f}"
        )
    chance = f"{100 / classes:.1f} %", f"{min(100.0, 100 * TOP / classes):.1f} %"
    lines.append(f" {'chance':<16} {chance[0]:>22} {chance[1]:>22} {1 / classes:>18.3f}")
    return "\n".join(lines)


def share(right: int, n: int, interval: tuple[float, float]) -> str:
    """A share in percent with its interval."""
    low, high = interval
    return f"{100 * right / n:.1f} % [{100 * low:.1f}, {100 * high:.1f}]"
