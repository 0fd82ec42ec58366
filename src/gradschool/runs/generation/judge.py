"""A frozen classifier that knows a set's classes, and what it counts among generated pictures.

It is a run of the project's own recipes, trained at first need and kept in the user's cache.
"""

import hashlib
import shutil
from dataclasses import replace

import torch
from torch import nn

from gradschool.data.cache import cache_folder
from gradschool.data.examples import Splits
from gradschool.data.vision.images import Images
from gradschool.engine.run import RunFolder
from gradschool.errors import UserError, WorkFailed
from gradschool.evals.generation.coverage import Coverage, coverage, shares_of
from gradschool.runs.run import Request, Say
from gradschool.recipes.vision.cifar10 import cifar10
from gradschool.recipes.vision.digits import digits
from gradschool.runs.generation.generator import Ask, GenerativeRun
from gradschool.runs.vision.classifier import ImageRun
from gradschool.recipes.vision.mnist import mnist
from gradschool.runs.reopen import reopen
from gradschool.runs.generation.score import AT_ONCE, as_stored, look
from gradschool.runs.serve import classifier
from gradschool.runs.train import silent, train


class NotJudged(WorkFailed):
    """The classifier's training was stopped or failed: what it was to look at is as good as before."""


def judge_for(run: GenerativeRun, splits: Splits, say: Say = print) -> RunFolder:
    """The classifier of what a generator is trained on, from the cache or trained now (a minute or two).

    Args:
        run: how pictures are made.
        splits: what it is trained on.
        say: told that a second training begins.
    Raises:
        NotJudged: the classifier's training was stopped.
    """
    folder = cache_folder() / "judges" / f"{splits.name}-{key(run, splits.train)}"
    if not (folder / "result.json").is_file():
        shutil.rmtree(folder, ignore_errors=True)  # one that was cut short
        recipe, judge = classifying(run, splits.train)
        say("Training the classifier that counts classes in new pictures (a minute or two, once; then kept).")
        try:
            with torch.inference_mode(False), torch.enable_grad():  # whoever asks may only look
                train(judge, Request(recipe, out=folder), say=silent)
        except WorkFailed as error:
            what = "the classifier that counts classes was not trained to its end"
            raise NotJudged(what, "", "It begins anew when it is needed again.") from error
    return RunFolder(folder)


def judge_of(folder: RunFolder) -> RunFolder:
    """The classifier that scores a finished generator: of its set at the stored size, whatever size it makes,
    so that all generators of a set are seen by the same eyes.

    Raises:
        UserError: the run is no generator, or its pictures are of one class.
    """
    run, request = reopen(folder)
    if not isinstance(run, GenerativeRun):
        raise UserError(f"{folder.path} is no generator", "a run such as vae_mnist", "See: gradschool train")
    splits = run.open(request.seed)
    if len(splits.train.classes) < 2:
        advice = "Name a classifier's run: --network RUN"
        raise UserError(f"{splits.name} has one class, so no classifier can be trained on it", "", advice)
    return judge_for(replace(run, size=None), splits)


def classifying(run: GenerativeRun, images: Images) -> tuple[str, ImageRun]:
    """A quick recipe for pictures of this kind, and its name."""
    channels, side = images.pixels.shape[1], min(run.shape(images)[1:])
    name, base = ("digits", digits()) if side < 16 else ("mnist", mnist())
    if channels == 3 and side >= 16:
        name, base = "cifar10", replace(cifar10(), epochs=2, model_options={"stride": 2})
    sizes = ((0.0, run.size),) if run.size else ()
    return name, replace(
        base, data=run.data, image_size=run.image_size, sizes=sizes, test_size=run.size, val=0.0
    )


def key(run: GenerativeRun, images: Images) -> str:
    """Names what the classifier learns from: another set or size needs another."""
    some = images.pixels[:: max(1, len(images) // 100)].contiguous().numpy()
    facts = f"{run.data}|{run.size}|{tuple(images.pixels.shape)}|{images.classes}"
    return hashlib.sha256(facts.encode() + some.tobytes()).hexdigest()[:12]


def counted(run: GenerativeRun, model: nn.Module, splits: Splits, judge: RunFolder, n: int) -> Coverage:
    """Generate n pictures and count their classes.

    Args:
        run: knows how to ask.
        model: in eval mode.
        splits: what it was trained on.
        judge: a finished run of a classifier of the same classes.
        n: pictures, of a conditional model in turn of every class.
    """
    eye, classes = classifier(judge), len(splits.train.classes)
    generator = torch.Generator().manual_seed(0)
    seen, asked = [], torch.arange(n) % classes
    for start in range(0, n, AT_ONCE):
        labels = asked[start : start + AT_ONCE]
        ask = Ask(len(labels), generator, labels if run.conditional else None)
        with torch.inference_mode():
            pictures = run.generate(model, ask)
        seen.append(look(eye, as_stored(pictures)).probabilities)
    shares = shares_of(splits.train.labels, classes)
    return coverage(torch.cat(seen), shares, asked if run.conditional else None)


def described(judge: RunFolder) -> str:
    """The judge in words: what it is and how well it knows real pictures."""
    run, _ = reopen(judge)
    accuracy = judge.read("result.json")["metrics"]["test_accuracy"]
    return f"a {run.network()} of our own ({100 * accuracy:.1f} % right on the test part)"
