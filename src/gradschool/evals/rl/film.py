"""A film of an agent: what the world looks like, and beside it what the agent makes of it, step by step."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from gradschool.errors import UserError
from gradschool.evals.rl.pictures import FAINT, INK, MARK, PAPER, SIDE, WOOD, picture
from gradschool.rl.protocol import Continuous, Thought

PANEL, ROW, MOST = 210, 27, 8  # pixels wide, pixels of an action, actions shown
FRAMES, PAUSE, MILLISECONDS = 600, 12, 40  # at most; on the last of an episode; each
LONGEST = 20_000  # steps of an episode in a world without a time limit

Think = Callable[[Tensor], Thought]


class Film:
    """Frames of episodes, thinned out so that there are never too many.

    Args:
        path: of the .gif file.

    Raises:
        UserError: the file's ending is another, or its folder is not there.
    """

    def __init__(self, path: Path) -> None:
        if path.suffix.lower() != ".gif":
            raise UserError(f"--out is {path}", "a .gif file", "Example: --out film.gif")
        if not path.parent.is_dir():
            raise UserError(f"--out is {path}, and {path.parent} is no folder", "a file in a folder")
        self.path, self.frames, self.every, self.steps = path, list[Image.Image](), 1, 0
        self.visited: list[list[float]] = []  # states of the first copy, where they are vectors

    def episode(self, world: Any, think: Think) -> tuple[float, int]:
        """Play one episode in the first copy of a world; its return and its length.

        Args:
            world: with one copy.
            think: what the agent does and why.
        """
        observation, total = world.reset(), 0.0
        limit = world.limit or LONGEST
        for time in range(limit):
            # 1. The picture before the step, with what the agent is about to do.
            thought = think(observation)
            self.show(world, thought, (f"step {time}", f"return {total:.4g}"))
            step = world.step(thought.action)
            # 2. What came of it.
            observation, total = step.observation, total + step.reward[0].item()
            if (step.terminated | step.truncated)[0]:
                break
        self.frames += self.frames[-1:] * PAUSE
        return total, time + 1

    def show(self, world: Any, thought: Thought, told: Sequence[str]) -> None:
        """Add a frame, if it is one that is kept."""
        if getattr(world, "plane", ()):
            self.visited.append(world.at[0].tolist())
        self.steps += 1
        if self.steps % self.every:
            return
        still = beside(picture(world), panel(world, thought, told))
        # A palette of 64 colours takes a third of the memory.
        self.frames.append(still.quantize(64, Image.Quantize.FASTOCTREE))
        if len(self.frames) > FRAMES:
            self.frames, self.every = self.frames[::2], 2 * self.every

    def save(self) -> Path:
        """Write the film."""
        first, *others = self.frames
        first.save(self.path, save_all=True, append_images=others, duration=MILLISECONDS, loop=0)
        return self.path

    def notes(self) -> list[str]:
        """What is not shown."""
        return [f"the film shows one step of {self.every}"] if self.every > 1 else []


def beside(one: Image.Image, other: Image.Image) -> Image.Image:
    """Two pictures of the same height side by side."""
    both = Image.new("RGB", (one.width + other.width, one.height), PAPER)
    both.paste(one, (0, 0))
    both.paste(other, (one.width, 0))
    return both


def panel(world: Any, thought: Thought, told: Sequence[str]) -> Image.Image:
    """What the agent makes of the first copy: a bar for every action, and what the state is worth."""
    image = Image.new("RGB", (PANEL, SIDE), PAPER)
    draw, font = ImageDraw.Draw(image), ImageFont.load_default(13)
    kinds = {"probability": "probability of actions", "value": "value of actions", "action": "action"}
    draw.text((10, 8), kinds[thought.kind], INK, font)
    # 1. The actions: those with the largest numbers, if there are many, in their own order.
    numbers = thought.numbers[0].tolist()
    largest = sorted(range(len(numbers)), key=lambda i: -numbers[i])[:MOST]
    for line, i in enumerate(sorted(largest)):
        y, taken = 30 + ROW * line, thought.kind != "action" and i == int(thought.action[0])
        name = world.names[i] if i < len(getattr(world, "names", ())) else f"action {i}"
        left, right = share(world, thought, i)
        draw.rectangle((10, y + 16, PANEL - 10, y + 21), FAINT)
        draw.rectangle(
            (10 + left * (PANEL - 20), y + 16, 10 + right * (PANEL - 20), y + 21), WOOD if taken else MARK
        )
        draw.text((10, y), name, WOOD if taken else INK, font)
        draw.text((PANEL - 10, y), f"{numbers[i]:.3g}", INK, font, anchor="ra")
    # 2. The state, and how far the episode is.
    for line, text in enumerate((f"value of the state {thought.value[0].item():.4g}", *told)):
        draw.text((10, SIDE - 60 + 18 * line), text, INK, font)
    return image


def share(world: Any, thought: Thought, i: int) -> tuple[float, float]:
    """Where the bar of action i begins and ends, 0 to 1."""
    numbers = thought.numbers[0]
    at = numbers[i].item()
    if thought.kind == "probability":
        return 0.0, at
    if isinstance(world.actions, Continuous):
        low, high = world.actions.low[i].item(), world.actions.high[i].item()
        where = min(max((at - low) / (high - low), 0.0), 1.0)
        return min(where, 0.5), max(where, 0.5)
    low, high = numbers.min().item(), numbers.max().item()
    return 0.0, (at - low) / (high - low) if high > low else 1.0
