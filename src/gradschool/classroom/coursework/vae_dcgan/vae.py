"""Part 1 of the second coursework's mark scheme as checks: the VAE."""

import torch
from torch.distributions import Normal, kl_divergence

from gradschool.classroom.coursework.frame import Lost, Mark, marked
from gradschool.classroom.coursework.handed import Handed, convolutions
from gradschool.classroom.coursework.vae_dcgan.eye import Eye
from gradschool.classroom.coursework.vae_dcgan.figures import series
from gradschool.classroom.coursework.vae_dcgan.record import Paper
from gradschool.evals.generation.coverage import coverage, shares_of
from gradschool.ops.variational import active_units
from gradschool.runs.generation.score import as_stored

# 4096 draws: the mean of N(0, s) errs by s / 64, its deviation by s / 90; five of these.
DRAWS_MEAN, DRAWS_SIGMA = 5 / 64, 5 / 90
CLOSE = 1e-4  # float32 sums of three terms below 10, relative
READ = 0.9  # share of digits that must still be read after the VAE


def vae_marks(paper: Paper, eye: Eye) -> list[Mark]:
    """Part 1."""
    vae, halves = paper.vae, ("encode", "decode")
    return [
        marked("1.1a", "a VAE: pictures in, pictures of that shape out", 6, lambda: shapes(paper)),
        marked("1.1a", "convolutions in encoder and decoder", 3, lambda: convolutions(vae, halves)),
        marked("1.1a", "normalisation or dropout", 1, lambda: regularised(vae)),
        marked("1.1a", "encode: mean and log-variance of a code", 3, lambda: encoded(paper)),
        marked("1.1a", "a log-variance, not a variance", 1, lambda: logarithmic(paper)),
        marked("1.1a", "reparametrise: a sample in training, else the mean", 2, lambda: drawn(paper)),
        marked("1.1a", "forward: pictures of the mean code, in 0 to 1", 2, lambda: forwarded(paper)),
        marked("1.1b", "KL in closed form", 3, lambda: priced(paper)),
        marked("1.1a", "quality of the pictures", 5, lambda: read(paper, eye)),
        marked("1.2a", "six curves, and the test loss falls", 3, lambda: curved(paper)),
        marked("1.2b", "reconstructions beat the mean picture; codes in use", 3, lambda: rebuilt_well(paper)),
    ]  # fmt: skip


def shapes(paper: Paper) -> tuple[float, str]:
    """Pictures of the same shape."""
    again = paper.vae.answer(0, 3)[0]
    wanted = tuple(paper.x[:1000].shape)
    if tuple(again.shape) != wanted:
        raise Lost(f"forward returns {tuple(again.shape)}, {wanted} was wanted")
    return 1.0, f"{wanted[0]:,} pictures of {wanted[2]}x{wanted[3]} came back in their shape"


def regularised(handed: Handed) -> tuple[float, str]:
    """Any such layer on the way."""
    count = handed.runs("regularising", ("encode", "decode"))
    return float(count > 0), f"{count} such layers on the way from picture to picture"


def encoded(paper: Paper) -> tuple[float, str]:
    """Two tensors (b, d), d small, the same each time."""
    mean, log_variance = paper.vae.answer(1, 2)
    again = paper.vae.answer(5, 2)[0]
    pixels = paper.x[0].numel()
    d = mean.shape[-1]
    if not (mean.shape == log_variance.shape == (len(paper.x), d) and d < pixels):
        raise Lost(f"encode returns {tuple(mean.shape)} and {tuple(log_variance.shape)} for {pixels} pixels")
    same = bool(torch.allclose(again, mean[: len(again)], rtol=1e-3, atol=1e-3))
    told = "the same each time" if same else "but not the same each time in evaluation"
    return 1.0 if same else 2 / 3, f"two tensors of {d} numbers for {pixels} pixels, {told}"


def logarithmic(paper: Paper) -> tuple[float, str]:
    """Below 0 somewhere, as no variance is."""
    low = float(paper.vae.answer(1, 2)[1].min())
    return float(
        low < 0
    ), f"its smallest value on test digits is {low:.2f}; a variance would not fall below 0"


def drawn(paper: Paper) -> tuple[float, str]:
    """Half for a right sample in training, half for the mean in evaluation."""
    mean, log_variance = paper.known
    told, share = [], 0.0
    try:
        z = paper.vae.answer(2)[0]
        sigma = torch.exp(0.5 * log_variance[0])
        off = ((z.mean(0) - mean[0]).abs() / sigma).max(), (z.std(0) / sigma - 1).abs().max()
        is_right = bool(off[0] < DRAWS_MEAN and off[1] < DRAWS_SIGMA)
        share += 0.5 * is_right
        spread_ = (
            "is the same each time" if float(z.std(0).max()) == 0 else f"has deviations off by {off[1]:.1%}"
        )
        told.append("samples in training" if is_right else f"in training a sample {spread_} (4,096 draws)")
    except Lost as lost:
        told.append(str(lost))
    still = paper.vae.answer(3)[0]
    is_still = bool(torch.equal(still, mean))
    told.append("the mean in evaluation" if is_still else "in evaluation not the mean")
    return share + 0.5 * is_still, "; ".join(told)


def forwarded(paper: Paper) -> tuple[float, str]:
    """Equal to decoding the mean; values in 0 to 1."""
    again = paper.vae.answer(0, 3)[0]
    wanted = paper.decoder.answer(0)[0]
    is_same = bool(torch.allclose(again[:100], wanted, rtol=1e-3, atol=1e-3))
    low, high = float(again.min()), float(again.max())
    is_inside = low >= 0 and high <= 1
    told = "forward decodes the mean" if is_same else "forward in evaluation is not the decoded mean"
    return 0.5 * is_same + 0.5 * is_inside, f"{told}; pixels from {low:.2f} to {high:.2f}"


def priced(paper: Paper) -> tuple[float, str]:
    """Against torch.distributions."""
    mean, log_variance = (each[:1].double() for each in paper.known)
    wanted = float(kl_divergence(Normal(mean, torch.exp(0.5 * log_variance)), Normal(0.0, 1.0)).sum())
    found = paper.vae.answer(4)[0]
    if found.shape != (len(paper.known[0]),):
        raise Lost(f"kl returns {tuple(found.shape)}, a number for each code was wanted")
    is_right = bool(((found - wanted).abs() < CLOSE * abs(wanted)).all())
    return float(is_right), f"{float(found[0]):.4f} nats for a code whose KL to N(0, 1) is {wanted:.4f}"


def read(paper: Paper, eye: Eye) -> tuple[float, str]:
    """Half for reconstructions that are still read right, half for classes among samples."""
    classes = len(paper.digits.train.classes)
    # 1. Reconstructions: from chance to READ.
    seen = eye.sees(as_stored(paper.vae.answer(0, 3)[0]))
    labels = paper.tested.labels[: len(seen.probabilities)]
    right = float((seen.probabilities.argmax(1) == labels).float().mean())
    first = min(1.0, max(0.0, (right - 1 / classes) / (READ - 1 / classes)))
    # 2. Samples.
    made = eye.sees(as_stored(paper.decoder.answer(1)[0]))
    found = coverage(made.probabilities, shares_of(paper.digits.train.labels, classes))
    told = (
        f"{right:.1%} of {len(labels):,} reconstructions are read right ({READ:.0%} wanted), "
        f"{found.covered} of {classes} classes among 1,000 samples, seen by {eye.name}"
    )
    return 0.5 * first + 0.5 * found.covered / classes, told


def curved(paper: Paper) -> tuple[float, str]:
    """A twelfth for each series, half for a fall; nothing where the test part was looked at once."""
    lines = paper.log("vae")
    names = [f"{part}{name}" for part in ("", "test_") for name in ("loss", "reconstruction", "kl")]
    there = [name for name in names if len(series(lines, name)[1]) >= 2]
    _, losses = series(lines, "test_loss")
    if len(losses) < 2:
        times = "once" if losses else "never"
        raise Lost(
            f"the test loss was logged {times}, which is no curve: a full run (without --quick) logs more"
        )
    told = f"test loss from {losses[0]:.1f} to {losses[-1]:.1f}"
    falls = losses[-1] < losses[0]
    return len(there) / 12 + 0.5 * falls, f"{len(there)} of 6 series are logged; {told}"


def rebuilt_well(paper: Paper) -> tuple[float, str]:
    """Two thirds for an error below half of the mean picture's, a third for two or more active numbers."""
    again = paper.vae.answer(0, 3)[0]
    x = paper.x[: len(again)]
    if again.shape != x.shape:
        raise Lost(f"forward returns {tuple(again.shape)}, {tuple(x.shape)} was wanted")
    error, base = float((again - x).square().mean()), float((x.mean(0) - x).square().mean())
    active = int(active_units(paper.vae.answer(1, 2)[0]).sum())
    told = f"squared error {error:.4f} a pixel, the mean picture's is {base:.4f}; {active} numbers are active"
    return (2 * (error < base / 2) + (active >= 2)) / 3, told
