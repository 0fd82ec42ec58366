"""Drawings of grid worlds: what is refused, and the shortest path against SciPy's."""

import numpy as np
import pytest
from grids import drawings
from hypothesis import given, settings
from scipy.sparse.csgraph import shortest_path

from gradschool.errors import UserError
from gradschool.rl.drawing import check, read_drawing, shortest


def moves(lines):
    """Which cell is beside which, without walls and cliff; nothing leads on from a goal."""
    cells = [(r, c) for r in range(len(lines)) for c in range(len(lines[0])) if lines[r][c] in "S.G"]
    graph = np.zeros((len(cells), len(cells)))
    for i, (r, c) in enumerate(cells):
        for j, (r2, c2) in enumerate(cells):
            graph[i, j] = abs(r - r2) + abs(c - c2) == 1 and lines[r][c] != "G"
    return cells, graph


@settings(max_examples=30)
@given(drawings())
def test_the_shortest_path_is_scipys(lines):
    cells, graph = moves(lines)
    signs = [lines[r][c] for r, c in cells]
    lengths = shortest_path(graph)[signs.index("S")]
    assert shortest(lines) == min(length for length, sign in zip(lengths, signs, strict=True) if sign == "G")


@pytest.mark.parametrize(
    ("lines", "sentence"),
    [
        ([], "it has 0 cells; wanted: 1 to 10,000"),
        (["S" + "." * 10_000 + "G"], "it has 10,002 cells; wanted: 1 to 10,000"),
        (["S..", ".G"], "line 2 of it has 2 cells; wanted: 3 as in line 1"),
        (["S.", "xG"], "line 2 of it has 'x' at column 1; wanted: one of . (free), S (start)"),
        (["..", ".G"], "it has 0 start and 1 goal cells; wanted: one S and at least one G"),
        (["SS", ".G"], "it has 2 start and 1 goal cells"),
        (["S.", ".."], "it has 1 start and 0 goal cells"),
        (["S#", "#G"], "no path in it leads from S to a G around walls and cliff"),
        (["SC", "CG"], "no path in it leads from S to a G around walls and cliff"),
    ],
)
def test_what_is_no_world_that_can_be_solved_is_a_sentence(lines, sentence):
    with pytest.raises(UserError) as told:
        check(lines, "it")
    assert sentence in str(told.value)


def test_files_are_read_as_text(tmp_path):
    file = tmp_path / "maze.txt"
    file.write_bytes(b"S.  \r\n.G\r\n\n")
    assert read_drawing(file) == ("S.", ".G")
    file.write_bytes(b"\xff\xfe\x00S")
    with pytest.raises(UserError, match=r"maze.txt cannot be read \(UnicodeDecodeError\)"):
        read_drawing(file)
    with pytest.raises(UserError, match=r"cannot be read \(IsADirectoryError\)"):
        read_drawing(tmp_path)
