"""A fine-tuned run is examined, compressed and exported as a pre-trained one; a reward model is not."""

import json
import random
import shutil

import numpy as np
import pytest

from gradschool.cli.main import main
from gradschool.data.text.dialogues.dialogue import Dialogue, Turn
from gradschool.data.text.dialogues.joined import joined
from gradschool.data.text.tokens.characters import Characters
from gradschool.data.text.vocabulary import Vocabulary
from gradschool.engine.run import RunFolder
from gradschool.evals.language.reading import surprisals
from gradschool.models.language.gpt import gpt
from gradschool.runs.finish import rebuilt
from gradschool.runs.language.model import LanguageRun
from gradschool.runs.language.tuning.answers import AnswersRun
from gradschool.runs.language.tuning.groups import GroupsRun
from gradschool.runs.language.tuning.preferences import PreferenceRun, RewardRun
from gradschool.runs.reopen import reopen
from gradschool.runs.request import Request
from gradschool.runs.train import train

QUICK = {"batch_size": 8, "learning_rate": 1e-2, "threads": 1, "precision": "fp32", "evaluations": 1}
KINDS = {
    "sft": (AnswersRun, {}),
    "lora": (AnswersRun, {"lora": 2}),
    "dpo": (PreferenceRun, {}),
    "grpo": (GroupsRun, {"group": 2, "longest": 3}),
    "reward": (RewardRun, {}),
}
WRITING = [name for name in KINDS if name != "reward"]


def trained(run, out, steps):
    return train(run, Request("fine_tune", steps=steps, device="cpu", out=out), say=lambda text: None)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A text, dialogues, and questions with choices."""
    place, draw = tmp_path_factory.mktemp("exams"), random.Random(0)
    words = [letter * count for letter in "abcd" for count in range(2, 17)]
    draw.shuffle(words)
    (place / "text.txt").write_text("".join(f"say {draw.choice('abcd')} Q: A: or.\n\n" for _ in range(300)))
    rows = [{"prompt": f"say {w}", "chosen": w[0], "rejected": "d" if w[0] != "d" else "a"} for w in words]
    (place / "own.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    asked = {"context": "say a", "choices": [" or", "b"], "answer": 1}
    (place / "asked.jsonl").write_text(json.dumps(asked))
    (place / "new.txt").write_text("Q: say bb\n\nA: b\n\n")
    return place


@pytest.fixture(scope="module")
def folders(place):
    """A run of each kind; what they started from is gone."""
    network = {"model": gpt, "model_options": {"depth": 1}}
    base = trained(
        LanguageRun(data=str(place / "text.txt"), **network, context=48, val=0, **QUICK), place / "base", 6
    )
    found = {
        name: trained(
            kind(data=str(place / "own.jsonl"), start=str(base.path), **QUICK, **more), place / name, 3
        )
        for name, (kind, more) in KINDS.items()
    }
    shutil.rmtree(base.path)
    return found


@pytest.fixture(autouse=True)
def inside(place, monkeypatch):
    monkeypatch.chdir(place)


def call(capsys, *words):
    with pytest.raises(SystemExit) as left:
        main([*map(str, words), "--json"])
    said = capsys.readouterr()
    found = json.loads(said.out.splitlines()[-1]) if said.out else {}
    return int(left.value.code or 0), found, said.out, said.err


@pytest.mark.parametrize("name", WRITING)
def test_every_task_works_on_every_fine_tuned_run(name, folders, capsys):
    path = folders[name].path
    for task in ("text", "calibration", "contamination", "memory"):
        code, _, _, err = call(capsys, "eval", path, task)
        assert code == 0, err
    for task, file in (("text", "new.txt"), ("choice", "asked.jsonl"), ("contamination", "new.txt")):
        code, _, _, err = call(capsys, "eval", path, task, file)
        assert code == 0, err


@pytest.mark.parametrize("name", WRITING)
def test_it_is_written_with_fewer_bits_and_read_again(name, folders, tmp_path, capsys):
    path = folders[name].path
    for weights in ("int8", "int4"):
        out = tmp_path / f"{weights}.safetensors"
        code, found, _, err = call(capsys, "export", path, "--weights", weights, "--out", out)
        assert code == 0 and out.is_file(), err
        before, after = found["loss"]
        assert found["bytes"][1] < found["bytes"][0] and after == pytest.approx(before, rel=0.2)
        code, found, _, err = call(capsys, "eval", path, "--weights", weights)
        assert code == 0 and found["texts"][0]["bits_per_byte"] == pytest.approx(after, rel=1e-6), err


def test_the_test_part_costs_what_its_dialogues_cost_one_after_the_other(folders, capsys):
    folder = folders["sft"]
    _, found, out, _ = call(capsys, "eval", folder.path)
    (row,) = found["texts"]
    assert "the test part, its dialogues one after the other" in out
    run, _ = reopen(folder)
    text = run.as_text(folder).test.text()
    assert text.startswith("Q: say ") and text.endswith("\n\n") and "\n\nA: " in text
    assert row["tokens"] == row["bytes"] == len(text) - 1
    model, facts = rebuilt(folder, run)
    tokens = np.array([facts["tokeniser"]["characters"].index(each) + 1 for each in text], np.uint16)
    nats = surprisals(model, tokens, run.as_language(folder).context)
    assert row["nats_per_token"] == pytest.approx(float(nats.mean(dtype=float)), rel=1e-5)


def test_a_reward_model_is_refused_in_a_sentence(folders, capsys):
    path = folders["reward"].path
    for words in (["eval", path], ["export", path], ["export", path, "--weights", "int8"], ["sample", path],
                  ["eval", path, "choice", "asked.jsonl"]):  # fmt: skip
        code, _, out, err = call(capsys, *words)
        assert code == 2 and "is a reward model, which cannot" in out + err and "predict" in out + err


def test_dialogues_that_moved_are_named(folders, place, tmp_path, capsys):
    alone = RunFolder(shutil.copytree(folders["dpo"].path, tmp_path / "alone"))
    settings = json.loads((alone.path / "config.json").read_text())
    settings["settings"]["data"] = str(tmp_path / "gone.jsonl")
    (alone.path / "config.json").write_text(json.dumps(settings))
    code, _, _, err = call(capsys, "eval", alone.path)
    assert code == 2 and "--data" in err
    code, _, _, err = call(capsys, "eval", alone.path, "--data", place / "own.jsonl")
    assert code == 0, err


def test_joined_dialogues_are_the_template_with_the_chosen_answers():
    known = Characters(Vocabulary("\nQA: 12+3=é"))
    first = Dialogue([Turn("user", "1+2"), Turn("assistant", "3")], rejected="2")
    second = Dialogue([Turn("user", "é"), Turn("assistant", "1"), Turn("user", "2"), Turn("assistant", "3")])
    found = joined([first, second], known)
    assert found.text() == "Q: 1+2\n\nA: 3\n\nQ: é\n\nA: 1\n\nQ: 2\n\nA: 3\n\n"
    assert (len(found), found.size) == (found.characters, found.characters + 1)
