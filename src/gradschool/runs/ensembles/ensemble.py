"""Several finished runs as one: the ensemble is a run folder that holds its members, and how to mix them.

Its folder stands alone: `member-01`, `member-02` ... (or `fold-1`, `fold-2` ...) are run folders themselves,
copied without their checkpoints; `blend.safetensors` holds the weights. It knows nothing of what its members
are asked about: pictures and texts go through the members' own commands.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar, Literal

import torch
from safetensors.torch import save
from torch import Tensor

from gradschool.data.examples import Splits
from gradschool.engine.checkpoint import write_whole
from gradschool.engine.run import RunFolder
from gradschool.engine.weights import read_weights
from gradschool.errors import UserError
from gradschool.evals.classification.blend import Blend
from gradschool.evals.metric import ACCURACY, LOSS, Metric
from gradschool.phrases import command, counted
from gradschool.runs.kind import Answer, Kind, Progress, Skip
from gradschool.runs.kinds import find_kind
from gradschool.runs.reopen import reopen
from gradschool.runs.settings import from_dict

How = Literal["mean", "logits", "greedy", "simplex", "stack", "soup", "greedy-soup"]
Fit = Literal["none", "val", "oof"]
BLEND, HELD_OUT = "blend.safetensors", "held_out.safetensors"
SMALLEST = 1e-30  # a probability that was rounded to 0 still has a logarithm


@dataclass(frozen=True, kw_only=True)
class Ensemble(Kind):
    """What all ensembles share; a wing adds its report."""

    metrics: ClassVar[tuple[Metric, ...]] = (ACCURACY, replace(LOSS, unit="nats", note="cross-entropy"))

    data: str
    """Name of the data set of the members, or its path."""
    how: How = "mean"
    """How their answers are mixed."""
    fit: Fit = "none"
    """What the weights were fitted on: validation part, out-of-fold predictions, or nothing."""
    members: tuple[str, ...] = ()
    """The members as they were named."""
    folds: int = 0
    """Of a run over folds: how many."""
    pooled: bool = False
    """Whether training and validation part are one, as they are for a run over folds."""
    of: dict[str, Any] = field(default_factory=dict)
    """Kind, seed and settings of the first member, which say what the data are."""

    def base(self) -> Any:
        """The settings of the first member."""
        return from_dict(find_kind(self.of["kind"]), self.of["settings"])

    def open(self, seed: int, data: str | None = None) -> Splits[Any]:
        """The data of the members; `data` says where they lie now, if they moved."""
        base = self.base()
        found: Splits[Any] = (base.whole if self.pooled else base.open)(self.of["seed"], data)
        return found

    def inside(self, folder: RunFolder) -> list[tuple[Any, RunFolder]]:
        """Settings and folder of each member that counts.

        Raises:
            UserError: the ensemble is not finished.
        """
        facts = folder.read("model.json")
        if not facts:
            advice = f"Go on with it: {command('train --resume', folder.path)}" if self.folds else ""
            raise UserError(f"{folder.path} is not finished", "a finished run", advice)
        inner = [RunFolder.open(folder.path / name) for name in facts["parts"]]
        return [(reopen(each)[0], each) for each in inner]

    def leaf(self, folder: RunFolder) -> tuple[Any, RunFolder]:
        """Settings and folder of the first member that is no ensemble itself."""
        run, inner = self.inside(folder)[0]
        return run.leaf(inner) if isinstance(run, Ensemble) else (run, inner)

    def blend(self, folder: RunFolder) -> Blend:
        """How the answers are mixed."""
        kept = read_weights(folder.path / BLEND)
        mixing = folder.read("model.json")["mixing"]
        return Blend(mixing, kept["weights"], kept.get("layer"), kept.get("bias"))

    def said(self, folder: RunFolder, examples: Any) -> Tensor:
        """The log-probabilities of the ensemble for examples of its kind, (n, classes)."""
        logits = [run.said(inner, examples) for run, inner in self.inside(folder)]
        return self.blend(folder)(torch.stack(logits)).float()

    def predict(
        self, folder: RunFolder, files: Sequence[Path], top: int, progress: Progress, skip: Skip
    ) -> Iterator[Answer]:
        """What the ensemble says of files: every member is asked, and their answers are mixed."""
        classes, members = folder.read("model.json")["classes"], self.inside(folder)
        every = [
            run.predict(inner, files, len(classes), *((nobody, nobody) if number else (progress, skip)))
            for number, (run, inner) in enumerate(members)
        ]
        blend = self.blend(folder)
        for answers in zip(*every, strict=True):
            yield mixed(answers, blend, classes, top)

    def conclusion(self, result: dict[str, Any], curve: str) -> str:
        """Test accuracy with its interval, and how it compares with the plain mean of the members."""
        (low, high), test = result["interval"], result["metrics"]["test_accuracy"]
        count = counted(result["tested"], "test example")
        lines = [f" accuracy {100 * test:.1f} % of {count} [{100 * low:.1f}, {100 * high:.1f}]"]
        return "\n".join([*lines, *(f" {head:<8} {text}" for head, text in result["told"])])


def nobody(*_: Any) -> None:
    """Is told nothing, while the first member tells."""


def mixed(answers: Sequence[Any], blend: Blend, classes: Sequence[str], top: int) -> Any:
    """One answer of several members' about the same example: the first's, with classes and shares of all."""
    shares = [dict(answer.top) for answer in answers]
    rows = torch.tensor([[share[name] for name in classes] for share in shares], dtype=torch.float64)
    best = blend(rows.clamp(min=SMALLEST).log()[:, None]).exp()[0].topk(min(top, len(classes)))
    found = [
        (classes[i], share) for i, share in zip(best.indices.tolist(), best.values.tolist(), strict=True)
    ]
    return replace(answers[0], top=found)


def write_blend(folder: RunFolder, blend: Blend, parts: Sequence[str], classes: Sequence[str]) -> None:
    """Write how members are mixed: blend.safetensors and model.json.

    Args:
        folder: of the ensemble.
        blend: with a weight for each part.
        parts: names of the members' folders inside it.
        classes: in label order.
    """
    kept = {"weights": blend.weights, "layer": blend.layer, "bias": blend.bias}
    held = {name: value.contiguous() for name, value in kept.items() if value is not None}
    write_whole(folder.path / BLEND, save(held))
    folder.write("model.json", {"mixing": blend.mixing, "parts": list(parts), "classes": list(classes)})
