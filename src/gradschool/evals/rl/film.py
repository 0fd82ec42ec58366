"""A film of an agent: what the world looks like, and beside it what the agent makes of it, step by step."""

import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from gradschool.evals.rl.pictures import FAINT, GREY, INK, MARK, PAPER, SIDE, WOOD, picture
from gradschool.evals.rl.video import check_form, save
from gradschool.rl.protocol import Continuous, Thought

PANEL, ROW, MOST = 240, 23, 8  # pixels wide, pixels of an action, actions shown
LEFT, RIGHT, LETTERS = 22, PANEL - 10, 20  # where bars begin and end; of an action's name
FRAMES, PAUSE = 600, 12  # at most; how often the last of an episode is repeated
LONGEST = 20_000  # steps of an episode in a world without a time limit

HEADS = {"probability": "probability of each action", "value": "value of each action", "action": "action"}
READING = {
    "probability": "arrow: taken",
    "value": "bars: least to largest, arrow: taken",
    "action": "grey: the range that is possible",
}

Think = Callable[[Tensor, Tensor], Thought]  # of observations, and of what was earned before them


class Film:
    """Frames of episodes, thinned out so that there are never too many.

    Args:
        path: of the file, .gif or .mp4.

    Raises:
        UserError: no film can be written there.
    """

    def __init__(self, path: Path) -> None:
        check_form(path)
        self.path, self.frames, self.every, self.steps = path, list[Image.Image](), 1, 0
        self.visited: list[list[float]] = []  # states of the first copy, where they are vectors

    def episode(self, world: Any, think: Think) -> tuple[float, int]:
        """Play one episode in the first copy of a world; its return and its length.

        Args:
            world: with one copy.
            think: what the agent does and why.
        """
        # 1. Pictures before each step, with what the agent is about to do.
        world.autoreset = False
        observation, total, ending = world.reset(), 0.0, "film"
        for time in range(world.limit or LONGEST):
            thought = think(observation, torch.tensor([total]))
            self.show(world, thought, {"step": f"{time}", "return": f"{total:.4g}"})
            step = world.step(thought.action)
            observation, total = step.observation, total + step.reward[0].item()
            if (step.terminated | step.truncated)[0]:
                ending = "terminal state" if step.terminated[0] else "time limit"
                break
        # 2. How it ended, for a while.
        told = {"ended by": ending, "step": f"{time + 1}", "return": f"{total:.4g}"}
        self.show(world, None, told)
        self.frames += self.frames[-1:] * PAUSE
        return total, time + 1

    def show(self, world: Any, thought: Thought | None, told: Mapping[str, str]) -> None:
        """Add a frame, if it is one that is kept; the last of an episode is."""
        if getattr(world, "plane", ()):
            self.visited.append(world.at[0].tolist())
        self.steps += 1
        if self.steps % self.every and thought is not None:
            return
        still = beside(picture(world), panel(world, thought, told))
        # A palette of 64 colours takes a third of the memory.
        self.frames.append(still.quantize(64, Image.Quantize.FASTOCTREE))
        if len(self.frames) > FRAMES and thought is not None:
            self.frames, self.every = self.frames[::2], 2 * self.every

    def save(self) -> Path:
        """Write the film."""
        return save(self.path, self.frames)

    def notes(self) -> list[str]:
        """What is not shown."""
        return [f"the film shows one step of {self.every}"] if self.every > 1 else []


def beside(one: Image.Image, other: Image.Image) -> Image.Image:
    """Two pictures of the same height side by side."""
    both = Image.new("RGB", (one.width + other.width, one.height), PAPER)
    both.paste(one, (0, 0))
    both.paste(other, (one.width, 0))
    return both


def panel(world: Any, thought: Thought | None, told: Mapping[str, str]) -> Image.Image:
    """What the agent makes of the first copy: a bar for every action, and what the state is worth.

    Args:
        world: where it acts.
        thought: what it makes of it; None: the episode is over.
        told: lines below, names and what they are.
    """
    image = Image.new("RGB", (PANEL, SIDE), PAPER)
    draw, font = ImageDraw.Draw(image), ImageFont.load_default(13)
    draw.line((0, 0, 0, SIDE), FAINT)
    draw.text((10, 8), HEADS[thought.kind] if thought else "the end", INK, font)
    lines = dict(told)
    if thought:
        bars(draw, world, thought)
        lines = {"discounted value": f"{thought.value[0].item():.4g}", **told}
    for line, (name, text) in enumerate(lines.items()):
        y = SIDE - 4 - 18 * (len(lines) - line)
        draw.text((10, y), name, INK, font)
        draw.text((RIGHT, y), text, INK, font, anchor="ra")
    return image


def bars(draw: ImageDraw.ImageDraw, world: Any, thought: Thought) -> None:
    """A row for each action: name, number and bar; an arrow before the one that is taken."""
    font, small = ImageFont.load_default(13), ImageFont.load_default(12)
    # 1. Those with the largest numbers, if there are many, in their own order.
    numbers = thought.numbers[0].tolist()
    shown = sorted(sorted(range(len(numbers)), key=lambda i: -numbers[i])[:MOST])
    digits = 2 if thought.kind == "probability" else decimals(numbers)
    for line, i in enumerate(shown):
        y, taken = 30 + ROW * line, thought.kind != "action" and i == int(thought.action[0])
        name = world.names[i] if i < len(getattr(world, "names", ())) else f"action {i}"
        begin, end = (LEFT + each * (RIGHT - LEFT) for each in share(world, thought, i))
        draw.rectangle((LEFT, y + 17, RIGHT, y + 20), FAINT)
        draw.rectangle((begin, y + 17, end, y + 20), WOOD if taken else MARK)
        draw.text((LEFT, y), name[:LETTERS], INK, font)
        draw.text((RIGHT, y), f"{numbers[i]:.{digits}f}", INK, font, anchor="ra")
        if taken:
            draw.polygon(((10, y + 4), (10, y + 14), (17, y + 9)), WOOD)
    # 2. How the bars are read.
    some = [f"{len(shown)} of {len(numbers)} actions"] if len(shown) < len(numbers) else []
    draw.text((LEFT, 32 + ROW * len(shown)), ", ".join([*some, READING[thought.kind]]), GREY, small)


def decimals(numbers: Sequence[float]) -> int:
    """Digits behind the point that leave about four in the largest of some numbers."""
    largest = max(map(abs, numbers))
    return min(max(3 - math.floor(math.log10(largest)), 0), 3) if 0 < largest < math.inf else 0


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
