"""Two hard sets of points in the plane: two spirals wound around each other, and a cross made of crosses.

Sources: Lang and Witbrock 1988 (the spirals, as in the CMU benchmark); Vicsek 1983 (the fractal). The fractal
stands in for a coursework's file of some 260 points that is not public: it is in its style, not its copy.
"""

import numpy as np

from gradschool.scratch.arrays import Array


def twin_spirals(turns: int = 3, points: int = 97) -> tuple[Array, Array]:
    """Two spirals; the second is the first, rotated by half a turn. 194 points in all as in the benchmark.

    Args:
        turns: of each spiral around the centre, >= 1.
        points: n of each spiral, 2 or more. Point i = 0 ... n - 1 is at the angle 2 pi turns i / (n - 1) in
            radians, from the y axis towards the x axis. Its distance from the centre is
            6.5 (1 - 96/104 i / (n - 1)): from 6.5 down to 0.5.

    Returns:
        Points (2 n, 2) as (x, y), and labels (2 n,): 1.0 for the first spiral, 0.0 for the second. They
        alternate: row 2 i is point i of the first, row 2 i + 1 its mirror image through the centre.
    """
    # 1. Position of each point along the spiral, from 0 to 1.
    along = np.arange(points) / (points - 1)
    # 2. Angle and distance.
    angle = 2 * np.pi * turns * along
    radius = 6.5 * (1 - along * 96 / 104)
    # 3. The first spiral, and its mirror image through the centre.
    arm = np.stack([radius * np.sin(angle), radius * np.cos(angle)], axis=1)
    both = np.stack([arm, -arm], axis=1)
    return both.reshape(-1, 2), np.tile([1.0, 0.0], points)


def fractal_cross(levels: int = 2, side: int = 16) -> tuple[Array, Array]:
    """Points of a grid, and whether each lies on a cross made of crosses.

    The square from 0 to 1 is cut into 3 by 3 parts. Those in the middle row or the middle column form a
    cross. Each of its five parts is cut again in the same way, `levels` times in all.

    Args:
        levels: how often the square is cut, >= 0; 0 is the full square, 1 a plain cross.
        side: points along each axis, >= 1; they are the centres of side x side equal cells.

    Returns:
        Points (side^2, 2), coordinates scaled from (0, 1) to (-1, 1), the second coordinate changing fastest;
        and labels (side^2,): 1.0 on the cross, 0.0 beside it.
    """
    # 1. The centre of each cell, in the square from 0 to 1.
    axis = (np.arange(side) + 0.5) / side
    square = np.stack(np.meshgrid(axis, axis, indexing="ij"), axis=-1).reshape(-1, 2)
    # 2. On the cross are points that, at every level, are in a middle third, across or down or both.
    on, place = np.ones(len(square), bool), square
    for _ in range(levels):
        part = np.floor(3 * place)
        on &= (part == 1).any(axis=1)
        # 3. The part becomes the next square: the rest of each coordinate times 3, again from 0 to 1.
        place = 3 * place - part
    return 2 * square - 1, on.astype(float)


def polar(points: Array) -> Array:
    """Distance from the centre and angle in radians, -pi to pi, of points (n, 2); (n, 2).

    On a spiral both grow together: what is wound up in x and y is a set of slanted lines here.
    """
    # 1. Pythagoras.
    radius = np.hypot(points[:, 0], points[:, 1])
    # 2. The angle from the x axis, in all four quadrants.
    angle = np.arctan2(points[:, 1], points[:, 0])
    return np.stack([radius, angle], axis=1)
