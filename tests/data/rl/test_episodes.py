"""Episodes as examples, and grid worlds as sets."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from gradschool.data.catalogue import find, located
from gradschool.data.examples import Examples, changes, inventory
from gradschool.data.rl.episodes import episodes
from gradschool.data.rl.gridset import open_grid
from gradschool.errors import UserError

TINY = ("S.", ".G")


@given(st.integers(1, 60), st.integers(1, 20), st.floats(0, 0.99))
def test_every_episode_is_in_one_part(count, tested, val):
    splits = episodes("tiny", TINY, count, tested, val)
    numbers = torch.cat([part.numbers for part in splits.parts.values()])
    assert numbers.tolist() == list(range(count + tested))
    assert len(splits.test) == tested and len(splits.train) >= 1
    assert (splits.val is None) == (min(round(val * count), count - 1) == 0)
    assert all(isinstance(part, Examples) for part in splits.parts.values())


def test_another_world_is_a_change_of_the_data():
    before = inventory(episodes("tiny", TINY, 5, 2, 0.0))
    assert before["parts"]["train"]["count"] == 5
    assert not changes(before, inventory(episodes("tiny", TINY, 5, 2, 0.0)))
    told = changes(before, inventory(episodes("tiny", ("SG", ".."), 5, 2, 0.0)))
    assert len(told) == 2 and "The train part is not what the run had" in told[0]


def test_some_episodes_are_a_part():
    part = episodes("tiny", TINY, 5, 2, 0.0).train.take(torch.tensor([4, 0]))
    assert (part.numbers.tolist(), part.drawing, len(part), part.names) == ([4, 0], TINY, 2, ())


@pytest.mark.parametrize(("name", "rows", "columns"), [("cliff_walk", 4, 12), ("Four-Rooms", 13, 13)])
def test_the_sets_are_drawings(name, rows, columns):
    known, drawing = open_grid(name)
    assert known == find(name).name and len(drawing) == rows
    assert {len(line) for line in drawing} == {columns}
    counts = find(name).contents(located(find(name)))[""]
    assert sum(counts.values()) == rows * columns and counts["start (S)"] == counts["goal (G)"] == 1


def test_a_file_is_a_world_of_its_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "maze.txt").write_text("S.\n.G\n")
    assert open_grid("maze.txt") == ("maze.txt", TINY) == open_grid(tmp_path / "maze.txt")
    with pytest.raises(UserError, match=r"there is no file nowhere.txt; wanted: cliff_walk, four_rooms, or"):
        open_grid("nowhere.txt")
    with pytest.raises(UserError, match=r"digits \(Handwritten digits, 8x8\) holds no grid world"):
        open_grid("digits")
    with pytest.raises(UserError, match="Did you mean cliff_walk"):
        open_grid("clif_walk")
