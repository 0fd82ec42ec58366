"""What is transfer worth? A set from scratch, fine-tuned in three ways, with wrong normalisation, with a
frozen body, and from bodies that are of no use: one of random weights, and one that has learnt something
else.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from gradschool.data.augment.pipeline import Augment
from gradschool.practice.ladder import Rung, climb
from gradschool.runs.classification.transfer import TransferRun
from gradschool.runs.request import Request, silent
from gradschool.runs.train import train
from gradschool.runs.vision import backbone as timm_net

ODD = "odd source"


def ways(run: TransferRun) -> dict[str, TransferRun]:
    """The ways to a classifier that are compared: each differs in one thing from another."""
    learnt = replace(run, pretrained=run.weights is None)
    frozen = replace(learnt, mode="frozen", augment=Augment())
    return {
        "scratch": replace(run, mode="scratch", pretrained=False, weights=None),
        "wrong normalisation": replace(learnt, mode="finetune", normalise="data"),
        "fine-tuned": replace(learnt, mode="finetune"),
        "probe, then fine-tuned": replace(learnt, mode="probe_finetune"),
        "low rank": replace(learnt, mode="lora"),
        "frozen": frozen,
        "frozen, wrong normalisation": replace(frozen, normalise="data"),
        "frozen, random body": replace(frozen, pretrained=False, weights=None),
    }


def comparison(
    run: TransferRun, seeds: int, out: Path, only: Sequence[str] = (), odd: str = "mnist"
) -> Iterator[Rung]:
    """The rows of `ways` and one from an odd source, each when it is done.

    Args:
        run: data, backbone and settings that all share.
        seeds: how many, from 0.
        out: folder for the runs.
        only: names of rows; all if empty.
        odd: the set that the odd body learns first, for one epoch, at 32 pixels where the backbone allows.
    Raises:
        UserError: the backbone's weights or a set are not here; said before anything is trained.
    """
    rows = ways(run)
    chosen = {name: rows[name] for name in rows if not only or name in only}
    if any(way.pretrained for way in chosen.values()):
        timm_net.learnt(run.backbone, run.fetch)
    yield from climb(chosen, seeds, out, "transfer")
    if not only or ODD in only:
        side = None if run.expected.is_fixed else 32
        source = replace(
            rows["scratch"],
            data=odd,
            image_size=side,
            epochs=1,
            batch_size=128,
            augment=Augment(),
            flip_test=False,
        )
        body = train(source, Request("transfer", out=out / "odd-body"), say=silent)
        tuned = replace(run, pretrained=False, weights=str(body.path / "model.safetensors"), mode="finetune")
        yield from climb({ODD: tuned}, seeds, out, "transfer")
