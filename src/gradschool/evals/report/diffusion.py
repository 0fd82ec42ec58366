"""Sections of a report about noise: how pictures drown in it, what a network sees in it, how it clears."""

from collections.abc import Callable, Mapping, Sequence

import torch
from jaxtyping import Float
from markupsafe import Markup
from torch import Tensor

from gradschool.evals.pictures import grid
from gradschool.evals.report import charts, html
from gradschool.evals.report.html import Section
from gradschool.evals.report.samples import picture
from gradschool.ops.diffusion import NoiseSchedule, q_sample

Pictures = Float[Tensor, "n c h w"]
Clean = Callable[[Tensor, float], Tensor]
WIDTH = 640  # pixels of a strip, about


def schedules(named: Mapping[str, NoiseSchedule]) -> Section:
    """Picture's share and signal-to-noise ratio over the times; the first schedule is the run's own."""
    share, ratio = {}, {}
    for name, schedule in named.items():
        times = list(range(len(schedule)))
        share[name] = (times, schedule.alpha_bar.tolist())
        ratio[name] = (times, schedule.snr.log10().tolist())
    drawn = [
        charts.curves(share, "picture's share of the variance", "time"),
        charts.curves(ratio, "log10 of signal to noise", "time"),
    ]
    reading = (
        "How much of a picture is left at each time. At the last there should be next to nothing, or "
        "sampling starts from noise that the network has never seen."
    )
    return Section("Noise schedule", reading, html.charts(drawn))


def drowning(x: Pictures, levels: Sequence[float], clean: Clean, unit: Callable[[Tensor], Tensor]) -> Section:
    """Test pictures at rising noise, and under each what the network sees in it at a single look.

    Args:
        x: pictures as the model sees them.
        levels: alpha bar of each column, falling.
        clean: the network's clean picture at a level.
        unit: pictures as the model sees them to 0 to 1.
    """
    # 1. The same noise at every level.
    noise = torch.randn(x.shape, generator=torch.Generator().manual_seed(0)).to(x.device)
    columns = [q_sample(x, noise, a) for a in levels]
    seen = [clean(noisy, a) for noisy, a in zip(columns, levels, strict=True)]
    # 2. Two rows a picture.
    rows = [
        unit(torch.stack([column[i] for column in some])) for i in range(len(x)) for some in (columns, seen)
    ]
    shares = ", ".join(f"{a:.3g}" for a in levels)
    reading = (
        f"Alpha bar from left to right: {shares}. In much noise the best answer is the mean of all pictures "
        "that may be behind it: blurred, and no picture itself. A network that predicts the noise errs most "
        "there, as its error is divided by the root of alpha bar."
    )
    return Section(
        "Through noise", reading, strip(torch.cat(rows), len(levels), "test pictures in rising noise")
    )


def clearing(frames: Sequence[Pictures], steps: int, sampler: str) -> Section:
    """Pictures on their way out of noise, one in a row."""
    n = len(frames[0])
    rows = [torch.stack([frame[i] for frame in frames]) for i in range(n)]
    reading = f"From noise to pictures in {steps} steps of {sampler}; the film of it: sample --film."
    return Section(
        "Out of noise", reading, strip(torch.cat(rows), len(frames), "noise that becomes pictures")
    )


def channels(raw: Pictures, scaled: Pictures) -> Section:
    """The codes that a latent diffusion model works on, channel by channel, before and after scaling.

    Args:
        raw: codes of pictures as the first stage gives them.
        scaled: the same as the network sees them.
    """
    # 1. A row a channel.
    rows = [
        (str(i), *(f"{number:.3f}" for number in (a.mean(), a.std(), b.mean(), b.std())))
        for i, (a, b) in enumerate(zip(raw.unbind(1), scaled.unbind(1), strict=True))
    ]
    head = ("channel", "mean", "deviation", "mean, scaled", "deviation, scaled")
    table = html.table(head, rows, f"Codes of {len(raw)} test pictures, {'x'.join(map(str, raw.shape[1:]))}")
    # 2. All numbers together beside what the noise is.
    noise = torch.randn(scaled.numel(), generator=torch.Generator().manual_seed(0))
    named = {"codes": scaled.flatten().numpy(), "N(0, 1)": noise.numpy()}
    reading = (
        "The noise schedule is made for numbers of deviation 1. Deviations far from it after scaling mean "
        "that test pictures are not like those that the scale was taken from."
    )
    drawn = html.charts([charts.histogram(named, "code, scaled", "numbers")])
    return Section("Codes", reading, html.join([table, drawn]))


def strip(pictures: Pictures, columns: int, alt: str) -> Markup:
    """A sheet with small pictures magnified."""
    return picture(grid(pictures, columns), alt, WIDTH)
