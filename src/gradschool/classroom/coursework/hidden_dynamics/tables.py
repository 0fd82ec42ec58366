"""Target tables of the encoder part: read from files, and told apart as pictures.

A table has a row for each dot and a column for each line: 1 where the dot is on the line's positive side.
"""

from pathlib import Path

import numpy as np

from gradschool.classroom.coursework.frame import Lost
from gradschool.errors import UserError
from gradschool.scratch.arrays import Array
from gradschool.scratch.neurons import encoders

GIVEN = ("star16", "heart18", "ch34")  # pictures that are asked for by name
OWN = ("own1", "own2")  # and two of one's own
DOTS = 8  # that a design of one's own has at least


def ours() -> dict[str, Array]:
    """The library's tables, under the names of the files."""
    designs = encoders.designs()
    return {name: designs[name] for name in GIVEN} | {"own1": designs["house10"], "own2": designs["fish17"]}


def write(folder: Path) -> Path:
    """Write the library's tables as files of text, a row a line."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, table in ours().items():
        np.savetxt(folder / f"{name}.txt", table, fmt="%d")
    return folder


def read(folder: Path) -> dict[str, Array]:
    """The tables of a folder by name; files that are missing, or no tables of 0 and 1, are left out.

    Raises:
        UserError: there is no such folder.
    """
    if not folder.is_dir():
        wanted = f"a folder with {', '.join(f'{name}.txt' for name in (*GIVEN, *OWN))}"
        raise UserError(f"--tables {folder} is no folder", wanted, "")
    found = {}
    for name in (*GIVEN, *OWN):
        file = folder / f"{name}.txt"
        try:
            table = np.loadtxt(file, ndmin=2) if file.is_file() else np.empty((0, 0))
        except ValueError:
            continue
        if table.size and np.isin(table, (0, 1)).all():
            found[name] = table.astype(int)
    return found


def named(tables: dict[str, Array], name: str) -> Array:
    """A table that was handed in.

    Raises:
        Lost: it is missing.
    """
    if name not in tables:
        raise Lost(f"{name}.txt is missing, or is no table of 0 and 1.")
    return tables[name]


def picture_share(tables: dict[str, Array], name: str) -> tuple[float, str]:
    """Whether a table is the picture of its name: all of the points; only of its size: a quarter."""
    table, wanted = named(tables, name), ours()[name]
    size = f"{table.shape[0]} dots and {table.shape[1]} lines"
    if table.shape != wanted.shape:
        return 0.0, f"{name}.txt has {size}; {wanted.shape[0]} and {wanted.shape[1]} were wanted."
    if encoders.same_picture(table, wanted):
        return 1.0, f"{name}.txt is the picture ({size}), whatever its rotation and the order of its lines."
    return 0.25, f"{name}.txt has {size}, but its dots lie in other parts of the plane than the picture's."


def own_share(tables: dict[str, Array], learnt: dict[str, encoders.Pictures], name: str) -> tuple[float, str]:
    """A design of one's own: new, large enough (half), and drawn rightly by most networks (half)."""
    table = named(tables, name)
    others = [table_ for other, table_ in tables.items() if other != name]
    if any(encoders.same_picture(table, other) for other in others):
        raise Lost(f"{name}.txt is the same picture as another table.")
    is_large = len(table) >= DOTS and len(np.unique(table, axis=0)) == len(table)
    right = float((learnt[name].epochs >= 0).mean())
    size = "all in parts of their own" if is_large else f"{DOTS} different ones were wanted"
    told = f"{len(table)} dots, {size}; "
    return 0.5 * is_large + 0.5 * (right >= 0.5), told + f"{100 * right:.0f} % of the networks draw it."
