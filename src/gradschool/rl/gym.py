"""Any environment with Gymnasium's interface, as copies side by side that begin anew when an episode ends.

Every episode begins with a seed of its own. A copy is therefore known from its seed and the actions since:
they are what a checkpoint holds, and resuming plays them again. Source: Gymnasium 1.4, `gymnasium.Env`.
"""

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from gradschool.errors import WorkFailed
from gradschool.phrases import counted, raised
from gradschool.rl.atari import Screen
from gradschool.rl.protocol import Discrete, Step
from gradschool.rl.spaces import actions_of, names_of, reader_of

Act = np.ndarray | np.generic  # an action of one copy
SHOWN = 8  # actions that are written out where something goes wrong
LONGEST = 30_000  # steps of an episode in an environment that sets no limit; Atari games end after 27,000


class GymWorld:
    """`count` copies of an environment of Gymnasium.

    Args:
        name: of the environment, for sentences.
        create: makes one copy.
        count: copies.
        seed: of all episodes.

    Raises:
        UserError: its observations or actions are of a kind that agents here do not take.
    """

    def __init__(self, name: str, create: Callable[[], Any], count: int, seed: int) -> None:
        self.name, self.create, self.count = name, create, count
        self.generator = torch.Generator().manual_seed(seed)
        self.envs = [create() for _ in range(count)]
        self.shape, self.read = reader_of(self.envs[0].observation_space, name)
        self.actions, self.write = actions_of(self.envs[0].action_space, name)
        spec = getattr(self.envs[0], "spec", None)
        self.names = names_of(self.envs[0], name)
        self.limit: int | None = spec.max_episode_steps if spec else None
        self.autoreset = True  # False: an ended episode stays as it ended until `reset`
        self.reset()

    def reset(self, generator: torch.Generator | None = None) -> Tensor:
        """Begin an episode in every copy; `generator`, if given, seeds those that follow."""
        if generator is not None:
            self.generator.manual_seed(int(torch.randint(2**62, (), generator=generator)))
        for env in self.envs:
            if isinstance(env, Screen):
                env.over = True  # no game goes on, whichever life it is in
        self.seeds, self.elapsed = [0] * self.count, [0] * self.count
        self.past: list[list[Act]] = [[] for _ in range(self.count)]
        self.seen = np.stack([self.begin(i) for i in range(self.count)])
        return torch.from_numpy(self.seen.copy())

    def begin(self, i: int, seed: int | None = None) -> np.ndarray:
        """Begin an episode of copy i.

        Args:
            i: the copy.
            seed: of the episode; None: the next one of the world's own.
        """
        # 1. Where only a life was lost, the same game goes on, from the seed and the actions that it had.
        if seed is None:
            seed = int(torch.randint(2**31, (), generator=self.generator))
        observation, info = self.asked(i, "reset", seed=seed)
        if not (isinstance(info, dict) and info.get("continued", False)):
            self.seeds[i], self.past[i] = seed, []
        # 2. What is seen.
        self.elapsed[i] = 0
        return self.checked(observation)

    def step(self, actions: Tensor) -> Step:
        """Act in every copy, and begin anew where an episode has ended.

        Raises:
            WorkFailed: the environment raises, returns what is no number, changes its shape, or never ends.
        """
        rewards, ends = np.zeros(self.count, np.float32), np.zeros((2, self.count), bool)
        final = np.empty_like(self.seen)
        self.seen = self.seen.copy()
        for i, action in enumerate(actions.detach().cpu().numpy()):
            # 1. One step of this copy.
            final[i], rewards[i], ends[0, i], ends[1, i] = self.acted(i, action)
            # 2. A new episode, where this one is over.
            self.seen[i] = self.begin(i) if ends[:, i].any() and self.autoreset else final[i]
        terminated, truncated = torch.from_numpy(ends)
        seen = torch.from_numpy(self.seen.copy())
        return Step(
            seen, torch.from_numpy(rewards), terminated, truncated & ~terminated, torch.from_numpy(final)
        )

    def acted(self, i: int, action: Act) -> tuple[np.ndarray, float, bool, bool]:
        """One step of copy i, checked: what is seen, reward, terminated, truncated."""
        self.past[i].append(action)
        self.elapsed[i] += 1
        observation, reward, *ends, _ = self.asked(i, "step", self.write(action))
        seen = self.checked(observation)
        try:
            reward, (terminated, truncated) = float(reward), map(bool, ends)
        except (TypeError, ValueError) as error:
            what = f"{self.name} gave {reward!r} for the reward and {ends} for the ends"
            raise WorkFailed(what, "a number and two truth values", self.advice(i)) from error
        if not np.isfinite(reward):
            raise WorkFailed(f"{self.name} gave the reward {reward}", "a finite number", self.advice(i))
        if self.elapsed[i] >= (self.limit or LONGEST) and not (terminated or truncated):
            what = f"an episode of {self.name} has not ended after {counted(self.elapsed[i], 'step')}"
            advice = "Let it truncate by itself, or wrap it in Gymnasium's TimeLimit."
            raise WorkFailed(what, "one that terminates or is truncated", advice)
        return seen, reward, terminated, truncated

    def asked(self, i: int, method: str, *arguments: Any, **named: Any) -> Any:
        """Call a method of copy i.

        Raises:
            WorkFailed: it raises, or returns the wrong number of things.
        """
        try:
            answer = getattr(self.envs[i], method)(*arguments, **named)
        except Exception as error:  # whatever somebody else's program raises
            what = f"{method} of {self.name} raised {raised(error)}"
            raise WorkFailed(what, "", self.advice(i)) from error
        wanted = 2 if method == "reset" else 5
        if not isinstance(answer, tuple) or len(answer) != wanted:
            count = len(answer) if isinstance(answer, tuple) else 1
            what = f"{method} of {self.name} returned {counted(count, 'thing')}"
            raise WorkFailed(what, f"{wanted}, as Gymnasium's Env does", "Update the environment.")
        return answer

    def checked(self, observation: Any) -> np.ndarray:
        """An observation as an array.

        Raises:
            WorkFailed: its type or shape is not that of the space, or not all of it are finite numbers.
        """
        try:
            seen = self.read(observation)
        except Exception as error:  # of whatever type it is
            what = f"an observation of {self.name} cannot be read: {raised(error)}"
            raise WorkFailed(what, "one of its observation_space", "Mend the environment.") from error
        if seen.shape != self.shape:
            what = f"an observation of {self.name} has the shape {seen.shape}"
            raise WorkFailed(what, f"{self.shape} as its observation_space says", "Mend the environment.")
        if not np.isfinite(seen).all():
            wrong = counted(int((~np.isfinite(seen)).sum()), "NaN or infinite number")
            what = f"an observation of {self.name} holds {wrong}"
            raise WorkFailed(what, "finite numbers", "Mend the environment.")
        return seen

    def advice(self, i: int) -> str:
        """How to see it happen again."""
        told = f"It happens after reset(seed={self.seeds[i]}) and {counted(len(self.past[i]), 'action')}"
        last = ", ".join(str(np.asarray(action).tolist()) for action in self.past[i][-SHOWN:])
        return f"{told}, the last of them {last}" if self.past[i] else told

    def picture(self, i: int) -> np.ndarray | None:
        """Copy i as it draws itself, (h, w, 3) bytes; None where it does not."""
        try:
            shown = np.asarray(self.envs[i].render())
        except Exception:  # an environment need not be able to
            return None
        return shown if shown.ndim == 3 and shown.shape[2] == 3 and shown.dtype == np.uint8 else None

    def state(self) -> dict[str, Tensor]:
        """The seed of each copy, the actions since, what was seen last, and the state of the generator."""
        lengths = torch.tensor([len(past) for past in self.past])
        width = () if isinstance(self.actions, Discrete) else tuple(self.actions.low.shape)
        kind = torch.int64 if isinstance(self.actions, Discrete) else torch.float32
        past = torch.zeros(self.count, int(lengths.max()), *width, dtype=kind)
        for i, actions in enumerate(self.past):
            if actions:
                past[i, : len(actions)] = torch.from_numpy(np.stack(actions))
        seen, seeds = torch.from_numpy(self.seen.copy()), torch.tensor(self.seeds)
        generator = self.generator.get_state()
        return {"seeds": seeds, "past": past, "lengths": lengths, "seen": seen, "generator": generator}

    def load(self, state: dict[str, Tensor]) -> None:
        """Go on from what `state` returned: play the actions again in new copies.

        A copy that does not come out where it was has randomness that its seed does not fix: there a new
        episode is begun, with a warning that counts them.
        """
        self.close()
        self.envs = [self.create() for _ in range(self.count)]
        # 1. The same seeds and the same actions.
        for i, seed in enumerate(state["seeds"].tolist()):
            self.seen[i] = self.begin(i, seed)
            for action in state["past"][i, : int(state["lengths"][i])].cpu().numpy():
                self.seen[i], _, *ends = self.acted(i, action)
                if any(ends):
                    self.seen[i] = self.begin(i, seed)
        # 2. The same observations, if seeds fix the environment.
        self.generator.set_state(state["generator"].cpu())
        lost = [
            i for i in range(self.count) if not np.array_equal(self.seen[i], state["seen"][i].cpu().numpy())
        ]
        for i in lost:
            self.seen[i] = self.begin(i)
        if lost:
            episodes = counted(len(lost), "episode")
            warnings.warn(
                f"{self.name} is not the same under the same seed: {episodes} began anew", stacklevel=2
            )

    def close(self) -> None:
        """Close every copy."""
        for env in self.envs:
            env.close()
