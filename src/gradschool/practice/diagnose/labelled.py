"""What a classification run learns from, as rows of features with their labels, whatever its examples are."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

import torch
from jaxtyping import Int64
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d

from gradschool.data.examples import Splits
from gradschool.data.vision.images import Images
from gradschool.engine.task import Batch
from gradschool.runs.run import Pieces
from gradschool.tasks.classify import Classify
from gradschool.tasks.classify_sequences import ClassifySequences

MOST = 2000  # training examples that are looked at
SIDE = 12  # pixels a side to which pictures are shrunk
WORDS = 512  # columns into which tokens are counted


@dataclass(frozen=True)
class Labelled:
    """Examples of the training part, without random changes.

    Args:
        raw: as they are stored, (n, d): where a column may tell the label.
        x: features for neighbours and linear models, (n, d), float32.
        y: labels (n,).
        counts: of each class, over the whole training part where that is known.
        held: raw rows of the held-out part, where they can be compared with those of the training part.
    """

    raw: Tensor
    x: Tensor
    y: Int64[Tensor, " n"]
    counts: Int64[Tensor, " classes"]
    held: Tensor | None


def labelled(pieces: Pieces) -> Labelled | None:
    """The examples of a classification run; None for runs that do something else."""
    if not isinstance(pieces.task, Classify | ClassifySequences):
        return None
    train = pieces.splits.train
    if isinstance(train, Images) and train.labels.dim() == 1:
        return of_pictures(pieces.splits)
    rows = of_batches(pieces.batches.epoch(0))
    if rows is None:
        return None
    raw, x, y = rows
    held = of_batches(pieces.held_out())
    # Counts of tokens do not tell one text from another.
    is_alike = held is not None and held[0].shape[1:] == raw.shape[1:] and not is_counted(pieces)
    labels = getattr(train, "labels", y)
    return Labelled(raw, x, y, labels.bincount(), held[0] if held is not None and is_alike else None)


def is_counted(pieces: Pieces) -> bool:
    """Whether the inputs are tokens, of which features are counts."""
    return not next(iter(pieces.batches.epoch(0)))[0].is_floating_point()


def of_pictures(splits: Splits[Images]) -> Labelled:
    """Stored pixels, and small pictures as features."""
    train = splits.train
    index = torch.linspace(0, len(train) - 1, min(MOST, len(train))).round().long().unique()  # type: ignore[no-untyped-call]
    pixels = train.pixels[index]
    small = pixels.float() / 255
    if max(pixels.shape[-2:]) > SIDE:
        small = adaptive_avg_pool2d(small, SIDE)
    counts = train.labels.bincount(minlength=len(train.classes))
    return Labelled(pixels.flatten(1), small.flatten(1), train.labels[index], counts, None)


def of_batches(batches: Iterator[Batch]) -> tuple[Tensor, Tensor, Tensor] | None:
    """Raw rows, features and labels of the first batches; None where they are of no kind that is known."""
    raws, rows, labels, count = [], [], [], 0
    for batch in islice(batches, MOST):
        made = features(batch)
        if made is None:
            return None
        raws.append(made[0])
        rows.append(made[1])
        labels.append(batch[-1])
        count += len(batch[-1])
        if count >= MOST:
            break
    if not rows or len({each.shape[1] for each in raws}) > 1:
        return (torch.cat(rows), torch.cat(rows), torch.cat(labels)) if rows else None
    return torch.cat(raws), torch.cat(rows), torch.cat(labels)


def features(batch: Batch) -> tuple[Tensor, Tensor] | None:
    """A batch as rows: values as they are, sequences by mean and deviation over time, tokens counted."""
    x, y = batch[0], batch[-1]
    if y.is_floating_point() or y.dim() != 1 or len(x) != len(y):
        return None
    if not x.is_floating_point():
        if x.dim() != 2:
            return None
        counts = torch.zeros(len(x), WORDS)
        counts.scatter_add_(1, x.cpu() % WORDS, (x.cpu() != 0).float())
        return counts, counts
    x = x.detach().float().cpu()
    if x.dim() == 3 and len(batch) == 3:  # sequences with their lengths, padded with zeros
        n = batch[1].cpu().clamp(min=1)[:, None]
        mean = x.sum(1) / n
        deviation = (x.square().sum(1) / n - mean.square()).clamp(min=0).sqrt()
        made = torch.cat([mean, deviation], 1)
        return made, made
    return x.flatten(1), x.flatten(1)
