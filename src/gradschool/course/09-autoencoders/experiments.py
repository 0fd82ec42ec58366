"""Experiments of chapter 9, on digits of 8x8 pixels: 1400 to learn from, 397 for the test."""

import statistics
from collections.abc import Iterator
from itertools import repeat

import numpy as np
import torch
from sklearn.datasets import load_digits

from gradschool.models.generative.autoencoder import linear_autoencoder
from gradschool.models.generative.vae import VAE, mlp_vae
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
    return {
        "n": len(values), "mean": statistics.fmean(values), "deviation": statistics.stdev(values),
        "lowest": min(values), "highest": max(values),
    }  # fmt: skip


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
    return {
        "reconstruction": errors.mean().item(), "kl": prices.sum(1).mean().item(),
        "nats": (errors.mean() + prices.sum(1).mean()).item(), "active": float(active.sum()),
    }  # fmt: skip


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
