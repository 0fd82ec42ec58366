"""Sections of a report about an encoder that learnt without labels: what is alike to it, what it draws."""

from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from gradschool.data.augment.pipeline import Pipeline
from gradschool.data.rows import seeded
from gradschool.data.vision.images import Images
from gradschool.evals.classification.rollout import attentions, patch_maps
from gradschool.evals.inference import device_of
from gradschool.evals.report import charts, html
from gradschool.evals.report.html import Picture, Section
from gradschool.evals.report.material import in_words
from gradschool.ops.practice.masking import cut_patches, join_patches
from gradschool.ops.practice.neighbours import nearest

ROWS, NEAREST, SHOWN, AT_ONCE = 6, 6, 6, 256


def neighbours(body: nn.Module, pipeline: Pipeline, bank: Images, test: Images) -> Section:
    """A few test pictures, each with the training pictures that are nearest to it."""
    # 1. Features of both, and who is nearest to whom.
    asked = test.take(torch.linspace(0, len(test) - 1, min(ROWS, len(test))).long())
    near, places = nearest(features(body, pipeline, asked), features(body, pipeline, bank), NEAREST)
    # 2. A row for each.
    labelled = len(test.classes) > 1
    rows = []
    for i, pixels in enumerate(arrays(asked.pixels)):
        own = in_words(test.classes[int(asked.labels[i])]) if labelled else f"test picture {i + 1}"
        pictures = [Picture(pixels, f"{own}, a test picture", (own,))]
        found = bank.take(places[i])
        for other, label, cosine in zip(
            arrays(found.pixels), found.labels.tolist(), near[i].tolist(), strict=True
        ):
            name = in_words(bank.classes[label]) if labelled else "a neighbour"
            good = label == int(asked.labels[i]) if labelled else None
            alt = f"{name}, a training picture with cosine {cosine:.2f}"
            pictures.append(Picture(other, alt, (name, f"{cosine:.2f}"), good))
        rows.append(html.gallery(pictures, 72))
    reading = (
        f"First in each row a test picture, then the {min(NEAREST, len(bank))} training pictures whose "
        "features have the largest cosine to its own. The encoder never saw a class: what they share is "
        "what it learnt."
    )
    return Section("Nearest neighbours", reading, html.join(rows))


def views(pipeline: Pipeline, train: Images) -> Section:
    """What is to be alike: two views of a few training pictures."""
    shown = train.take(torch.linspace(0, len(train) - 1, min(SHOWN, len(train))).long())
    both = pipeline.train(shown.pixels, shown.labels, seeded("views"), 1.0)
    whole, _ = pipeline.eval(shown.pixels, shown.labels)
    columns = [arrays(pixels_of(each, pipeline)) for each in (whole, *both)]
    pictures = [
        Picture(np.concatenate(row, 1), f"training picture {i + 1} and two views of it")
        for i, row in enumerate(zip(*columns, strict=True))
    ]
    reading = (
        "Whatever two views have in common and other pictures do not may be learnt; what a view hides is not."
    )
    return Section("Views", f"A picture and two views of it. {reading}", html.gallery(pictures, 210))


def reconstructions(
    model: Any,
    pipeline: Pipeline,
    x: Float[Tensor, "n c h w"],
    hidden: Bool[Tensor, "n k"],
    normalised: bool,
) -> Section:
    """Pictures, what the encoder is shown of them, and what the decoder draws."""
    device, side = device_of(model), model.body.patch
    rows = x.shape[2] // side
    # 1. Patches as they are, and as they are drawn; a scale of its own is given back to each.
    patches = cut_patches(x, side)
    drawn = model(x.to(device), hidden.to(device)).float().cpu()
    if normalised:
        drawn = drawn * patches.std(2, keepdim=True) + patches.mean(2, keepdim=True)
    grey = torch.zeros_like(patches)
    # 2. Three pictures each.
    kinds = [patches, *(torch.where(hidden[..., None], each, patches) for each in (grey, drawn))]
    columns = [arrays(pixels_of(join_patches(each, side, rows), pipeline)) for each in kinds]
    pictures = [
        Picture(np.concatenate(row, 1), f"test picture {i + 1}, as it is, as it is shown, as it is drawn")
        for i, row in enumerate(zip(*columns, strict=True))
    ]
    reading = (
        "Test pictures; their hidden patches are grey in the middle, and drawn by the decoder on the right."
    )
    if normalised:
        reading += (
            " Their brightness and contrast are given to them: the decoder draws what is inside a patch."
        )
    return Section("Reconstructions", reading, html.gallery(pictures, 240))


def attended(body: nn.Module, pipeline: Pipeline, test: Images) -> Section | None:
    """Where the features of a vision transformer come from."""
    if not attentions(body):
        return None
    shown = test.take(torch.linspace(0, len(test) - 1, min(SHOWN, len(test))).long())
    x, _ = pipeline.eval(shown.pixels, shown.labels)
    maps = patch_maps(body, x.to(device_of(body))).float().cpu().numpy()
    pictures = []
    for i, (pixels, seen) in enumerate(zip(arrays(shown.pixels), maps, strict=True)):
        beside = np.concatenate(
            [np.broadcast_to(pixels, (*pixels.shape[:2], 3)), charts.heat(pixels, seen)], 1
        )
        pictures.append(Picture(beside, f"test picture {i + 1} and its attention"))
    reading = (
        "Beside each picture its attention roll-out: yellow patches reach the features most. Nobody told the "
        "encoder where the thing is."
    )
    return Section("Attention roll-out", reading, html.gallery(pictures, 170))


def features(body: nn.Module, pipeline: Pipeline, images: Images) -> Float[Tensor, "n d"]:
    """Of all pictures, on the CPU."""
    device, found = device_of(body), []
    for start in range(0, len(images), AT_ONCE):
        part = slice(start, start + AT_ONCE)
        x, _ = pipeline.eval(images.pixels[part], images.labels[part])
        found.append(body(x.to(device)).float().cpu())
    return torch.cat(found)


def arrays(pixels: Tensor) -> list[np.ndarray]:
    """(b, c, h, w) as a list of (h, w, c)."""
    return list(pixels.permute(0, 2, 3, 1).numpy())


def pixels_of(x: Tensor, pipeline: Pipeline) -> Tensor:
    """Normalised floats back to bytes."""
    mean, std = (torch.tensor(each)[:, None, None] for each in (pipeline.mean, pipeline.std))
    return ((x.float().cpu() * std + mean) * 255).round().clamp(0, 255).to(torch.uint8)
