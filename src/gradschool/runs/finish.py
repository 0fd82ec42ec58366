"""The end of a run: choose the final weights, write what was reached, and load them again later."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from safetensors.torch import save
from torch import nn

from gradschool.engine.checkpoint import disk_errors, write_whole
from gradschool.engine.loop import Progress
from gradschool.engine.run import RunFolder
from gradschool.engine.shard import whole
from gradschool.engine.update import load_weights
from gradschool.engine.weights import read_weights
from gradschool.errors import UserError
from gradschool.evals.metric import described
from gradschool.phrases import command
from gradschool.runs.run import Pieces, Run


def write_result(
    run: Run, pieces: Pieces, folder: RunFolder, at: Progress, scores: Mapping[str, float], **facts: Any
) -> None:
    """Write result.json.

    Args:
        run: says what its numbers mean.
        pieces: of the run.
        folder: of the run.
        at: where training ended.
        scores: of the final weights on the test part, each name starting with `test_`, and others.
        facts: what else a reader should know.
    """
    # Scores on the validation part are those of the weights that are kept.
    kept = at.kept if run.keep == "best" else {}
    reached = {name: score for name, score in (kept or at.scores).items() if name != "step"}
    known = {
        "metrics": {**reached, **scores},
        "main": f"test_{run.monitor}",
        "about": described(run.metrics),
    }
    place = {"tested": len(pieces.splits.test), "device": pieces.stepper.machine.device}
    course: dict[str, Any] = {"seconds": at.seconds, "steps": at.step, "stopped": at.stopped}
    if kept:
        course["kept_step"] = int(kept["step"])
    folder.write("result.json", {**known, **facts, **place, **course})


@contextmanager
def final_weights(run: Run, pieces: Pieces, folder: RunFolder) -> Iterator[None]:
    """Inside, the model has the run's final weights: of the last step or the best, averaged where averaging
    is on. They are on the disk before the block begins, so that nothing in it can lose them.
    """
    pieces.stepper.accelerator.wait_for_everyone()
    is_best = run.keep == "best" and pieces.splits.val is not None
    pieces.stepper.load(folder, "best" if is_best else "last")
    with pieces.stepper.averaged():
        held = whole(run.stored(pieces.model).state_dict())
        weights = {name: value.to("cpu", copy=True).contiguous() for name, value in held.items()}
        if folder.writes:
            with disk_errors(folder.path):
                write_whole(folder.path / "model.safetensors", save(weights))
        yield


def rebuilt(folder: RunFolder, run: Run) -> tuple[nn.Module, dict[str, Any]]:
    """The trained model of a finished run in eval mode, and the facts of model.json.

    Raises:
        UserError: the run is not finished.
    """
    facts = folder.read("model.json")
    if not facts or not (folder.path / "model.safetensors").is_file():
        advice = f"Go on with it first: {command('train --resume', folder.path)}"
        raise UserError(f"{folder.path} is not finished", "a finished run", advice)
    model = run.rebuild(facts)
    load_weights(model, read_weights(folder.path / "model.safetensors"))
    return model.eval(), facts
