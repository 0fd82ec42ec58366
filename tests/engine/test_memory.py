"""Freed memory stays with the process, where the C library can be asked for it."""

import platform
import subprocess
import sys

import pytest

# Blocks of 3 MB, taken and freed in rounds as activations are; prints the page faults of the last rounds.
ROUNDS = """
import resource, sys, torch
from gradschool.engine.memory import keep_freed
if sys.argv[1] == "keep":
    assert keep_freed()
def once():
    held = [torch.ones(2**20) for _ in range(12)]
for _ in range(5): once()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(10): once()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def faults(word):
    found = subprocess.run(
        [sys.executable, "-c", ROUNDS, word], capture_output=True, text=True, check=True, timeout=100
    )
    return int(found.stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="no glibc, which keeps memory when asked")
def test_pages_are_not_faulted_in_again():
    # 12 blocks of 4 MB are 12,288 pages a round where each is handed back.
    assert faults("keep") < 10 * 12_288 * 0.02
