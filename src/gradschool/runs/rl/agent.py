"""An agent that learns to act in an environment: what runs of all deep agents share.

There are no stored data: a round of training plays `batch_size` steps and learns from them. Test episodes are
played in worlds of their own seeds, without trying anything out.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Any, ClassVar

import torch
from pydantic import Field
from torch import nn

from gradschool.data.cache import cache_folder
from gradschool.data.examples import Splits
from gradschool.data.rl.interaction import Interaction, interaction
from gradschool.data.rows import Rows, in_order
from gradschool.engine.device import Machine, Precision, choose
from gradschool.engine.loop import HeldOut, Progress
from gradschool.engine.optim import Name
from gradschool.engine.run import RunFolder
from gradschool.engine.schedule import Kind as ScheduleKind
from gradschool.errors import UserError
from gradschool.evals.metric import Metric
from gradschool.evals.report import agents as sections
from gradschool.evals.report import numbers
from gradschool.evals.report.page import write_report
from gradschool.evals.rl.film import Film
from gradschool.evals.rl.surface import surface
from gradschool.phrases import counted
from gradschool.rl.normalise import NormalisedWorld
from gradschool.rl.player import Player
from gradschool.rl.world import Continuous, Discrete, make
from gradschool.runs.finish import final_weights, rebuilt, write_result
from gradschool.runs.kind import Finding
from gradschool.runs.request import Request, Say
from gradschool.runs.rl.lens import Lens, lens_of, tested_in
from gradschool.runs.run import Count, Pieces, Positive, Run, Share, share_of_processes
from gradschool.tasks.rl.agent import Agent, Stage

Discount = Annotated[float, Field(gt=0, le=1)]
Probability = Annotated[float, Field(ge=0, le=1)]


@dataclass(frozen=True)
class Spec:
    """What a network has to know of an environment.

    Args:
        env: its name.
        shape: of an observation.
        actions: what they are.
    """

    env: str
    shape: tuple[int, ...]
    actions: Discrete | Continuous

    @property
    def is_continuous(self) -> bool:
        """Actions are real numbers."""
        return isinstance(self.actions, Continuous)

    @property
    def count(self) -> int:
        """How many actions there are, or how many numbers one has."""
        return self.actions.low.numel() if isinstance(self.actions, Continuous) else self.actions.n


def from_anywhere(env: str | None) -> str | None:
    """FILE.py:CLASS, or the file of a drawing, with the whole path; names stay as they are."""
    file, colon, name = (env or "").rpartition(":") if ".py:" in (env or "") else (env or "", "", "")
    return f"{Path(file).resolve()}{colon}{name}" if Path(file).suffix and Path(file).is_file() else env


@dataclass(frozen=True, kw_only=True)
class AgentRun(Run):
    """Settings that all deep agents have."""

    makes: ClassVar[str] = "episodes"
    examples: ClassVar[str] = "steps"
    takes: ClassVar[str] = "an environment, or FILE.py:CLASS of your own"
    places: ClassVar[tuple[str, ...]] = ()
    metrics: ClassVar[tuple[Metric, ...]] = (
        Metric("return", "return", "", "higher", "mean over test episodes, without exploration"),
        Metric("length", "steps in an episode", "", "", "mean over test episodes"),
        Metric("deviation", "standard deviation of the return", "", "lower", "over test episodes"),
        Metric("trained_return", "return while learning", "", "higher", "mean of the last 100 episodes"),
    )

    env: str | None = None
    """Another environment than the recipe's: a name, or FILE.py:CLASS; as --data."""
    worlds: Count = 64
    """Copies of the environment that are played side by side."""
    timesteps: Count = 100_000
    """Steps in all worlds together, in an epoch."""
    batch_size: Count = 2048
    """Steps in all worlds together that are played before the agent learns from them."""
    gamma: Discount = 0.99
    """Discount: what a reward is worth one step later."""
    hidden: tuple[Count, ...] = (64, 64)
    """Units of each hidden layer."""
    standardise: bool = False
    """Bring observations and rewards to a common scale, by their running mean and variance."""
    tested: Count = 100
    """Test episodes."""
    epochs: Positive = 1.0
    """How often so many steps are played."""
    optimizer: Name = "adam"
    """Method that turns gradients into steps."""
    schedule: ScheduleKind = "constant"
    """Course of the learning rate."""
    warmup: Share = 0.0
    """Share of the run in which the rate rises."""
    evaluations: Count | None = 5
    """How often to play the validation episodes in all."""
    precision: Precision = "fp32"
    """Arithmetic."""
    threads: Count | None = 1
    """Processor threads: with networks of this size more only wait for each other."""

    def __post_init__(self) -> None:
        """A file of one's own is kept by its whole path, so that the run is found again from any folder."""
        for name in ("data", "env"):
            object.__setattr__(self, name, from_anywhere(getattr(self, name)))

    def build(self, spec: Spec) -> nn.Module:
        """A freshly initialised network."""
        raise NotImplementedError

    def agent(self, model: nn.Module, stage: Stage) -> Agent:
        """Who learns."""
        raise NotImplementedError

    def refuse(self, spec: Spec) -> None:
        """Refuse an environment that this kind of agent cannot act in.

        Raises:
            UserError: its actions are of the other kind.
        """

    @property
    def rollout(self) -> int:
        """Steps of a round in each world."""
        return self.batch_size // self.worlds

    def open(self, seed: int, data: str | None = None) -> Splits[Interaction]:
        """Rounds of play.

        Raises:
            UserError: a round is no whole number of steps in every world.
        """
        if self.batch_size % self.worlds:
            what = f"batch_size is {self.batch_size} and worlds is {self.worlds}"
            wanted = "a round that is a whole number of steps in every world"
            raise UserError(what, wanted, f"Try --set batch_size={self.worlds * max(1, self.rollout)}.")
        rounds = max(1, round(self.timesteps / self.batch_size))
        return interaction(data or self.env or self.data, rounds, self.tested, seed)

    def preparing(self) -> str:
        """Nothing is read: worlds are made."""
        return f"making {counted(self.worlds, 'world')} of {self.env or self.data}"

    def contents(self, splits: Splits[Interaction]) -> str:
        """The environment, and how much is played."""
        steps = len(splits.train) * self.batch_size
        return f"{splits.name} · {steps:,} steps in {self.worlds} worlds / {self.tested:,} test episodes"

    def assemble(self, request: Request, machine: Machine, say: Say) -> Pieces:
        """On the CPU: with so small networks a GPU would wait for the worlds.

        Raises:
            UserError: another device is asked for.
        """
        if request.device not in ("auto", "cpu"):
            raise UserError(f"device is {request.device} for an agent", "cpu", "Leave --device out.")
        return super().assemble(request, choose("cpu", self.precision, cache_folder()), say)

    def pipeline(self, train: Interaction) -> Spec:
        """What the network has to know of the environment."""
        world = make(train.env, 1, 0)
        spec = Spec(train.env, world.shape, world.actions)
        world.close()
        self.refuse(spec)
        return spec

    def start_model(self, train: Interaction, pipeline: Spec) -> nn.Module:
        """The network with random weights."""
        return self.build(pipeline)

    def rebuild(self, facts: dict[str, Any]) -> nn.Module:
        """The network of a finished run, before its weights."""
        world = make(facts["env"], 1, 0)
        return self.build(Spec(facts["env"], world.shape, world.actions))

    def task(self, model: nn.Module, splits: Splits[Interaction], held_out: str) -> Agent:
        """Play, and learn from it."""
        env = splits.train.env
        world = make(env, self.worlds, splits.train.seed)
        world = NormalisedWorld(world, self.gamma) if self.standardise else world
        return self.agent(model, Stage(Player(world), partial(tested_in, world, env), held_out, env))

    def loader(self, splits: Splits[Interaction], pipeline: Spec, request: Request, machine: Machine) -> Rows:
        """Numbers of rounds.

        Raises:
            UserError: several processes were started.
        """
        processes = share_of_processes()[1]
        if processes > 1:
            what = f"{processes} processes were started, and each would play by itself"
            raise UserError(what, "one process", "Start it without torchrun.")
        return Rows((splits.train.numbers,), 1, request.seed)

    def evaluation(self, splits: Splits[Interaction], pipeline: Spec) -> HeldOut:
        """The validation episodes, all side by side."""
        numbers = (splits.val or splits.test).numbers
        return partial(in_order, (numbers,), len(numbers))

    def finish(self, pieces: Pieces, folder: RunFolder, at: Progress) -> None:
        """Play the test episodes once; write result, facts and weights."""
        task, spec, test = pieces.task, pieces.pipeline, pieces.splits.test
        assert isinstance(task, Agent), "an agent's run has an agent"
        with final_weights(self, pieces, folder), torch.inference_mode():
            returns, lengths = task.played(in_order((test.numbers,), len(test)))
            learnt = task.player.recent().get("return")
        parameters = sum(p.numel() for p in pieces.model.parameters() if p.requires_grad)
        world, facts = task.player.world, {"env": spec.env, "shape": spec.shape, "parameters": parameters}
        folder.write("model.json", facts | lens_of(world, getattr(self, "reward_scale", 1.0)))
        scores = {
            "test_return": returns.mean().item(),
            "test_length": lengths.mean().item(),
            "test_deviation": returns.std(correction=0).item(),
            **({} if learnt is None else {"test_trained_return": learnt.item()}),
        }
        steps = at.step * self.batch_size
        write_result(self, pieces, folder, at, scores, timesteps=steps, returns=returns.tolist())
        world.close()

    def report(self, folder: RunFolder, ood: str | None = None, data: str | None = None) -> Path:
        """Returns over steps and over seconds, lengths, losses, what was tried out, and the last film.

        Raises:
            UserError: a second set is given.
        """
        if ood:
            self.refuse_second(ood)
        shown: list[Callable[..., Any]] = [
            sections.tested,
            sections.film,
            sections.learning,
            sections.losses,
            sections.exploration,
            numbers.settings,
        ]
        return write_report(folder.path, sections.AgentFacts(unit="steps", batch=self.batch_size), shown)

    def play(self, folder: RunFolder, n: int, seed: int, out: Path | None) -> Finding:
        """Film episodes with the policy beside the picture; draw all values where a state is two numbers.

        Raises:
            UserError: no film can be written to `out`.
        """
        # 1. The trained agent, in a world of its own seed.
        model, facts = rebuilt(folder, self)
        env = facts["env"]
        world = make(env, 1, seed, training=False, render=True)
        stage = Stage(Player(world), partial(tested_in, world, env), env=env)
        agent = self.agent(model.eval(), stage)
        lens = Lens(agent, facts)
        film = Film(out or folder.path / f"play-{seed}.gif")
        # 2. Episodes.
        with torch.inference_mode():
            episodes = [film.episode(world, lens.episode()) for _ in range(n)]
            written = [film.save(), *surface(world, lens.think, film)]
        world.close()
        # 3. What came of it.
        told = [f"return {total:,.4g} after {counted(steps, 'step')}" for total, steps in episodes]
        lines = [f"episode {i}: {line}" for i, line in enumerate(told, 1)] + film.notes()
        returns, lengths = map(list, zip(*episodes, strict=True))
        return Finding(lines, {"files": written, "returns": returns, "lengths": lengths})

    def conclusion(self, result: dict[str, Any], curve: str) -> str:
        """What the agent earns, and how long it took."""
        m = result["metrics"]
        earned = f"{m['test_return']:.1f} ± {m['test_deviation']:.1f} over {result['tested']} test episodes"
        rate = result["timesteps"] / max(result["seconds"], 1e-9)
        took = f"{result['timesteps']:,} steps in {result['seconds']:.1f} s ({rate:,.0f} a second)"
        return f" return   {curve}{earned}, {took}"
