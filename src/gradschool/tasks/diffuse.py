"""Three ways to learn denoising: DDPM's steps, EDM's standard deviations, and the velocity of a flow.

Sources: Ho et al. 2020, algorithm 1; Karras et al. 2022, section 5 and table 1; Lipman et al. 2023; class
dropout: Ho and Salimans 2022, algorithm 1. The network's clock runs from about 0 to 1000 in all three.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator

import torch
from scipy.optimize import linear_sum_assignment
from torch import Tensor, nn

from gradschool.ops import diffusion, edm, flow

Batch = tuple[Tensor, ...]
CLOCK = 1000.0


class Diffuse(ABC):
    """Train a network to denoise; each kind sets the noise and what the network predicts.

    Args:
        model: maps (images, times, labels or None) to images.
        classes: how many classes the network can be given; 0 for none.
        drop: probability that the class is hidden, which guidance needs; 0 to below 1.
        held_out: the word before the scores, "val" or "test".
    """

    def __init__(self, model: nn.Module, classes: int = 0, drop: float = 0.0, held_out: str = "val") -> None:
        self.parts = {"model": model}
        self.classes, self.drop, self.held_out = classes, drop, held_out

    @abstractmethod
    def errors(self, x: Tensor, y: Tensor | None) -> Tensor:
        """The loss of each image (b,), with noise from torch's generator."""

    @abstractmethod
    def clean(self, x: Tensor, a: float, labels: Tensor | None = None, guidance: float = 1.0) -> Tensor:
        """The predicted clean image for x at alpha bar `a` (variances of image and noise add up to 1)."""

    def told(self, y: Tensor) -> Tensor | None:
        """The labels that the network is given in this step: some are hidden."""
        if not self.classes:
            return None
        hidden = torch.rand(len(y), device=y.device) < self.drop
        return y.masked_fill(hidden, self.classes)

    def step(self, batch: Batch, update: Callable[..., dict[str, Tensor]]) -> dict[str, Tensor]:
        """One step of the one part."""
        return update("model", batch, lambda part: {"loss": self.errors(part[0], self.told(part[1])).mean()})

    def evaluate(self, batches: Iterator[Batch]) -> dict[str, float]:
        """The loss with the same noise in every evaluation; every class is given."""
        total = count = 0.0
        with torch.random.fork_rng():
            torch.manual_seed(0)
            for x, y in batches:
                total += self.errors(x, y if self.classes else None).sum().item()
                count += len(x)
        return {f"{self.held_out}_loss": total / count}

    def ask(self, x: Tensor, clock: float, labels: Tensor | None, guidance: float) -> Tensor:
        """The network's prediction at one time, with guidance scale `guidance` (1: as learned)."""
        model = self.parts["model"]
        times = torch.full((len(x),), clock, device=x.device)
        if labels is None or guidance == 1:
            return model(x, times, labels).float()
        # 1. With and without the class in one pass.
        both = torch.cat([labels, torch.full_like(labels, self.classes)])
        told, untold = model(x.repeat(2, 1, 1, 1), times.repeat(2), both).float().chunk(2)
        # 2. Classifier-free guidance.
        return diffusion.guide(told, untold, guidance)


class Ddpm(Diffuse):
    """DDPM: noise in T steps; the network predicts the noise, the clean image or the velocity v.

    Args:
        schedule: of the noise.
        predicts: "noise", "clean" or "v".
        min_snr: gamma of the min-SNR weights; None weighs all errors alike.
    """

    def __init__(
        self, model: nn.Module, schedule: diffusion.NoiseSchedule, predicts: diffusion.Predicts = "noise",
        min_snr: float | None = None, **rest: object,
    ) -> None:  # fmt: skip
        super().__init__(model, **rest)  # type: ignore[arg-type]
        self.schedule, self.predicts, self.min_snr = schedule, predicts, min_snr

    def clock(self, t: Tensor | float) -> Tensor | float:
        """Times 0 to T on the network's clock."""
        return t * (CLOCK / len(self.schedule))

    def errors(self, x: Tensor, y: Tensor | None) -> Tensor:
        """Squared errors, means over pixels."""
        # 1. A time and a noise for every image.
        t = torch.randint(len(self.schedule), (len(x),), device=x.device)
        noise = torch.randn_like(x)
        a = self.schedule.at(t, x.dim())
        # 2. The noisy image, and what the network has to predict.
        noisy = diffusion.q_sample(x, noise, a)
        wanted = diffusion.target(x, noise, a, self.predicts)
        error = (self.parts["model"](noisy, self.clock(t.float()), y).float() - wanted).square()
        # 3. One number an image.
        means = error.flatten(1).mean(1)
        if self.min_snr is None:
            return means
        return means * diffusion.min_snr_weight((a / (1 - a)).flatten(), self.min_snr, self.predicts)

    def clean(self, x: Tensor, a: float, labels: Tensor | None = None, guidance: float = 1.0) -> Tensor:
        """The clean image that the network predicts for x at alpha bar `a`."""
        out = self.ask(x, float(self.clock(self.schedule.time_of(a))), labels, guidance)
        return diffusion.to_clean(out, x, a, self.predicts)


class Edm(Diffuse):
    """EDM: noise of any standard deviation; the wrapped network has inputs and targets of unit variance.

    Args:
        sigma_data: standard deviation of the clean images' pixels, on the scale -1 to 1.
        centre: mean of ln sigma in training.
        spread: standard deviation of ln sigma in training.
    """

    def __init__(
        self, model: nn.Module, sigma_data: float = 0.5, centre: float = -1.2, spread: float = 1.2,
        **rest: object,
    ) -> None:  # fmt: skip
        super().__init__(model, **rest)  # type: ignore[arg-type]
        self.sigma_data, self.centre, self.spread = sigma_data, centre, spread

    def errors(self, x: Tensor, y: Tensor | None) -> Tensor:
        """Squared errors of the clean image with EDM's weight, means over pixels."""
        # 1. A standard deviation and a noise for every image.
        log_sigma = self.centre + self.spread * torch.randn(len(x), 1, 1, 1, device=x.device)
        sigma = log_sigma.exp()
        noisy = x + sigma * torch.randn_like(x)
        # 2. The wrapped network.
        c_skip, c_out, c_in, c_noise = edm.edm_scalings(sigma, self.sigma_data)
        out = self.parts["model"](c_in * noisy, CLOCK * c_noise.flatten(), y).float()
        error = (c_skip * noisy + c_out * out - x).square()
        # 3. One number an image.
        return (edm.edm_weight(sigma, self.sigma_data) * error).flatten(1).mean(1)

    def clean(self, x: Tensor, a: float, labels: Tensor | None = None, guidance: float = 1.0) -> Tensor:
        """The clean image that the network predicts for x at alpha bar `a`."""
        sigma = torch.tensor(((1 - a) / a) ** 0.5, dtype=torch.float64)
        c_skip, c_out, c_in, c_noise = (c.item() for c in edm.edm_scalings(sigma, self.sigma_data))
        noisy = x / a**0.5
        return c_skip * noisy + c_out * self.ask(c_in * noisy, CLOCK * c_noise, labels, guidance)


class Flow(Diffuse):
    """Flow matching along straight lines from noise to images; the network predicts the velocity.

    Args:
        pairing: "random", or "transport": noises and images of a batch are paired so that the lines are
            shortest in total (optimal transport).
    """

    def __init__(self, model: nn.Module, pairing: str = "random", **rest: object) -> None:
        super().__init__(model, **rest)  # type: ignore[arg-type]
        self.pairing = pairing

    def errors(self, x: Tensor, y: Tensor | None) -> Tensor:
        """Squared errors of the velocity, means over pixels."""
        # 1. The start of each line, and a point on it.
        noise = torch.randn_like(x)
        if self.pairing == "transport":
            noise = nearest_starts(noise, x)
        t = torch.rand(len(x), 1, 1, 1, device=x.device)
        place, velocity = flow.flow_pair(noise, x, t)
        # 2. The network's velocity at that point.
        out = self.parts["model"](place, CLOCK * t.flatten(), y).float()
        return (out - velocity).square().flatten(1).mean(1)

    def velocity(self, x: Tensor, t: float, labels: Tensor | None = None, guidance: float = 1.0) -> Tensor:
        """The velocity at time t, 0 (noise) to 1 (data)."""
        return self.ask(x, CLOCK * t, labels, guidance)

    def clean(self, x: Tensor, a: float, labels: Tensor | None = None, guidance: float = 1.0) -> Tensor:
        """The predicted end of the line through x; a is the level at time t on the line."""
        # 1. The time at which image and noise have these shares, and the point on the line.
        t = a**0.5 / (a**0.5 + (1 - a) ** 0.5)
        place = x * (t**2 + (1 - t) ** 2) ** 0.5
        # 2. Straight on to the end.
        return place + (1 - t) * self.velocity(place, t, labels, guidance)


def nearest_starts(noise: Tensor, data: Tensor) -> Tensor:
    """The noises of a batch, ordered so that their lines to the images are shortest in total."""
    costs = flow.transport_costs(noise, data)
    starts, ends = linear_sum_assignment(costs.cpu().numpy())
    order = torch.empty(len(noise), dtype=torch.int64)
    order[torch.from_numpy(ends)] = torch.from_numpy(starts)
    return noise[order.to(noise.device)]
