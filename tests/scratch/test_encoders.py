"""Pictures of encoders: tables against geometry, lines against sampling, sameness against all renamings."""

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gradschool.scratch.backpropagation.gradcheck import numerical_gradient
from gradschool.scratch.neurons.encoders import designs, grid, same_picture, segment, sides, star, train


@pytest.mark.parametrize("n", [5, 8, 11])
def test_star_is_that_of_tips_drawn_with_a_ruler(n):
    # Line i stands at distance 1 in direction i. Beyond i and i + 1, half-way between their directions, is
    # just outside of the polygon's corner; beyond i - 1, i and i + 1 is just outside of the tip of ray i.
    step = 2 * np.pi / n
    angle = step * np.arange(n)
    lines = np.stack([-np.ones(n), np.cos(angle), np.sin(angle)], axis=1)
    corner, tip = 1.02 / np.cos(step / 2), 1.02 / np.cos(step)
    rays = [(corner, a + step / 2) for a in angle] + [(tip, a) for a in angle]
    points = np.array([(r * np.cos(a), r * np.sin(a)) for r, a in rays])
    np.testing.assert_array_equal(sides(points, lines), star(n))


def test_the_named_tables_have_their_sizes_and_no_dot_twice():
    assert {name: t.shape for name, t in designs().items()} == {
        "star16": (16, 8), "heart18": (18, 14), "ch34": (34, 23), "house10": (10, 8), "fish17": (17, 14),
    }  # fmt: skip
    for table in designs().values():
        assert len(np.unique(table, axis=0)) == len(table)
        assert len(np.unique(table, axis=1).T) == table.shape[1]
        assert ((table.sum(0) > 0) & (table.sum(0) < len(table))).all()


@settings(deadline=None, max_examples=20)
@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 4)), min_size=1, max_size=9))
def test_grid_is_what_lines_between_columns_and_rows_say(dots):
    table, place = grid(dots), np.array(dots)
    upright = [(-(i + 0.5), 1, 0) for i in range(place[:, 0].max())]
    level = [(-(i + 0.5), 0, 1) for i in range(place[:, 1].max())]
    lines = np.array(upright + level, float).reshape(-1, 3)
    np.testing.assert_array_equal(table, sides(place.astype(float), lines))
    np.testing.assert_array_equal(table.sum(1), place.sum(1))


@settings(deadline=None, max_examples=60)
@given(st.tuples(*[st.floats(-2, 2)] * 3).filter(lambda w: np.hypot(w[1], w[2]) > 0.05))
def test_segment_ends_on_the_edge_and_keeps_the_positive_side_on_its_left(line):
    line, ends = np.array(line), segment(np.array(line))
    corners = np.array([(x, y) for x in (-1.0, 1.0) for y in (-1.0, 1.0)])
    values = line[0] + corners @ line[1:]
    if ends is None:
        assert (values >= -1e-9).all() or (values <= 1e-9).all()
        return
    np.testing.assert_allclose(np.abs(ends).max(axis=1), 1, atol=1e-9)
    np.testing.assert_allclose(line[0] + ends @ line[1:], 0, atol=1e-9)
    along = ends[1] - ends[0]
    assert along[0] * line[2] - along[1] * line[1] > 0


def test_segment_of_upright_level_and_missing_lines():
    np.testing.assert_allclose(segment(np.array([-0.5, 1, 0])), [(0.5, 1), (0.5, -1)])
    np.testing.assert_allclose(segment(np.array([0.5, 0, 1])), [(-1, -0.5), (1, -0.5)])
    assert segment(np.array([3.0, 1, 1])) is None
    assert segment(np.array([3.0, 0, 1])) is None


def renamed(table, rng):
    """The same picture: dots and lines in another order, sides exchanged."""
    rows, columns = rng.permutation(len(table)), rng.permutation(table.shape[1])
    return table[rows][:, columns] ^ rng.integers(0, 2, table.shape[1])


@pytest.mark.parametrize("name", list(designs()))
def test_turned_and_mirrored_pictures_are_the_same_and_one_dot_moved_is_not(name):
    rng, table = np.random.default_rng(0), designs()[name]
    assert same_picture(table, renamed(table, rng))
    for _ in range(5):
        other = table.copy()
        other[rng.integers(len(table)), rng.integers(table.shape[1])] ^= 1
        assert not same_picture(table, renamed(other, rng))
    others = [t for key, t in designs().items() if key != name]
    assert not any(same_picture(table, other) for other in others)


def test_grids_turned_by_coordinates():
    dots = np.array([(0, 0), (3, 0), (1, 2), (2, 1), (2, 3), (0, 4)])
    top = dots.max(0)
    for new in (
        dots[:, ::-1],
        top - dots,
        (top - dots)[:, ::-1],
        np.stack([top[0] - dots[:, 0], dots[:, 1]], 1),
    ):
        assert same_picture(grid(dots.tolist()), grid(new.tolist()))


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 10**6))
def test_same_picture_agrees_with_trying_all_renamings(seed):
    rng = np.random.default_rng(seed)
    a = rng.integers(0, 2, (4, 3))
    b = renamed(a, rng) if seed % 2 else rng.integers(0, 2, (4, 3))
    flips = [np.array([(m >> j) & 1 for j in range(3)]) for m in range(8)]
    brute = any(
        np.array_equal(a, (b ^ flip)[list(rows)][:, list(columns)])
        for flip in flips for rows in permutations(range(4)) for columns in permutations(range(3))
    )  # fmt: skip
    assert same_picture(a, b) == brute


def test_a_first_step_goes_against_the_gradient():
    # Adam's first step is the learning rate times the gradient's sign.
    table, rate = star(5), 1e-3
    rng = np.random.default_rng(3)
    where, lines = rng.normal(0, 0.01, (1, 10, 2)), rng.normal(0, 0.01, (1, 5, 3))
    lines[..., 0] = 0

    def loss(w):
        z = lines[0, :, 0] + np.tanh(w) @ lines[0, :, 1:].T
        return float((np.logaddexp(0, z) - table * z).sum() / len(table))

    slope = numerical_gradient(loss, where[0])
    after = np.arctanh(train(table, 1, np.random.default_rng(3), 1, rate).points[0])
    clear = np.abs(slope) > 1e-5
    assert clear.mean() > 0.8
    np.testing.assert_allclose((after - where[0])[clear], -rate * np.sign(slope)[clear], rtol=1e-2)


def test_star16_and_heart18_are_learned_and_drawn_right():
    for name in ("star16", "heart18"):
        table = designs()[name]
        found = train(table, 4, np.random.default_rng(0), 800, 0.1)
        assert (found.epochs >= 0).all()
        assert (np.abs(found.points) <= 1).all()
        for points, lines in zip(found.points, found.lines, strict=True):
            assert same_picture(sides(points, lines), table)
            assert all(segment(line) is not None for line in lines)
