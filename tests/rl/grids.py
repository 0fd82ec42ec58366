"""Small grid worlds, drawn and random."""

from hypothesis import strategies as st

TINY = ("S.", ".G")
CLIFF = ("...", "S#.", "CCG")


@st.composite
def drawings(draw, rows=4, columns=4):
    """Random worlds with a way from start to goal: first along a row, then along a column."""
    cells = draw(st.lists(st.sampled_from(list("...#C")), min_size=rows * columns, max_size=rows * columns))
    start, goal = draw(st.lists(st.integers(0, rows * columns - 1), min_size=2, max_size=2, unique=True))
    (row, column), (last_row, last_column) = divmod(start, columns), divmod(goal, columns)
    for c in range(min(column, last_column), max(column, last_column) + 1):
        cells[row * columns + c] = "."
    for r in range(min(row, last_row), max(row, last_row) + 1):
        cells[r * columns + last_column] = "."
    cells[start], cells[goal] = "S", "G"
    return tuple("".join(cells[r * columns : (r + 1) * columns]) for r in range(rows))
