"""Sections of a report about noise: the schedule, denoised test images, and images during sampling."""

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
    """Share of the signal and signal-to-noise ratio over time; the first schedule is the run's own."""
    share, ratio = {}, {}
    for name, schedule in named.items():
        times = list(range(len(schedule)))
        share[name] = (times, schedule.alpha_bar.tolist())
        ratio[name] = (times, schedule.snr.log10().tolist())
    drawn = [
        charts.curves(share, "signal's share of the variance", "time"),
        charts.curves(ratio, "log10 of signal to noise", "time"),
    ]
    reading = (
        "How much of the signal is left at each time. At the last time almost nothing should be left, or "
        "sampling starts from noise that the network has never seen."
    )
    return Section("Noise schedule", reading, html.charts(drawn))


def drowning(x: Pictures, levels: Sequence[float], clean: Clean, unit: Callable[[Tensor], Tensor]) -> Section:
    """Test images at rising noise, and below each the clean image that the network predicts from it.

    Args:
        x: images on the model's scale.
        levels: alpha bar of each column, falling.
        clean: the network's predicted clean image at a level.
        unit: maps images from the model's scale to 0 to 1.
    """
    # 1. The same noise at every level.
    noise = torch.randn(x.shape, generator=torch.Generator().manual_seed(0)).to(x.device)
    columns = [q_sample(x, noise, a) for a in levels]
    seen = [clean(noisy, a) for noisy, a in zip(columns, levels, strict=True)]
    # 2. Two rows for each image.
    rows = [
        unit(torch.stack([column[i] for column in some])) for i in range(len(x)) for some in (columns, seen)
    ]
    shares = ", ".join(f"{a:.3g}" for a in levels)
    reading = (
        f"Alpha bar from left to right: {shares}. In strong noise the best prediction is the mean of all "
        "images that may have led to the input, which is blurred. A network that predicts the noise has its "
        "largest errors there, because they are divided by the square root of alpha bar."
    )
    return Section(
        "Through noise", reading, strip(torch.cat(rows), len(levels), "test images at rising noise")
    )


def clearing(frames: Sequence[Pictures], steps: int, sampler: str) -> Section:
    """Images during sampling, one in each row."""
    n = len(frames[0])
    rows = [torch.stack([frame[i] for frame in frames]) for i in range(n)]
    reading = f"From noise to images in {steps} steps of {sampler}; as a film: gradschool sample RUN --film."
    return Section("Out of noise", reading, strip(torch.cat(rows), len(frames), "noise that becomes images"))


def channels(raw: Pictures, scaled: Pictures) -> Section:
    """The latent maps of a latent diffusion model, channel by channel, before and after scaling.

    Args:
        raw: latent maps of images, as the first stage gives them.
        scaled: the same as the network is given them.
    """
    # 1. One row for each channel.
    rows = [
        (str(i), *(f"{number:.3f}" for number in (a.mean(), a.std(), b.mean(), b.std())))
        for i, (a, b) in enumerate(zip(raw.unbind(1), scaled.unbind(1), strict=True))
    ]
    head = ("channel", "mean", "deviation", "mean, scaled", "deviation, scaled")
    table = html.table(head, rows, f"Codes of {len(raw)} test pictures, {'x'.join(map(str, raw.shape[1:]))}")
    # 2. The histogram of all numbers beside that of the noise.
    noise = torch.randn(scaled.numel(), generator=torch.Generator().manual_seed(0))
    named = {"codes": scaled.flatten().numpy(), "N(0, 1)": noise.numpy()}
    reading = (
        "The noise schedule assumes a standard deviation of 1. Deviations far from 1 after scaling mean "
        "that the test images differ from those that the scale was computed from."
    )
    drawn = html.charts([charts.histogram(named, "code, scaled", "numbers")])
    return Section("Codes", reading, html.join([table, drawn]))


def strip(pictures: Pictures, columns: int, alt: str) -> Markup:
    """A sheet with small images magnified."""
    return picture(grid(pictures, columns), alt, WIDTH)
