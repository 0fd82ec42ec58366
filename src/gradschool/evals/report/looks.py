"""The sections of a report that are pictures: mistakes, augmentation, filters, maps, attention, dreams."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from markupsafe import Markup
from torch import Tensor, nn

from gradschool.evals.classification import interpret
from gradschool.evals.classification.rollout import attentions, patch_maps
from gradschool.evals.inference import device_of
from gradschool.evals.report import charts, html
from gradschool.evals.report.classes import ClassFacts, picked
from gradschool.evals.report.html import Picture, Section
from gradschool.evals.report.material import Material, in_words
from gradschool.evals.summary import summarise

MISTAKES, CHANNELS, EXPLAINED, VERSIONS, DREAMS = 24, 16, 6, 7, 6
HEAVY = 1e9  # FLOPs an image from which on two dreamt classes must do


def mistakes(m: Material[ClassFacts]) -> Section | None:
    """The wrong answers that the network was surest of."""
    if m.facts.tested is None:
        return None
    images, logits = m.facts.tested
    best = logits.softmax(1).max(1)
    wrong = (best.indices != images.labels).nonzero().squeeze(1)
    if not len(wrong):
        return None
    order = wrong[best.values[wrong].argsort(descending=True)][:MISTAKES].tolist()
    shown = picked(images, order)
    pictures = []
    for i, pixels, label in zip(order, _arrays(shown.pixels), shown.labels.tolist(), strict=True):
        true, called = in_words(images.classes[label]), in_words(images.classes[int(best.indices[i])])
        probability = f"{100 * float(best.values[i]):.0f}\u00a0%"
        alt = f"{true}, taken for {called} with probability {probability}"
        if images.names:
            alt += f" ({images.names[i]})"
        pictures.append(
            Picture(pixels, alt, (Markup("<b>{}</b> {}").format(called, probability), f"is {true}"), False)
        )
    reading = (
        f"The {len(order)} of {len(wrong)} mistakes that it was surest of: in bold what it said, below what "
        "the label says. Some are labels to mend, some are habits of the network."
    )
    return Section("Most confident mistakes", reading, html.gallery(pictures))


def augmented(m: Material[ClassFacts]) -> Section | None:
    """What the network is shown in training."""
    splits, augment = m.facts.splits, m.facts.augment
    if splits is None or augment is None or not len(splits.train):
        return None
    # 1. One batch of all versions, so that mixing meets different images.
    shown = picked(splits.train, _spread(len(splits.train), 4))
    seen = _denormalised(augment(shown.pixels.repeat(VERSIONS, 1, 1, 1)), m.facts.mean, m.facts.std)
    # 2. A row an image.
    rows = []
    for i, pixels in enumerate(_arrays(shown.pixels)):
        name = in_words(shown.classes[int(shown.labels[i])])
        pictures = [Picture(pixels, f"{name}, as it is", (name,))]
        pictures += [Picture(p, f"{name}, as training may see it") for p in _arrays(seen[i :: len(shown)])]
        rows.append(html.gallery(pictures, 80))
    reading = (
        "A row is one training image and what training may see instead; if you cannot tell, neither can it."
    )
    return Section("Augmentation", reading, html.join(rows))


def filters(m: Material[ClassFacts]) -> Section | None:
    """The weights of the first convolution as small pictures."""
    weights = None if m.facts.model is None else interpret.first_filters(m.facts.model)
    if weights is None or weights.shape[-1] < 3:
        return None
    shown = weights[:64].float().cpu()
    colour = shown.shape[1] == 3
    shown = shown if colour else shown[:, :1]
    factor = max(1, 36 // shown.shape[-1])
    pictures = [
        Picture(
            html.enlarged(html.stretched(w.permute(1, 2, 0).numpy()), factor),
            f"filter {i} of the first layer",
        )
        for i, w in enumerate(shown)
    ]
    reading = (
        "Edges, blobs and colour contrasts show that the first layer has learnt; plain noise that it has not."
    )
    return Section("First-layer filters", reading, html.gallery(pictures, 36))


def maps(m: Material[ClassFacts]) -> Section | None:
    """The first channels of a few layers for one image."""
    if m.facts.seeing is None:
        return None
    model, transform, images = m.facts.seeing
    index = m.facts.chosen % len(images)
    chosen = picked(images, [index])
    x = transform(chosen.pixels).to(device_of(model))
    names = stages(model, x)
    if not names:
        return None
    what = in_words(images.classes[int(chosen.labels)])
    parts = [html.gallery([Picture(_arrays(chosen.pixels)[0], what, (f"test image {index}", what))])]
    for name, values in interpret.feature_maps(model, x, names).items():
        shown = values[0, :CHANNELS].float().cpu().numpy()
        pictures = [
            Picture(_sized(html.stretched(channel)[..., None], 50), f"{name}, channel {i}")
            for i, channel in enumerate(shown)
        ]
        size = "×".join(map(str, values.shape[1:]))
        parts.append(Markup("<h3><code>{}</code> {}</h3>").format(name, size) + html.gallery(pictures, 44))
    reading = (
        f"The first {CHANNELS} channels of each stage, white where they answer most: early ones follow edges "
        "and colour, late ones parts and places."
    )
    return Section("Feature maps", reading, html.join(parts))


def attention(m: Material[ClassFacts]) -> Section | None:
    """Saliency and Grad-CAM of a few test images, and the sanity check of both."""
    if m.facts.seeing is None:
        return None
    model, transform, images = m.facts.seeing
    # 1. Some images across the test set, explained for the class that the network chose.
    shown = picked(images, _spread(len(images), EXPLAINED))
    x = transform(shown.pixels).to(device_of(model))
    spatial = stages(model, x)
    if not spatial:
        return None
    logits = interpret.predictions(model, x)
    called = logits.argmax(1)
    layer = spatial[-1]

    def cam(network: nn.Module, inputs: Tensor, target: Tensor) -> Tensor:
        return interpret.grad_cam(network, layer, inputs, target)

    # 2. Both maps beside the picture.
    looked, spoke = (f(model, x, called).float().cpu().numpy() for f in (interpret.saliency, cam))
    triples = []
    for i, pixels in enumerate(_arrays(shown.pixels)):
        true, said = (in_words(images.classes[int(of[i])]) for of in (shown.labels, called))
        lines = [Markup("<b>{}</b> {:.0f}\u00a0%").format(said, 100 * float(logits[i].softmax(0).amax()))]
        lines += [] if true == said else [Markup("is {}").format(true)]
        alt = f"{true}, called {said}: the picture, its saliency, its Grad-CAM"
        triples.append(Picture(_beside(pixels, _soft(looked[i]), spoke[i]), alt, lines, true == said))
    # 3. Do the maps depend on what was learnt?
    shuffle = torch.Generator().manual_seed(0)
    blind = [interpret.sanity(f, model, x, called, shuffle) for f in (interpret.saliency, cam)]
    told = (
        f"Check: with shuffled weights, the maps' rank correlation with these is {blind[0]:.2f} (saliency) "
        f"and {blind[1]:.2f} (Grad-CAM); near 1 would mean that they show the image, not the network."
    )
    reading = (
        "Beside each picture its saliency and its Grad-CAM, for what the network said. Yellow is where a "
        "small change of a pixel changes the answer most (saliency) and where the layer "
        f"{layer} speaks for it (Grad-CAM). A yellow background is a short cut that will fail elsewhere."
    )
    return Section("What it looks at", reading, html.join([html.gallery(triples, 250), html.paragraph(told)]))


def attended(m: Material[ClassFacts]) -> Section | None:
    """Attention rolled out over all layers of a vision transformer, beside a few test images."""
    if m.facts.seeing is None or not attentions(m.facts.seeing[0]):
        return None
    model, transform, images = m.facts.seeing
    # 1. Some images across the test set, and where what the head reads comes from.
    shown = picked(images, _spread(len(images), EXPLAINED))
    x = transform(shown.pixels).to(device_of(model))
    found, called = patch_maps(model, x).float().cpu().numpy(), interpret.predictions(model, x).argmax(1)
    # 2. The map beside its picture.
    pictures = []
    for pixels, seen, true, said in zip(
        _arrays(shown.pixels), found, shown.labels.tolist(), called.tolist(), strict=True
    ):
        names = in_words(images.classes[true]), in_words(images.classes[said])
        alt = f"{names[0]}, called {names[1]}: the picture, its attention"
        lines = [Markup("<b>{}</b>").format(names[1])]
        pictures.append(Picture(_beside(pixels, seen), alt, lines, true == said))
    reading = (
        "Beside each picture its attention roll-out: the weights of all layers multiplied, with the residual "
        "paths. Yellow patches reach the classifier most. It shows what could flow, not what was used: "
        "compare it with the saliency."
    )
    return Section("Attention roll-out", reading, html.gallery(pictures, 170))


def dreams(m: Material[ClassFacts]) -> Section | None:
    """Pictures that a few classes would love."""
    if m.facts.seeing is None:
        return None
    model, transform, images = m.facts.seeing
    example = transform(images.pixels[:1])
    # 1. Fewer classes for a heavy network: each costs some hundred passes.
    heavy = summarise(model, example.to(device_of(model))).flops > HEAVY
    chosen = _spread(len(images.classes), 2 if heavy else DREAMS)
    shape = (example.shape[1], example.shape[2], example.shape[3])
    targets = torch.tensor(chosen)
    found = interpret.activation_maximisation(model, targets, shape, torch.Generator().manual_seed(0))
    # 2. Back to colours; grey ones are stretched, since nothing kept them between black and white.
    seen = _arrays(_denormalised(found, m.facts.mean, m.facts.std))
    if shape[0] == 1:
        seen = [html.stretched(p) for p in _arrays(found.cpu())]
    names = [in_words(images.classes[i]) for i in chosen]
    pictures = [
        Picture(_sized(p, 96), f"ideal picture of {name}", (name,))
        for name, p in zip(names, seen, strict=True)
    ]
    reading = "Made from noise by climbing the logit of one class: what the network takes for its essence."
    return Section("Ideal pictures", reading, html.gallery(pictures))


def stages(model: nn.Module, x: Tensor) -> list[str]:
    """The first layer with maps and the last one of each size of map, down to 4 pixels: at most five."""
    names = interpret.spatial_layers(model, x)
    if not names:
        return []
    last: dict[Any, str] = {}
    for name, values in interpret.feature_maps(model, x[:1], names).items():
        if values.shape[-1] >= 4 or not last:
            last[values.shape[-2:]] = name
    return list(dict.fromkeys([names[0], *list(last.values())[-4:]]))


def _spread(n: int, count: int) -> list[int]:
    """`count` places spread evenly over 0..n-1."""
    return [i * n // min(n, count) for i in range(min(n, count))]


def _arrays(pixels: Tensor) -> list[np.ndarray]:
    """(b, c, h, w) as a list of (h, w, c)."""
    return list(pixels.permute(0, 2, 3, 1).numpy())


def _denormalised(x: Tensor, mean: Sequence[float], std: Sequence[float]) -> Tensor:
    """Normalised floats back to uint8 pixels."""
    centre, scale = (torch.tensor(v, dtype=torch.float32)[:, None, None] for v in (mean, std))
    return ((x.float().cpu() * scale + centre) * 255).round().clamp(0, 255).to(torch.uint8)


def _beside(pixels: np.ndarray, *maps: np.ndarray) -> np.ndarray:
    """A picture and, to its right, each map laid over it."""
    colour = np.broadcast_to(pixels, (*pixels.shape[:2], 3))
    return _sized(np.concatenate([colour, *(charts.heat(pixels, each) for each in maps)], 1), 192)


def _soft(values: np.ndarray) -> np.ndarray:
    """Saliency cut at its 99th percentile: one loud pixel must not hide all others."""
    return values.clip(max=float(np.quantile(values, 0.99)))


def _sized(pixels: np.ndarray, size: int) -> np.ndarray:
    """At least `size` pixels wide, by whole factors, so that single values stay squares."""
    return html.enlarged(pixels, max(1, round(size / pixels.shape[1])))
