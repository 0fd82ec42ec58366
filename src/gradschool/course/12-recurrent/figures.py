"""Figures of chapter 12."""

import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch

from gradschool.classroom.author.figure import measured, panels
from gradschool.course.lessons.diagrams import arcs, arrow, box, canvas
from gradschool.course.lessons.tones import features, word
from gradschool.data.text.formal import grammar
from gradschool.data.text.formal.languages import anbn
from gradschool.evals.language.dynamics import cloud, extract
from gradschool.evals.language.gradients import gradient_norms
from gradschool.models.language.srn import srn
from gradschool.nn.sequence.recurrent import LSTM, RNN
from gradschool.ops.sequence.recurrent import lstm_cell
from gradschool.ops.sequence.sound import frames, hann_window, log_mel, mel_filters, power_spectrum

INK = {"color": "black", "lw": 1.2}


def words_of_tones() -> Figure:
    """Two words of the experiment `tones` as log-mel spectrograms."""
    figure, axes = panels(1, 2, (5.8, 2.6), sharey=True)
    for ax, order, seed in zip(axes, ((0, 1, 2), (2, 0, 1)), (3, 3), strict=True):
        rows = features(word(order, torch.Generator().manual_seed(seed)))
        ax.imshow(rows.T.numpy(), origin="lower", aspect="auto", interpolation="nearest")
        ax.set(title=", ".join(("low", "middle", "high")[i] for i in order), xlabel="frame")
    axes[0].set_ylabel("mel band")
    return figure


def unrolled() -> Figure:
    """A recurrent network as a loop, and over four steps."""
    figure, axes = canvas(10.6, 4.4, (6, 2.5))
    for i, x in enumerate((1.2, 4.2, 6.0, 7.8, 9.6)):
        t = "t" if i == 0 else str(i)
        box(axes, x, 2.2, f"$h_{t}$", w=1.0, h=0.8)
        axes.text(x, 0.3, f"$x_{t}$", ha="center", va="center", fontsize=12)
        axes.text(x, 4.1, f"$y_{t}$", ha="center", va="center", fontsize=12)
        arrow(axes, (x, 0.6), (x, 1.8), "C0")
        arrow(axes, (x, 2.6), (x, 3.8), "C2")
        axes.text(x + 0.15, 1.15, "$W$", color="C0", fontsize=11)
        axes.text(x + 0.15, 3.05, "$V$", color="C2", fontsize=11)
        if i:
            arrow(axes, (x - 1.3, 2.2), (x - 0.5, 2.2), "C3")
            axes.text(x - 0.9, 2.4, "$U$", color="C3", fontsize=11, ha="center")
    axes.text(2.72, 2.2, "$h_0$", ha="right", va="center", fontsize=12)
    arrow(axes, (0.7, 2.4), (0.7, 2.0), "C3", bend=2.2)
    axes.text(0.1, 2.75, "$U$", color="C3", fontsize=11)
    return figure


def norms_over_time() -> Figure:
    """Gradient norms over 100 steps, computed here by the library's function for one seed."""
    kinds = {
        "RNN, default": (lambda: RNN(4, 64), "C0-"),
        "RNN, orthogonal": (lambda: RNN(4, 64), "C0--"),
        "LSTM": (lambda: LSTM(4, 64), "C1-"),
        "LSTM, bias 1": (lambda: LSTM(4, 64, forget_bias=1.0), "C1--"),
        "LSTM, bias 5": (lambda: LSTM(4, 64, forget_bias=5.0), "C3-"),
    }
    figure, axes = panels(1, 1, (5.8, 3.4))
    for name, (make, style) in kinds.items():
        torch.manual_seed(0)
        core = make().double()
        if name.endswith("orthogonal"):
            torch.nn.init.orthogonal_(core.get_parameter("weight_hh_l0"))
        x = torch.randn(8, 100, 4).double()
        norms = np.array(gradient_norms(core, x, lambda y: y[:, -1].sum()))
        axes.semilogy(np.arange(1, 101), norms / norms[-1], style, label=name)
    axes.set(
        xlabel="step $t$ (the loss is at step 100)", ylabel=r"gradient / that of step 100", ylim=(1e-27, 1e3)
    )
    axes.legend(frameon=False, fontsize=9, loc="lower right")
    return figure


def lstm_diagram() -> Figure:
    """One step of an LSTM."""
    figure, axes = canvas(10.2, 5.6, (6, 3.3))
    # 1. The frame, and the cell state along the top.
    shape = "round,pad=0,rounding_size=0.25"
    axes.add_patch(FancyBboxPatch((1.1, 0.55), 7.9, 4.5, boxstyle=shape, fill=False, ec="gray", lw=1))
    arrow(axes, (0.2, 4.4), (2.35, 4.4), lw=2.4)
    arrow(axes, (2.85, 4.4), (4.95, 4.4), lw=2.4)
    arrow(axes, (5.45, 4.4), (10.0, 4.4), lw=2.4)
    # 2. The sums of all gates come from the input and the hidden state.
    axes.plot([0.2, 7.0], [1.0, 1.0], **INK)
    axes.plot([1.7, 1.7], [0.1, 1.0], **INK)
    for x, name, color in ((2.6, "$f$", "C0"), (4.1, "$i$", "C2"), (5.2, "$g$", "C4"), (7.0, "$o$", "C1")):
        arrow(axes, (x, 1.0), (x, 1.55))
        box(axes, x, 1.85, name, color, w=0.9)
    # 3. Products and sums of vectors.
    for x, y, sign in (
        (2.6, 4.4, r"$\times$"),
        (5.2, 4.4, "+"),
        (5.2, 3.2, r"$\times$"),
        (7.0, 2.8, r"$\times$"),
    ):
        axes.add_patch(plt.Circle((x, y), 0.25, fill=False, ec="black", lw=1.3))
        axes.text(x, y, sign, ha="center", va="center", fontsize=11)
    arrow(axes, (2.6, 2.15), (2.6, 4.15), "C0")
    arrow(axes, (5.2, 2.15), (5.2, 2.95), "C4")
    axes.plot([4.1, 4.1], [2.15, 3.2], color="C2", lw=1.4)
    arrow(axes, (4.1, 3.2), (4.95, 3.2), "C2")
    arrow(axes, (5.2, 3.45), (5.2, 4.15))
    arrow(axes, (7.0, 2.15), (7.0, 2.55), "C1")
    arrow(axes, (7.0, 4.4), (7.0, 4.0))
    box(axes, 7.0, 3.72, "tanh", w=1.1, h=0.56)
    arrow(axes, (7.0, 3.44), (7.0, 3.05))
    axes.plot([7.25, 8.3, 8.3], [2.8, 2.8, 1.0], **INK)
    arrow(axes, (8.3, 1.0), (10.0, 1.0))
    labels = {"$c_{t-1}$": (0.2, 4.7), "$c_t$": (9.25, 4.7), "$h_{t-1}$": (0.2, 1.25), "$h_t$": (9.25, 1.25)}
    for text, (x, y) in {**labels, "$x_t$": (1.85, 0.12)}.items():
        axes.text(x, y, text, fontsize=12)
    return figure


def gates() -> Figure:
    """Gates and states of an LSTM that learned parity, over a string."""
    kept = measured(__file__, "parity")["weights"]
    ih, hh, bias = (
        torch.tensor(kept[f"recurrent.{name}_l0"]) for name in ("weight_ih", "weight_hh", "bias_ih")
    )
    bias = bias + torch.tensor(kept["recurrent.bias_hh_l0"])
    string = [0, 1, 0, 0, 1, 1, 0, 1, 0, 0, 0, 1, 1, 1, 0, 0]
    h = c = torch.zeros(1, hh.shape[1])
    rows = []
    for symbol in string:
        u = ih[:, symbol][None] + bias
        v = h @ hh.T
        i, f, _, o = (u + v).chunk(4, 1)
        h, c = lstm_cell(u, v, c)
        rows.append((f.sigmoid(), i.sigmoid(), o.sigmoid(), h))
    figure, axes = panels(4, 1, (5.8, 4.6), sharex=True)
    names = ("forget gate", "input gate", "output gate", "hidden state")
    for ax, name, part in zip(axes, names, zip(*rows, strict=True), strict=True):
        low = -1 if name == "hidden state" else 0
        ax.imshow(torch.cat(part).T.numpy(), aspect="auto", vmin=low, vmax=1, interpolation="nearest")
        ax.set(yticks=[], ylabel="units")
        ax.set_title(name, fontsize=10)
    right = ["odd" if count % 2 else "even" for count in np.cumsum(string)]
    words = [f"{symbol}\n{answer}" for symbol, answer in zip(string, right, strict=True)]
    axes[3].set_xticks(range(len(string)), words, fontsize=8)
    axes[3].set_xlabel("symbol, and the right answer")
    return figure


def chunks() -> Figure:
    """Truncated backpropagation through time over three chunks."""
    figure, axes = canvas(12.4, 3.2, (6, 1.6))
    for chunk in range(3):
        left = 0.4 + 4.1 * chunk
        axes.add_patch(plt.Rectangle((left - 0.15, 0.5), 3.6, 1.9, fill=False, ec="gray", ls="--", lw=1))
        axes.text(left + 1.6, 2.65, f"chunk {chunk + 1}", ha="center", fontsize=10)
        for i in range(4):
            axes.add_patch(plt.Rectangle((left + 0.85 * i, 1.2), 0.5, 0.5, fill=False, ec="black", lw=1.2))
            if i < 3:
                arrow(axes, (left + 0.85 * i + 0.5, 1.55), (left + 0.85 * i + 0.85, 1.55))
                arrow(axes, (left + 0.85 * i + 0.85, 1.33), (left + 0.85 * i + 0.5, 1.33), "C3")
        if chunk < 2:
            arrow(axes, (left + 3.05, 1.55), (left + 4.1, 1.55), lw=2.2)
            axes.text(left + 3.58, 1.12, r"$\times$", color="C3", ha="center", va="center", fontsize=14)
    axes.text(6.2, 0.15, "the state goes on, the gradient stops", ha="center", fontsize=10)
    return figure


def distances() -> Figure:
    """Share of right answers by the distance to the announcement."""
    found = measured(__file__, "truncation")
    figure, axes = panels(1, 1, (5.6, 3))
    names = {
        "carried": "chunks of 16, carried",
        "short": "chunks of 4, carried",
        "zeros": "chunks of 16, zeros",
    }
    for i, (key, name) in enumerate(names.items()):
        axes.plot(found["bins"], [100 * share for share in found[key]["by_distance"]], f"C{i}o-", label=name)
    axes.axhline(50, color="gray", ls=":")
    axes.set(xlabel="steps since the announcement", ylabel="right answers (%)", ylim=(40, 103))
    axes.tick_params(axis="x", labelsize=9)
    axes.legend(frameon=False, fontsize=9, loc="center right", bbox_to_anchor=(1, 0.72))
    return figure


PLACES = {
    "start": (0.4, 2), "1": (2.0, 2), "2": (3.8, 3.4), "3": (3.8, 0.6), "4": (6.0, 3.4), "5": (6.0, 0.6),
    "6": (7.8, 2), "end": (9.4, 2),
}  # fmt: skip


def reber() -> Figure:
    """The grammar as an automaton."""
    figure, axes = canvas(9.9, 5.2, (5.9, 3.1))
    rows = [(a, b, letter) for a, row in grammar.REBER.items() for letter, b in row.items()]
    arcs(axes, rows, {name: (x, y + 0.6) for name, (x, y) in PLACES.items()})
    axes.text(0.4, 2.0, "start", ha="center", fontsize=10)
    axes.text(9.4, 2.0, "end", ha="center", fontsize=10)
    return figure


def reader(name: str, symbols: int):
    """The network that an experiment kept."""
    model = srn(symbols, symbols, 2)
    kept = measured(__file__, name)["weights"]
    model.load_state_dict({key: torch.tensor(value) for key, value in kept.items()})
    return model


def hidden_states() -> Figure:
    """Hidden states along strings of Reber's grammar, coloured by the true state."""
    language, model = grammar.reber(), reader("grammar", 7)
    strings = language.draw(150, torch.Generator().manual_seed(7))
    with torch.no_grad():
        _, hidden = model(strings.inputs)
    found = cloud(hidden, strings)
    figure, axes = panels(1, 1, (5.2, 4.2))
    for state in sorted(set(found.states.tolist())):
        here = found.points[found.states == state]
        axes.plot(*here.T, "o", ms=5, alpha=0.6, mew=0, color=f"C{state}")
        middle = np.median(here, 0)
        away = middle + 0.13 * np.where(middle > 0, -1, 1)
        axes.text(*away, language.machine.names[state], ha="center", va="center", fontsize=11)
    axes.set(xlabel="hidden unit 1", ylabel="hidden unit 2", xlim=(-1.1, 1.1), ylim=(-1.1, 1.1))
    return figure


def automaton() -> Figure:
    """The automaton that was extracted from the same network, laid out as the grammar is."""
    language, model = grammar.reber(), reader("grammar", 7)
    best = max(extract(model, language, 0), key=lambda one: one.alike).automaton
    # 1. As the grammar was drawn, if there are as many states: they are numbered as a search meets them.
    turns = np.pi - 2 * np.pi * np.arange(len(best)) / len(best)
    ring = [(4.9 + 3.6 * np.cos(t), 2 + 2.2 * np.sin(t)) for t in turns]
    spots = list(PLACES.values()) if len(best) == len(PLACES) else ring
    places = {str(i): (x, y + 0.6) for i, (x, y) in enumerate(spots)}
    # 2. Its arrows; a double circle is where a string may end.
    found = [(i, s, best.to[i, s]) for i, s in zip(*np.nonzero(best.to >= 0), strict=True)]
    rows = [(str(i), str(to), language.symbols[s]) for i, s, to in found]
    figure, axes = canvas(9.9, 5.2, (5.9, 3.1))
    arcs(axes, rows, places)
    for i in np.flatnonzero(best.accepting):
        axes.add_patch(plt.Circle(places[str(i)], 0.44, fill=False, ec="black", lw=1.3))
    axes.text(places["0"][0], places["0"][1] - 0.75, "start", ha="center", fontsize=10)
    return figure


def counting_states() -> Figure:
    """Hidden states of a counter along one string."""
    language, model = anbn(), reader("counting", 2)
    string = 2 * language.block(5)
    x = torch.tensor([["ab".index(letter) for letter in string]])
    with torch.no_grad():
        points = model(x)[1][0, 10:20].numpy()
    figure, axes = panels(1, 1, (5.2, 4.2))
    for part, letter, color in ((points[:5], "a", "C0"), (points[5:], "b", "C1")):
        axes.plot(*part.T, "o-", color=color, lw=0.8, label=letter)
    axes.plot(*points[4:6].T, color="gray", lw=0.8, ls=":")
    for i, point in enumerate(points):
        axes.annotate(str(i % 5 + 1), point, xytext=(5, 5), textcoords="offset points", fontsize=10)
    axes.set(xlabel="hidden unit 1", ylabel="hidden unit 2")
    axes.legend(frameon=False, title="letter read")
    return figure


def scan_time() -> Figure:
    """Time of a loop and of chunks, from the experiment."""
    found = measured(__file__, "scanning")
    figure, axes = panels(1, 1, (5.2, 3))
    for name, label, style in (("loop", "step by step", "C1o-"), ("chunks", "in chunks of 32", "C0o-")):
        axes.loglog(found["steps"], found[name], style, label=label)
    axes.set(xlabel="steps $T$", ylabel="time (ms)", xticks=found["steps"])
    axes.set_xticks(found["steps"], [f"{n:,}" for n in found["steps"]])
    axes.minorticks_off()
    axes.legend(frameon=False)
    return figure


def filter_bank() -> Figure:
    """Mel filters, and the log-mel spectrogram of a gliding tone."""
    figure, axes = panels(1, 2, (5.9, 2.8))
    hz = np.arange(129) * 8000 / 256
    for i, row in enumerate(mel_filters(12, 256, 8000)):
        axes[0].plot(hz, row.numpy(), color=f"C{i % 2}", lw=1.2)
    axes[0].set(xlabel="frequency (Hz)", ylabel="weight", title="12 mel filters")
    time = torch.linspace(0, 1, 8000)
    pitch = 300 * 8 ** torch.sin(torch.pi * time)
    wave = torch.sin(2 * torch.pi * torch.cumsum(pitch, 0) / 8000)
    power = power_spectrum(frames(wave, 256, 128) * hann_window(256))
    rows = log_mel(power, mel_filters(24, 256, 8000), 1e-3)
    axes[1].imshow(rows.T.numpy(), origin="lower", aspect="auto", extent=(0, 1, 0, 24),
                   interpolation="nearest")  # fmt: skip
    axes[1].set(xlabel="time (s)", ylabel="mel band", title="log-mel spectrogram")
    return figure
