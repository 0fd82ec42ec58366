"""A set is the same whatever the hash seed, the order of a folder, the locale and the time zone."""

import os
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

SCRIPT = """
import hashlib, json, sys
from gradschool.data.examples import inventory
from gradschool.data.vision.masks import open_masked
from gradschool.data.vision.open import open_set
told = [inventory(open_set(sys.argv[1], seed=3)), inventory(open_masked(sys.argv[2]))]
told += [list(open_set(sys.argv[1]).notes), inventory(open_set("digits", seed=1))]
print(hashlib.sha256(json.dumps(told).encode()).hexdigest(), told[0]["classes"] == ["01", "1", "\\xfc"])
"""
MACHINES = [
    {"PYTHONHASHSEED": "0", "LC_ALL": "C.UTF-8", "TZ": "UTC"},
    {
        "PYTHONHASHSEED": "1",
        "LC_ALL": "POSIX",
        "TZ": "Asia/Tokyo",
        "PYTHONCOERCECLOCALE": "0",
        "PYTHONUTF8": "0",
    },
    {"PYTHONHASHSEED": "77", "LC_ALL": "C.UTF-8", "TZ": "America/Lima"},
]


@pytest.mark.long
def test_a_set_is_the_same_on_every_machine(tmp_path):
    answers = []
    for number, machine in enumerate(MACHINES):
        draw, root = np.random.default_rng(0), tmp_path / str(number)
        files = {
            f"set/{kind}/{i}.png": draw.integers(0, 256, (6, 6, 3))
            for kind in ("1", "01", "ü")
            for i in range(9)
        }
        files |= {f"cells/images/{i}.png": draw.integers(0, 256, (6, 6, 3)) for i in range(5)}
        files |= {f"cells/masks/{i}.png": draw.integers(0, 2, (6, 6, 1)) * [255, 0, 9] for i in range(5)}
        names = list(files)
        for name in (names, names[::-1], sorted(names))[number]:  # folders list files as they were made
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(files[name].astype(np.uint8)).save(root / name)
        told = {**os.environ, **machine, "GRADSCHOOL_CACHE": str(root / "cache")}
        words = [sys.executable, "-c", SCRIPT, str(root / "set"), str(root / "cells")]
        answers.append(subprocess.run(words, env=told, capture_output=True, text=True, check=True).stdout)
    assert len(set(answers)) == 1 and answers[0].endswith("True\n")
