"""Grid worlds as text drawings: `#` wall, `S` start, `G` goal, `C` cliff, `.` free; one line for each row."""

from collections import Counter, deque
from collections.abc import Iterator, Sequence
from pathlib import Path

from gradschool.errors import UserError
from gradschool.phrases import command

WALL, START, GOAL, CLIFF, FREE = "#", "S", "G", "C", "."
KINDS = {FREE: "free", START: "start", GOAL: "goal", CLIFF: "cliff", WALL: "wall"}
MOVES = (-1, 0), (0, 1), (1, 0), (0, -1)  # up, right, down, left, as (rows, columns)
LARGEST = 10_000  # cells
EXAMPLE = f"See the signs: {command('data cliff_walk')}"

Cell = tuple[int, int]


def read_drawing(file: Path) -> tuple[str, ...]:
    """The lines of a drawing, checked.

    Raises:
        UserError: the file cannot be read, or is no drawing of a world that can be solved.
    """
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        wanted = "a text file with the drawing of a grid world"
        raise UserError(f"{file} cannot be read ({type(error).__name__})", wanted, EXAMPLE) from error
    lines = tuple(line.rstrip() for line in text.rstrip().splitlines())
    check(lines, str(file))
    return lines


def check(lines: Sequence[str], name: str) -> None:
    """Refuse what is no drawing of a world that can be solved.

    Args:
        lines: the drawing.
        name: what the sentence calls it.

    Raises:
        UserError: it is empty, ragged or too large, has a sign of no meaning, not exactly one start, no goal,
            or no way from the start to a goal.
    """
    # 1. A rectangle.
    cells = sum(map(len, lines))
    if not cells or cells > LARGEST:
        raise UserError(f"{name} has {cells:,} cells", f"1 to {LARGEST:,}", EXAMPLE)
    for row, line in enumerate(lines, 1):
        if len(line) != len(lines[0]):
            what = f"line {row} of {name} has {len(line)} cells"
            raise UserError(what, f"{len(lines[0])} as in line 1", "Fill it up with # or . cells.")
    # 2. Signs that mean something.
    for row, column, sign in cells_of(lines):
        if sign not in KINDS:
            what = f"line {row + 1} of {name} has {sign!r} at column {column + 1}"
            known = ", ".join(f"{sign} ({kind})" for sign, kind in KINDS.items())
            raise UserError(what, f"one of {known}", "Change that cell.")
    # 3. A problem with a solution.
    count = Counter("".join(lines))
    if count[START] != 1 or not count[GOAL]:
        what = f"{name} has {count[START]} start and {count[GOAL]} goal cells"
        raise UserError(what, "one S and at least one G", EXAMPLE)
    if shortest(lines) is None:
        what = f"no path in {name} leads from S to a G around walls and cliff"
        raise UserError(what, "a grid world that can be solved", "Open a wall.")


def cells_of(lines: Sequence[str]) -> Iterator[tuple[int, int, str]]:
    """(row, column, sign) of every cell."""
    for row, line in enumerate(lines):
        for column, sign in enumerate(line):
            yield row, column, sign


def moved(lines: Sequence[str], cell: Cell, direction: int) -> Cell:
    """The cell that a move would reach: a wall or the edge leaves it where it is."""
    row, column = (x + step for x, step in zip(cell, MOVES[direction], strict=True))
    inside = 0 <= row < len(lines) and 0 <= column < len(lines[0])
    return (row, column) if inside and lines[row][column] != WALL else cell


def distances(lines: Sequence[str]) -> dict[Cell, int]:
    """Moves from the start to every cell that can be reached without a fall, goals included."""
    start = next((row, column) for row, column, sign in cells_of(lines) if sign == START)
    found, waiting = {start: 0}, deque([start])
    while waiting:
        cell = waiting.popleft()
        if lines[cell[0]][cell[1]] == GOAL:
            continue  # the episode ends here
        for direction in range(len(MOVES)):
            row, column = moved(lines, cell, direction)
            if (row, column) not in found and lines[row][column] != CLIFF:
                found[row, column] = found[cell] + 1
                waiting.append((row, column))
    return found


def shortest(lines: Sequence[str]) -> int | None:
    """Moves from the start to the nearest goal; None where no path leads to one."""
    goals = (steps for (row, column), steps in distances(lines).items() if lines[row][column] == GOAL)
    return min(goals, default=None)
