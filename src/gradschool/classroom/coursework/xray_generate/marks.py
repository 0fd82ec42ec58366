"""The mark scheme of generated X-rays: files as they should be, and how near they come to real ones."""

from typing import Any

from torch import Tensor

from gradschool.classroom.coursework.frame import Lost, Mark, marked
from gradschool.classroom.coursework.xray_files import HandedIn
from gradschool.phrases import counted

COUNT = 300  # files to hand in
LEVELS = ((0.1, "1"), (0.35, "2"), (0.65, "3"))  # share of what real pictures reach, to the level's name
BY_HAND = (
    ("2.1", "the pictures look like X-rays of hands", 30.0, "the grid, beside the real ones"),
    ("2.2", "notebooks: a clean one, one with the choice of hyper-parameters", 20.0, "your files"),
    ("2.3", "references of all that was used", 5.0, "your references.md"),
)


def marks(handed: HandedIn, made: Tensor, shape: tuple[int, int, int], facts: dict[str, Any]) -> list[Mark]:
    """Files count 20 points, their content 25."""

    def count() -> tuple[float, str]:
        n = len(handed.names)
        return max(0.0, 1 - abs(n - COUNT) / COUNT), f"{counted(n, 'file')}; {COUNT} are wanted."

    def kind() -> tuple[float, str]:
        others = sorted(set(handed.names) - set(handed.jpegs))
        why = f"; {others[0]} is none" if others else ""
        return len(handed.jpegs) / len(
            handed.names
        ), f"{len(handed.jpegs)} of {len(handed.names)} are JPEGs{why}."

    def size() -> tuple[float, str]:
        broken = next((f"; {name}: {why}" for name, why in handed.broken.items()), "")
        wanted = f"{shape[2]}x{shape[1]} {'grey' if shape[0] == 1 else 'colour'}"
        return len(made) / len(handed.names), f"{len(made)} of {len(handed.names)} are {wanted}{broken}."

    def own() -> tuple[float, str]:
        if not facts:
            raise Lost("There are too few pictures of the right size to compare.")
        share = facts["unique"] / facts["n"] * (1 - max(0.0, facts["copied"] - 0.05))
        told = f"{facts['unique']} of {facts['n']} differ; {100 * facts['copied']:.0f} % are as near to a"
        told += " training picture as 1 % of real ones are (above 5 % points are lost: learned by heart)."
        return share, told

    def quality() -> tuple[float, str]:
        if not facts:
            raise Lost("There are too few pictures of the right size to compare.")
        reached = [name for least, name in LEVELS if facts["share"] >= least]
        level = int(reached[-1]) if reached else 0
        told = f"precision {facts['precision']:.2f} (real {facts['precision_of_real']:.2f}), recall "
        told += f"{facts['recall']:.2f} (real {facts['recall_of_real']:.2f}): the worse is"
        told += f" {100 * facts['share']:.0f} % of what real ones reach (levels from 10, 35 and 65 %)."
        return level / 3, f"Level {level} of 3: {told}"

    return [
        marked("1.1", "300 files", 5, count), marked("1.2", "JPEG by content", 5, kind),
        marked("1.3", "size and channels of the real ones", 5, size),
        marked("1.4", "no repetitions, no copies of training pictures", 5, own),
        marked("1.5", "as close and as varied as real ones", 25, quality),
    ]  # fmt: skip
