"""The charts of a report: matplotlib drawings as inline SVG whose colours follow the page, light or dark.

matplotlib draws in four stand-in colours; on the way into the page they become CSS variables.
"""

import io
import re
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float, UInt8
from markupsafe import Markup, escape
from numpy.typing import NDArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK, FAINT = "#010203", "#010204"
SERIES = ("#010205", "#010206", "#010207")
_CSS = {
    INK: "var(--ink)",
    FAINT: "var(--faint)",
    SERIES[0]: "var(--one)",
    SERIES[1]: "var(--two)",
    SERIES[2]: "var(--three)",
}
_STYLE: dict[Any, Any] = {
    "svg.fonttype": "none", "font.family": "sans-serif", "font.size": 10,
    "text.color": INK, "axes.labelcolor": INK, "axes.edgecolor": FAINT,
    "xtick.color": INK, "ytick.color": INK, "axes.spines.top": False, "axes.spines.right": False,
    "axes.grid": True, "grid.color": FAINT, "grid.alpha": 0.35, "grid.linewidth": 0.6,
     "legend.frameon": False, "axes.titlesize": 11, "axes.titlelocation": "left",
}  # fmt: skip
_DASHES = ("-", "--", ":")  # so that no line is known by its colour alone
POINTS = 300  # a curve with more is averaged down to so many

Series = Mapping[str, tuple[Sequence[float], Sequence[float]]]


def svg(figure: "Figure", alt: str) -> Markup:
    """The figure as an inline SVG that scales to its place and is described to screen readers."""
    with style():
        buffer = io.StringIO()
        figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None})
    # 1. Only the drawing, without XML header, metadata and a fixed size.
    text = re.sub(r"<metadata>.*?</metadata>", "", buffer.getvalue(), flags=re.S)
    text = re.sub(
        r'(<svg [^>]*?)width="[\d.]+pt" height="[\d.]+pt"|<svg height=',
        r"\1",
        text[text.index("<svg") :],
        count=1,
    )
    # 2. Stand-in colours become the page's, fonts the page's.
    for stand_in, variable in _CSS.items():
        text = text.replace(stand_in, variable)
    text = re.sub(r"font: ([\d.]+)px [^;\"]*", r"font-size: \1px", text)
    text = re.sub(r"font-family: [^;\"]*;?", "", text)
    # 3. Two figures on a page must not share names; only what is referred to keeps one.
    used = set(re.findall(r"#([\w.]+)", text))
    text = re.sub(r' id="([^"]*)"', lambda m: m[0] if m[1] in used else "", text)
    return Markup('<div class="chart" role="img" aria-label="{}">{}</div>').format(escape(alt), Markup(text))


def curves(
    series: Series, title: str, across: str, percent: bool = False, magnitudes: bool = False
) -> Markup:
    """Lines over time, named at their last point; long ones are averaged down.

    Args:
        series: name -> (x, y), at most three.
        title: what is drawn upwards.
        across: what is drawn to the right, e.g. "epoch".
        percent: y is a share in [0, 1].
        magnitudes: y spans several; its scale is logarithmic above 1 and below -1, linear between.
    """
    with style():
        figure, ax = panel(4.8, 3.0)
        scale = 100 if percent else 1
        told = []
        for (name, (x, y)), colour, dash in zip(series.items(), SERIES, _DASHES, strict=False):
            xs, ys = _thinned(np.asarray(x, float), np.asarray(y, float) * scale)
            ax.plot(
                xs, ys, dash, color=colour, label=name, linewidth=1.6, marker="o" if len(xs) < 3 else None
            )
            told.append(f"{name} from {ys[0]:.3g} to {ys[-1]:.3g}")
        ax.set(xlabel=across, title=f"{title}, %" if percent else title)
        if magnitudes:
            ax.set_yscale("symlog", linthresh=1)
            ax.yaxis.set_major_formatter("{x:,g}")
        if len(series) > 1:
            ax.legend(loc="best")
        return svg(figure, f"{title} by {across}: {'; '.join(told)}")


def confusion(shares: Float[np.ndarray, "k k"], classes: Sequence[str]) -> Markup:
    """The row-normalised confusion matrix: one square a cell, its opacity the share; up to 25 classes with
    numbers.

    In a larger one the opacity is the share's square root, or rare mistakes could not be seen.
    Drawn by hand: matplotlib would write every empty cell of 101 x 101 as well.
    """
    k = len(classes)
    cell = 28 if k <= 25 else 14 if k <= 60 else 9.5
    margin = 12 + round(6.2 * max(map(len, classes)) * (1.0 if k <= 25 else 0.06 * cell))
    font = 11 if k <= 25 else 0.68 * cell
    size = margin + k * cell + 8
    parts = [f'<svg viewBox="0 0 {size} {size}" width="{size}" font-size="{font:.1f}">']
    # 1. Names: true classes down the side, predicted ones along the top, and a frame.
    for i, name in enumerate(map(escape, classes)):
        middle = margin + (i + 0.5) * cell
        parts.append(f'<text x="{margin - 5}" y="{middle + 0.35 * font:.1f}" text-anchor="end">{name}</text>')
        parts.append(
            f'<text transform="translate({middle + 0.35 * font:.1f} {margin - 5}) rotate(-90)">{name}</text>'
        )
    parts.append(f'<rect class="frame" x="{margin}" y="{margin}" width="{k * cell}" height="{k * cell}"/>')
    # 2. Cells of at least half a percent; pointing at one says what it is.
    for row, column in zip(*np.nonzero(shares >= 0.005), strict=True):
        share, x, y = shares[row, column], margin + column * cell, margin + row * cell
        opacity = share if k <= 25 else share**0.5
        box = f'x="{x}" y="{y}" width="{cell}" height="{cell}" fill-opacity="{opacity:.2f}"'
        told = f"{escape(classes[row])} called {escape(classes[column])}: {100 * share:.1f} %"
        parts.append(f"<rect {box}><title>{told}</title></rect>")
        if k <= 25:
            ink = ' class="on"' if share > 0.7 else ""
            parts.append(
                f'<text{ink} x="{x + cell / 2}" y="{y + 18}" text-anchor="middle">{100 * share:.0f}</text>'
            )
    alt = f"Confusion matrix of {k} classes; its most confused pairs follow as a table"
    drawing = Markup("".join(parts) + "</svg>")
    return Markup('<div class="wide"><div class="matrix" role="img" aria-label="{}">{}</div></div>').format(
        alt, drawing
    )


def histogram(groups: Mapping[str, Float[np.ndarray, "n"]], across: str, counted: str = "images") -> Markup:
    """Shares per bin of up to three groups of numbers, as outlined steps over one another."""
    with style():
        figure, ax = panel(4.8, 3.0)
        edges = np.linspace(min(map(np.min, groups.values())), max(map(np.max, groups.values())), 31)
        for (name, values), colour, dash in zip(groups.items(), SERIES, _DASHES, strict=False):
            counts, _ = np.histogram(values, edges)
            ax.stairs(
                100 * counts / len(values), edges, color=colour, linestyle=dash, linewidth=1.6, label=name
            )
        ax.set(xlabel=across, title=f"{counted} per bin, %")
        ax.legend(loc="best")
        told = "; ".join(f"{name} median {np.median(values):.3g}" for name, values in groups.items())
        return svg(figure, f"Histogram of {across}: {told}")


def heat(pixels: UInt8[np.ndarray, "h w c"], map_: Float[np.ndarray, "h2 w2"]) -> UInt8[np.ndarray, "h w 3"]:
    """The grey picture with a map laid over it, from dark violet (least) to yellow (most)."""
    import matplotlib
    from PIL import Image

    height, width = pixels.shape[:2]
    level = (map_ - map_.min()) / max(float(map_.max() - map_.min()), 1e-12)
    small = Image.fromarray(level.astype(np.float32))
    level = np.asarray(small.resize((width, height), Image.Resampling.BILINEAR))
    colour = matplotlib.colormaps["inferno"](level)[..., :3]
    grey = pixels.mean(2, keepdims=True) / 255
    mixed: NDArray[np.uint8] = (255 * (0.35 * grey + 0.65 * colour)).round().astype(np.uint8)
    return mixed


def style() -> AbstractContextManager[None]:
    """The look of all charts. matplotlib is loaded when the first is drawn, for that takes half a second."""
    from matplotlib import rc_context

    return rc_context(_STYLE)


def panel(width: float, height: float) -> "tuple[Figure, Axes]":
    """An empty chart, in inches."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    return figure, figure.subplots()


def _thinned(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Means over runs of neighbours, so that at most POINTS remain."""
    if len(x) <= POINTS:
        return x, y
    cuts = np.linspace(0, len(x), POINTS + 1).astype(int)[:-1]
    counts = np.diff(np.append(cuts, len(x)))
    return np.add.reduceat(x, cuts) / counts, np.add.reduceat(y, cuts) / counts
