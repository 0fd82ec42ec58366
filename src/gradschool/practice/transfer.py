"""What is transfer worth? A set from scratch, fine-tuned with wrong and right normalisation, with a frozen
body, and from a body that has learnt something else.
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
    """The four ways to a classifier that are compared: each differs in one thing from its neighbour."""
    learnt = replace(run, pretrained=run.weights is None)
    return {
        "scratch": replace(run, mode="scratch", pretrained=False, weights=None),
        "wrong normalisation": replace(learnt, mode="finetune", normalise="data"),
        "fine-tuned": replace(learnt, mode="finetune"),
        "frozen": replace(learnt, mode="frozen", augment=Augment()),
    }


def comparison(
    run: TransferRun, seeds: int, out: Path, only: Sequence[str] = (), odd: str = "mnist"
) -> Iterator[Rung]:
    """A set from scratch, fine-tuned with wrong and right normalisation, frozen, and from an odd source.

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
        timm_net.fetched(run.backbone)
    yield from climb(chosen, seeds, out, "hymenoptera_transfer")
    if not only or ODD in only:
        side = None if timm_net.expects(run.backbone).is_fixed else 32
        source = replace(
            rows["scratch"],
            data=odd,
            image_size=side,
            epochs=1,
            batch_size=128,
            augment=Augment(),
            flip_test=False,
        )
        body = train(source, Request("hymenoptera_transfer", out=out / "odd-body"), say=silent)
        tuned = replace(run, pretrained=False, weights=str(body.path / "model.safetensors"), mode="finetune")
        yield from climb({ODD: tuned}, seeds, out, "hymenoptera_transfer")
