"""Agents from scratch with several seeds: what they reach, and after how many steps and seconds.

The interquartile mean over seeds has a bootstrap interval (Agarwal et al. 2021); the goal is met when the
mean return of the last 100 episodes first comes to it, or of the validation episodes, for agents that do not
play while they learn. Finished runs count: an interrupted bench goes on.
"""

import json
import statistics
from pathlib import Path
from typing import Any

import torch

from bench import seeded
from gradschool.evals.rl.reliable import reliable

GOALS = {
    "cartpole_ppo": 475.0, "cartpole_pqn": 475.0, "cartpole_dqn": 475.0, "cartpole_a2c": 475.0,
    "cartpole_reinforce": 475.0, "mountain_car_dqn": -110.0, "acrobot_ppo": -100.0, "pendulum_sac": -160.0,
    # Against random moves the best possible mean is 0.960, and who draws where it cannot lose earns 0.873.
    "lunar_lander_ppo": 200.0, "tic_tac_toe_zero": 0.9, "cartpole_cloning": 475.0,
    "cartpole_decision": 475.0, "breakout_ppo": 10.0,
}  # fmt: skip
SCORE = "test_return"


def met(recipe: str, run: Any, seed: int) -> dict[str, float] | None:
    """Steps and seconds after which the mean of 100 episodes came to the goal; None if it never did."""
    log = Path("runs") / "accuracy" / f"{recipe}-{seed}" / "metrics.jsonl"
    for line in map(json.loads, log.read_text().splitlines()):
        if line.get("return", line.get("val_return", -float("inf"))) >= GOALS[recipe]:
            return {"steps": line["step"] * run.batch_size, "seconds": line["seconds"]}
    return None


def row(recipe: str, run: Any, runs: list[dict[str, Any]]) -> dict[str, Any]:
    """What the seeds of a recipe reached."""
    # 1. When each seed met the goal.
    found = [met(recipe, run, each["seed"]) for each in runs]
    seconds = [each["seconds"] for each in found if each]
    # 2. What they earn in the end.
    returns = [each[SCORE] for each in runs]
    estimate = None
    if len(returns) > 1:
        of_seeds = reliable(torch.tensor([returns]), torch.Generator().manual_seed(0))
        estimate = {"iqm": of_seeds.iqm, "low": of_seeds.low, "high": of_seeds.high}
    return {
        "n": len(runs), "goal": GOALS[recipe], "goal_met": len(seconds), "met": found,
        "median_seconds_to_goal": statistics.median(seconds) if seconds else None,
        "median_return": statistics.median(returns), "lowest_return": min(returns), "return": estimate,
        "interval": seeded.interval(returns), "runs": runs,
    }  # fmt: skip


def main() -> None:
    """Train every recipe with every seed, one after the other."""
    args = seeded.options(__doc__, list(GOALS))
    torch.set_num_threads(1)
    result = seeded.before("rl", {"agents": {}})
    for told in seeded.over_seeds("rl", args, result, "agents", row):
        shown = {key: value for key, value in told.items() if key not in ("runs", "met")}
        print(json.dumps(shown))


if __name__ == "__main__":
    main()
