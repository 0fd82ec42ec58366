"""No false alarm on recipes, and what the command says."""

import json

import pytest

from gradschool import recipes
from gradschool.cli.main import main
from gradschool.data.catalogue import find as find_set
from gradschool.data.catalogue import is_known
from gradschool.errors import UserError
from gradschool.practice.diagnose import finding as names
from gradschool.practice.diagnose.diagnose import diagnose
from gradschool.runs.request import Request
from gradschool.runs.run import Run

QUICK = ["digits", "names_mlp", "airline", "vae_digits"]


def with_packaged_data() -> list[str]:
    """Recipes whose data come with the package or are made."""
    found = []
    for name, data in recipes.data_of().items():
        is_named = data is not None and data != ""
        info = find_set(data) if is_named and is_known(data) else None
        if info is not None and not info.files and not info.packs and name not in QUICK:
            found.append(name)
    return found


def found_in(name: str) -> list[str]:
    run = recipes.find(name)()
    assert isinstance(run, Run)
    said = diagnose(run, Request(name, device="cpu"))
    return [f"{each.name}: {each.sentence}" for each in said.findings]


@pytest.mark.long
@pytest.mark.parametrize("name", QUICK)
def test_nothing_is_wrong_with_a_recipe(name):
    assert found_in(name) == []


@pytest.mark.slow
@pytest.mark.parametrize("name", with_packaged_data())
def test_nothing_is_wrong_with_any_recipe_that_needs_no_data_from_outside(name):
    run = recipes.find(name)()
    if isinstance(run, Run):
        assert found_in(name) == []
    else:
        with pytest.raises(UserError, match="trains itself"):
            diagnose(run, Request(name, device="cpu"))


def call(capsys, *words: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as left:
        main(list(words))
    said = capsys.readouterr()
    return int(left.value.code or 0), said.out, said.err


def test_the_command_names_the_fault_and_trains_nothing(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, out, _ = call(capsys, "train", "digits", "--diagnose", "--set", "learning_rate=1e-9",
                        "--set", "precision=fp32", "--json")  # fmt: skip
    told = json.loads(out.splitlines()[-1])
    assert code == 1 and [each["name"] for each in told["findings"]] == [names.TOO_LOW]
    assert told["findings"][0]["evidence"]["rate"] == pytest.approx(1e-9, rel=0.1)
    assert told["recipe"] == "digits" and told["steps"] > 0 and names.LEAK in told["checked"]
    assert f" found    {names.TOO_LOW}: " in out
    assert list(tmp_path.iterdir()) == []


def test_the_command_says_that_nothing_is_wrong(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, out, _ = call(capsys, "train", "names_mlp", "--diagnose", "--steps", "30")
    assert code == 0 and "nothing that is wrong. Train it: gradschool train names_mlp" in out
    assert "faults of labels: the run is no classification" in " ".join(out.split())


def test_what_has_no_batches_is_refused(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match="trains itself"):
        diagnose(recipes.find("perceptron")(), Request("perceptron"))
    code, _, err = call(capsys, "train", "--resume", "somewhere", "--diagnose")
    assert code == 2 and "--resume came with --diagnose" in err
