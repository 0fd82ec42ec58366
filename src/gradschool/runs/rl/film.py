"""Episodes as text: the path as arrows in the drawing, or a film with a drawing for every step."""

from collections.abc import Iterator

from gradschool.phrases import counted
from gradschool.rl.gridworld import Gridworld
from gradschool.rl.play import Played

SIGNS, NAMES, AGENT = "^>v<", ("up", "right", "down", "left"), "@"


def written(world: Gridworld, played: Played, gamma: float, film: bool) -> str:
    """All episodes, one after the other.

    Args:
        world: the grid world.
        played: in it.
        gamma: discount of the returns.
        film: a drawing for every step in place of one for every episode.
    """
    returns, parts = played.returns(gamma).tolist(), []
    for i, length in enumerate(played.lengths.tolist()):
        end = "reaches a goal" if played.terminated[i] else "is cut off by the time limit"
        parts.append(f"episode {i + 1} {end} after {counted(length, 'step')}, return {returns[i]:.6g}\n")
        parts += frames(world, played, i, length) if film else [path(world, played, i, length)]
    return "\n".join(parts)


def path(world: Gridworld, played: Played, i: int, length: int) -> str:
    """The drawing with the last action in every cell that episode i visited."""
    signs = {played.states[t, i].item(): SIGNS[int(played.actions[t, i])] for t in range(length)}
    return drawn(world, signs)


def frames(world: Gridworld, played: Played, i: int, length: int) -> Iterator[str]:
    """Where the agent of episode i is after every step."""
    yield f"step 0 of {length}\n{drawn(world, {world.start: AGENT})}"
    for t in range(length):
        did = f"{NAMES[int(played.actions[t, i])]}, reward {played.rewards[t, i].item():g}"
        yield f"step {t + 1} of {length}: {did}\n{drawn(world, {played.states[t + 1, i].item(): AGENT})}"


def drawn(world: Gridworld, signs: dict[int | float, str]) -> str:
    """The drawing with other signs in some states."""
    width = len(world.drawing[0])
    rows = (
        "".join(signs.get(row * width + column, sign) for column, sign in enumerate(line))
        for row, line in enumerate(world.drawing)
    )
    return "\n".join(rows) + "\n"
