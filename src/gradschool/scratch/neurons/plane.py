"""Two hard tables in the plane: two spirals wound around each other, and a cross made of crosses.

Sources: Lang and Witbrock 1988 (the spirals, as in the CMU benchmark); Vicsek 1983 (the fractal). The fractal
stands in for a coursework's file of some 260 points that is not public: it is in its style, not its copy.
"""

import numpy as np

from gradschool.scratch.arrays import Array


def twin_spirals(turns: int = 3, points: int = 97) -> tuple[Array, Array]:
    """Two spirals, one the other turned by half a turn; 194 points in all as in the benchmark.

    Args:
        turns: how often each winds round the centre, >= 1; there are 32 points to a turn.
        points: of each spiral, 2 or more. Point i of n stands at the angle 2 pi turns i / (n - 1), at the
            distance 6.5 (1 - i / 104 * 96 / (n - 1)) from the centre: from 6.5 down to 0.5.

    Returns:
        Points (2 n, 2) as (x, y), and labels (2 n,): 1.0 for the first spiral, 0.0 for the second. They
        alternate: row 2 i is point i of the first, row 2 i + 1 its mirror image through the centre.
    """
    # 1. How far along the spiral each point is, 0 to 1.
    along = np.arange(points) / (points - 1)
    # 2. Angle, counted from the y axis, and distance.
    angle = 2 * np.pi * turns * along
    radius = 6.5 * (1 - along * 96 / 104)
    # 3. One arm, and the same seen through the centre.
    arm = np.stack([radius * np.sin(angle), radius * np.cos(angle)], axis=1)
    both = np.stack([arm, -arm], axis=1)
    return both.reshape(-1, 2), np.tile([1.0, 0.0], points)


def fractal_cross(levels: int = 2, side: int = 16) -> tuple[Array, Array]:
    """Points of a grid, and whether each lies on a cross made of crosses.

    The square from 0 to 1 is cut into 3 by 3 parts, of which those in the middle row or the middle column are
    a cross. Each of its five parts is cut again in the same way, `levels` times.

    Args:
        levels: how often it is cut, >= 0; 0 is the full square, 1 a plain cross.
        side: points along each axis; they stand in the middle of side x side cells.

    Returns:
        Points (side^2, 2) from -1 to 1, and labels (side^2,): 1.0 on the cross, 0.0 beside it.
    """
    # 1. The middle of each cell, in the square from 0 to 1.
    axis = (np.arange(side) + 0.5) / side
    square = np.stack(np.meshgrid(axis, axis, indexing="ij"), axis=-1).reshape(-1, 2)
    # 2. On the cross are those that are in a middle third, across or down, at every level.
    on, place = np.ones(len(square), bool), square
    for _ in range(levels):
        part = np.floor(3 * place)
        on &= (part == 1).any(axis=1)
        # 3. The part becomes the whole: what is left of the coordinate, enlarged three times.
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
