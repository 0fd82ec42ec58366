"""What every state is worth to an agent, where a state is two numbers: a map, with the path that it took."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from gradschool.evals.rl.film import Film
from gradschool.rl.protocol import Discrete, Thought

POINTS = 81  # a side

Think = Callable[[Tensor], Thought]


def surface(world: Any, think: Think, film: Film) -> list[Path]:
    """Write maps of values and actions beside the film (.values.png); nothing where states are not plane.

    Args:
        world: any.
        think: what the agent makes of observations.
        film: what was played, for the path.
    """
    if not getattr(world, "plane", ()):
        return []
    from matplotlib.figure import Figure

    # 1. What the agent makes of a grid of states.
    across, up = world.plane
    value, action = mapped(world, think)
    # 2. Two maps, with the states of the film in both.
    figure = Figure(figsize=(10, 4), layout="constrained")
    path = torch.tensor(film.visited)
    if across.name == "angle":
        path[:, 0] = torch.remainder(path[:, 0] + torch.pi, 2 * torch.pi) - torch.pi
    drawn = {"value of the state": (value, {}), "action": (action, steps_of(world))}
    for axes, (name, (shown, colours)) in zip(figure.subplots(1, 2), drawn.items(), strict=True):
        box = (across.low, across.high, up.low, up.high)
        image = axes.imshow(shown.numpy(), origin="lower", extent=box, aspect="auto", **colours)
        # Black and white, to be seen on every colour.
        axes.plot(path[:, 0], path[:, 1], "o", color="white", ms=2.5, mec="black", mew=0.5, label="the film")
        axes.set(title=name, xlabel=across.name, ylabel=up.name)
        axes.legend(loc="lower right")
        bar = figure.colorbar(image)
        if colours:
            bar.set_ticks(range(world.actions.n), labels=world.names)
    file = film.path.with_suffix(".values.png")
    figure.savefig(file, dpi=110)
    return [file]


def mapped(world: Any, think: Think) -> tuple[Tensor, Tensor]:
    """Values and actions of a grid of states, both (up, across)."""
    columns, rows = (torch.linspace(axis.low, axis.high, POINTS) for axis in world.plane)
    states = torch.stack(torch.meshgrid(columns, rows, indexing="xy"), -1).flatten(0, 1)
    thought = think(world.look(states))
    action = thought.action if isinstance(world.actions, Discrete) else thought.action[:, 0]
    return thought.value.view(POINTS, POINTS).float(), action.view(POINTS, POINTS)


def steps_of(world: Any) -> dict[str, Any]:
    """One colour for each action, where there are a few."""
    if not isinstance(world.actions, Discrete):
        return {}
    from matplotlib import colormaps

    n = world.actions.n
    return {"cmap": colormaps["viridis"].resampled(n), "vmin": -0.5, "vmax": n - 0.5}
