"""Sections of a report about codes: a map of them, a path through them, and which numbers say anything."""

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float, Int
from markupsafe import Markup
from matplotlib import colormaps, rc_context
from torch import Tensor

from gradschool.evals.generation import latent
from gradschool.evals.pictures import grid
from gradschool.evals.report import charts, html
from gradschool.evals.report.html import Section
from gradschool.evals.report.samples import picture
from gradschool.ops.variational import active_units

MAPPED = 600  # codes on the map
JUDGED = 200  # codes in the table of stability
FEW = 10  # neighbours compared
SIDE = 16  # pictures along the plane of codes


def mapped(
    codes: Float[np.ndarray, "n d"], labels: Int[np.ndarray, " n"], classes: Sequence[str]
) -> Section | None:
    """Codes of test pictures, each drawn as the number of its class; more than two numbers by t-SNE. None for
    fewer pictures than can be mapped.
    """
    flat = codes.shape[1] == 2
    if not flat and len(codes) < latent.LEAST:
        return None
    shown = codes[:MAPPED]
    places = shown if flat else latent.tsne(shown)
    parts = [scatter(places, labels[: len(shown)])]
    if any(name != str(i) for i, name in enumerate(classes)):
        named = ", ".join(f"{i} {name}" for i, name in enumerate(classes))
        parts.append(html.paragraph(named))
    if flat:
        reading = "The code itself, two numbers a picture. Groups that touch are told apart badly."
        return Section("Latent map", reading, html.join(parts))
    rows = [
        (f"{s.perplexity:g}", f"{s.trustworthiness:.3f}", f"{s.seeds_agree:.2f}", f"{s.chance:.2f}")
        for s in latent.stability(codes[:JUDGED])
    ] if len(codes) > 4 * FEW else []  # fmt: skip
    if rows:
        head = ("perplexity", "trustworthiness", "two seeds share", "chance")
        parts.append(html.table(head, rows, f"Maps of {min(JUDGED, len(codes))} codes, {FEW} neighbours"))
    reading = (
        "Codes of test pictures by t-SNE at perplexity 30. Near means alike; how far apart two groups lie, "
        "and how large they are, means little. The table says how much of the neighbourhoods survives."
    )
    return Section("Latent map", reading, html.join(parts))


def scatter(places: Float[np.ndarray, "n 2"], labels: Int[np.ndarray, " n"]) -> Markup:
    """Points as the numbers of their classes, so that no class is known by its colour alone."""
    with rc_context(charts._STYLE):
        figure, ax = charts.panel(6.4, 5.6)
        for label in np.unique(labels):
            some = labels == label
            colour = colormaps["tab10"](int(label) % 10)
            across, up = places[some].T
            ax.scatter(across, up, 26, color=colour, marker=f"${label}$", linewidths=0)
        ax.set(xticks=[], yticks=[])
        return charts.svg(figure, f"Map of {len(places)} codes of {len(np.unique(labels))} classes")


def plane(pictures: Float[Tensor, "n c h w"]) -> Section:
    """What the decoder draws on a grid over a code of two numbers, from `places_of_plane`."""
    pixels = grid(pictures.cpu(), SIDE)
    body = picture(pixels, "pictures of codes on a grid over the plane")
    reading = "Every code of the plane, drawn: the left edge is -2, the right 2, the bottom -2, the top 2."
    return Section("Plane of codes", reading, body)


def places_of_plane() -> Float[Tensor, "n 2"]:
    """Codes on a square grid, row after row from the top."""
    along = torch.linspace(-2, 2, SIDE)
    up, across = torch.meshgrid(along.flip(0), along, indexing="ij")
    return torch.stack([across.flatten(), up.flatten()], 1)


def walked(rows: Sequence[Float[Tensor, "steps c h w"]]) -> Section:
    """Pictures of codes on straight lines between the codes of two test pictures, one line a row."""
    pixels = grid(torch.cat(list(rows)).cpu(), len(rows[0]))
    body = picture(pixels, "pictures of codes between two pictures", 580)
    reading = (
        "Each row walks in a straight line from the code of one test picture to that of another. Where every "
        "step is a picture, the space between them is filled."
    )
    return Section("Interpolation", reading, body)


def units(means: Float[Tensor, "n d"], prices: Float[Tensor, "n d"]) -> Section:
    """Which numbers of the code say anything, and how much."""
    active = active_units(means)
    each = prices.mean(0)
    order = each.argsort(descending=True)
    rows = [
        (int(i), f"{each[i]:.3f}", f"{means[:, i].var():.3f}", "yes" if active[i] else "no")
        for i in order
    ]  # fmt: skip
    told = (
        f"{int(active.sum())} of {len(active)} numbers are active: their mean varies by more than 0.01 from "
        f"picture to picture. Together they say {float(each.sum()):.1f} nats a picture."
    )
    ranks = list(range(1, len(rows) + 1))
    curve = charts.curves({"": (ranks, each[order].tolist())}, "nats a picture", "rank of the number")
    table = html.table(("number", "nats", "variance of the mean", "active"), rows, "Numbers of the code")
    reading = "A number that collapsed to the prior costs nothing and says nothing: the decoder ignores it."
    body = html.join([html.paragraph(told), html.charts([curve]), html.details("All numbers", table)])
    return Section("Active units", reading, body)
