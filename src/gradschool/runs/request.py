"""What the person who starts a run asks for besides the settings."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Say = Callable[[str], None]


@dataclass(frozen=True)
class Request:
    """What a run is started with.

    Args:
        recipe: the recipe's name, which the run's folder is called after.
        seed: of split, initialisation, order and augmentation.
        steps: train so many steps in place of the recipe's epochs.
        device: "auto", "cpu", "cuda", "cuda:1" or "mps".
        out: folder of the new run; None takes the next free one under runs/.
        checkpoint: which checkpoint a resumed run starts from.
        plain: train with the plain ops in place of their fast twins.
        mine: the learner's functions that are in force: exercise, target, file, sha256 and lines of each.
        usual: the recipe's settings before they were changed, as plain values: the command that repeats the
            run names what differs; None where nobody knows, then it names all that is not a default.
        halt: asked after every step but the last whether the run should end; it says why, or "". None: never.
    """

    recipe: str
    seed: int = 0
    steps: int | None = None
    device: str = "auto"
    out: Path | None = None
    checkpoint: str = "last"
    plain: bool = False
    mine: tuple[dict[str, Any], ...] = ()
    usual: Mapping[str, Any] | None = None
    halt: Callable[[], str] | None = None


def silent(text: str) -> None:
    """Tells nobody: what processes besides the main one say."""
