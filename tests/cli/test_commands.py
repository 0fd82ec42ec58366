"""The command line as its user meets it: what it does, its exit codes, and its sentences."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from gradschool.cli.main import COMMANDS, main


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return tmp_path_factory.mktemp("cli")


@pytest.fixture(autouse=True)
def inside(place, monkeypatch):
    monkeypatch.chdir(place)
    monkeypatch.setenv("GRADSCHOOL_CACHE", str(place / "cache"))
    monkeypatch.delenv("GRADSCHOOL_DATA", raising=False)


def call(capsys, *words: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as left:
        main(list(words))
    said = capsys.readouterr()
    return int(left.value.code or 0), said.out, said.err


@pytest.fixture(scope="module")
def run(place, request):
    """One short run that several tests look at."""
    words = ["train", "digits", "--steps", "12", "--out", "short", "--json", "--no-report"]
    done = subprocess.run(
        [sys.executable, "-m", "gradschool", *words], cwd=place, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.long
def test_train_leaves_a_run_and_one_line_of_json(run, place):
    assert run.keys() == {"run", "recipe", "metrics", "seconds", "device"}
    assert 0.1 < run["metrics"]["test_accuracy"] <= 1
    names = {p.name for p in (place / "short").iterdir()}
    assert {"config.json", "environment.json", "metrics.jsonl", "result.json", "model.safetensors"} <= names
    assert not list(place.rglob("*.pkl")) and not list(place.rglob("*.pt"))


@pytest.mark.long
def test_a_finished_run_is_used(run, capsys, place):
    from PIL import Image

    (place / "pictures").mkdir(exist_ok=True)
    Image.new("L", (20, 20), 200).save(place / "pictures" / "grey.png")
    (place / "pictures" / "broken.png").write_bytes(b"no")
    code, out, err = call(capsys, "predict", "short", "pictures", "--json")
    assert code == 0, err
    found = json.loads(out.splitlines()[-1])
    assert len(found["predictions"]) == 1 and len(found["predictions"][0]["top"]) == 5
    assert sum(t["probability"] for t in found["predictions"][0]["top"]) <= 1 + 1e-6
    assert "broken.png" in err
    code, out, err = call(capsys, "predict", "short", "nowhere.png", "pictures", "--json")
    assert (code, len(json.loads(out.splitlines()[-1])["predictions"])) == (2, 1)
    assert "left out: nowhere.png: does not exist" in err
    code, _, err = call(capsys, "report", "short")
    assert code == 0, err
    assert "<html" in (place / "short" / "report.html").read_text()
    assert "http://" not in (place / "short" / "report.html").read_text().replace("http://www.w3.org", "")
    assert call(capsys, "runs", ".")[0] == 0
    code, _, err = call(capsys, "compare", "short", "./short")
    assert code == 2 and "one run twice" in err
    shutil.copytree(place / "short", place / "elsewhere" / "short", dirs_exist_ok=True)
    assert "do not differ" in call(capsys, "compare", "short", "elsewhere/short")[1]
    (place / "elsewhere" / "short" / "result.json").write_text('{"metrics": {"test_accuracy": 0.5}}')
    _, shown, _ = call(capsys, "compare", "short", "elsewhere/short", "--json")
    assert "elsewhere/short" in shown and "0.5" in shown and "learning_rate" not in shown.splitlines()[1]
    code, _, err = call(capsys, "train", "--resume", "short")
    assert code == 2 and "finished" in err
    kept = (["mnist"], ["--seed", "7"], ["--plain"], ["--device", "cuda"], ["--out", "other"], ["--mine"])
    for other in kept:
        code, _, err = call(capsys, "train", *other, "--resume", "short")
        assert code == 2 and "A run keeps its settings" in err


@pytest.mark.parametrize(
    ("recipe", "second", "said"),
    [
        ("digits", "nonsense", "there is no data set or folder 'nonsense'"),
        ("digits", "airline", "holds no pictures"),
        ("perceptron", "digits", "--ood digits was given to a perceptron; wanted: a run on pictures"),
        ("airline", "digits", "--ood digits was given to a forecaster"),
        ("dcgan_mnist", "digits", "--ood digits was given to a GAN; wanted: a run that rebuilds any picture"),
        ("cvae_fashion", "digits", "wanted: a run that rebuilds any picture, such as vae_mnist"),
        ("names_mlp", "digits", "Score other lines with: gradschool predict RUN FILE.txt"),
    ],
)
def test_a_second_set_that_will_not_do_is_refused_before_training(capsys, place, recipe, second, said):
    code, out, err = call(capsys, "train", recipe, "--ood", second, "--out", "untouched")
    assert (code, out) == (2, "") and said in err
    assert not (place / "untouched").exists()


@pytest.mark.long
def test_what_needs_a_validation_part_says_so(capsys):
    words = ["train", "digits", "--steps", "2", "--no-report", "--set", "patience=1", "--set", "keep=best"]
    _, out, _ = call(capsys, *words)
    assert "patience and keep=best: without a validation part nothing is chosen by it" in out
    assert "without a validation part" not in call(capsys, *words, "--set", "val=0.1")[1]


def test_a_bad_value_found_by_an_evaluation_names_the_rate(capsys):
    words = ["train", "digits", "--no-report", "--steps", "60", "--set", "optimizer=sgd"]
    code, _, err = call(capsys, *words, "--set", "learning_rate=1e12")
    rate = float(err.split("learning rate ")[1].split(";")[0])
    assert code == 1 and rate > 1e9


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (["trian"], 2, "Did you mean train?"),
        (["train", "digit"], 2, "Did you mean digits?"),
        (["train", "digits", "--set", "learning_rate=fast"], 2, "learning_rate is a number > 0, got 'fast'"),
        (["train", "digits", "--set", "learning_rate=-1"], 2, "learning_rate is a number > 0"),
        (["train", "digits", "--set", "lernrate=0.1"], 2, "Did you mean learning_rate?"),
        (["train", "digits", "--set", "augment.flop=true"], 2, "Did you mean augment.flip?"),
        (["train", "digits", "--set", "optimizer=sdg"], 2, "optimizer is one of"),
        (["train", "digits", "--set", "model=resnett18"], 2, "Did you mean resnet18?"),
        (["train", "digits", "--set", "epochs"], 2, "key=value"),
        (["train", "digits", "--set", 'model_options={"wdth": 8}'], 2, "Did you mean width?"),
        (
            ["train", "digits", "--set", "model=alexnet"],
            2,
            "alexnet cannot take these images: images are 8x8",
        ),
        (["train", "digits", "--device", "tpu"], 2, "one of cpu"),
        (["train", "digits", "--steps", "0"], 2, "whole number >= 1"),
        (["train", "folder"], 2, "--data PATH"),
        (["train", "folder", "--data", "nowhere"], 2, "no data set or folder"),
        (["train", "mnist"], 2, "MNIST is not here"),
        (["report", "nothing"], 2, "is not a run"),
        (["bench", "nothing"], 2, "one of"),
        (["compare", "one"], 2, "two or more"),
        (["data", "check"], 2, "a folder, a zip or a name"),
    ],
)
def test_wrong_use_is_a_sentence_and_exit_code_2(capsys, words, code, sentence):
    found, _, err = call(capsys, *words)
    assert (found, "Traceback" in err) == (code, False)
    assert sentence in err
    assert len(err.strip().splitlines()) == 1


def test_errors_come_as_json_too_and_debug_shows_the_trace(capsys):
    code, out, _ = call(capsys, "train", "digit", "--json")
    assert code == 2 and json.loads(out)["error"].keys() == {"what", "wanted", "next"}
    with pytest.raises(Exception, match="no recipe"):
        main(["train", "digit", "--debug"])


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_explains_itself(capsys, name):
    code, out, _ = call(capsys, name, "--help")
    assert code == 0 and len(out) > 60
    assert name in call(capsys, "--help")[1]


def test_a_recipe_lists_its_settings(capsys):
    code, out, _ = call(capsys, "train", "digits", "--help")
    assert code == 0 and "learning_rate" in out and "label_smoothing" in out
    assert "natural_animals" in call(capsys, "train")[1]


@pytest.mark.parametrize("word", ["--help", "train", "data", "map"])
def test_what_only_lists_starts_without_torch(word):
    script = f"import sys; from gradschool.cli.main import dispatch; dispatch([{word!r}]); "
    script += "print('torch' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, cwd=Path(__file__).parent
    )
    assert done.stdout.splitlines()[-1] == "False"
