"""A frozen classifier that knows a set's classes, and what it counts among generated pictures.

It is a run of our own, trained at first need and kept in the user's cache.
"""

import hashlib
import shutil
from dataclasses import replace
from typing import Any

import torch
from torch import nn

from gradschool.data.augment.pipeline import Augment
from gradschool.data.cache import cache_folder
from gradschool.data.examples import Splits
from gradschool.data.vision.images import Images
from gradschool.engine.run import RunFolder
from gradschool.errors import UserError, WorkFailed
from gradschool.evals.generation.coverage import Coverage, coverage, shares_of
from gradschool.models.vision.lenet import lenet_digits
from gradschool.models.vision.resnet9 import resnet9
from gradschool.phrases import command
from gradschool.runs.generation.ask import Ask
from gradschool.runs.generation.generator import GenerativeRun
from gradschool.runs.generation.score import AT_ONCE, as_stored, look
from gradschool.runs.reopen import reopen
from gradschool.runs.request import Request, Say, silent
from gradschool.runs.train import train
from gradschool.runs.vision.classifier import ClassifierRun


class NotJudged(WorkFailed):
    """The classifier's training was stopped or failed: what it was to look at is as good as before."""


def judge_for(run: GenerativeRun, splits: Splits[Images], say: Say = print) -> RunFolder:
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
        say("Training the classifier that counts classes in new pictures (a minute or two, once; then kept).")
        try:
            with torch.inference_mode(False), torch.enable_grad():  # whoever asks may only look
                train(eye(run, splits.train), Request("judge", out=folder), say=silent)
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
        raise UserError(
            f"{folder.path} is no generator", "a run such as vae_mnist", f"See: {command('train')}"
        )
    splits = run.open(request.seed)
    if len(splits.train.classes) < 2:
        advice = "Name a classifier's run: --network RUN"
        raise UserError(f"{splits.name} has one class, so no classifier can be trained on it", "", advice)
    return judge_for(replace(run, size=None), splits)


def eye(run: GenerativeRun, images: Images) -> ClassifierRun:
    """A quick classifier of pictures of this kind: LeNet below 16 pixels, else a small residual network."""
    channels, side = images.pixels.shape[1], min(run.shape(images)[1:])
    sizes = ((0.0, run.size),) if run.size else ()
    if side < 16:
        quick = ClassifierRun(
            data=run.data,
            model=lenet_digits,
            epochs=30,
            batch_size=64,
            learning_rate=4e-3,
            ema=0.95,
            threads=1,
        )
    else:
        grey: dict[str, Any] = {"widths": (32, 64), "stem": 16, "stride": 2}
        quick = ClassifierRun(
            data=run.data, model=resnet9, model_options=grey, epochs=2, optimizer="nesterov",
            learning_rate=0.1, weight_decay=5e-4, warmup=0.25, augment=Augment(crop_padding=2), ema=0.98,
            evaluations=1,
        )  # fmt: skip
    if channels == 3 and side >= 16:
        changes = Augment(flip=True, crop_padding=3, edge="mirror")
        quick = replace(
            quick, model_options={"stride": 2}, weight_decay=2e-3, label_smoothing=0.1, augment=changes,
            flip_test=True, ema=None, evaluations=4,
        )  # fmt: skip
    return replace(quick, image_size=run.image_size, sizes=sizes, test_size=run.size, val=0.0)


def key(run: GenerativeRun, images: Images) -> str:
    """Names what the classifier learns from: another set or size needs another."""
    some = images.pixels[:: max(1, len(images) // 100)].contiguous().numpy()
    facts = f"{run.data}|{run.size}|{tuple(images.pixels.shape)}|{images.classes}"
    return hashlib.sha256(facts.encode() + some.tobytes()).hexdigest()[:12]


def counted(
    run: GenerativeRun, model: nn.Module, splits: Splits[Images], judge: RunFolder, n: int
) -> Coverage:
    """Generate n pictures and count their classes.

    Args:
        run: knows how to ask.
        model: in eval mode.
        splits: what it was trained on.
        judge: a finished run of a classifier of the same classes.
        n: pictures, of a conditional model in turn of every class.
    """
    known, classes = reopen(judge)[0].classifier(judge), len(splits.train.classes)
    generator = torch.Generator().manual_seed(0)
    seen, asked = [], torch.arange(n) % classes
    for start in range(0, n, AT_ONCE):
        labels = asked[start : start + AT_ONCE]
        ask = Ask(len(labels), generator, labels if run.conditional else None)
        with torch.inference_mode():
            pictures = run.generate(model, ask)
        seen.append(look(known, as_stored(pictures)).probabilities)
    shares = shares_of(splits.train.labels, classes)
    return coverage(torch.cat(seen), shares, asked if run.conditional else None)


def described(judge: RunFolder) -> str:
    """The judge in words: what it is and how well it knows real pictures."""
    run, _ = reopen(judge)
    accuracy = judge.read("result.json")["metrics"]["test_accuracy"]
    return f"a {run.network()} of our own ({100 * accuracy:.1f} % right on the test part)"
