"""An agent that learns to act in a grid world by Q-learning: its settings, its end, what can be asked of it.

Source: Watkins 1989; Sutton and Barto 2018, section 6.5. There are no stored data to hold out: an example
is an episode, and test episodes are played by the greedy policy and not learnt from.
"""

from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Any, ClassVar

import torch
from pydantic import Field
from torch import Tensor, nn

from gradschool.data.cache import cache_folder
from gradschool.data.examples import Splits
from gradschool.data.rl.episodes import Episodes, episodes
from gradschool.data.rl.gridset import open_grid
from gradschool.data.rows import Rows, in_order
from gradschool.engine.checkpoint import disk_errors
from gradschool.engine.device import Machine, Precision, choose
from gradschool.engine.loop import HeldOut, Progress
from gradschool.engine.optim import Name
from gradschool.engine.run import RunFolder
from gradschool.engine.schedule import Kind as ScheduleKind
from gradschool.errors import UserError
from gradschool.evals.metric import Metric
from gradschool.evals.report import numbers
from gradschool.evals.report import rl as sections
from gradschool.evals.report.material import Facts
from gradschool.evals.report.page import write_report
from gradschool.evals.rl.policies import Score, largest_error, score, verdict
from gradschool.models.policy.q_table import QTable
from gradschool.ops.control import epsilon_greedy
from gradschool.phrases import command
from gradschool.rl.drawing import MOVES, shortest
from gradschool.rl.exact import value_iteration
from gradschool.rl.gridworld import Gridworld, gridworld
from gradschool.rl.play import play
from gradschool.runs.finish import final_weights, rebuilt, write_result
from gradschool.runs.kind import Wanted, check_count
from gradschool.runs.request import Request, Say
from gradschool.runs.rl.film import written
from gradschool.runs.run import Count, Pieces, Positive, Run, Share, share_of_processes
from gradschool.tasks.q_learning import Playing, QLearning

Probability = Annotated[float, Field(ge=0, le=1)]


@dataclass(frozen=True, kw_only=True)
class QLearningRun(Run):
    """An agent with a table of action values, in a grid world."""

    kind: ClassVar[str] = "q_learning"
    title: ClassVar[str] = "a Q-learning agent in a grid world"
    makes: ClassVar[str] = "episodes"
    examples: ClassVar[str] = "episodes"
    metrics: ClassVar[tuple[Metric, ...]] = (
        Metric("return", "return", "", "higher", "mean over test episodes, greedy policy"),
        Metric("goal", "episodes that reach a goal", "share", "higher", "of the test episodes"),
        Metric("regret", "regret", "", "lower", "by how much the optimal policy's expected return is higher"),
        Metric("distance", "largest error of a value", "", "lower", "learnt against exact, where visited"),
        Metric("optimal_return", "return of the optimal policy", "", ""),
        Metric("random_return", "return of the random policy", "", ""),
    )

    slip: Share = 0.0
    """Probability that a move goes to the left or right of its direction."""
    gamma: Annotated[float, Field(gt=0, le=1)] = 1.0
    """Discount: what a reward is worth one step later."""
    epsilon_start: Probability = 0.1
    """Probability of a random action at the start of the run."""
    epsilon_end: Probability = 0.1
    """The same at its end; it changes linearly between them."""
    limit: Count = 200
    """Steps after which an episode is cut off."""
    episodes: Count = 500
    """Episodes in an epoch."""
    tested: Count = 100
    """Test episodes."""
    epochs: Positive = 1.0
    """How often so many episodes are played; chance makes every one new."""
    batch_size: Count = 1
    """Episodes a step, played one after the other."""
    optimizer: Name = "sgd"
    """Plain SGD is Q-learning's rule."""
    learning_rate: Positive = 0.5
    """Step size alpha: the share of the TD error by which a value moves."""
    schedule: ScheduleKind = "constant"
    """Course of the step size."""
    warmup: Share = 0.0
    """Share of the run in which the step size rises."""
    val: Share = 0.0
    """Share of the episodes that the greedy policy plays, to choose by; 0 for none."""
    evaluations: Count | None = 20
    """How often to play the held-out episodes in all."""
    precision: Precision = "fp32"
    """Arithmetic."""
    threads: Count | None = 1
    """Processor threads: with so small a table more only wait for each other."""

    def network(self) -> str:
        """What is learnt, for people."""
        return "table of action values"

    def playing(self) -> Playing:
        """How the agent plays."""
        return Playing(self.gamma, (self.epsilon_start, self.epsilon_end), self.limit)

    def open(self, seed: int, data: str | None = None) -> Splits[Episodes]:
        """The episodes; `data` says where the drawing lies now, if it moved.

        Raises:
            UserError: there is no such grid world, or no path in it is within the time limit.
        """
        name, drawing = open_grid(data or self.data)
        steps = shortest(drawing)
        if steps is not None and steps > self.limit:
            what = f"limit is {self.limit}, and the shortest path of {name} takes {steps} steps"
            raise UserError(what, "enough steps to reach the goal", f"Example: --set limit={10 * steps}")
        return self.parts(name, drawing)

    def parts(self, name: str, drawing: tuple[str, ...]) -> Splits[Episodes]:
        """Training, validation and test episodes."""
        return episodes(name, drawing, self.episodes, self.tested, self.val)

    def notes(self) -> list[str]:
        """A rule that is not Q-learning's is named."""
        said = f"optimizer is {self.optimizer}: only sgd takes the steps of Q-learning's rule."
        return [said] if self.optimizer != "sgd" else []

    def contents(self, splits: Splits[Episodes]) -> str:
        """The world and how many episodes are played."""
        drawing = splits.train.drawing
        counts = " / ".join(f"{len(part):,} {name}" for name, part in splits.parts.items())
        slips = f", slip {self.slip:g}" if self.slip else ""
        return f"{splits.name}, {len(drawing)}x{len(drawing[0])} cells{slips} · {counts} episodes"

    def assemble(self, request: Request, machine: Machine, say: Say) -> Pieces:
        """On the CPU unless a device is asked for: one number a step is too little work for a GPU."""
        if request.device == "auto":
            machine = choose("cpu", self.precision, cache_folder())
        return super().assemble(request, machine, say)

    def pipeline(self, train: Episodes) -> Gridworld:
        """The world in which an episode is played."""
        return gridworld(train.drawing, self.slip)

    def start_model(self, train: Episodes, pipeline: Gridworld) -> nn.Module:
        """A table of zeros: no value is that high, so whatever has not been tried looks best."""
        return QTable(len(pipeline.land), len(MOVES))

    def rebuild(self, facts: dict[str, Any]) -> nn.Module:
        """The table of a finished run, before its values."""
        return QTable(facts["states"], facts["actions"])

    def task(self, model: nn.Module, splits: Splits[Episodes], held_out: str) -> QLearning:
        """Play, and learn from every transition."""
        return QLearning(model, self.pipeline(splits.train), self.playing(), held_out)

    def loader(
        self, splits: Splits[Episodes], pipeline: Gridworld, request: Request, machine: Machine
    ) -> Rows:
        """Numbers of episodes.

        Raises:
            UserError: several processes were started.
        """
        processes = share_of_processes()[1]
        if processes > 1:
            what = f"{processes} processes were started, and each would learn a table of its own"
            raise UserError(what, "one process", "Start it without torchrun.")
        return Rows((splits.train.numbers,), self.batch_size, request.seed)

    def evaluation(self, splits: Splits[Episodes], pipeline: Gridworld) -> HeldOut:
        """All held-out episodes side by side."""
        numbers = (splits.val or splits.test).numbers
        return partial(in_order, (numbers,), len(numbers))

    def finish(self, pieces: Pieces, folder: RunFolder, at: Progress) -> None:
        """Compare the learnt policy and values with the exact ones; write result, facts and table."""
        world, test = pieces.pipeline, pieces.splits.test
        model: Any = pieces.model
        with final_weights(self, pieces, folder):
            q, visits = model.values.detach().cpu(), model.visits.cpu()
        # 1. What sampling and reporting need, besides the table.
        states, actions = q.shape
        known = {"name": pieces.splits.name, "drawing": list(world.drawing)}
        folder.write("model.json", known | {"states": states, "actions": actions, "parameters": q.numel()})
        # 2. The learnt policy between the optimal and the random one.
        exact = value_iteration(world, self.gamma)
        scores = self.scores(world, q, exact, test.numbers)
        learnt, optimal, random = scores.values()
        measured = {
            "test_return": learnt.mean_return,
            "test_goal": learnt.goal,
            "test_regret": optimal.expected - learnt.expected,
            "test_distance": largest_error(q, exact, visits),
            "test_optimal_return": optimal.mean_return,
            "test_random_return": random.mean_return,
        }
        told = {name: asdict(each) for name, each in scores.items()}
        write_result(self, pieces, folder, at, measured, policies=told, verdict=verdict(scores))

    def scores(self, world: Gridworld, q: Tensor, exact: Tensor, numbers: Tensor) -> dict[str, Score]:
        """The greedy policy of learnt values, the optimal policy, and the one that acts at random."""
        policies = {"learnt": epsilon_greedy(q, 0.0), "optimal": epsilon_greedy(exact, 0.0)}
        policies["random"] = epsilon_greedy(q, 1.0)
        play_as = partial(score, gamma=self.gamma, limit=self.limit, numbers=numbers)
        return {name: play_as(world, policy) for name, policy in policies.items()}

    def report(self, folder: RunFolder, ood: str | None = None, data: str | None = None) -> Path:
        """Policies, values and the learning curve; the drawing is read from the run's own folder.

        Raises:
            UserError: a second set is given.
        """
        if ood:
            self.refuse_second(ood)
        if not folder.read("model.json"):
            return write_report(folder.path, Facts(unit="episodes"), [sections.learning, numbers.settings])
        model, world, name = self.finished(folder)
        splits = self.parts(name, world.drawing)
        q, exact = model.values.detach(), value_iteration(world, self.gamma)
        scores = self.scores(world, q, exact, splits.test.numbers)
        facts = sections.PlayFacts(
            splits=splits, model=model, scores=self.metrics[:3], unit="episodes",
            world=world, q=q, exact=exact, visits=model.visits, policies=scores,
        )  # fmt: skip
        shown = [sections.policies, sections.boards, sections.learning, numbers.settings]
        return write_report(folder.path, facts, shown)

    def sample(self, folder: RunFolder, wanted: Wanted, out: Path | None) -> Path:
        """Write episodes of the greedy policy as text: their paths, or a film of every step.

        Raises:
            UserError: something is asked for that episodes do not have.
        """
        # 1. What episodes do not have is refused.
        options = {"class": wanted.label, "steps": wanted.steps, "guidance": wanted.guidance}
        for option, value in (options | {"sampler": wanted.sampler}).items():
            if value is not None:
                known = "only -n, --seed, --film and --out for episodes"
                raise UserError(f"--{option} {value} was given", known, f"Leave --{option} out.")
        n = 1 if wanted.n is None else wanted.n
        check_count("n", n, 10_000, "-n 3")
        if out is not None and out.is_dir():
            raise UserError(f"--out is {out}, a folder", "a text file", "Example: --out episode.txt")
        # 2. Play, and write what happened.
        model, world, _ = self.finished(folder)
        generator = torch.Generator().manual_seed(wanted.seed)
        policy = epsilon_greedy(model.values.detach(), 0.0)
        text = written(world, play(world, policy, n, self.limit, generator), self.gamma, wanted.film)
        out = out or folder.path / f"{'film' if wanted.film else 'episodes'}-{wanted.seed}.txt"
        with disk_errors(out, "Free some space, or choose another place with --out."):
            out.write_text(text, encoding="utf-8")
        return out

    def finished(self, folder: RunFolder) -> tuple[Any, Gridworld, str]:
        """The table of a finished run, its world, and the world's name."""
        model, facts = rebuilt(folder, self)
        return model, gridworld(tuple(facts["drawing"]), self.slip), facts["name"]

    def conclusion(self, result: dict[str, Any], curve: str) -> str:
        """The greedy policy between the optimal and the random one."""
        return f" return {curve}{result['verdict']} {result['steps']:,} steps in {result['seconds']:.1f} s"

    def next_step(self, folder: RunFolder) -> str:
        """To act is what it is for."""
        return command("sample", folder.path, "--film")
