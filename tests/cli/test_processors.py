"""gradschool test --processors: each emulation computes otherwise, and one that cannot be had is said."""

import os
import platform
import subprocess
import sys

import pytest

from gradschool.cli.project import test as project

SUMS = """
import hashlib, numpy, torch
torch.manual_seed(0)
a, b = torch.randn(37, 211), torch.randn(211, 53)
r = numpy.random.default_rng(0)
m = r.normal(size=(37, 211)).astype("f") @ r.normal(size=(211, 53)).astype("f")
c = torch.conv2d(torch.randn(2, 5, 17, 17), torch.randn(7, 5, 3, 3))
for each in ((a @ b).numpy(), a.exp().sum(1).numpy(), c.numpy(), m, numpy.exp(m)):
    print(hashlib.md5(each.tobytes()).hexdigest())
"""


def sums(processor):
    """What products, sums and exponentials are, to the bit."""
    environment = os.environ | {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"} | processor
    return subprocess.run(
        [sys.executable, "-c", SUMS], env=environment, capture_output=True, text=True, check=True
    ).stdout.split()


@pytest.mark.long
@pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="the emulations are of x86")
def test_sums_run_in_another_order():
    here = sums({})
    for name in ("no vector units", "Sandy Bridge"):
        same = [a == b for a, b in zip(here, sums(project.PROCESSORS[name]), strict=True)]
        # Which libraries are there differs (torch with MKL or without), so not each need differ.
        assert same.count(False) >= 2, name


@pytest.fixture
def passing(tmp_path):
    path = tmp_path / "test_it.py"
    path.write_text("import os\ndef test_it(): assert os.environ.get('SPEED') != 'slow'\n", encoding="utf-8")
    return project.Args(words=(str(path), "-q", "-p", "no:cacheprovider"), processors=True)


@pytest.mark.skipif(sys.platform == "win32", reason="ends a process by a signal")
def test_a_processor_that_lacks_instructions_is_said(monkeypatch, capfd, passing):
    monkeypatch.setattr(project, "PROCESSORS", {"this": {"SPEED": "fast"}, "newer": {"SPEED": "none"}})
    end = "import os, signal; os.environ['SPEED'] == 'none' and os.kill(os.getpid(), signal.SIGILL)"
    monkeypatch.setattr(project, "PROBE", end)
    assert project.run(passing) == 0
    said = capfd.readouterr().out
    assert "this     ok" in said
    assert "left out, as this processor lacks their instructions: newer" in said


def test_a_failure_on_one_processor_is_one(monkeypatch, capfd, passing):
    monkeypatch.setattr(project, "PROCESSORS", {"this": {}, "older": {"SPEED": "slow"}})
    monkeypatch.setattr(project, "PROBE", "raise SystemExit('broken')")  # no reason to leave anything out
    assert project.run(passing) == 1
    assert "failed as: older" in capfd.readouterr().out
