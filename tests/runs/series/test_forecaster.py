"""A forecaster's run as its user meets it: trained to its score, taken up, reported, asked for what comes."""

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from asking import answers
from safetensors.torch import load_file

from gradschool.cli.main import main
from gradschool.data.catalogue import find as find_set
from gradschool.engine.run import RunFolder
from gradschool.errors import UserError
from gradschool.evals.metric import metric_of
from gradschool.recipes import find
from gradschool.runs.finish import rebuilt
from gradschool.runs.kind import Wanted
from gradschool.runs.reopen import reopen, splits_again
from gradschool.runs.request import Request
from gradschool.runs.settings import override
from gradschool.runs.train import resume, train

CSV = Path(find_set("airline").places[0])
SECTIONS = [
    "Forecast",
    "Scores",
    "Error by step ahead",
    "Residuals",
    "Training curves",
    "Learning rate",
    "Settings",
]
MONTHS = [f"19{49 + i // 12}-{i % 12 + 1:02d}" for i in range(80)]


def quiet(text):
    pass


def short(out, steps, *changes, seed=0, said=quiet):
    run = override(find("airline")(), changes, "airline")
    return run, train(run, Request("airline", seed=seed, steps=steps, out=out), say=said)


def written(path, rows):
    path.write_text("date,sold\n" + "\n".join(f"{a},{b}" for a, b in rows))
    return path


def call(capsys, *words):
    with pytest.raises(SystemExit) as left:
        main([str(word) for word in words])
    said = capsys.readouterr()
    return int(left.value.code or 0), said.out, said.err


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The recipe as it is, trained to its end."""
    run = find("airline")()
    return train(run, Request("airline", out=tmp_path_factory.mktemp("airline") / "run"), say=quiet)


def test_it_trains_to_its_score_and_says_plainly_that_ridge_is_better(whole):
    result = whole.read("result.json")
    m = result["metrics"]
    # 16.6 to 16.8 with the seeds that were measured; other processors round differently.
    assert 13 < m["test_mae"] < 22 and m["test_mase"] < 0.8
    assert m["test_naive_mae"] == pytest.approx(51.46, abs=0.01)
    assert m["test_ridge_mae"] == pytest.approx(10.81, abs=0.05)
    told = find("airline")().conclusion(result, "")
    assert f"{m['test_mae']:.4g} thousand passengers over 13 test windows" in told
    assert "Ridge regression is better: its MAE is" in told
    assert metric_of(result, "test_mae").unit == "thousand passengers" and result["main"] == "test_mae"
    assert (result["tested"], metric_of(result, "test_ridge_mase").better) == (13, "lower")


def test_the_report_has_its_sections_and_the_verdict(whole):
    run, _ = reopen(RunFolder.open(whole.path))
    page = run.report(whole).read_text()
    assert re.findall(r"<h2[^>]*>(.*?)</h2>", page) == SECTIONS
    assert page.count('class="good">✓') == 4 and "Ridge regression is better" in page
    assert "<dt>MAE, network</dt>" in page and "<small>thousand passengers</small>" in page
    assert page.count('role="img"') == 8 and "13 origins of the test part" in page
    assert 'aria-label="thousand passengers over time: measured from 112 to 432' in page
    with pytest.raises(UserError, match="--ood digits was given to a forecaster"):
        run.report(whole, ood="digits")


def test_a_run_that_was_cut_short_is_gone_on_with_bit_for_bit(tmp_path, cut_short):
    run, folder = short(tmp_path / "whole", 12, "save_every=0", "evaluations=4")
    place = cut_short(folder)
    again, request = reopen(RunFolder.open(place))
    page = again.report(RunFolder.open(place)).read_text()
    assert "Training curves" in page and "Scores" not in page
    resume(RunFolder.open(place), again, request, say=quiet)
    assert again == run
    assert (place / "model.safetensors").read_bytes() == (folder.path / "model.safetensors").read_bytes()
    timeless = lambda line: {name: value for name, value in line.items() if name != "seconds"}  # noqa: E731
    pairs = zip(RunFolder(place).metrics(), folder.metrics(), strict=True)
    assert all(timeless(one) == timeless(other) for one, other in pairs)
    assert RunFolder(place).read("result.json")["metrics"] == folder.read("result.json")["metrics"]


def test_seeds_repeat_and_differ(tmp_path):
    folders = [short(tmp_path / str(i), 5, seed=seed)[1] for i, seed in enumerate((1, 1, 2))]
    one, same, other = ((folder.path / "model.safetensors").read_bytes() for folder in folders)
    assert one == same != other


def test_the_test_part_is_not_seen_before_the_end(tmp_path):
    rows = list(zip(MONTHS, range(100, 180), strict=True))
    changed = [(month, value * (1 if i < 64 else 5)) for i, (month, value) in enumerate(rows)]
    weights = []
    for name, values in (("a", rows), ("b", changed)):
        file = written(tmp_path / f"{name}.csv", values)
        _, folder = short(
            tmp_path / name, 20, f"data={file}", "test=0.2", "val=0.2", "history=12", "horizon=6"
        )
        weights.append(load_file(folder.path / "model.safetensors"))
    # Not to the bit: the two series lie in different places of the memory.
    torch.testing.assert_close(*weights)


def test_a_forecast_follows_the_end_of_the_file(whole, tmp_path):
    rows = answers(whole, CSV)
    assert [row.date for row in rows] == [f"1961-{month:02d}" for month in range(1, 13)]
    assert all(300 < row.value < 900 for row in rows) and rows[0].unit == "thousand passengers"
    # 1. Of a series cut off after 1959 it is the last forecast of the test part.
    lines = CSV.read_text().splitlines()
    early = tmp_path / "early.csv"
    early.write_text("\n".join(lines[: 1 + 132]))
    rows = answers(whole, early)
    run, _ = reopen(whole)
    model, facts = rebuilt(whole, run)
    values = np.loadtxt(early, delimiter=",", skiprows=1, usecols=1)[-24:]
    mean, deviation = facts["scaling"]["mean"], facts["scaling"]["deviation"]
    with torch.no_grad():
        said = model(torch.from_numpy((np.log(values) - mean) / deviation).float()[None])[0].double().numpy()
    np.testing.assert_allclose([row.value for row in rows], np.exp(said * deviation + mean), rtol=1e-5)
    assert splits_again(run, whole).test.names[-1] == "1960-01" == rows[0].date


def test_predict_takes_a_column_by_its_name_and_says_what_it_leaves_out(whole, tmp_path):
    lines = CSV.read_text().splitlines()
    several = ["month,flights,passengers", *(line.replace(",", ",7,") for line in lines[1:]), "1961-01,8,"]
    (tmp_path / "a.csv").write_text("\n".join(several))
    skipped = []
    rows = answers(whole, tmp_path / "a.csv", skipped=skipped)
    assert [row.value for row in rows] == pytest.approx([row.value for row in answers(whole, CSV)])
    assert skipped == [(tmp_path / "a.csv", "1 line (146: '' is no number)")]


@pytest.mark.parametrize(
    ("rows", "why"),
    [
        ([(month, 5) for month in MONTHS[:20]], "it has 20 values; wanted: 24 or more"),
        (
            [(f"1949-01-{day:02d}", 5) for day in range(1, 31)],
            "it has a value every day; wanted: one every month",
        ),
        ([(month, i) for i, month in enumerate(MONTHS)], "sold is 0 at 1949-01, which has no logarithm"),
        ([(m, 5) for m in MONTHS if m != "1950-02"], "no value between 1950-01 and 1950-03; wanted: one for"),
        ([("spring", 5)] * 30, "holds 'spring'; wanted: dates such as 1949-01-31"),
    ],
)
def test_files_it_cannot_go_on_with_are_left_out_with_a_reason(whole, tmp_path, rows, why):
    skipped = []
    file = written(tmp_path / "a.csv", rows)
    assert answers(whole, file, skipped=skipped) == []
    assert skipped[0][0] == file and why in skipped[0][1]


def test_what_it_cannot_do_is_a_sentence(whole):
    run, _ = reopen(whole)
    assert run.abilities() == ["report", "predict"]
    for name, words in (("sample", (Wanted(), None)), ("export", (None,)), ("classifier", ())):
        with pytest.raises(
            UserError, match=r"is a forecaster of a series, which cannot .*gradschool predict"
        ):
            getattr(run, name)(whole, *words)


def test_a_csv_file_of_a_person_trains(tmp_path):
    random = np.random.default_rng(0)
    season = np.tile([3.0, 1.0, -2.0, -5.0, 0.0, 1.0, 4.0], 20)
    days = np.datetime64("2024-01-01") + np.arange(140)
    values = season + 0.1 * random.normal(size=140)
    file = tmp_path / "shop.csv"
    rows = [f"{day};{value:.3f};{-value:.3f};x" for day, value in zip(days, values, strict=True)]
    file.write_text("\n".join(["day;sold;lost;note", *rows, "all;1;1;x"]))
    changes = [f"data={file}", "target=sold", "log=false", "history=14", "horizon=10", "test=0.2"]
    said = []
    _, folder = short(tmp_path / "run", 20, *changes, said=said.append)
    assert "140 days from 2024-01-01 to 2024-05-19" in said[0]
    assert "shop.csv: left out 1 line (142: 'all' is no date)." in said
    result = folder.read("result.json")
    assert result["metrics"]["test_naive_mae"] < 0.3 and metric_of(result, "test_mae").unit == ""
    assert folder.read("model.json")["step"] == {"months": 0, "seconds": 86400}
    assert folder.read("model.json")["period"] == 7
    rows = answers(folder, file)
    assert (rows[0].date, rows[-1].date, len(rows)) == ("2024-05-20", "2024-05-29", 10)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ("data=digits", "digits .* holds no series; wanted: a set of this kind, or a CSV file"),
        ("history=6", "history is 6, a season has 12 months; wanted: a whole season or more.*history=12"),
        ("horizon=30", r"the val part has 24 values; wanted: a horizon of 30 or more.*--set val="),
        ("test=0.01", "the test part has 1 values; wanted: a horizon of 12"),
        ("test=0", "test is a number > 0, got 0"),
        ("history=90", "the training part has 96 values; wanted: 102 or more"),
        ("model=seasonal_mpl", "Did you mean seasonal_mlp"),
        ('model_options={"hiden": [3]}', "Did you mean hidden"),
        ("target=passenger", "no column 'passenger'; wanted: one of passengers.*target=passengers"),
    ],
)
def test_wrong_settings_are_sentences(tmp_path, change, sentence):
    with pytest.raises(UserError, match=sentence):
        short(tmp_path / "run", 3, change)


def test_a_series_that_repeats_itself_has_an_end_and_a_report(tmp_path):
    file = written(tmp_path / "a.csv", [(month, 5 + i % 12) for i, month in enumerate(MONTHS)])
    run, folder = short(tmp_path / "run", 3, f"data={file}", "history=12", "horizon=6", "test=0.2")
    result = folder.read("result.json")
    assert result["metrics"]["test_naive_mase"] == 0 and run.report(folder).is_file()
    assert "Seasonal naive is better" in run.conclusion(result, "")


def test_values_without_a_logarithm_are_a_sentence(tmp_path):
    file = written(tmp_path / "a.csv", [(month, i - 3) for i, month in enumerate(MONTHS)])
    with pytest.raises(UserError, match=r"sold is -3 at 1949-01, which has no logarithm.*log=false"):
        short(tmp_path / "run", 3, f"data={file}")


def test_without_a_validation_part_the_curves_are_of_the_test_part(tmp_path):
    _, folder = short(tmp_path / "run", 6, "val=0", "model=seasonal_linear", "keep=last")
    assert any("test_mae" in line for line in folder.metrics())
    assert folder.read("result.json")["penalty"] == 1


def test_a_run_opens_where_its_data_have_moved(tmp_path):
    file = written(tmp_path / "a.csv", [(month, i + 5) for i, month in enumerate(MONTHS)])
    run, folder = short(tmp_path / "run", 3, f"data={file}", "history=12", "horizon=6", "test=0.2")
    moved = file.rename(tmp_path / "b.csv")
    assert splits_again(run, folder, str(moved)).notes == []
    written(moved, [(month, i + (5 if i < 75 else 6)) for i, month in enumerate(MONTHS)])
    assert "The test part is not what the run had" in splits_again(run, folder, str(moved)).notes[0]


def test_commands_do_all_of_it(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GRADSCHOOL_DATA", raising=False)
    code, out, _ = call(capsys, "train", "airline", "--help")
    assert code == 0 and "horizon          12" in out and "Values that are forecast at once." in out
    words = ("--steps", 3, "--seed", 1, "--set", "evaluations=3", "--json")
    code, out, _ = call(capsys, "train", "airline", *words)
    assert code == 0 and json.loads(out.splitlines()[-1])["metrics"]["test_ridge_mae"] < 12
    pasted = re.search(r" next     gradschool (.*)", out)[1].split()
    code, out, _ = call(capsys, *pasted, "--json")
    assert (
        code == 0
        and out.startswith(" 1961-01  ")
        and len(json.loads(out.splitlines()[-1])["predictions"]) == 12
    )
    short(Path("runs/airline-0002"), 3)
    code, out, _ = call(capsys, "runs")
    assert code == 0 and out.count("thousand passengers MAE") == 2
    code, out, _ = call(capsys, "compare", "runs/airline-0001", "runs/airline-0002")
    assert code == 0 and "test_mae" in out and "test_ridge_mae" not in out
    assert Path("runs/airline-0001/report.html").is_file()
    code, _, err = call(capsys, "sample", "runs/airline-0001")
    assert code == 2 and "cannot sample" in err
    code, _, err = call(capsys, "predict", "runs/airline-0001", "nowhere.csv")
    assert code == 2 and "nowhere.csv does not exist" in err


def test_a_recipe_is_a_record_of_settings():
    run = find("airline")()
    assert replace(run, horizon=6).horizon == 6 and run.network() == "seasonal_mlp"
