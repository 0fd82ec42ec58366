"""The airline series is the published one, and the data command says what it is."""

import csv
import json
from pathlib import Path

import pytest

from gradschool.cli.main import main
from gradschool.data.catalogue import find
from gradschool.data.series.open import open_series


def test_the_series_is_that_of_box_and_jenkins():
    series = open_series("airline").series
    assert (len(series), series.label(0), series.label(143)) == (144, "1949-01", "1960-12")
    assert (series.name, series.unit, series.period) == ("passengers", "thousand passengers", 12)
    years = series.values.reshape(12, 12).sum(1).tolist()
    assert (years[0], years[-1], sum(years)) == (1520, 5714, 40363)


def test_it_equals_the_copy_in_the_data_pack(pack):
    file = pack / "timeseries" / "airline-passengers.csv"
    if not file.is_file():
        pytest.skip("the data pack has no airline passengers")
    with file.open(newline="") as opened:
        rows = list(csv.reader(opened))[1:]
    ours = list(csv.reader(Path(find("airline").places[0]).read_text().splitlines()))[1:]
    assert ours == rows


def test_the_data_command_says_what_it_holds(capsys, monkeypatch):
    monkeypatch.delenv("GRADSCHOOL_DATA", raising=False)
    with pytest.raises(SystemExit) as left:
        main(["data", "airline", "--json"])
    out = capsys.readouterr().out
    assert not left.value.code and " values   144" in out and "classes  " not in out
    assert json.loads(out.splitlines()[-1])["counts"] == {"": {"values": 144}}
    with pytest.raises(SystemExit):
        main(["data", "--json"])
    listed = {row["name"]: row for row in json.loads(capsys.readouterr().out.splitlines()[-1])["sets"]}
    assert listed["airline"]["where"].endswith("airline.csv")
