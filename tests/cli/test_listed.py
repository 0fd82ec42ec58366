"""The list of recipes: in groups, with data, time and score as they are."""

import json

import pytest

from gradschool import recipes
from gradschool.cli import listed
from gradschool.cli.main import main


def test_every_recipe_stands_in_a_group(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "100")
    with pytest.raises(SystemExit):
        main(["train", "--json"])
    shown = capsys.readouterr().out
    rows = json.loads(shown.splitlines()[-1])["recipes"]
    assert sorted(row["name"] for row in rows) == list(recipes.places())
    assert {row["group"] for row in rows} == set(listed.GROUPS.values())
    by_name = {row["name"]: row for row in rows}
    assert by_name["folder"]["group"] == "Your own data" and "--data PATH" in by_name["folder"]["data"]
    assert by_name["airline"]["data"] == "airline: here" and by_name["airline"]["score"] == "MAE 16.7"
    assert by_name["digits"]["time"] == "4 s" and by_name["digits"]["score"] == "accuracy 99.7 %"
    assert by_name["iwae_mnist"]["score"] == "86.98 nats"
    assert all(len(line) <= 100 for line in shown.splitlines()[:-1])
    assert shown.index("Your own data") < shown.index("  folder ") < shown.index("Classify pictures")


def test_data_that_are_not_here_are_told_with_their_size(monkeypatch, tmp_path):
    monkeypatch.setenv("GRADSCHOOL_CACHE", str(tmp_path))
    monkeypatch.delenv("GRADSCHOOL_DATA", raising=False)
    assert listed.where("cifar10").startswith("cifar10: to fetch, 1")
    assert listed.where("digits") == "digits: here"
    assert listed.where("vae_squares") == ""


def test_a_recipe_is_found_by_its_former_name():
    assert recipes.find("hymenoptera_transfer") is recipes.find("transfer")
