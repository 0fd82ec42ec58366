"""A vector environment of Gymnasium as a world, whichever of its three autoreset modes it has.

Gymnasium 1.1 and later reset an ended copy in the next step (which is then no transition), in the same step
(the last observation lies in `info["final_obs"]`), or leave it to the caller. All give the same steps.
"""

from typing import Any

import numpy as np
import torch
from torch import Tensor

from gradschool.errors import UserError
from gradschool.rl.protocol import Step
from gradschool.rl.spaces import actions_of, reader_of


class VectorWorld:
    """Copies that a vector environment steps together.

    A checkpoint holds no copies: a run that is resumed begins new episodes, from seeds that follow.

    Args:
        envs: a vector environment of Gymnasium.
        seed: of all episodes.
        name: for sentences.

    Raises:
        UserError: its observations or actions are of a kind that agents here do not take.
    """

    def __init__(self, envs: Any, seed: int, name: str = "the vector environment") -> None:
        self.envs, self.name, self.count = envs, name, envs.num_envs
        self.generator = torch.Generator().manual_seed(seed)
        self.shape, self.read = reader_of(envs.single_observation_space, name)
        self.actions, self.write = actions_of(envs.single_action_space, name)
        spec = getattr(envs, "spec", None)
        self.limit: int | None = spec.max_episode_steps if spec else None
        self.in_same_step = getattr(envs.metadata.get("autoreset_mode"), "name", "NEXT_STEP") == "SAME_STEP"
        self.reset()

    def reset(self, generator: torch.Generator | None = None) -> Tensor:
        """Begin an episode in every copy; `generator`, if given, seeds all that follow."""
        if generator is not None:
            self.generator.manual_seed(int(torch.randint(2**62, (), generator=generator)))
        seed = int(torch.randint(2**31, (), generator=self.generator))
        self.seen = self.batch(self.envs.reset(seed=seed)[0])
        return self.seen

    def batch(self, observations: Any) -> Tensor:
        """Observations of all copies as one tensor."""
        return torch.from_numpy(np.stack([self.read(observations[i]) for i in range(self.count)]))

    def step(self, actions: Tensor) -> Step:
        """Act in every copy, and begin anew where an episode has ended.

        Raises:
            UserError: an ended copy cannot be reset without the others.
        """
        # 1. One step of all copies.
        acts = np.stack([self.write(action) for action in actions.detach().cpu().numpy()])
        observations, reward, terminated, truncated, info = self.envs.step(acts)
        reached, ended = self.batch(observations), terminated | truncated
        # 2. The last observation before the reset, and the first one after it.
        final, self.seen = reached, reached
        if ended.any() and self.in_same_step:
            final = reached.clone()
            for i in np.flatnonzero(ended):
                final[i] = torch.from_numpy(self.read(info["final_obs"][i]))
        elif ended.any():
            self.seen = self.anew(reached, ended)
        earned = torch.as_tensor(reward, dtype=torch.float32)
        ends = torch.as_tensor(terminated.copy()), torch.as_tensor(truncated & ~terminated)
        return Step(self.seen, earned, *ends, final)

    def anew(self, reached: Tensor, ended: np.ndarray) -> Tensor:
        """What is seen once the ended copies, and no others, have begun anew."""
        fresh = self.batch(self.envs.reset(options={"reset_mask": ended.copy()})[0])
        if not torch.equal(fresh[~ended], reached[~ended]):
            what = f"{self.name} resets all of its copies when one has ended"
            advice = "Give the environment by its name, or use autoreset_mode SAME_STEP."
            raise UserError(what, "a vector environment that knows reset_mask", advice)
        return fresh

    def state(self) -> dict[str, Tensor]:
        """The state of the generator."""
        return {"generator": self.generator.get_state()}

    def load(self, state: dict[str, Tensor]) -> None:
        """Begin new episodes with seeds that follow."""
        self.generator.set_state(state["generator"].cpu())
        self.reset()

    def close(self) -> None:
        """Close every copy."""
        self.envs.close()
