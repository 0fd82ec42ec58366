"""A classifier of recordings as its user meets it: trained on tones in seconds, taken up, reported, asked."""

import json
import re

import numpy as np
import pytest
import torch
from asking import answers
from safetensors.torch import load_file
from tones import RATE, WORDS, folder, tone, wav

from gradschool.cli.main import main
from gradschool.engine.run import RunFolder
from gradschool.errors import UserError, WorkFailed
from gradschool.evals.audio.answers import logits_of
from gradschool.recipes import data_of, find
from gradschool.runs.audio.run import features_of
from gradschool.runs.finish import rebuilt
from gradschool.runs.reopen import reopen
from gradschool.runs.request import Request
from gradschool.runs.settings import override
from gradschool.runs.train import resume, train

SECTIONS = [
    "Baselines",
    "Confusion",
    "Speakers",
    "Spectrograms",
    "Training curves",
    "Learning rate",
    "Settings",
]
SMALL = (
    "model=time_conv",
    'model_options={"hidden": 16, "dropout": 0.0}',
    "speaker=_([^_]+)_",
    "batch_size=12",
    "test=0.25",
    'tested=["s1"]',
)


def quiet(text):
    pass


def short(data, out, steps, *changes, said=quiet):
    run = override(find("speech")(), (f"data={data}", *SMALL, *changes), "speech")
    return run, train(run, Request("speech", steps=steps, device="cpu", out=out), say=said)


def call(capsys, *words):
    with pytest.raises(SystemExit) as left:
        main([str(word) for word in words])
    said = capsys.readouterr()
    return int(left.value.code or 0), said.out, said.err


@pytest.fixture(scope="module")
def tones(tmp_path_factory):
    return folder(tmp_path_factory.mktemp("tones") / "words")


@pytest.fixture(scope="module")
def whole(tones, tmp_path_factory):
    """Three words of tones by four voices; forty steps."""
    return short(
        tones,
        tmp_path_factory.mktemp("runs") / "run",
        40,
        "evaluations=3",
        "change.shift=0",
        "change.stretch=0.05",
    )[1]


def test_it_learns_tones_of_a_voice_it_has_not_heard_and_says_what_the_baselines_reach(whole):
    result = whole.read("result.json")
    m = result["metrics"]
    assert m["test_accuracy"] >= 0.8 and result["tested"] == 18 and result["main"] == "test_accuracy"
    assert len(result["baselines"]) == 4 and all(0 <= v <= 1 for v in result["baselines"].values())
    assert list(result["speakers"].values()) == [m["test_accuracy"]]
    run, _ = reopen(whole)
    told = run.conclusion(result, "")
    assert f"{100 * m['test_accuracy']:.1f} % of 18 test recordings" in told
    best = max(result["baselines"].values())
    verb = "beats" if m["test_accuracy"] > best else "does not beat"
    assert f"The network {verb} the best baseline (" in told and " speakers s" in told
    assert run.next_step(whole) == f"gradschool predict {whole.path} FILE.wav"


def test_the_report_begins_with_the_verdict(whole):
    run, _ = reopen(RunFolder.open(whole.path))
    page = run.report(whole).read_text()
    assert re.findall(r"<h2[^>]*>(.*?)</h2>", page) == SECTIONS
    assert page.index("The network ") < page.index("Confusion</h2>")
    assert "heard in training" in page and "<dt>best baseline</dt>" in page and "18 test recordings" in page
    with pytest.raises(UserError, match="--ood digits was given to a classifier of recordings"):
        run.report(whole, ood="digits")


def test_a_run_that_was_cut_short_is_gone_on_with(tones, tmp_path, cut_short):
    run, done = short(
        tones, tmp_path / "whole", 6, "save_every=0", "evaluations=3", "change.noise=0.2", "model=gru_2"
    )
    place = cut_short(done)
    again, request = reopen(RunFolder.open(place))
    assert again == run
    page = again.report(RunFolder.open(place)).read_text()
    assert "Training curves" in page and "Baselines" not in page
    resume(RunFolder.open(place), again, request, say=quiet)
    one, other = (load_file(f / "model.safetensors") for f in (place, done.path))
    for name in one:  # not to the bit: what is loaded may lie elsewhere in the memory
        torch.testing.assert_close(one[name], other[name], rtol=1e-4, atol=1e-6)


def test_files_are_heard(whole, tmp_path):
    files = []
    for i, word in enumerate(WORDS):
        files.append(tmp_path / f"{word}.wav")
        files[-1].write_bytes(wav(tone(word, 520, seed=50 + i)))
    rows = answers(whole, *files, top=2)
    assert sum(row.top[0][0] == word for row, word in zip(rows, WORDS, strict=True)) >= 2
    assert all(len(row.top) == 2 and row.top[0][1] >= row.top[1][1] for row in rows)
    # 1. What stands in a folder is the same; a stereo file of another rate is changed, and that is said.
    other = tmp_path / "rise.wav"
    (row,) = answers(whole, other)
    other.write_bytes(
        wav(np.tile(tone("rise", 520, rate=2 * RATE, seed=50)[:, None], 2), 2 * RATE, channels=2)
    )
    (changed,) = answers(whole, other)
    assert changed.top[0][0] == row.top[0][0] and not row.changes
    assert "(mixed down from 2 channels; resampled from 16,000 to 8,000 Hz)" in changed.line()
    # 2. A file alone is judged as among others.
    assert answers(whole, tmp_path)[0].top == answers(whole, files[1])[0].top


@pytest.mark.long
@pytest.mark.timeout(600)  # torch.export of a loop takes long on a busy machine
@pytest.mark.parametrize("model", ["time_conv", "bilstm_1", "gru_2"])
def test_the_network_is_exported_and_answers_recordings_as_torch_does(tones, tmp_path, model):
    """The file and its metadata are enough: features are made by what it says of them."""
    onnxruntime = pytest.importorskip("onnxruntime")
    _, folder_ = short(tones, tmp_path / "run", 2, f"model={model}", "features=mfcc", "model_options={}")
    run, _ = reopen(folder_)
    check = run.export(folder_, None)
    assert check.relative < 1e-4 and check.path == folder_.path / "model.onnx"
    session = onnxruntime.InferenceSession(str(check.path))
    known = {k: json.loads(v) for k, v in session.get_modelmeta().custom_metadata_map.items()}
    assert known["classes"] == sorted(WORDS) and [each.name for each in session.get_inputs()] == ["features"]
    part = run.open(0).test
    features = features_of(known)
    model, _ = rebuilt(folder_, run)
    for i in range(3):
        x, _ = features.of(*part.padded(torch.tensor([i])))
        (found,) = session.run(None, {"features": x.numpy()})
        wanted = logits_of(model, [(x, torch.tensor([x.shape[1]]), torch.zeros(1))])
        torch.testing.assert_close(torch.from_numpy(found), wanted, rtol=1e-4, atol=1e-5)


def test_files_that_cannot_be_heard_are_named(whole, tmp_path):
    (tmp_path / "a.wav").write_bytes(b"RIFF")
    (tmp_path / "b.wav").write_bytes(wav(tone("rise")))
    skipped = []
    assert len(answers(whole, tmp_path, skipped=skipped)) == 1
    assert skipped[0][0].name == "a.wav" and "header is damaged" in skipped[0][1]
    with pytest.raises(WorkFailed, match=r"a.wav could not be read \(its header is damaged"):
        answers(whole, tmp_path / "a.wav")
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match="no WAV file in"):
        answers(whole, tmp_path / "empty")


def test_the_command_line_trains_and_predicts(tones, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    words = [word for change in SMALL for word in ("--set", change)]
    words += ["--steps", 2, "--out", tmp_path / "r", "--json"]
    code, out, _ = call(capsys, "train", "speech", "--data", tones, *words)
    assert code == 0 and "baseline The network" in out and "54 train / 18 test" in out
    assert "Few to learn from: 18 training recordings a class. More speakers help most." in out
    assert 0 <= json.loads(out.splitlines()[-1])["metrics"]["test_accuracy"] <= 1
    code, out, _ = call(capsys, "predict", tmp_path / "r", tones / "rise" / "rise_s0_0.wav")
    assert code == 0 and "rise_s0_0.wav  " in out
    code, _, err = call(capsys, "train", "speech")
    assert (
        code == 2 and "recipe speech has no data yet; wanted: a folder of class folders of .wav files" in err
    )


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("bands=500", "bands is 500, and a frame of 256 samples has too few frequencies"),
        ("coefficients=30", r"coefficients is 30; wanted: at most bands \(24\)"),
        ("model=lstm_3", "there is no model 'lstm_3'"),
        ('tested=["nobody"]', "nobody is called 'nobody'"),
        ('model_options={"width": 3}', "model_options has 'width'"),
    ],
)
def test_wrong_settings_are_sentences(tones, tmp_path, change, words):
    with pytest.raises(UserError, match=words):
        short(tones, tmp_path / "run", 1, "features=mfcc" if "coeff" in change else "hop=0.02", change)


def test_recipes_name_their_data():
    names = ("spoken_three", "digits_spoken_gru", "digits_spoken_mfcc")
    assert {data_of()[name] for name in names} == {"spoken_digits"}
    assert data_of()["speech"] == "" and find("spoken_three")().words == ("one", "two", "three")


def test_without_the_set_the_recipe_says_where_to_get_it(tmp_path, monkeypatch):
    monkeypatch.setenv("GRADSCHOOL_CACHE", str(tmp_path))
    monkeypatch.delenv("GRADSCHOOL_DATA", raising=False)
    with pytest.raises(UserError, match=r"Spoken digits.* is not here.*gradschool data fetch spoken_digits"):
        find("spoken_three")().open(0)
