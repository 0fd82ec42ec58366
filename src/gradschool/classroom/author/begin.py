"""The files of a new chapter: small, complete and passing every gate, to be written over piece by piece."""

FUNCTION = '''"""The functions that the chapter {title} teaches."""

import numpy as np
from numpy.typing import ArrayLike, NDArray


def moving_average(x: ArrayLike, width: int) -> NDArray[np.float64]:
    """The mean of each window of a series.

    Args:
        x: the series, shape (n,).
        width: of the window, 1 to n.

    Returns:
        Means, shape (n - width + 1,); the first is that of x[0] to x[width - 1].
    """
    # 1. Running sums, with a 0 in front.
    sums = np.concatenate([[0.0], np.cumsum(np.asarray(x, dtype=np.float64))])
    # 2. A window's sum is a difference of two of them.
    return (sums[width:] - sums[:-width]) / width
'''
EXERCISES = """[chapter]
title = "{title}"
part = "Chapters of my own"
needs = "nothing here needs a GPU"

[[exercise]]
id = "{name}-moving-average"
target = "{module}:moving_average"
minutes = 10
hints = ["A window's sum is a difference of two running sums.", "Put a 0 in front of the running sums."]
mutants = [
  {{ find = "/ width", put = "", stage = "value", why = "These are sums: divide them by width." }},
  {{ find = "[[0.0], np", put = "[np", stage = "shape", why = "The first window is missing: begin at 0." }},
  {{ find = "sums[:-width])", put = "sums[:-width] - 1)", stage = "value", why = "Sums are 1 too large." }},
]
"""
CHECKS = '''"""Checks of the chapter {title}."""

import numpy as np

from gradschool.classroom.check.ladder import Case, Ladder, Tolerance

CLOSE = Tolerance(1e-9, 1e-9, "float64 sums of at most 20 terms")


def oracle(x, width):
    return np.array([np.mean(x[i : i + width]) for i in range(len(x) - width + 1)])


def {slug}_moving_average(ladder: Ladder) -> None:
    """Small cases by hand, then longer series."""
    draw = np.random.default_rng(0)
    cases = [
        Case("x = (1, 3, 5), width = 2", (np.array([1.0, 3.0, 5.0]), 2)),
        Case("x = (4, 2), width = 1", (np.array([4.0, 2.0]), 1)),
        Case("x = (3, 6, 9), width = 3", (np.array([3.0, 6.0, 9.0]), 3)),
    ]
    cases += [Case(f"20 numbers, width = {{w}}", (draw.normal(size=20), w)) for w in (4, 7)]
    ladder.agrees(cases, oracle, CLOSE)
'''
LECTURE = """# {title}

What this chapter is for, with one example that the reader can run.

A **moving average** is the mean of each window of a series:

```{{code}} {module}:moving_average
```

```python
from {module} import moving_average

print(moving_average([1, 3, 5], 2))
```

```{{exercise}} {name}-moving-average
```
"""
QUIZ = """[[question]]
id = "windows"
kind = "numeric"
given = {{ n = [10, 20], width = [3, 4] }}
ask = "How many windows of @{{width}} does a series of @{{n}} numbers have?"
answer = "n - width + 1"
why = "The first begins at 0, the last at n - width."
wrong = [{{ value = "n - width", why = "Count both ends." }}]
"""


def files(name: str, number: int) -> dict[str, str]:
    """The files of a new chapter by their path in the folder of one's chapters.

    Args:
        name: of the chapter, as in week-one.
        number: its place, 1 to 99.
    """
    slug = name.replace("-", "_")
    words = {
        "name": name,
        "slug": slug,
        "module": f"{slug}_functions",
        "title": name.replace("-", " ").capitalize(),
    }
    inside = {"exercises.toml": EXERCISES, "checks.py": CHECKS, "lecture.md": LECTURE, "quiz.toml": QUIZ}
    folder = f"{number:02}-{name}"
    texts = {f"{words['module']}.py": FUNCTION} | {f"{folder}/{file}": text for file, text in inside.items()}
    return {path: text.format(**words) for path, text in texts.items()}
