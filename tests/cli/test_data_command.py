"""The data command as its user meets it: the table, one set, a look over a folder; exit codes and JSON."""

import json

import numpy as np
import pytest
from PIL import Image

from gradschool import recipes
from gradschool.cli.main import main


@pytest.fixture(autouse=True)
def alone(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GRADSCHOOL_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("COLUMNS", "160")
    monkeypatch.delenv("GRADSCHOOL_DATA", raising=False)


def call(capsys, *words: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as left:
        main(["data", *words])
    said = capsys.readouterr()
    return int(left.value.code or 0), said.out, said.err


def last(out: str) -> dict:
    return json.loads(out.splitlines()[-1])


def test_the_table_has_every_set(capsys):
    code, out, _ = call(capsys, "--json")
    sets = {row["name"]: row for row in last(out)["sets"]}
    assert code == 0 and {"digits", "mnist", "food101", "natural_image_net_cartoons"} <= sets.keys()
    assert sets["mnist"]["bytes"] == 11594722 and sets["mnist"]["checksum"] is True
    assert sets["natural_image_net"]["checksum"] is False and sets["digits"]["checksum"] is None
    assert sets["digits"]["where"] == "with scikit-learn" and sets["mnist"]["where"] == "not here"
    row = next(line for line in out.splitlines() if line.startswith("natural_image_net "))
    assert "not published" in row and "Zenodo" in row


def test_one_set_says_what_it_holds(capsys):
    code, out, _ = call(capsys, "digits", "--json")
    facts = last(out)
    assert code == 0 and facts["licence"] == "CC BY 4.0" and facts["classes"] == [str(i) for i in range(10)]
    assert sum(facts["counts"]["train"].values()) == 1437 and sum(facts["counts"]["test"].values()) == 360
    assert " images   1,437 train / 360 test" in out


def test_a_set_that_is_not_here_is_not_fetched_unasked(capsys, tmp_path, monkeypatch):
    monkeypatch.setattr("gradschool.data.fetch.download", None)  # would be called
    code, out, _ = call(capsys, "natural_animals", "--json")
    assert (
        code == 0 and " size     248 MB" in out and " next     gradschool data fetch natural_animals" in out
    )
    assert "ImageNet terms" in out and last(out)["where"] == "not here"


def test_a_pack_is_found_by_the_sets_own_name(capsys, tmp_path, monkeypatch):
    for kind in ("ants", "bees"):
        (tmp_path / "pack" / "hymenoptera" / kind).mkdir(parents=True)
        for i in range(3):
            Image.new("RGB", (9, 9)).save(tmp_path / "pack" / "hymenoptera" / kind / f"{i}.png")
    monkeypatch.setenv("GRADSCHOOL_DATA", str(tmp_path / "pack"))
    code, out, _ = call(capsys, "Hymenoptera")
    unbroken = "".join(out.split())  # long paths are wrapped
    assert code == 0 and f"where{tmp_path / 'pack' / 'hymenoptera'}" in unbroken and "images6" in unbroken


def test_checking_a_folder_with_a_leak_fails(capsys, tmp_path):
    draw = np.random.default_rng(0)
    for kind in ("cat", "dog"):
        (tmp_path / "pets" / kind).mkdir(parents=True)
        for i in range(8):
            image = Image.fromarray(draw.integers(0, 256, (40, 40, 3), dtype=np.uint8))
            image.save(tmp_path / "pets" / kind / f"{i}.png")
    code, out, _ = call(capsys, "check", "pets", "--json")
    assert code == 0 and last(out)["leaked"] == 0 and "no twins between the parts" in out
    for i in range(8):
        image = Image.open(tmp_path / "pets" / "cat" / f"{i}.png")
        image.transpose(Image.Transpose.FLIP_LEFT_RIGHT).save(tmp_path / "pets" / "cat" / f"{i}-flipped.png")
    code, out, _ = call(capsys, "check", "pets", "--json")
    assert code == 1 and last(out)["leaked"] > 0 and "Split before making copies" in out


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (["nope"], 2, "there is no data set or folder 'nope'"),
        (["digit"], 2, "Did you mean digits?"),
        (["fetch"], 2, "data fetch got no name"),
        (["fetch", "nope"], 2, "there is no data set or folder 'nope'"),
        (["a", "b"], 2, "data got 'a b'; wanted: one name, or check and a path"),
        (["check", "empty"], 2, "empty has no files; wanted: a folder for each class"),
    ],
)
def test_wrong_use_is_a_sentence(capsys, tmp_path, words, code, sentence):
    (tmp_path / "empty").mkdir()
    found, _, err = call(capsys, *words)
    assert found == code and sentence in err and len(err.strip().splitlines()) == 1


def test_doctor_and_the_list_of_recipes_say_what_waits_for_which_set(capsys, monkeypatch, tmp_path):
    monkeypatch.setattr("gradschool.cli.project.doctor.parts.table", dict)
    with pytest.raises(SystemExit):
        main(["doctor", "--json"])
    out = capsys.readouterr().out
    told = last(out)["doctor"]
    assert "mnist (12 MB)" in told["sets absent"] and "digits" in told["sets here"].split(", ")
    assert (
        "recipes wait for sets that are not here: gradschool data fetch NAME" in out and "nothing" not in out
    )
    with pytest.raises(SystemExit):
        main(["train"])
    listed = capsys.readouterr().out
    under = {
        name: listed.partition(f"\n  {name} ")[2].splitlines()[1]
        for name in ("natural_animals_best", "vae_digits")
    }
    assert "natural_animals: to fetch, 248 MB" in under["natural_animals_best"]
    assert "digits: here" in under["vae_digits"]


def test_the_set_of_every_recipe_is_read_without_importing_it():
    """A recipe that picks a stand-in when it is called has none by name."""
    known = recipes.data_of()
    made = {name: recipes.find(name)() for name in known}
    read = {name: data for name, data in known.items() if data is not None}
    assert {name: getattr(made[name], "data", "") for name in read} == read
    assert sum(map(bool, read.values())) > len(known) / 2


def test_a_path_where_nothing_lies_names_what_lies_beside_it(tmp_path, capsys):
    (tmp_path / "photos").mkdir()
    code, _, err = call(capsys, "check", str(tmp_path / "photo"))
    assert code == 2 and f"Did you mean {tmp_path / 'photos'}?" in err and "airline" not in err
    code, _, err = call(capsys, "check", str(tmp_path / "no" / "photo"))
    assert code == 2 and f"There is no folder {str(tmp_path / 'no')!r} either. Check the path." in err
