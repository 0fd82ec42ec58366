"""Steps a second of training, ours beside Stable-Baselines3 with the settings of its zoo, and PPO beside a
single-file program as well: interleaved rounds.

`python -m bench.rl_speed AGENT [ROUNDS]`, AGENT one of ppo, dqn (CartPole) and sac (Pendulum). Processor time
of one thread counts, so that other work on the machine matters less. Both sides have their own networks and
numbers of updates; `about` names them.
"""

import json
import sys
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import torch

from bench import common, rl_single_file
from gradschool.engine.device import Machine
from gradschool.engine.loop import fit
from gradschool.recipes import find
from gradschool.runs.request import Request, silent

# Recipe, and steps of ours and of the peer in a round: both take a second or more.
SIZES = {"ppo": ("cartpole_ppo", 65_536, 8_192), "dqn": ("cartpole_dqn", 16_384, 4_096),
         "sac": ("pendulum_sac", 4_096, 2_048)}  # fmt: skip
ZOO: dict[str, dict[str, Any]] = {
    "ppo": {"n_steps": 32, "batch_size": 256, "gae_lambda": 0.8, "gamma": 0.98, "n_epochs": 20,
            "learning_rate": 1e-3, "clip_range": 0.2},
    "dqn": {"learning_rate": 2.3e-3, "batch_size": 64, "buffer_size": 100_000, "learning_starts": 1_000,
            "gamma": 0.99, "target_update_interval": 10, "train_freq": 256, "gradient_steps": 128,
            "exploration_fraction": 0.16, "exploration_final_eps": 0.04,
            "policy_kwargs": {"net_arch": [256, 256]},
    },
    "sac": {"learning_rate": 1e-3},
}  # fmt: skip


def ours(recipe: str, steps: int) -> float:
    """Train from scratch without evaluations or checkpoints; the steps that were played."""
    run = replace(find(recipe)(), timesteps=steps)
    pieces = run.assemble(Request(recipe, device="cpu"), Machine("cpu", "fp32", False), silent)
    fit(pieces.task, pieces.batches, None, pieces.stepper, pieces.plan)
    return float(pieces.plan.steps * run.batch_size)


def theirs(agent: str, steps: int) -> float:
    """The same by Stable-Baselines3."""
    import stable_baselines3 as sb3
    from stable_baselines3.common.env_util import make_vec_env

    kinds = {"ppo": (sb3.PPO, "CartPole-v1", 8), "dqn": (sb3.DQN, "CartPole-v1", 1),
             "sac": (sb3.SAC, "Pendulum-v1", 1)}  # fmt: skip
    kind, env, count = kinds[agent]
    kind("MlpPolicy", make_vec_env(env, count, seed=0), device="cpu", seed=0, **ZOO[agent]).learn(steps)
    return float(steps)


def run(agent: str, repeats: int) -> dict[str, Any]:
    """Compare one agent."""
    recipe, own, other = SIZES[agent]
    peers: dict[str, Callable[[], float]] = {"stable-baselines3": partial(theirs, agent, other)}
    if agent == "ppo":
        peers["CleanRL's ppo.py, written anew"] = partial(rl_single_file.train, other)
    about = {"ours": repr(find(recipe)()), "theirs": ZOO[agent], "steps": {"ours": own, "theirs": other}}
    work = partial(ours, recipe, own)
    return common.compare(f"rl-speed-{agent}", "steps/processor s", work, peers, repeats, about)


def main() -> None:
    """Compare, and print a line of JSON."""
    if len(sys.argv) < 2 or sys.argv[1] not in SIZES:
        sys.exit(f"which agent? One of {', '.join(SIZES)}. Example: python -m bench.rl_speed ppo")
    torch.set_num_threads(1)
    try:
        result = run(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 5)
    except common.BusyError as busy:
        sys.exit(str(busy))
    print(json.dumps({key: result[key] for key in common.KEYS}))


if __name__ == "__main__":
    main()
