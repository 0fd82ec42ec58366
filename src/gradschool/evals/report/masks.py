"""A segmenter's report: scores by class, and pictures beside what they are and what was said of them."""

import colorsys
from typing import Any

import numpy as np
from jaxtyping import UInt8
from markupsafe import Markup
from torch import Tensor

from gradschool.data.vision.images import Images
from gradschool.evals.report import html
from gradschool.evals.report.html import Bar, Section
from gradschool.evals.report.material import Material, in_words
from gradschool.ops.segment import VOID

WIDTH = 200  # of a picture on the page, in pixels


def palette(classes: int) -> UInt8[np.ndarray, "k 3"]:
    """One colour a class: black and white for two, else around the colour circle, bright and dark in turn."""
    if classes == 2:
        return np.array([[0, 0, 0], [255, 255, 255]], np.uint8)
    shades = [colorsys.hsv_to_rgb(i / classes, 0.75, (0.95, 0.6)[i % 2]) for i in range(classes)]
    return (np.array(shades) * 255).round().astype(np.uint8)


def coloured(mask: UInt8[np.ndarray, "h w"], classes: int) -> UInt8[np.ndarray, "h w 3"]:
    """A mask in its classes' colours; what does not count is grey."""
    table = np.full((VOID + 1, 3), 128, np.uint8)
    table[:classes] = palette(classes)
    return table[mask]


def by_class(m: Material[Any]) -> Section | None:
    """Intersection over union of every class."""
    scores = m.result.get("iou")
    if not scores:
        return None
    rows = [(in_words(name), Bar(value)) for name, value in scores.items()]
    reading = "Pixels that are right, over pixels that are of the class or were predicted as it."
    return Section("Classes", reading, html.table(["class", "IoU, %"], rows, "Scores by class"))


def beside(images: Images, said: UInt8[Tensor, "n h w"]) -> Section:
    """Each picture, its mask, what the network says, and where that is wrong."""
    k = len(images.classes)
    rows = []
    for i in range(len(images)):
        pixels = images.pixels[i].permute(1, 2, 0).numpy()
        truth, answer = images.labels[i, 0].numpy(), said[i].numpy()
        wrong = np.where((truth != answer) & (truth != VOID), np.uint8(255), np.uint8(0))[:, :, None]
        predicted = coloured(answer, k)
        row = ("picture", pixels), ("mask", coloured(truth, k)), ("predicted", predicted), ("wrong", wrong)
        shown = [(np.ascontiguousarray(p), f"test picture {i}, {name}", (name,)) for name, p in row]
        rows.append(html.gallery([html.Picture(*each) for each in shown], WIDTH))
    reading = "Test pictures that the network has not seen; white at the right is where it errs."
    return Section("Masks", reading, html.join([key(images.classes), *rows]))


def key(classes: tuple[str, ...]) -> Markup:
    """What each colour means."""
    patch = Markup('<span style="background:rgb({},{},{});border:1px solid">&emsp;</span> {}')
    colours = palette(len(classes)).tolist()
    patches = [patch.format(*colour, in_words(name)) for colour, name in zip(colours, classes, strict=True)]
    return Markup("<p>{}</p>").format(Markup(" &ensp; ").join(patches))
