"""Examinations of a finished language model, from the command line, against sums that are done here."""

import json
import math
import random
import re

import numpy as np
import pytest
import torch

from gradschool.cli.main import main
from gradschool.errors import UserError
from gradschool.evals.language.benchmarks.certainty import certainties
from gradschool.evals.language.benchmarks.questions import read_questions
from gradschool.models.language.gpt import gpt
from gradschool.models.language.recurrent_lm import recurrent_lm
from gradschool.runs.language.exams import weights as compressed
from gradschool.runs.language.model import LanguageRun
from gradschool.runs.reopen import reopen
from gradschool.runs.request import Request
from gradschool.runs.train import train

WORDS = re.findall(r"\w+", "what is the name of a cat Question Answer it sat on and saw two dogs run past")
ASKED = [
    {"question": "what is a cat?", "choices": ["a dog", "it"], "answer": 1},
    {"context": "the cat sat", "choices": [" on", "dogs run", "a"], "answer": 0},
    {"question": "ÄÖ?", "choices": ["a", "b"], "answer": 0},
]


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    place = tmp_path_factory.mktemp("exams")
    draw = random.Random(0)
    words = [draw.choice(WORDS) + draw.choice(["", "", ".", "?\n\n", ":"]) for _ in range(2000)]
    (place / "cats.txt").write_text(" ".join(words))
    (place / "asked.jsonl").write_text("\n".join(map(json.dumps, ASKED)))
    return place


@pytest.fixture(scope="module", params=["gpt", "lstm"])
def finished(request, place):
    network = {
        "gpt": {"model": gpt, "model_options": {"depth": 1}},
        "lstm": {"model": recurrent_lm, "model_options": {"hidden": 32, "embedding": 16, "core": "lstm"}},
    }[request.param]
    run = LanguageRun(
        data=str(place / "cats.txt"), context=32, batch_size=16, learning_rate=1e-2, clip=1.0, threads=1,
        precision="fp32", evaluations=1, test=0.2, **network,
    )  # fmt: skip
    out = place / request.param
    return train(run, Request("gpt", steps=40, device="cpu", out=out), say=lambda text: None)


@pytest.fixture(autouse=True)
def inside(place, monkeypatch):
    monkeypatch.chdir(place)


def call(capsys, *words):
    with pytest.raises(SystemExit) as left:
        main([*map(str, words), "--json"])
    said = capsys.readouterr()
    assert said.out, said.err
    return int(left.value.code or 0), json.loads(said.out.splitlines()[-1]), said.out, said.err


def test_the_test_part_costs_what_the_run_says_and_a_file_what_its_tokens_cost(finished, place, capsys):
    _, found, out, _ = call(capsys, "eval", finished.path)
    scores = finished.read("result.json")["metrics"]
    (row,) = found["texts"]
    assert row["nats_per_token"] == pytest.approx(scores["test_loss"], rel=1e-4)
    assert row["perplexity"] == pytest.approx(math.exp(row["nats_per_token"]))
    assert "the test part" in out and "bits a byte" in out
    (place / "new.txt").write_text("the cat sat on Ä dogs")
    _, found, out, _ = call(capsys, "eval", finished.path, "text", "new.txt")
    (row,) = found["texts"]
    assert (row["left_out"], row["bytes"], row["tokens"]) == (1, 20, 20) and "1 character that" in out
    # 1. By hand: the tokens one after the other, behind a line end.
    run, _ = reopen(finished)
    model, tokeniser = run.reopened(finished)
    tokens = torch.tensor([tokeniser.encode("\nthe cat sat on  dogs")])
    logits = model(tokens[:, :-1])
    logits = logits[0] if isinstance(logits, tuple) else logits
    nats = torch.nn.functional.cross_entropy(logits[0], tokens[0, 1:]).detach()
    assert row["bits_per_byte"] == pytest.approx(float(nats) / math.log(2), rel=1e-4)


def test_questions_are_chosen_from_and_what_is_left_out_is_told(finished, capsys):
    code, found, out, _ = call(capsys, "eval", finished.path, "choice", "asked.jsonl", "--shots", 1)
    assert code == 0 and (found["questions"], found["left_out"], found["shots"]) == (2, 1, 1)
    assert "left out  1" in out and found["acc"] in (0, 0.5, 1)
    rows, answers = found["log_p"], [each["answer"] for each in ASKED]
    assert found["acc"] == np.mean([np.argmax(row) == a for row, a in zip(rows, answers, strict=False)])
    assert found["guessing"] == pytest.approx((1 / 2 + 1 / 3) / 2)
    _, again, _, _ = call(capsys, "eval", finished.path, "choice", "asked.jsonl", "--shots", 1)
    assert again == found
    # The twenty have characters that these cats do not.
    code, found, _, _ = call(capsys, "eval", finished.path, "choice")
    assert code == 2 and "all 20 questions" in found["error"]["what"]


def test_calibration_is_of_the_tokens_that_come(finished, capsys):
    _, found, out, _ = call(capsys, "eval", finished.path, "calibration")
    run, _ = reopen(finished)
    model, _ = run.reopened(finished)
    tokens = run.open(0).test.tokens
    sure, right = certainties(model, tokens, 32)
    assert len(sure) == found["tokens"] == len(tokens) - 1
    assert found["accuracy"] == pytest.approx(float(right.mean())) and "calibration error" in out
    assert 0 <= found["calibration_error"] <= 1 and sum(row["count"] for row in found["bins"]) == len(sure)
    gaps = [abs(row["confidence"] - row["accuracy"]) * row["count"] for row in found["bins"]]
    assert found["calibration_error"] == pytest.approx(sum(gaps) / len(sure))


def test_what_the_training_text_holds_is_found_in_another(finished, place, capsys):
    known = (place / "cats.txt").read_text()[1000:1400]
    (place / "copied.txt").write_text(f"two dogs saw the name of it\n\n{known}")
    _, found, out, _ = call(capsys, "eval", finished.path, "contamination", "copied.txt", "--words", 9)
    assert 1 <= found["contaminated"] < found["texts"] and found["words_covered"] > 0.5
    assert "9 words in a row" in out
    _, found, _, _ = call(capsys, "eval", finished.path, "contamination", "asked.jsonl")
    assert (found["texts"], found["contaminated"]) == (3, 0)
    code, found, _, _ = call(capsys, "eval", finished.path, "contamination")
    assert code == 0 and found["texts"] > 10


def test_memory_compares_the_training_text_with_one_that_was_not_seen(finished, capsys):
    _, found, out, _ = call(capsys, "eval", finished.path, "memory")
    assert found["prompt"] == 16 and "recited" in out
    for part in ("training", "test"):
        shares = list(found[part]["recited"].values())
        assert shares == sorted(shares, reverse=True) and 0 <= shares[-1] <= shares[0] <= 1


def test_of_a_short_text_short_passages_are_recited(tmp_path, capsys):
    (tmp_path / "short.txt").write_text("the cat sat. " * 20)
    run = LanguageRun(
        data=str(tmp_path / "short.txt"), model=gpt, model_options={"depth": 1}, context=64, batch_size=2,
        threads=1, precision="fp32", evaluations=1,
    )  # fmt: skip
    folder = train(run, Request("gpt", steps=1, device="cpu", out=tmp_path / "run"), say=lambda text: None)
    _, found, out, _ = call(capsys, "eval", folder.path, "memory")
    tested = folder.read("result.json")["tested"]
    assert found["prompt"] == tested // 2 < 32 and f"after {tested // 2} tokens" in out


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["nonsense"], "text"),
        (["text", "nowhere.txt"], "nowhere.txt does not exist"),
        (["choice", "cats.txt"], "line 1 of cats.txt is no JSON"),
        (["choice", "asked.jsonl", "--shots", "5"], "examples are there for 5 shots"),
        (["choice", "--shots", "-1"], "shots is -1"),
        (["contamination", "--words", "0"], "words is 0"),
    ],
)
def test_wrong_use_is_a_sentence(finished, capsys, words, sentence):
    with pytest.raises(SystemExit) as left:
        main(["eval", str(finished.path), *words])
    assert left.value.code == 2 and sentence in capsys.readouterr().err


@pytest.mark.parametrize(
    "line",
    [
        '{"question": "a", "choices": ["a"], "answer": 0}',
        '{"question": "a", "choices": ["a", "b"], "answer": 2}',
        '{"choices": ["a", "b"], "answer": 0}',
        "[1]",
        '{"question": "a", "choices": ["a", "b"], "answer": "a"}',
    ],
)
def test_a_line_that_is_no_question_is_named(tmp_path, line):
    file = tmp_path / "bad.jsonl"
    file.write_text('\n{"question": "a", "choices": ["a", "b"], "answer": 0}\n' + line)
    with pytest.raises(UserError, match="line 3 of"):
        read_questions(file)
    file.write_text("\n")
    with pytest.raises(UserError, match="no questions"):
        read_questions(file)


def test_what_is_wrong_with_a_question_is_said_without_python(tmp_path):
    file = tmp_path / "bad.jsonl"
    for line, sentence in (
        ("{", "line 1 of .* is no JSON: character 2"),
        ("[" * 100_000, "line 1 of .* is no JSON"),
        ("[1]", "line 1 of .* is no question: it has no question and no choices and no answer"),
        ('{"choices": ["a", "b"], "answer": 0}', "it has no question"),
        ('{"question": 3, "choices": ["a", "b"], "answer": 0}', "the question is no text"),
        ('{"question": "a", "choices": ["a", "b"], "answer": true}', "answer is True"),
    ):
        file.write_text(line)
        with pytest.raises(UserError, match=sentence) as caught:
            read_questions(file)
        assert "Expecting" not in str(caught.value) and "char 0" not in str(caught.value)
    # A separator of Unicode inside a text ends no line.
    file.write_text('{"question": "a\u2028b", "choices": ["a", "b"], "answer": 0}', encoding="utf-8")
    assert read_questions(file)[0].context == "Question: a\u2028b\nAnswer:"


def test_what_cannot_be_read_or_made_is_a_sentence_before_the_work(finished, place, capsys):
    (place / "bare").mkdir(exist_ok=True)
    for words, what in (
        (("eval", finished.path, "text", "bare"), "bare holds no file that ends in .txt"),
        (("predict", finished.path, "gone.txt"), "no text could be read (gone.txt: does not exist)"),
        (("sample", finished.path, "--tokens", "9" * 20), f"tokens is {'9' * 20}"),
        (("sample", finished.path, "--beams", "1000000"), "beams is 1000000"),
        (("sample", finished.path, "-n", "100000000"), "n is 100000000"),
        (("sample", finished.path, "--out", "gone/a.txt"), "--out is gone/a.txt, and gone is no folder"),
        (("sample", finished.path, "--schema", "cats.txt"), "cats.txt is no JSON: line 1, character 1"),
        (
            ("export", finished.path, "--out", "cats.txt/a.onnx"),
            "--out is cats.txt/a.onnx, and cats.txt is no",
        ),
    ):
        code, found, _, err = call(capsys, *words)
        assert code and found["error"]["what"].startswith(what), (words, found)
        assert err.startswith("gradschool: ") and "fault of" not in err


def test_weights_go_into_a_folder_under_their_usual_name(finished, place, capsys):
    (place / "out").mkdir(exist_ok=True)
    _, found, _, _ = call(capsys, "export", finished.path, "--weights", "int8", "--out", "out")
    assert found["file"] == "out/model-int8.safetensors" and (place / found["file"]).is_file()


@pytest.mark.parametrize("weights", ["int8", "int4"])
def test_whole_number_weights_are_smaller_and_say_what_they_lose(finished, capsys, weights):
    code, found, out, _ = call(capsys, "export", finished.path, "--weights", weights)
    if "lstm" in str(finished.path):  # one small linear layer; the recurrent matrices stay
        assert code == 0 and found["bytes"][1] < found["bytes"][0]
        return
    before, after = found["bytes"]
    assert after < before / (3 if weights == "int8" else 4.5) and "times less" in out
    assert found["unit"] == "bits a byte"
    # 1. The file gives the same network back, and eval measures the same loss.
    run, _ = reopen(finished)
    model, tokeniser = run.reopened(finished)
    wanted, plain = compressed.compressed(model, weights), run.build_model(len(tokeniser))
    again = compressed.read(plain, weights, finished.path / f"model-{weights}.safetensors")
    x = torch.arange(10)[None] % len(tokeniser)
    assert torch.allclose(again(x), wanted(x), atol=1e-5)
    _, measured, _, _ = call(capsys, "eval", finished.path, "text", "--weights", weights)
    assert measured["texts"][0]["bits_per_byte"] == pytest.approx(found["loss"][1], rel=1e-4)
    assert abs(found["loss"][1] - found["loss"][0]) < (0.05 if weights == "int8" else 0.5)
    with pytest.raises(UserError, match="does not fit"):
        other = "int4" if weights == "int8" else "int8"
        compressed.read(
            run.build_model(len(tokeniser)), other, finished.path / f"model-{weights}.safetensors"
        )


@pytest.mark.parametrize("weights", ["int8", "int4"])
def test_a_text_is_written_with_the_compressed_weights(finished, place, capsys, weights):
    words = ("--prompt", "the ", "--tokens", 12, "--temperature", 0, "--out", place / "text.txt")
    call(capsys, "sample", finished.path, *words, "--weights", weights)
    written = (place / "text.txt").read_text()
    # The same by hand: the whole text is read again for every token.
    run, _ = reopen(finished)
    model, tokeniser = run.reopened(finished)
    model = compressed.compressed(model, weights)
    tokens = tokeniser.encode("the ")
    for _ in range(12):
        with torch.no_grad():
            found = model(torch.tensor([tokens]))
        logits = found[0] if isinstance(found, tuple) else found
        tokens.append(int(logits[0, -1].argmax()))
    assert written == tokeniser.decode(tokens) + "\n"


def test_weights_of_a_sample_have_8_or_4_bits(finished, capsys):
    with pytest.raises(SystemExit) as left:
        main(["sample", str(finished.path), "--weights", "int2"])
    assert left.value.code == 2 and "int8" in capsys.readouterr().err
