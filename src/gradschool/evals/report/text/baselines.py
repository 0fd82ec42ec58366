"""The loss of a language model beside that of models that count: what every report about one begins with."""

import math
from collections.abc import Collection, Mapping

from markupsafe import Markup

from gradschool.evals.language import counting
from gradschool.evals.report import charts, html
from gradschool.evals.report.html import Section

NETWORK = "this network"


def verdict(loss: float, baselines: Mapping[str, float], token: str) -> str:
    """Whether the network beats the best n-gram model, in a sentence.

    Args:
        loss: of the network, in nats per token.
        baselines: the same of n-gram models, by name.
        token: what a token is, e.g. "character".
    """
    name, least = counting.best(baselines)
    baseline = f"the best n-gram model ({name}, {least:.3f} nats per {token})"
    if loss >= least:
        return f"The network does not beat {baseline}."
    return f"The network beats {baseline} by {least - loss:.3f}."


def beside(
    loss: float, baselines: Mapping[str, float], token: str, about: str,
    mixtures: Mapping[str, float] | None = None,
) -> Section:  # fmt: skip
    """All losses as bars and as a table: models that count, the network, mixtures of both.

    Args:
        loss, baselines, token: as of `verdict`.
        about: how the models that count are made, in sentences.
        mixtures: losses of the network mixed with one that counts, by name.
    """
    # 1. All scores, in the units in use.
    scores = {**baselines, NETWORK: loss, **(mixtures or {})}
    rows = [
        (name, f"{nats:.3f}", f"{nats / math.log(2):.3f}", f"{math.exp(nats):.2f}")
        for name, nats in scores.items()
    ]  # fmt: skip
    head = ("model", f"nats per {token}", f"bits per {token}", "perplexity")
    reading = (
        f"{verdict(loss, baselines, token)} Mean negative log-likelihood of a {token} of the test part; "
        f"lower is better. {about}"
    )
    # 2. The same as bars.
    drawn = bars(scores, f"nats per {token}", [NETWORK])
    body = html.join([html.charts([drawn]), html.table(head, rows, "Loss on the test part")])
    return Section("Baselines", reading, body)


def bars(values: Mapping[str, float], across: str, own: Collection[str]) -> Markup:
    """A horizontal bar for each name, with its number behind it, from the top in the order given.

    Args:
        values: name -> length, >= 0.
        across: what the lengths are, with their unit.
        own: names whose bars stand out.
    """
    with charts.style():
        # 1. A bar and a number for each.
        figure, ax = charts.panel(4.8, 0.6 + 0.34 * len(values))
        colours = [charts.SERIES[0] if name in own else charts.FAINT for name in values]
        drawn = ax.barh(list(values), list(values.values()), color=colours)
        ax.bar_label(drawn, [f"{length:.3f}" for length in values.values()], padding=4)
        # 2. The first on top, with room for the numbers.
        ax.invert_yaxis()
        ax.margins(x=0.15)
        ax.set(xlabel=across)
        ax.grid(False, axis="y")
        told = "; ".join(f"{name} {length:.3g}" for name, length in values.items())
        return charts.svg(figure, f"{across}: {told}")
