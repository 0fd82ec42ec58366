"""Experiments of chapter 9, on digits of 8x8 pixels: 1400 to learn from, 397 for the test."""

import statistics
from collections.abc import Iterator
from itertools import repeat
from typing import Any

import numpy as np
import torch
from sklearn import datasets
from sklearn.datasets import load_digits

from gradschool.data.catalogue import located
from gradschool.data.sets.vision.mnist import SET
from gradschool.evals.generation.latent import stability, tsne
from gradschool.models.generative import autoencoder as family
from gradschool.models.generative.autoencoder import linear_autoencoder
from gradschool.models.generative.vae import VAE, mlp_vae
from gradschool.models.generative.vqvae import vqvae
from gradschool.ops.quantise import perplexity
from gradschool.ops.variational import active_units, importance_bound, log_weights, warmed_up
from gradschool.scratch.statistics import ppca
from gradschool.tasks.autoencoder import Autoencode
from gradschool.tasks.vae import Iwae, Price, Vae, bernoulli, weights_of

KNOWN, STEPS, BATCH, LATENT, SHOWN, SEEDS = 1400, 600, 100, 16, 8, 3
BETAS = {"b0": 0.0, "b1_4": 0.25, "b1_2": 0.5, "b1": 1.0, "b2": 2.0, "b4": 4.0, "b8": 8.0}


def digits(seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Pictures (n, 1, 8, 8) from 0 to 1 to learn from, and others for the test."""
    x = torch.tensor(load_digits().images, dtype=torch.float32)[:, None] / 16
    order = torch.randperm(len(x), generator=torch.Generator().manual_seed(seed))
    return x[order[:KNOWN]], x[order[KNOWN:]]


def spread(values: list[float]) -> dict:
    """Number, mean, deviation and range."""
    return {"n": len(values), "mean": statistics.fmean(values), "deviation": statistics.stdev(values),
            "lowest": min(values), "highest": max(values)}  # fmt: skip


def table(rows: list[dict[str, float]]) -> dict:
    """The spread of every column."""
    return {name: spread([row[name] for row in rows]) for name in rows[0]}


def some(known: torch.Tensor) -> Iterator[torch.Tensor]:
    """Batches drawn at random, without end."""
    while True:
        yield known[torch.randint(len(known), (BATCH,))]


def fitted(task, batches: Iterator, steps: int, rate: float, warmup: float | None = None) -> None:
    """Train the task's model with Adam, the rate falling to 0."""
    optimiser = torch.optim.Adam(task.parts["model"].parameters(), lr=rate)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
    for step in range(steps):
        told = {} if warmup is None else {"weight": warmed_up(step / steps, warmup)}
        optimiser.zero_grad()
        task.loss((next(batches), None), **told)["loss"].backward()
        optimiser.step()
        schedule.step()
    task.parts["model"].eval()


def small_vae(seed: int) -> VAE:
    """64 pixels, 128 hidden units, 16 numbers in a code."""
    torch.manual_seed(seed)
    return mlp_vae((1, 8, 8), hidden=128, latent=LATENT)


@torch.no_grad()
def scores(task: Vae, held: torch.Tensor) -> dict[str, float]:
    """Reconstruction, KL and minus the bound in nats of a test picture, and how many numbers are active."""
    errors, prices = Vae.bound(task, (held, None))  # type: ignore[arg-type]
    active = active_units(task.parts["model"].encode(held)[0])  # type: ignore[operator]
    return {"reconstruction": errors.mean().item(), "kl": prices.sum(1).mean().item(),
            "nats": (errors.mean() + prices.sum(1).mean()).item(), "active": float(active.sum())}  # fmt: skip


@torch.no_grad()
def drawn(model: VAE) -> list[str]:
    """New pictures, each as 64 hexadecimal digits of grey."""
    z = torch.randn(SHOWN, LATENT, generator=torch.Generator().manual_seed(0))
    grey = (torch.sigmoid(model.decode(z)) * 15).round().long().flatten(1)
    return ["".join(f"{value:x}" for value in row) for row in grey.tolist()]


def linear() -> dict:
    """Squared error a pixel of linear autoencoders and of principal components, on what they learned from."""
    found: dict = {}
    for latent in (2, 8):
        rows = []
        for seed in range(SEEDS):
            known, _ = digits(seed)
            torch.manual_seed(seed)
            task = Autoencode(linear_autoencoder((1, 8, 8), latent=latent))
            fitted(task, repeat(known), 5 * STEPS, 1e-2)
            with torch.no_grad():
                mine = task.loss((known, None))["loss"].item()  # type: ignore[arg-type]
            x = known.flatten(1).double().numpy()
            _, values, directions = np.linalg.svd(x - x.mean(0), full_matrices=False)
            # 1. What the planes have in common: cosines of the angles between them, the smallest.
            span = np.linalg.qr(task.parts["model"].decoder[0].weight.detach().double().numpy())[0]  # type: ignore[index, union-attr]
            cosine = np.linalg.svd(span.T @ directions[:latent].T, compute_uv=False)[-1]
            best = float((values[latent:] ** 2).sum() / x.size)
            rows.append({"pca": best, "autoencoder": mine, "ratio": mine / best, "cosine": float(cosine)})
        found[f"latent{latent}"] = table(rows)
    return found


def beta() -> dict:
    """Reconstruction, KL and active numbers of codes for seven prices of a nat; new pictures of seed 0."""
    found: dict = {"betas": BETAS, "latent": LATENT, "steps": STEPS, "drawn": {}, "runs": {}}
    for name, price in BETAS.items():
        rows = []
        for seed in range(SEEDS):
            known, held = digits(seed)
            task = Vae(small_vae(seed), price=Price(price))
            fitted(task, some(known), STEPS, 5e-3)
            rows.append(scores(task, held))
            if seed == 0:
                found["drawn"][name] = drawn(task.parts["model"])  # type: ignore[arg-type]
        found["runs"][name] = table(rows)
    return found


def collapse() -> dict:
    """Active numbers at a price of 2 from the start, with a warm-up, and with free bits."""
    ways = {"plain": (0.0, 0.0), "warmup": (0.0, 0.5), "free": (0.5, 0.0)}
    found: dict = {"beta": 2.0, "free_nats": 0.5, "latent": LATENT}
    for name, (free, warmup) in ways.items():
        rows = []
        for seed in range(SEEDS):
            known, held = digits(seed)
            task = Vae(small_vae(seed), price=Price(2.0, free))
            fitted(task, some(known), STEPS, 5e-3, warmup)
            rows.append(scores(task, held))
        found[name] = table(rows)
    return found


@torch.no_grad()
def nats_of(model: VAE, held: torch.Tensor, codes: int) -> float:
    """Minus the importance-weighted bound of 200 test pictures."""
    weights = weights_of(model, bernoulli, (held[:200], None), codes)  # type: ignore[arg-type]
    return -importance_bound(weights).mean().item()


def iwae() -> dict:
    """Minus the bound in nats by number of codes, of models trained with 1 code and with 20."""
    counts = (1, 2, 5, 20, 100, 500)
    found: dict = {"counts": list(counts)}
    for trained in (1, 20):
        rows = []
        for seed in range(SEEDS):
            known, held = digits(seed)
            task = Iwae(small_vae(seed), trained) if trained > 1 else Vae(small_vae(seed))
            fitted(task, some(known), STEPS, 5e-3)
            model = task.parts["model"]
            row = {f"k{k}": nats_of(model, held, k) for k in counts}  # type: ignore[arg-type]
            rows.append(row | {"active": scores(task, held)["active"]})
        found[f"trained{trained}"] = table(rows)
    return found


def exact() -> dict:
    """The bound by number of codes where ln p(x) is known: a linear model, an encoder too unsure by half."""
    counts, rows = (1, 2, 5, 20, 100, 500), []
    for seed in range(10):
        known, held = (part.flatten(1).double().numpy() for part in digits(seed))
        model = ppca.fit_ppca(known, 4)
        truth = float(ppca.log_likelihood(model, held).mean())
        mean, covariance = (torch.tensor(part) for part in ppca.posterior(model, held))
        right = covariance.diagonal().log().expand_as(mean)
        row = {"truth": truth}
        for name, log_variance in (("right", right), ("wide", right + 2 * np.log(1.5))):
            for k in counts:
                row[f"{name}{k}"] = linear_bound(model, held, mean, log_variance, k, seed) - truth
        rows.append(row)
    return {"counts": list(counts), "codes": 4, **table(rows)}


def linear_bound(model, x, mean, log_variance, k: int, seed: int) -> float:
    """The importance-weighted bound of a linear model's ln p(x), a mean over pictures."""
    noise = torch.randn(k, *mean.shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    z = mean + torch.exp(0.5 * log_variance) * noise
    means = z @ torch.tensor(model.weights).T + torch.tensor(model.mean)
    seen = torch.distributions.Normal(means, model.variance**0.5).log_prob(torch.tensor(x)).sum(-1)
    return importance_bound(log_weights(seen, z, mean, log_variance)).mean().item()


def hexed(pictures: torch.Tensor) -> list[str]:
    """Pictures (n, 64) from 0 to 1, each as 64 hexadecimal digits of grey."""
    levels = (pictures.clamp(0, 1) * 15).round().long().flatten(1)
    return ["".join(f"{value:x}" for value in row) for row in levels.tolist()]


def labels(seed: int) -> list[int]:
    """The classes of the test pictures."""
    y = torch.tensor(load_digits().target)
    return y[torch.randperm(len(y), generator=torch.Generator().manual_seed(seed))][KNOWN:].tolist()


def pixels() -> dict:
    """Share of pixels in ten bins of grey from 0 to 1: MNIST, digits of 8x8 pixels, a photograph."""
    mnist, photograph = SET.read(located(SET))["train"][0], datasets.load_sample_image("flower.jpg").mean(2)  # type: ignore[misc, arg-type]
    found = {}
    for name, x in {
        "mnist": mnist / 255,
        "digits": load_digits().data / 16,
        "photo": photograph / 255,
    }.items():
        bins = np.histogram(x, 10, (0, 1))[0] / x.size
        found[name] = {"bins": bins.tolist(), "ends": float(bins[0] + bins[-1])}
    return found


def space() -> dict:
    """Test digits as codes of two numbers, by an autoencoder and by a VAE; squared error a pixel."""
    found: dict = {"labels": labels(0)}
    rows = []
    for seed in range(SEEDS):
        known, held = digits(seed)
        torch.manual_seed(seed)
        plain = Autoencode(family.mlp_autoencoder((1, 8, 8), latent=2, widths=(128, 64)))
        vae, row = Vae(mlp_vae((1, 8, 8), hidden=128, latent=2)), {}
        for name, task in {"plain": plain, "vae": vae}.items():
            fitted(task, some(known), 2 * STEPS, 5e-3)
            model: Any = task.parts["model"]  # type: ignore[attr-defined]
            with torch.no_grad():
                z = model.encoder(held) if task is plain else model.encode(held)[0]
                again = model(held) if task is plain else torch.sigmoid(model.decode(z))
            row[name] = (again - held).square().mean().item()
            if seed == 0:
                found[f"codes_{name}"] = (100 * z).round().int().tolist()
        rows.append(row)
    return found | table(rows)


@torch.no_grad()
def atlas() -> dict:
    """t-SNE maps of test codes at three perplexities; what maps of three seeds have in common."""
    known, held = digits(0)
    with torch.enable_grad():
        fitted(task := Vae(small_vae(0)), some(known), STEPS, 5e-3)
    codes = task.parts["model"].encode(held)[0].numpy()  # type: ignore[operator]
    maps = {f"p{p}": (10 * tsne(codes, p)).round().astype(int).tolist() for p in (5, 30, 50)}
    agree = {f"p{each.perplexity}": vars(each) for each in stability(codes, (5, 30, 50), (0, 1, 2))}
    return {"labels": labels(0), "maps": maps, "stability": agree}


@torch.no_grad()
def halfway() -> dict:
    """Squared distance a pixel to the nearest training digit, halfway between test digits of two classes."""
    found: dict = {}
    rows = []
    for seed in range(SEEDS):
        known, held = digits(seed)
        with torch.enable_grad():
            fitted(task := Vae(small_vae(seed)), some(known), STEPS, 5e-3)
        model: Any = task.parts["model"]
        # 1. Each test image with the next: means of codes, means of pixels, and reconstructions.
        y, z = torch.tensor(labels(seed)), model.encode(held)[0]
        unlike = y[1:] != y[:-1]
        middles = {"codes": model.decode((z[1:] + z[:-1]) / 2).sigmoid(),
                   "pixels": (held[1:] + held[:-1]) / 2, "ends": model.decode(z[1:]).sigmoid()}  # fmt: skip
        apart = {n: torch.cdist(x[unlike].flatten(1), known.flatten(1)) for n, x in middles.items()}
        rows.append({n: d.min(1).values.square().mean().item() / 64 for n, d in apart.items()})
        if seed == 0:
            a, b = int((y == 3).nonzero()[0]), int((y == 7).nonzero()[0])
            on = torch.linspace(0, 1, SHOWN)[:, None]
            found["codes_walk"] = hexed(model.decode((1 - on) * z[a] + on * z[b]).sigmoid())
            found["pixels_walk"] = hexed((1 - on) * held[a].flatten() + on * held[b].flatten())
    return found | table(rows)


def codebook() -> dict:
    """Squared error a pixel and codebook entries in use, with and without the straight-through estimator."""
    found: dict = {"entries": 64}
    for name in ("through", "cut"):
        rows = []
        for seed in range(SEEDS):
            known, held = digits(seed)
            torch.manual_seed(seed)
            model = vqvae((1, 8, 8), entries=64, code=8)
            optimiser, batches = torch.optim.Adam(model.parameters(), 2e-3), some(known)
            for _ in range(STEPS):
                taken, _, drawn_in = model.quantise(model.encoder(x := next(batches)))
                again = model.decoder(taken if name == "through" else taken.detach())
                optimiser.zero_grad()
                ((again - x).square().mean() / known.var() + drawn_in).backward()
                optimiser.step()
            with torch.no_grad():
                again, chosen, _ = model.eval()(held)
            used = perplexity(chosen.flatten(), 64).item()
            rows.append({"error": (again - held).square().mean().item(), "used": used})
        found[name] = table(rows)
    return found
