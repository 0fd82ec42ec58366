"""Gather what a report needs from a finished run, and have it written."""

from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from gradschool.data.augment.pipeline import Augment, Pipeline
from gradschool.data.examples import Splits
from gradschool.data.vision.images import Images, resized
from gradschool.data.vision.loader import evaluation_batches
from gradschool.data.vision.open import open_set
from gradschool.engine.run import RunFolder
from gradschool.errors import UserError
from gradschool.evals.classification.adapt import adapted, normalisations
from gradschool.evals.report import classes, looks, numbers, trust
from gradschool.evals.report.classes import ClassFacts
from gradschool.evals.report.material import SectionOf
from gradschool.evals.report.page import write_report
from gradschool.phrases import counted
from gradschool.runs.finish import rebuilt
from gradschool.runs.reopen import machine_of, splits_again
from gradschool.runs.vision.classifier import ClassifierRun

ADAPTS_TO = 512  # pictures a batch when statistics are taken: enough for a steady variance


def sections() -> list[SectionOf]:
    """The sections of an image classifier's report, in order."""
    return [
        numbers.training, numbers.rate, classes.classes, classes.confused, looks.mistakes,
        trust.calibrated, trust.abroad, looks.augmented, looks.filters, looks.maps, looks.attention,
        looks.attended, looks.dreams, classes.layers, numbers.settings,
    ]  # fmt: skip


def report(run: ClassifierRun, folder: RunFolder, ood: str | None = None, data: str | None = None) -> Path:
    """Write `report.html` for a run, and ood.json where a second set is named; its data are opened again.

    Args:
        run: its settings.
        folder: the run; an unfinished one gets a report of its curves.
        ood: name or path of a second set, tested on but never trained on.
        data: where the run's data lie now, if they moved.
    """
    is_finished = bool(folder.read("model.json"))
    facts = gathered(run, folder, ood, data) if is_finished else ClassFacts()
    tell_abroad(facts, folder, ood)
    return write_report(folder.path, facts, sections())


def tell_abroad(facts: ClassFacts, folder: RunFolder, ood: str | None) -> None:
    """Write ood.json: how a run did on a second set, if there is one."""
    if scores := trust.compared(facts):
        folder.write("ood.json", {"set": ood, "told": " ".join(trust.in_sentences(scores)), **asdict(scores)})


def gathered(
    run: ClassifierRun, folder: RunFolder, ood: str | None = None, data: str | None = None
) -> ClassFacts:
    """Everything to be told of a finished run; arguments as for `report`."""
    return facts_of(folder, run, splits_again(run, folder, data), ood)


def facts_of(folder: RunFolder, run: ClassifierRun, splits: Splits[Images], ood: str | None) -> ClassFacts:
    """Model, logits and pictures of a finished run."""
    model, facts = rebuilt(folder, run)
    pipeline = run.prepared(facts["mean"], facts["std"], len(facts["classes"]))
    said = partial(logits_of, folder, run, model, pipeline)
    away = second_set(ood, folder, facts) if ood else None
    cured = at_home(folder, model, pipeline, away) if away is not None else None
    generator = torch.Generator().manual_seed(0)
    training = replace(pipeline, augment=replace(run.augment, mixup=0.0, cutmix=0.0))

    def shown_in_training(pixels: Tensor) -> Tensor:
        labels = torch.zeros(len(pixels), dtype=torch.int64)
        return training.train(pixels, labels, generator, 1.0)[0]

    return ClassFacts(
        splits=splits,
        model=model,
        transform=lambda pixels: pipeline.eval(pixels, torch.zeros(len(pixels), dtype=torch.int64))[0],
        augment=shown_in_training if changes_pictures(training.augment) else None,
        mean=facts["mean"],
        std=facts["std"],
        test_logits=said(splits.test),
        val_logits=said(splits.val) if splits.val is not None else None,
        ood=away,
        ood_logits=said(away) if away is not None else None,
        ood_adapted=logits_of(folder, run, cured, pipeline, away) if away is not None and cured else None,
    )


def changes_pictures(augment: Augment) -> bool:
    """Whether anything is changed at all: how edges are filled, say, changes nothing by itself."""
    manner = {name: getattr(augment, name) for name in ("edge", "mix_share", "magnitude", "blur_sigma")}
    return augment != Augment(**manner)


def at_home(folder: RunFolder, model: nn.Module, pipeline: Pipeline, images: Images) -> nn.Module | None:
    """The model with statistics of another set mixed in; None where it keeps none, or classes differ."""
    if not normalisations(model) or images.classes != tuple(folder.read("model.json")["classes"]):
        return None
    machine = machine_of(folder)
    plain = replace(pipeline, augment=Augment())
    batches = (machine.place(x) for x, _ in evaluation_batches(images, plain, ADAPTS_TO))
    return adapted(machine.place_module(model), batches, machine.autocast)


def logits_of(
    folder: RunFolder, run: ClassifierRun, model: torch.nn.Module, pipeline: Pipeline, images: Images
) -> Tensor:
    """What the model says about a split, computed as the run itself computed."""
    machine = machine_of(folder)
    return run.answers(machine.place_module(model), images, pipeline, machine)[0]


def second_set(name: str, folder: RunFolder, facts: dict[str, Any]) -> Images:
    """All images of a second set, brought to the size that the run was trained on.

    Raises:
        UserError: its images have another number of channels.
    """
    splits = open_set(name, size=facts["height"], val=0.0)
    parts = [part for part in (splits.train, splits.val, splits.test) if part is not None]
    pixels, labels = torch.cat([p.pixels for p in parts]), torch.cat([p.labels for p in parts])
    if pixels.shape[1] != facts["channels"]:
        raise UserError(
            f"{name} has {counted(pixels.shape[1], 'channel')}",
            f"{facts['channels']} as in {folder.path}",
            "",
        )
    pixels = resized(pixels, facts["height"], facts["width"])  # a set of arrays comes in its own size
    return Images(pixels, labels, parts[0].classes, [n for p in parts for n in p.names])
