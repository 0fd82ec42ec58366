"""The end of a run: choose the final weights, test once, and write all that predicting and reporting need."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import torch
from safetensors.torch import load_file, save
from torch import Tensor, nn

from gradschool.data.vision.images import Images
from gradschool.data.vision.loader import evaluation_batches
from gradschool.data.augment.pipeline import Augment, Pipeline
from gradschool.engine.checkpoint import disk_errors, write_whole
from gradschool.engine.device import Machine
from gradschool.engine.loop import Progress
from gradschool.engine.run import RunFolder
from gradschool.engine.shard import whole
from gradschool.engine.update import load_weights
from gradschool.errors import UserError
from gradschool.evals.inference import collect
from gradschool.evals.classification.metrics import negative_log_likelihood, wilson
from gradschool.runs.run import Pieces, Run
from gradschool.runs.vision.classifier import ImageRun

SEEN_AGAIN = 2000  # training images scored once more at the end: enough to see over-fitting


def finish(run: ImageRun, pieces: Pieces, folder: RunFolder, at: Progress) -> None:
    """Score the whole model's final weights on the test part and write them with what is known of them; all
    processes call it. The stepper holds what of the model was trained.
    """
    splits, pipeline, model, stepper = pieces.splits, pieces.pipeline, pieces.model, pieces.stepper
    with final_weights(run, pieces, folder):
        # 1. One look at the test part, and another at some of what was trained on.
        logits, labels = answers(run, model, splits.test, pipeline, stepper.machine)
        step = max(1, len(splits.train) // SEEN_AGAIN)
        again = splits.train.take(torch.arange(0, len(splits.train), step))
        seen, known = answers(run, model, again, pipeline, stepper.machine)
    # 2. The record.
    folder.write("model.json", described(run, splits.test, pipeline, model))
    right = int((logits.argmax(-1) == labels).sum())
    scores = {
        "test_accuracy": right / len(labels),
        "test_loss": negative_log_likelihood(logits, labels),
        "train_accuracy": float((seen.argmax(-1) == known).float().mean()),
    }
    facts = {
        "interval": wilson(right, len(labels)),
        "test_images": len(labels),
        "device": stepper.machine.device,
    }
    course = {"seconds": at.seconds, "steps": at.step, "stopped": at.stopped}
    folder.write("result.json", {"metrics": {**at.scores, **scores}, **facts, **course})


@contextmanager
def final_weights(run: Run, pieces: Pieces, folder: RunFolder) -> Iterator[None]:
    """Inside, the model has the run's final weights: of the last step or the best, averaged where averaging
    is on. They are on the disk before the block begins, so that nothing in it can lose them.
    """
    pieces.stepper.accelerator.wait_for_everyone()
    is_best = run.keep == "best" and pieces.splits.val is not None
    pieces.stepper.load(folder, "best" if is_best else "last")
    with pieces.stepper.averaged():
        held = whole(pieces.model.state_dict())
        weights = {name: value.to("cpu", copy=True).contiguous() for name, value in held.items()}
        if folder.writes:
            with disk_errors(folder.path):
                write_whole(folder.path / "model.safetensors", save(weights))
        yield


def answers(
    run: ImageRun, model: nn.Module, images: Images, pipeline: Pipeline, machine: Machine
) -> tuple[Tensor, Tensor]:
    """Logits and labels of all images, as the run tests: in its precision, mirrored too if it says so."""
    plain = replace(pipeline, augment=Augment())
    batches = ((machine.place(x), y) for x, y in evaluation_batches(images, plain, 2 * run.batch_size))
    return collect(model, batches, machine.autocast, run.flip_test)


def described(run: ImageRun, images: Images, pipeline: Pipeline, model: nn.Module) -> dict[str, Any]:
    """What model.json holds: all that is needed to show the network another picture."""
    _, channels, height, width = images.pixels.shape
    seen, _ = pipeline.eval(images.pixels[:1], images.labels[:1])
    return {
        "classes": list(images.classes),
        "channels": channels,
        "height": height,
        "width": width,
        "mean": list(pipeline.mean),
        "std": list(pipeline.std),
        "input": list(seen.shape[1:]),
        "flip": run.flip_test,
        "parameters": sum(p.numel() for p in model.parameters()),
    }


def rebuilt(folder: RunFolder, run: Run) -> tuple[nn.Module, dict[str, Any]]:
    """The trained model of a finished run in eval mode, and the facts of model.json.

    Raises:
        UserError: the run is not finished.
    """
    facts = folder.read("model.json")
    if not facts or not (folder.path / "model.safetensors").is_file():
        advice = f"Go on with it first: gradschool train --resume {folder.path}"
        raise UserError(f"{folder.path} is not finished", "a finished run", advice)
    model = run.rebuild(facts)
    load_weights(model, load_file(folder.path / "model.safetensors"))
    return model.eval(), facts
