"""Two rings in the plane, sampled by denoising score matching and Langevin dynamics.

Source: Song and Ermon 2019. It trains itself, without the engine: points are drawn, nothing is read.
"""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar

import torch
from pydantic import Field
from torch import Tensor

from gradschool.engine.device import on_threads
from gradschool.engine.run import RunFolder
from gradschool.evals.generation.fields import draw_field
from gradschool.evals.metric import LOSS, Metric
from gradschool.evals.report import numbers, samples
from gradschool.evals.report.material import Facts
from gradschool.evals.report.page import write_report
from gradschool.ops.score import falling_sigmas
from gradschool.runs.request import Request, Say
from gradschool.runs.small import SmallRun
from gradschool.tasks.score import ScoreNet, denoising_loss, rings, walk

LOOKS = 20  # lines of the loss
POINTS = 1000  # sampled at the end


@dataclass(frozen=True)
class ScoreRun(SmallRun):
    """Settings of a score network in the plane."""

    kind: ClassVar[str] = "score_matching"
    title: ClassVar[str] = "a score network in the plane"
    validates: ClassVar[bool] = False
    metrics: ClassVar[tuple[Metric, ...]] = (
        LOSS,
        Metric("on_a_ring", "samples on a ring", "share", "higher"),
        Metric("inner", "of them on the inner", "share", ""),
    )

    steps: Annotated[int, Field(ge=1)] = 2000
    """Optimiser steps."""
    batch_size: Annotated[int, Field(ge=1)] = 256
    """Points a step."""
    hidden: Annotated[int, Field(ge=1)] = 128
    """Units of each of three layers."""
    learning_rate: Annotated[float, Field(gt=0)] = 2e-3
    """Learning rate of Adam, falling to 0 as a cosine."""
    levels: Annotated[int, Field(ge=2)] = 12
    """Noise levels."""
    sigma_max: Annotated[float, Field(gt=0)] = 3.0
    """The largest noise level; as wide as the data."""
    sigma_min: Annotated[float, Field(gt=0)] = 0.05
    """The smallest noise level; as fine as the data."""
    walk_steps: Annotated[int, Field(ge=1)] = 40
    """Langevin steps at each level."""
    data: str = "rings"
    """Points are drawn, nothing is read."""

    def train(self, request: Request, say: Say) -> RunFolder:
        """Learn the score at all noise levels, then sample with it; figures show data, field and samples.

        Args:
            request: as of every run: seed, place, whose functions.
            say: told what a person should read.
        """
        folder, started = self.begin(request), time.monotonic()
        steps = request.steps or self.steps
        say(f"score_rings · two rings in the plane · {self.levels} noise levels · seed {request.seed}")
        # 1. Learn.
        torch.manual_seed(request.seed)
        generator = torch.Generator().manual_seed(request.seed)
        sigmas = falling_sigmas(self.sigma_max, self.sigma_min, self.levels)
        net = ScoreNet(self.hidden)
        with on_threads(1):
            loss = self.learn(net, sigmas, steps, generator, folder)
            # 2. Sample.
            with torch.no_grad():
                *_, points = walk(net, POINTS, sigmas.tolist(), self.walk_steps, generator)
                measured = {"test_loss": loss, **measure(points)}
                draw_field(folder.path / "samples.png", rings(POINTS, generator), net, sigmas, points)
        # 3. The result.
        self.end(folder, measured, POINTS, time.monotonic() - started)
        return folder

    def conclusion(self, result: dict[str, Any], curve: str) -> str:
        """Share of the samples on a ring."""
        m = result["metrics"]
        return (
            f" {100 * m['test_on_a_ring']:.0f} % of {result['tested']} points end on a ring, "
            f"{100 * m['test_inner']:.0f} % on the inner (33 % of the data)"
        )

    def learn(
        self, net: ScoreNet, sigmas: Tensor, steps: int, generator: torch.Generator, folder: RunFolder
    ) -> float:
        """Adam on fresh points; returns the mean loss of the last tenth."""
        optimizer = torch.optim.Adam(net.parameters(), lr=self.learning_rate)
        falling = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
        losses: list[float] = []
        for step in range(1, steps + 1):
            loss = denoising_loss(net, rings(self.batch_size, generator), sigmas, generator)
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            falling.step()
            losses.append(loss.item())
            if step % max(1, steps // LOOKS) == 0:
                recent = losses[-max(1, steps // LOOKS) :]
                folder.log({"step": step, "loss": sum(recent) / len(recent)})
        last = losses[-max(1, steps // 10) :]
        return sum(last) / len(last)

    def report(self, folder: RunFolder, ood: str | None = None, data: str | None = None) -> Path:
        """The loss and the figure."""
        if ood:
            self.refuse_second(ood)
        sections = [numbers.training, samples.made, numbers.settings]
        return write_report(folder.path, Facts(unit="points"), sections)


def measure(points: Tensor) -> dict[str, float]:
    """Share of points within 0.2 of a ring (radius 1 or 2), and of those the share on the inner one."""
    radius = points.norm(dim=1)
    inner, outer = (radius - 1).abs() < 0.2, (radius - 2).abs() < 0.2
    on = (inner | outer).float().mean().item()
    return {"test_on_a_ring": on, "test_inner": inner.sum().item() / max(1, int((inner | outer).sum()))}
