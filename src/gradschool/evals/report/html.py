"""The few pieces that a report is made of: tables, bars, galleries, charts; markupsafe escapes all text."""

import base64
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
from jaxtyping import Float, UInt8
from markupsafe import Markup
from numpy.typing import NDArray

Cell = object
INSIDE = 8_000_000  # bytes of a film that a page holds
LONGEST = 12  # entries of a list that are written out


@dataclass(frozen=True)
class Section:
    """One section of a report: a heading, one sentence on how to read it, and what there is to see."""

    title: str
    reading: str
    body: Markup

    @property
    def anchor(self) -> str:
        """The link to it inside the page."""
        return "-".join(self.title.lower().split())


@dataclass(frozen=True)
class Bar:
    """A table cell: a share in [0, 1] as a bar and in percent; a dash for anything else (NaN, -1)."""

    share: float

    def __html__(self) -> Markup:
        if not 0 <= self.share <= 1:
            return Markup("–")
        percent = f"{100 * self.share:.1f}"
        return Markup('<span class="bar"><span style="width:{}%"></span></span><i>{}</i>').format(
            percent, percent
        )


@dataclass(frozen=True)
class Picture:
    """A picture with its description for those who do not see it, and the lines under it."""

    pixels: UInt8[np.ndarray, "h w c"]
    alt: str
    lines: Sequence[str | Markup] = ()
    good: bool | None = None


def join(parts: Iterable[Markup | str]) -> Markup:
    """One piece after the other."""
    return Markup("\n").join(parts)


def paragraph(text: str | Markup) -> Markup:
    """A paragraph."""
    return Markup("<p>{}</p>").format(text)


def table(head: Sequence[str], rows: Iterable[Sequence[Cell]], caption: str, words: int = 1) -> Markup:
    """A table that scrolls sideways on a phone; the first `words` columns are text, the others numbers."""

    def line(cells: Sequence[Cell]) -> Markup:
        first = Markup('<th scope="row">{}</th>').format(cells[0])
        kinds = ["" if i < words else ' class="number"' for i in range(1, len(cells))]
        rest = (Markup("<td{}>{}</td>").format(Markup(k), c) for k, c in zip(kinds, cells[1:], strict=True))
        return Markup("<tr>{}{}</tr>").format(first, Markup("").join(rest))

    kinds = ["" if i < words else ' class="number"' for i in range(len(head))]
    heads = (
        Markup('<th scope="col"{}>{}</th>').format(Markup(k), h) for k, h in zip(kinds, head, strict=True)
    )
    return Markup(
        '<div class="wide" tabindex="0" role="region" aria-label="{}"><table><caption>{}</caption>'
        "<thead><tr>{}</tr></thead><tbody>{}</tbody></table></div>"
    ).format(caption, caption, Markup("").join(heads), Markup("\n").join(map(line, rows)))


def pairs(values: Mapping[str, Any]) -> Markup:
    """Names and values side by side; nested mappings are written with dots, `augment.flip`."""
    items = (Markup("<dt>{}</dt><dd>{}</dd>").format(k, _short(v)) for k, v in flatten(values))
    return Markup('<dl class="pairs">{}</dl>').format(Markup("").join(items))


def flatten(values: Mapping[str, Any], prefix: str = "") -> Iterable[tuple[str, Any]]:
    """(dotted name, value) of all leaves of nested mappings."""
    for name, value in values.items():
        if isinstance(value, Mapping) and value:
            yield from flatten(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def details(title: str, body: Markup) -> Markup:
    """Something long that opens at a click; it needs no script."""
    return Markup("<details><summary>{}</summary>{}</details>").format(title, body)


def gallery(pictures: Iterable[Picture], size: int = 96) -> Markup:
    """Pictures in a grid, each with its lines; a mark tells right from wrong without colour."""
    good, bad = Markup('<b class="good">✓</b> '), Markup('<b class="bad">✗</b> ')
    marks = {True: good, False: bad, None: Markup("")}
    items = (
        Markup(
            '<figure><img src="{}" alt="{}" width="{}" loading="lazy"><figcaption>{}{}</figcaption></figure>'
        ).format(data_uri(p.pixels), p.alt, size, marks[p.good], Markup("<br>").join(p.lines))
        for p in pictures
    )
    return Markup('<div class="gallery" style="--size:{}px">{}</div>').format(size, Markup("\n").join(items))


def charts(svgs: Iterable[Markup]) -> Markup:
    """Charts beside each other where there is room."""
    return Markup('<div class="charts">{}</div>').format(Markup("\n").join(svgs))


def film(file: Path, alt: str) -> Markup:
    """A film or a picture from a file, inside the page where it is not too large, else beside it."""
    kind = {".gif": "image/gif", ".png": "image/png", ".mp4": "video/mp4"}[file.suffix.lower()]
    place = quote(file.name)
    if file.stat().st_size <= INSIDE:
        place = f"data:{kind};base64,{base64.b64encode(file.read_bytes()).decode()}"
    form = '<video src="{}" aria-label="{}" controls loop muted playsinline></video>'
    shown = Markup(form if kind == "video/mp4" else '<img src="{}" alt="{}">')
    return Markup('<figure class="film">{}<figcaption>{}</figcaption></figure>').format(
        shown.format(place, alt), file.name
    )


def data_uri(pixels: UInt8[np.ndarray, "h w c"]) -> str:
    """The picture inside the page: PNG where every pixel counts (up to 40 pixels), JPEG above."""
    from PIL import Image

    image = Image.fromarray(pixels.squeeze(-1) if pixels.shape[-1] == 1 else pixels)
    small, buffer = max(image.size) <= 40, io.BytesIO()
    if small:
        image.save(buffer, "PNG", optimize=True)
    else:
        image.save(buffer, "JPEG", quality=88)
    kind = "png" if small else "jpeg"
    return f"data:image/{kind};base64,{base64.b64encode(buffer.getvalue()).decode()}"


def enlarged(values: NDArray[np.generic], factor: int) -> NDArray[np.generic]:
    """Each pixel as a square of factor x factor: filters and maps keep their hard edges."""
    return values.repeat(factor, 0).repeat(factor, 1)


def stretched(values: Float[np.ndarray, "..."]) -> UInt8[np.ndarray, "..."]:
    """Any numbers to 0..255, the smallest black and the largest white."""
    low, high = values.min(), values.max()
    level: NDArray[np.uint8] = (
        ((values - low) / (high - low if high > low else 1) * 255).round().astype(np.uint8)
    )
    return level


def _short(value: Any) -> str:
    """A value as people write it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, list | tuple):
        shown = ", ".join(map(_short, value[:LONGEST])) or "–"
        return shown if len(value) <= LONGEST else f"{shown} ... ({len(value):,} in all)"
    return "–" if value is None or value == {} else str(value)
