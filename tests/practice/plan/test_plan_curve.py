"""A power law through errors over sizes: exact ones are found, and the interval is that of a regression."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import linregress
from scipy.stats import t as student

from gradschool.cli.main import main
from gradschool.data.less import chosen
from gradschool.errors import UserError
from gradschool.ops.practice.power_law import gain_of_more, power_law
from gradschool.practice.plan import curve
from gradschool.practice.plan.curve import fitted
from gradschool.recipes import find
from gradschool.runs.request import Request, silent

SIZES = [100.0, 200.0, 400.0, 800.0]


def test_an_exact_law_is_found():
    n = torch.tensor(SIZES, dtype=torch.float64)
    a, b = power_law(n, 3 * n**-0.4)
    assert (float(a), float(b)) == (pytest.approx(3), pytest.approx(0.4))


def test_twice_the_data_takes_a_fixed_share_of_the_error():
    assert gain_of_more(1.0) == 0.5 and gain_of_more(0.5, 4.0) == 0.5 and gain_of_more(0.0) == 0.0


def test_the_interval_is_that_of_a_line_between_logarithms():
    draw = np.random.default_rng(0)
    n = np.repeat(SIZES, 3)
    error = 2 * n**-0.3 * np.exp(draw.normal(0, 0.05, len(n)))
    found, peer = fitted(n.tolist(), error.tolist()), linregress(np.log(n), np.log(error))
    half = student.ppf(0.975, len(n) - 2) * peer.stderr
    assert found.b == pytest.approx(-peer.slope) and found.a == pytest.approx(np.exp(peer.intercept))
    assert (found.low, found.high) == (pytest.approx(-peer.slope - half), pytest.approx(-peer.slope + half))
    middle, low, high = found.gain()
    assert low < middle < high and middle == pytest.approx(1 - found.error(2e3) / found.error(1e3))


@pytest.mark.parametrize(
    ("n", "error"), [([1, 2], [1, 1]), ([5, 5, 5], [1, 1, 1]), ([1, 2, 3], [1, 0, 1]), ([1, 2, 3], [1, 1])]
)
def test_what_makes_no_line_is_refused(n, error):
    with pytest.raises(UserError):
        fitted(n, error)


@settings(max_examples=25)
@given(
    st.lists(st.integers(0, 4), min_size=1, max_size=60),
    st.floats(0.05, 1), st.floats(0.05, 1), st.integers(0, 9),
)  # fmt: skip
def test_smaller_shares_lie_in_larger_ones_and_keep_every_class(labels, one, other, seed):
    y = torch.tensor(labels)
    small, large = (chosen(y, share, seed).tolist() for share in sorted((one, other)))
    assert set(small) <= set(large) and small == sorted(set(small))
    for label in set(labels):
        count = labels.count(label)
        assert sum(labels[i] == label for i in small) == max(1, round(min(one, other) * count))
    assert chosen(y, 1.0, seed).tolist() == list(range(len(labels)))


def test_a_run_learns_from_a_share_of_its_training_part_alone():
    whole, part = (replace(find("digits")(), val=0.1, train_share=share).open(0) for share in (1.0, 0.25))
    assert len(part.train) == pytest.approx(len(whole.train) / 4, abs=5)
    assert torch.equal(part.test.pixels, whole.test.pixels) and torch.equal(part.val.pixels, whole.val.pixels)
    rows = {bytes(each.flatten().tolist()) for each in whole.train.pixels}
    assert all(bytes(each.flatten().tolist()) in rows for each in part.train.pixels)


def test_the_command_trains_fits_and_predicts(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GRADSCHOOL_CACHE", str(tmp_path / "cache"))
    words = ["plan", "digits", "--no-timed", "--curve", "4", "--set", "epochs=0.4", "--set", "model=netlin",
             "--set", "precision=fp32", "--json"]  # fmt: skip

    def call():
        with pytest.raises(SystemExit) as left:
            main(words)
        said = capsys.readouterr()
        assert not left.value.code, said.err
        return said.out, json.loads(said.out.splitlines()[-1])["curve"]

    out, told = call()
    folders = [tmp_path / "runs" / "digits-curve" / f"{share:g}-0" for share in (0.125, 0.25, 0.5, 1)]
    results = [json.loads((each / "result.json").read_text()) for each in folders]
    # 1. As many steps on each share, and the errors that the runs have.
    assert {each["steps"] for each in results} == {9}  # 0.4 of 22
    errors = [1 - each["metrics"]["test_accuracy"] for each in results]
    assert [each["error"] for each in told["points"]] == errors
    counts = [each["examples"] for each in told["points"]]
    # 2. The law, by another library.
    line = linregress(np.log(counts), np.log(errors))
    assert told["exponent"] == pytest.approx(-line.slope, rel=1e-6)
    assert told["gain_of_twice"] == pytest.approx(1 - 2**line.slope, rel=1e-6)
    twice = np.exp(line.intercept) * (2 * counts[-1]) ** line.slope
    assert told["error_with_twice"] == pytest.approx(twice, rel=1e-6)
    # 3. What was known before the last share.
    less = linregress(np.log(counts[:3]), np.log(errors[:3]))
    before = np.exp(less.intercept) * counts[-1] ** less.slope
    assert told["ahead"] == {"predicted": pytest.approx(before, rel=1e-6), "measured": errors[-1]}
    assert "twice the data take" in " ".join(out.split())
    # 4. Nothing is trained again.
    monkeypatch.setattr(curve, "train", lambda *_: pytest.fail("trained again"))
    assert call()[1] == told


def test_no_mistake_no_law_and_no_classes_no_curve(tmp_path):
    points = [curve.Point(share, 0, int(100 * share), error) for share, error in ((0.5, 0.1), (1.0, 0.0))]
    with pytest.raises(UserError, match="on 100 examples makes no mistake"):
        curve.fit_of(points)
    with pytest.raises(UserError, match="learns no classes"):
        curve.measured(find("airline")(), Request("airline"), [0.5, 1.0], 1, tmp_path, silent)
