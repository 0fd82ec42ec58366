"""CartPole on a CUDA GPU, in one call of three minutes: steps/s of worlds, of rollouts and of PPO.

Many worlds are rows of tensors on the device. A rollout (policy, drawn actions, steps, new starts) is
captured once in a CUDA graph and played again and again, so that no kernel waits for Python; what it brought
is checked against the rules of the game. Learning is that of the library's PPO, outside the graph. Ten seeds
are trained until test episodes earn 475.

Usage: python -m bench.rl_gpu [--worlds 65536]; writes results/rl_gpu.json after each row. The goal is 10
million steps/s of a rollout on an H200.
"""

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from bench import common
from gradschool.models.policy.agents import ActorCritic
from gradschool.ops.rl.returns import gae
from gradschool.ops.switch import unchecked
from gradschool.rl.choices import Categorical
from gradschool.rl.player import Player
from gradschool.rl.rollout import Rollout
from gradschool.rl.worlds.cartpole import CartPole
from gradschool.tasks.rl.agent import Stage
from gradschool.tasks.rl.on_policy import Rewards, rows
from gradschool.tasks.rl.ppo import PPO, Proximal

WANTED = 10e6  # steps/s of a rollout on an H200
GOAL = 475.0  # mean return of test episodes
Act = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Sizes:
    """How much is played.

    Args:
        worlds: side by side.
        steps: of a rollout in each.
        rollouts: of a round that is timed.
        minibatches: of a pass over a rollout.
        patience: seconds until the training to the goal is given up.
    """

    worlds: int = 65_536
    steps: int = 32
    rollouts: int = 20
    minibatches: int = 16
    patience: float = 30.0


def settled(device: str) -> None:
    """Wait until a GPU has done what it was told."""
    if device == "cuda":
        torch.cuda.synchronize()


class Played:
    """A rollout that goes on where the last one ended; on a GPU one CUDA graph, if it is wanted.

    Args:
        world: whose states go on.
        act: actions for observations.
        steps: in each world.
        captured: whether a graph is made; else every kernel is started by Python.
    """

    def __init__(self, world: CartPole, act: Act, steps: int, captured: bool) -> None:
        self.world, self.act, self.steps = world, act, steps
        # A graph reads and writes the same memory each time: these rows go from one rollout to the next.
        self.kept = [world.at.clone(), world.elapsed.clone(), torch.zeros_like(world.at[:, 0])]
        self.graph: Any = self.captured() if captured else None

    def captured(self) -> Any:
        """The graph; `self.found` is the memory that it writes."""
        # 1. A few rollouts beside the main stream, as CUDA graphs ask for.
        side = torch.cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            for _ in range(3):
                self.rollout()
        torch.cuda.current_stream().wait_stream(side)
        # 2. The capture, with the chance of the worlds as part of it.
        graph = torch.cuda.CUDAGraph()
        graph.register_generator_state(self.world.generator)
        with torch.cuda.graph(graph):
            self.found = self.rollout()
        return graph

    @torch.no_grad()
    def rollout(self) -> tuple[Rollout, Tensor]:
        """Play; beside it the sum of returns of the episodes that ended, and how many they are."""
        world, seen = self.world, []
        world.at, world.elapsed, earned = self.kept
        ended_with = torch.zeros(2, device=world.device)
        for _ in range(self.steps):
            # 1. A step in every world. Nothing here may wait for the device to answer.
            observation = world.look(world.at)
            action = self.act(observation)
            step = world.step(action)
            seen.append((observation, action, step.reward, step.final, step.terminated, step.truncated))
            # 2. Returns.
            earned, over = earned + step.reward, step.terminated | step.truncated
            ended_with = ended_with + torch.stack(((earned * over).sum(), over.sum()))
            earned = earned.masked_fill(over, 0.0)
        played = Rollout(*(torch.stack(column) for column in zip(*seen, strict=True)))
        for old, new in zip(self.kept, (world.at, world.elapsed, earned), strict=True):
            old.copy_(new)
        return played, ended_with

    def __call__(self) -> tuple[Rollout, Tensor]:
        """The next rollout."""
        if self.graph is None:
            return self.rollout()
        self.graph.replay()
        return self.found


def largest_error(world: CartPole, played: Rollout) -> float:
    """How far any step is from the rules, and any state from where the step before it has led."""
    reached = world.advance(played.observation.flatten(0, 1), played.action.flatten())[0]
    steps = (reached - played.final.flatten(0, 1)).abs().max()
    goes_on = ~played.ended[:-1, :, None]
    gaps = ((played.observation[1:] - played.final[:-1]) * goes_on).abs().max()
    return max(steps.item(), gaps.item())


def drawn(model: nn.Module) -> Act:
    """Actions as a policy draws them."""
    return lambda observation: Categorical(model.act(observation)).draw()  # type: ignore[operator]


def by_chance(device: str) -> Act:
    """Actions without a policy."""
    return lambda observation: torch.randint(2, observation.shape[:1], device=device)


def policy(device: str) -> ActorCritic:
    """A network as `cartpole_ppo` has it."""
    return ActorCritic((4,), 2, False, (64, 64)).to(device)


def rates(work: Callable[[], Any], sizes: Sizes, rounds: int, device: str) -> dict[str, Any]:
    """Steps/s of a work that plays one rollout, by round, after one that warms up."""
    found = []
    for i in range(rounds + 1):
        settled(device)
        start = time.perf_counter()
        for _ in range(sizes.rollouts):
            work()
        settled(device)
        if i:
            found.append(sizes.worlds * sizes.steps * sizes.rollouts / (time.perf_counter() - start))
    return {"steps_per_second": statistics.median(found), "rounds": found, "wanted": WANTED}


def playing(act: Act, captured: bool, sizes: Sizes, rounds: int, device: str) -> dict[str, Any]:
    """Rollouts alone, and whether the last one keeps to the rules."""
    world = CartPole(sizes.worlds, 0, device)
    played = Played(world, act, sizes.steps, captured)
    found = rates(played, sizes, rounds, device)
    return found | {"largest_error": largest_error(world, played()[0])}


class Learner:
    """PPO whose rollouts are played as above.

    Args:
        sizes: how much is played.
        captured: whether rollouts are a CUDA graph.
        seed: of weights, worlds and actions.
        device: where everything lies.
    """

    def __init__(self, sizes: Sizes, captured: bool, seed: int, device: str) -> None:
        torch.manual_seed(seed)
        self.model, self.sizes, self.device = policy(device), sizes, device
        world = CartPole(sizes.worlds, seed, device)
        stage = Stage(Player(world), lambda count, seed: CartPole(count, seed, device))
        rewards, how = Rewards(sizes.steps, 0.98, 0.9), Proximal(minibatches=sizes.minibatches)
        self.ppo = PPO(self.model, stage, rewards, how)
        self.optimizer = torch.optim.Adam(self.model.parameters(), 3e-3, fused=device == "cuda")
        self.played = Played(world, drawn(self.model), sizes.steps, captured)

    def round(self) -> Tensor:
        """Play a rollout and learn from it; returns and number of the episodes that ended in it."""
        # 1. Play, and say how good each action was.
        played, ended_with = self.played()
        with torch.no_grad():
            logits, value = self.model(played.observation)
            log_prob = Categorical(logits).log_prob(played.action)
            next_value, how = self.model.value(played.final), self.ppo.rewards
            advantage = gae(
                played.reward, value, next_value, played.terminated, played.ended, how.gamma, how.lam
            )
        columns = rows(played.observation, played.action, log_prob, advantage, advantage + value)
        # 2. Learn from all of it, several times.
        for _ in range(self.ppo.how.passes):
            order = torch.randperm(len(columns[0]), device=self.device)
            for chosen in order.chunk(self.ppo.how.minibatches):
                self.ppo.loss(tuple(column[chosen] for column in columns))["loss"].backward()
                nn.utils.clip_grad_norm_(self.model.parameters(), 0.5)
                self.optimizer.step()
                self.optimizer.zero_grad()
        return ended_with

    @torch.no_grad()
    def tested(self, episodes: int = 1_000) -> float:
        """Mean return of episodes in which the best action is taken."""
        world = CartPole(episodes, 1_000_000, self.device)
        earned = torch.zeros(episodes, device=self.device)
        playing = torch.ones(episodes, dtype=torch.bool, device=self.device)
        for _ in range(world.limit):
            step = world.step(self.model.act(world.look(world.at)).argmax(-1))
            earned, playing = earned + playing, playing & ~(step.terminated | step.truncated)
        return earned.mean().item()


def training(captured: bool, sizes: Sizes, rounds: int, device: str) -> dict[str, Any]:
    """Whole rounds of PPO: play, advantages, updates."""
    return rates(Learner(sizes, captured, 0, device).round, sizes, rounds, device)


def to_goal(seed: int, captured: bool, sizes: Sizes, device: str) -> dict[str, Any]:
    """Train until test episodes earn the goal; their time and that of the capture do not count."""
    learner, seconds, steps, reached = Learner(sizes, captured, seed, device), 0.0, 0, 0.0
    while reached < GOAL and seconds < sizes.patience:
        start = time.perf_counter()
        learner.round()
        settled(device)
        seconds, steps = seconds + time.perf_counter() - start, steps + sizes.worlds * sizes.steps
        reached = learner.tested()
    return {"seed": seed, "seconds": seconds, "steps": steps, "test_return": reached, "wanted": GOAL}


def works(sizes: Sizes, rounds: int, seeds: int, device: str) -> dict[str, Callable[[], dict[str, Any]]]:
    """What is measured, by its name."""
    graph, how = device == "cuda", (sizes, rounds, device)
    few = Sizes(min(sizes.worlds, 4_096), sizes.steps, sizes.rollouts, 4, sizes.patience)
    found: dict[str, Callable[[], dict[str, Any]]] = {
        "worlds, random actions": partial(playing, by_chance(device), graph, *how),
        "PPO's rollout": partial(playing, drawn(policy(device)), graph, *how),
        "PPO's rollout, no graph": partial(playing, drawn(policy(device)), False, *how),
        "PPO, whole rounds": partial(training, graph, *how),
    }
    for seed in range(seeds):
        found[f"PPO to {GOAL:.0f}, seed {seed}"] = partial(to_goal, seed, graph, few, device)
    return found


def run(sizes: Sizes | None = None, rounds: int = 5, seeds: int = 10, device: str = "cuda") -> dict[str, Any]:
    """Measure every row and write rl_gpu.json after each.

    Raises:
        BusyError: there is no CUDA GPU.
    """
    if device == "cuda" and not torch.cuda.is_available():
        raise common.BusyError("rl_gpu needs a CUDA GPU, and none is here. Try bench rl_speed.")
    torch.set_float32_matmul_precision("high")
    sizes = sizes or Sizes()
    found: dict[str, Any] = {"name": "rl_gpu", "unit": "steps/s", "n": rounds, "sizes": vars(sizes),
                             "rows": {}, "machine": common.machine()}  # fmt: skip
    for name, work in works(sizes, rounds, seeds, device).items():
        start = time.perf_counter()
        with unchecked():
            found["rows"][name] = work() | {"all_seconds": time.perf_counter() - start}
        common.RESULTS.mkdir(parents=True, exist_ok=True)
        (common.RESULTS / "rl_gpu.json").write_text(json.dumps(found, indent=1) + "\n")
        print(f"{name}: {json.dumps(found['rows'][name])}", file=sys.stderr, flush=True)
    return found


def main() -> None:
    """Read the command line and measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--worlds", type=int, default=Sizes.worlds)
    try:
        run(Sizes(worlds=parser.parse_args().worlds))
    except common.BusyError as busy:
        sys.exit(str(busy))


if __name__ == "__main__":
    main()
