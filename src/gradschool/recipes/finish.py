"""The end of a run: choose the final weights, test once, and write all that predicting and reporting need."""

from dataclasses import replace
from typing import Any

import torch
from safetensors.torch import load_file, save
from torch import Tensor, nn

from gradschool.data.cache import cache_folder
from gradschool.data.images import Images, Splits
from gradschool.data.loader import evaluation_batches
from gradschool.data.pipeline import Augment, Pipeline
from gradschool.engine.checkpoint import disk_errors, write_whole
from gradschool.engine.device import Machine, choose
from gradschool.engine.loop import Progress
from gradschool.engine.run import RunFolder
from gradschool.engine.shard import whole
from gradschool.engine.update import Stepper, load_weights
from gradschool.errors import UserError
from gradschool.evals.inference import collect
from gradschool.evals.metrics import negative_log_likelihood, wilson
from gradschool.recipes.image import ImageRun

SEEN_AGAIN = 2000  # training images scored once more at the end: enough to see over-fitting


def finish(
    run: ImageRun, splits: Splits, pipeline: Pipeline, model: nn.Module, stepper: Stepper, folder: RunFolder,
    at: Progress,
) -> None:  # fmt: skip
    """Score the whole model's final weights on the test part and write them with what is known of them; all
    processes call it. The stepper holds what of the model was trained.
    """
    # 1. The final weights: of the last step or the best, averaged where averaging is on.
    stepper.accelerator.wait_for_everyone()
    stepper.load(folder, "best" if run.keep == "best" and splits.val is not None else "last")
    with stepper.averaged():
        # 2. One look at the test part, and another at some of what was trained on.
        logits, labels = answers(run, model, splits.test, pipeline, stepper.machine)
        step = max(1, len(splits.train) // SEEN_AGAIN)
        again = splits.train.take(torch.arange(0, len(splits.train), step))
        seen, known = answers(run, model, again, pipeline, stepper.machine)
        weights = {name: value.cpu().contiguous() for name, value in whole(model.state_dict()).items()}
    # 3. The record.
    if folder.writes:
        with disk_errors(folder.path):
            write_whole(folder.path / "model.safetensors", save(weights))
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


def machine_of(folder: RunFolder) -> Machine:
    """The machine that a run computed on, if it is here; else this one."""
    found = folder.read("environment.json")
    try:
        choose(found["device"], "fp32")
    except (UserError, KeyError):
        return choose("auto", "auto", cache_folder())
    return Machine(**{name: found[name] for name in Machine.__annotations__})


def rebuilt(folder: RunFolder, run: ImageRun) -> tuple[nn.Module, dict[str, Any]]:
    """The trained model of a finished run in eval mode, and the facts of model.json.

    Raises:
        UserError: the run is not finished.
    """
    facts = folder.read("model.json")
    if not facts or not (folder.path / "model.safetensors").is_file():
        advice = f"Go on with it first: gradschool train --resume {folder.path}"
        raise UserError(f"{folder.path} is not finished", "a finished run", advice)
    model = run.build_model(len(facts["classes"]), facts["channels"])
    load_weights(model, load_file(folder.path / "model.safetensors"))
    return model.eval(), facts
