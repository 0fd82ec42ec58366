"""The race: a curve of the reference's own kind is inside the band, a worse one is not."""

import json

import numpy as np
import pytest
from scipy import stats

from gradschool.classroom.race import BANDS, LEVEL, Band, draw, fingerprint, prediction, race
from gradschool.recipes import find
from gradschool.runs.settings import to_dict

RNG = np.random.default_rng(0)


def curves(n, shift=0.0):
    climb = 0.95 - 0.5 * np.exp(-np.arange(20) / 3)
    return climb + shift + RNG.normal(0, 0.01, (n, 1)) + RNG.normal(0, 0.003, (n, 20))


def band(n=8):
    return Band(
        "test", "", "test_accuracy", list(range(1, 21)), curves(n).tolist(), 0.001, {}, "share", "higher"
    )


@pytest.mark.parametrize("name", [file.stem for file in BANDS.glob("*.json")])
def test_shipped_band_is_of_the_recipe_as_it_is(name):
    shipped = Band(**json.loads((BANDS / f"{name}.json").read_text()))
    assert shipped.settings == fingerprint(to_dict(find(name)())), (
        "measure it again: -m gradschool.classroom.race"
    )
    assert np.array(shipped.curves).shape == (len(shipped.curves), len(shipped.across))
    assert len(shipped.curves) >= 5
    assert shipped.has_an_outside


def test_a_band_of_seeds_that_fail_and_succeed_excludes_nothing():
    apart = [[0.0] * 5] * 3 + [[0.2, 0.5, 0.9, 1.0, 1.0]] * 5
    assert not Band(
        "test", "", "val_strings", list(range(5)), apart, 0.01, {}, "share", "higher"
    ).has_an_outside
    assert band().has_an_outside


def test_one_more_seed_is_inside_nearly_always():
    inside = [race(curves(1)[0], band()).inside for _ in range(400)]
    assert np.mean(inside) > 0.975  # two tests at one-sided 0.5 %: 99 % expected, 0.5 % standard error


def test_three_points_worse_is_below():
    below = [not race(curves(1, -0.08)[0], band()).inside for _ in range(100)]
    assert np.mean(below) > 0.9


def test_better_is_inside():
    assert race(curves(1, 0.04)[0], band()).inside


def test_late_collapse_is_below():
    curve = curves(1)[0]
    curve[-1] = 0.5
    assert not race(curve, band()).inside


def test_prediction_interval_against_its_definition():
    values = np.array([0.1, 0.2, 0.4, 0.5, 0.3])
    half = stats.t.ppf((1 + LEVEL) / 2, 4) * values.std(ddof=1) * np.sqrt(1.2)
    assert prediction(values, 0.0) == pytest.approx((0.3 - half, 0.3 + half))


def test_equal_seeds_still_leave_the_resolution():
    assert prediction(np.full(5, 0.9), 0.01)[0] < 0.9 - 0.01


@pytest.mark.parametrize(("shift", "where"), [(0.0, "inside"), (0.5, "above"), (-0.5, "below")])
def test_a_loss_is_outside_on_both_sides_for_the_learner_measures_it(shift, where):
    losses = (20 * (1 - np.array(band().curves))).tolist()
    shipped = Band("test", "", "test_loss", list(range(1, 21)), losses, 0.0, {}, "", "lower")
    verdict = race(20 * (1 - curves(1)[0]) + 6 * shift, shipped)
    assert (verdict.where, verdict.inside) == (where, where == "inside")
    assert "%" not in "".join([verdict.said, *draw(losses[0], shipped)])


def test_curve_of_another_length_is_refused():
    with pytest.raises(ValueError, match="19 evaluations, the band has 20"):
        race([0.5] * 19, band())


def test_drawing_holds_every_column_of_the_curve():
    text = draw(curves(1)[0], band())
    plot = [line.split("│")[1] for line in text if "│" in line]
    assert [sum(row[c] == "●" for row in plot) for c in range(len(plot[0]))] == [1] * len(plot[0])
    assert max(map(len, text)) <= 100


def test_a_race_opens_the_report_of_any_kind_of_run(tmp_path):
    from gradschool.evals.report.material import Facts
    from gradschool.evals.report.page import write_report

    told = {
        "inside": False, "where": "above", "share": False, "said": "at the end 26.62", "metric": "test_loss",
        "epochs": [1.0, 2.0, 3.0], "yours": [39.6, 28.0, 26.6], "lowest": [39.0, 26.0, 24.4],
        "highest": [40.0, 27.0, 24.8], "seeds": 6,
    }  # fmt: skip
    (tmp_path / "result.json").write_text(json.dumps({"race": told}))
    page = write_report(tmp_path, Facts(), []).read_text(encoding="utf-8")
    assert "above the band of 6 seeds (at the end 26.62)" in page
    assert "reference, lowest" in page
