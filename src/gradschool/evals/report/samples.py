"""A generator's report: what it makes, how that came about, and what it does to pictures it is given."""

import base64
import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from markupsafe import Markup
from torch import Tensor

from gradschool.evals.pictures import grid
from gradschool.evals.report import html
from gradschool.evals.report.html import Bar, Section
from gradschool.evals.report.material import Material

SHEETS = 6  # of the pictures over training


def made(m: Material[Any]) -> Section | None:
    """The sheet that was drawn at the end."""
    file = m.run_dir / "samples.png"
    if not file.is_file():
        return None
    reading = "Made from noise by the final weights; nothing was picked out."
    return Section("New pictures", reading, sheet(file, "a sheet of generated pictures", 520))


def course(m: Material[Any]) -> Section | None:
    """The same noise at several moments of the training."""
    files = sorted((m.run_dir / "samples").glob("step-*.png"))
    if len(files) < 2:
        return None
    chosen = [files[round(i * (len(files) - 1) / (SHEETS - 1))] for i in range(SHEETS)]
    shown = [
        Markup('<figure style="margin:0">{}<figcaption>step {}</figcaption></figure>').format(
            sheet(file, f"pictures at {file.stem}", 230), int(file.stem.removeprefix("step-"))
        )
        for file in dict.fromkeys(chosen)
    ]
    reading = "The noise is the same on every sheet, so each place shows one picture taking shape."
    return Section(
        "Over the training",
        reading,
        Markup('<div style="display:flex;flex-wrap:wrap;gap:1em">{}</div>').format(html.join(shown)),
    )


def judged(m: Material[Any]) -> Section | None:
    """For how many pictures a class is among a classifier's first guesses, if that was asked."""
    file = m.run_dir / "judged.json"
    verdicts = json.loads(file.read_text(encoding="utf-8"))["verdicts"] if file.is_file() else []
    if not verdicts:
        return None
    # 1. Generated and real pictures and chance, classifier by classifier.
    rows = []
    for one in verdicts:
        seen = {"generated": one["generated"]} | ({"real": one["real"]} if one["real"] else {})
        for name, v in seen.items():
            shares = Bar(v["first"] / v["n"]), Bar(v["among"] / v["n"])
            rows.append((one["class"], name, v["n"], *shares, f"{v['mean']:.3f}", f"{v['highest']:.3f}"))
        chance = 1 / one["classes"]
        rows.append((one["class"], "chance", "–", Bar(chance), Bar(min(1, 5 * chance)), f"{chance:.3f}", "–"))
    head = ("class", "pictures", "n", "first, %", "among five, %", "mean probability", "highest")
    eyes = "; ".join(dict.fromkeys(one["network"] for one in verdicts))
    # 2. The pictures of the last verdict.
    drawn = sheet(m.run_dir / "judged.png", "generated pictures, the most probable first", 520)
    reading = (
        f"Seen by {eyes}. A picture passes when its class is among the first five guesses; the sheet has the "
        "most probable first. A model that copies its training pictures passes, too: see the nearest ones."
    )
    body = html.join([html.table(head, rows, "What a classifier takes the pictures for", words=2), drawn])
    return Section("Judged", reading, body)


def redrawn(m: Material[Any], x: Float[Tensor, "n c h w"], again: Float[Tensor, "n c h w"]) -> Section:
    """Pictures of the test part, each above what the model makes of it."""
    half = len(x) // 2
    rows = [x[:half], again[:half].cpu(), x[half:], again[half:].cpu()]
    pixels = grid(torch.cat(rows), max(1, half))
    body = picture(pixels, "test pictures above their reconstructions", 460)
    return Section("Reconstructions", "Test pictures, and under each what its code says of it.", body)


def parts(m: Material[Any]) -> Section | None:
    """What the model is made of: every layer that has weights, and the sums of its parts."""
    model = m.facts.model
    if model is None:
        return None
    # 1. Layers as they are named.
    own = {
        name: sum(p.numel() for p in each.parameters(recurse=False)) for name, each in model.named_modules()
    }
    rows = [
        (name or "(model)", type(each).__name__, f"{own[name]:,}")
        for name, each in model.named_modules() if own[name]
    ]  # fmt: skip
    # 2. Sums.
    sums = {name: sum(p.numel() for p in each.parameters()) for name, each in model.named_children()}
    shares = ", ".join(f"{name} {count:,}" for name, count in sums.items() if count)
    convolutions = sum("Conv" in kind for _, kind, _ in rows)
    told = (
        f"{sum(own.values()):,} parameters ({shares}); {convolutions} of {len(rows)} layers are convolutions."
    )
    table = html.table(("layer", "kind", "parameters"), rows, "Layers with weights", words=2)
    body = html.join([html.paragraph(told), html.details(f"{len(rows)} layers", table)])
    return Section("Model", "Layers that have weights, in the order in which they were built.", body)


def sheet(file: Path, alt: str, width: int) -> Markup:
    """An image file inside the page."""
    data = base64.b64encode(file.read_bytes()).decode()
    look = f"width:{width}px;max-width:100%;image-rendering:pixelated"
    return Markup('<img src="data:image/png;base64,{}" alt="{}" style="{}">').format(data, alt, look)


def picture(pixels: np.ndarray, alt: str, width: int = 0) -> Markup:
    """An array of pixels inside the page, magnified by a whole factor to about `width` if that is given."""
    factor = max(1, round(width / pixels.shape[1]))
    shown = pixels.repeat(factor, 0).repeat(factor, 1)
    return Markup('<img src="{}" alt="{}" style="max-width:100%">').format(html.data_uri(shown), alt)
