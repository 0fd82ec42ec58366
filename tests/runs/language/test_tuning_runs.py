"""Fine-tuning from end to end on a tiny model: answers, pairs, rewards; resumed, merged, talked to."""

import io
import json
import math
import random
import shutil
from dataclasses import replace

import pytest
import torch
from safetensors.torch import load_file

from gradschool.cli.main import main
from gradschool.data.text.dialogues.open import open_dialogues
from gradschool.data.text.tokens.load import tokeniser_of
from gradschool.engine.run import RunFolder
from gradschool.errors import UserError
from gradschool.models.language.gpt import gpt
from gradschool.models.language.gpt2 import gpt2
from gradschool.models.language.recurrent_lm import recurrent_lm
from gradschool.recipes import find
from gradschool.runs.finish import rebuilt
from gradschool.runs.kind import Wanted
from gradschool.runs.language.model import LanguageRun
from gradschool.runs.language.tuning import start as starts
from gradschool.runs.language.tuning.answers import AnswersRun
from gradschool.runs.language.tuning.groups import GroupsRun
from gradschool.runs.language.tuning.preferences import PreferenceRun, RewardRun, by_length
from gradschool.runs.reopen import reopen
from gradschool.runs.request import Request
from gradschool.runs.train import resume, train

QUICK = {"batch_size": 8, "learning_rate": 1e-2, "threads": 1, "precision": "fp32", "evaluations": 1}
KINDS = {"sft": AnswersRun, "dpo": PreferenceRun, "reward": RewardRun, "grpo": GroupsRun}
MORE = {"grpo": {"group": 2, "longest": 3, "learning_rate": 1e-3}, "dpo": {"learning_rate": 1e-3}}


def quiet(text):
    """Hears nothing."""


def trained(run, out, steps):
    return train(run, Request("arithmetic_sft", steps=steps, device="cpu", out=out), say=quiet)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A text, and dialogues: every question that names a letter is answered with it."""
    place, draw = tmp_path_factory.mktemp("data"), random.Random(0)
    letters = "abcd"
    lines = [f"say {draw.choice(letters)} and Q: A: {draw.choice(letters)}.\n\n" for _ in range(300)]
    (place / "text.txt").write_text("".join(lines))
    words = [letter * count for letter in letters for count in range(2, 17)]
    draw.shuffle(words)
    rows = [{"prompt": f"say {w}", "chosen": w[0], "rejected": "d" if w[0] != "d" else "a"} for w in words]
    (place / "own.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return place


@pytest.fixture(scope="module")
def base(place):
    run = LanguageRun(
        data=str(place / "text.txt"), model=gpt, model_options={"depth": 1}, context=48, val=0, **QUICK
    )
    return trained(run, place / "base", 12)


def tuned(kind, place, start, out, steps, /, **changes):
    settings = {"start": str(start.path), **QUICK, **MORE.get(kind, {}), **changes}
    run = KINDS[kind](data=str(place / "own.jsonl"), **settings)
    return trained(run, out, steps)


@pytest.fixture(scope="module")
def answering(place, base):
    """Fine-tuned until it answers."""
    return tuned("sft", place, base, place / "sft", 40)


@pytest.fixture(autouse=True)
def inside(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GRADSCHOOL_CACHE", str(tmp_path / "cache"))


def call(capsys, monkeypatch, *words, typed=""):
    monkeypatch.setattr("sys.stdin", io.StringIO(typed))
    with pytest.raises(SystemExit) as left:
        main(list(map(str, words)))
    said = capsys.readouterr()
    return int(left.value.code or 0), said.out, said.err


def test_it_learns_to_answer_beside_simple_baselines(answering, place):
    result = answering.read("result.json")
    before, frequent = result["baselines"].values()
    assert result["metrics"]["test_right"] > 0.6 > frequent >= 0.1 > before
    assert result["metrics"]["test_kl"] > 0.1 and result["main"] == "test_right"
    run, _ = reopen(answering)
    splits = open_dialogues(place / "own.jsonl")
    shown = {each.question: each.answer for each in splits.test.items}
    assert {each["question"]: each["wanted"] for each in result["answers"]}.items() <= shown.items()
    right = [each["after"] == each["wanted"] for each in result["answers"]]
    assert len(right) == len(splits.test) and sum(right) / len(right) == result["metrics"]["test_right"]
    told = run.conclusion(result, "")
    assert "before fine-tuning" in told and "the most frequent answer" in told


def test_the_folder_stands_alone(answering, tmp_path, monkeypatch, place):
    alone = RunFolder(shutil.copytree(answering.path, tmp_path / "alone"))
    monkeypatch.setattr(starts, "opened", lambda where: pytest.fail("the start was looked for"))
    run, _ = reopen(alone)
    assert run.chat(alone).say("say aaaa").ended
    text = run.sample(alone, Wanted(prompt="say a", tokens=5), tmp_path / "text.txt").read_text()
    assert text.startswith("say a")
    assert run.answer(alone, ["say a"], 1)[0].nats > 0
    page = run.report(alone).read_text()
    for title in ("Baselines", "Answers before and after", "Training curves", "Settings"):
        assert f'-title">{title}</h2>' in page, title


@pytest.mark.parametrize("kind", ["sft", "dpo", "reward", "grpo"])
@pytest.mark.parametrize("lora", [0, 2])
def test_resumed_equals_uninterrupted(kind, lora, place, base, tmp_path, cut_short):
    changes = {"lora": lora, "save_every": 0.0, "ema": 0.9, "batch_size": 4}
    whole = tuned(kind, place, base, tmp_path / "whole", 4, **changes)
    broken = RunFolder.open(cut_short(whole))
    resume(broken, *reopen(broken), say=quiet)
    first, second = (load_file(each.path / "model.safetensors") for each in (whole, broken))
    assert all(torch.equal(first[name], second[name]) for name in first)
    curves = [[{**line, "seconds": 0} for line in each.metrics()] for each in (whole, broken)]
    assert curves[0] == curves[1]
    assert whole.read("result.json")["metrics"] == broken.read("result.json")["metrics"]


def test_a_checkpoint_of_lora_holds_nothing_frozen_and_the_end_is_merged(place, base, tmp_path):
    folder = tuned("sft", place, base, tmp_path / "lora", 5, lora=2, lora_layers=("query", "widen"))
    [kept] = [load_file(file) for file in folder.path.glob("checkpoints/step-*/model.safetensors")][-1:]
    assert {name.rpartition("/")[2] for name in kept} == {"down", "up"} and len(kept) == 4
    start, end = (load_file(each.path / "model.safetensors") for each in (base, folder))
    assert start.keys() == end.keys()
    changed = {name for name in start if not torch.equal(start[name], end[name])}
    assert changed == {"blocks.0.attention.layer.query.weight", "blocks.0.feed.layer.widen.weight"}
    for name in changed:
        assert torch.linalg.matrix_rank((end[name] - start[name]).double(), rtol=1e-4) <= 2


def test_preferences_and_rewards_start_from_what_answers(answering, place, tmp_path):
    dpo = tuned("dpo", place, answering, tmp_path / "dpo", 6)
    scores = dpo.read("result.json")["metrics"]
    assert {"test_preferred", "test_right", "test_loss", "test_kl"} <= scores.keys()
    assert scores["test_preferred"] > 0.5 and dpo.read("result.json")["main"] == "test_preferred"
    assert dpo.read("model.json")["language"]["kind"] == "language_model"
    grpo = tuned("grpo", place, dpo, tmp_path / "grpo", 3)
    lines = [line for line in grpo.metrics() if "reward" in line]
    assert len(lines) == 3 and all(0 <= line["reward"] <= 1 and line["kl"] >= 0 for line in lines)
    run, _ = reopen(grpo)
    assert run.chat(grpo).say("say aaaa").text
    reward = tuned("reward", place, answering, tmp_path / "reward", 20, lora=2)
    assert load_file(reward.path / "model.safetensors")["head.weight"].abs().sum() > 0
    losses = [line["loss"] for line in reward.metrics() if "loss" in line]
    assert losses[0] == pytest.approx(math.log(2), abs=1e-5) and min(losses[-5:]) < 0.65
    run, _ = reopen(reward)
    assert "order" in run.conclusion(reward.read("result.json"), "") and run.report(reward).is_file()
    with pytest.raises(UserError, match="is a reward model, which cannot chat"):
        run.chat(reward)


@pytest.fixture(scope="module")
def judging(place, answering):
    """A reward model."""
    return tuned("reward", place, answering, place / "judging", 20, lora=2)


def test_a_reward_model_scores_the_answers_of_a_file(judging, place, tmp_path, capsys, monkeypatch):
    rows = [{"prompt": "say aaa", "chosen": "a", "rejected": "dd"}, {"prompt": "say bb", "answer": "bbbb"},
            {"prompt": "say abcd " * 9, "answer": "a"}, {"prompt": "say b"}]  # fmt: skip
    (tmp_path / "own.jsonl").write_text("\n".join(map(json.dumps, rows)))
    code, out, err = call(capsys, monkeypatch, "predict", judging.path, tmp_path / "own.jsonl", "--json")
    found = json.loads(out.splitlines()[-1])
    told = [(each["place"], each["prompt"], each["answer"]) for each in found["predictions"]]
    assert code == 0 and told == [("line 1, chosen", "say aaa", "a"), ("line 1, rejected", "say aaa", "dd"),
                                  ("line 2", "say bb", "bbbb")]  # fmt: skip
    assert "line 4: no answer" in err and "line 3: has 91 tokens, 48 are read" in err
    # Each score by hand: one text a batch, no padding.
    model, facts = rebuilt(judging, reopen(judging)[0])
    known = tokeniser_of(facts["tokeniser"])
    for each in found["predictions"]:
        text = known.encode(f"Q: {each['prompt']}\n\nA: {each['answer']}\n\n")
        with torch.no_grad():
            wanted = model(torch.tensor([text]), torch.tensor([len(text) - 1])).item()
        assert each["score"] == pytest.approx(wanted, abs=1e-4)
    # Its pairs are in the order that the run's own test part had.
    run, _ = reopen(judging)
    answers = list(run.predict(judging, [place / "own.jsonl"], 5, lambda done, of: None, None))
    pairs = list(zip(answers[::2], answers[1::2], strict=True))
    kept = {each.before for each in open_dialogues(place / "own.jsonl").test.items}
    tested = [(first, second) for first, second in pairs if (first.prompt,) in kept]
    right = sum(first.score > second.score for first, second in tested) / len(tested)
    assert right == judging.read("result.json")["metrics"]["test_preferred"]


def test_a_reward_model_scores_answers_that_were_typed(judging, tmp_path, capsys, monkeypatch):
    code, out, _ = call(capsys, monkeypatch, "predict", judging.path, "say bbbb", "b", "dd")
    first, second = out.splitlines()
    assert code == 0 and first.endswith("say bbbb -> b") and second.endswith("say bbbb -> dd")
    for words, said in ((["say b"], "came without an answer"), (["say b", "É"], "'É'"),
                        (["say b", " "], "a text is empty")):  # fmt: skip
        code, _, err = call(capsys, monkeypatch, "predict", judging.path, *words)
        assert code == 2 and said in err
    (tmp_path / "notes.txt").write_text("no dialogue")
    code, _, err = call(capsys, monkeypatch, "predict", judging.path, tmp_path / "notes.txt")
    assert code == 1 and "no answer could be scored" in err and "wanted: JSON lines" in err


def test_what_cannot_be_a_start_is_refused(place, base, answering, tmp_path):
    def started(**changes):
        return tuned("sft", place, base, tmp_path / "never", 1, **changes)

    with pytest.raises(UserError, match="start is not given"):
        started(start=None)
    with pytest.raises(UserError, match="is not a run"):
        started(start="nowhere")
    digits = tmp_path / "digits"
    train(find("perceptron")(), Request("perceptron", out=digits), say=quiet)
    with pytest.raises(UserError, match="wanted: a language model"):
        started(start=str(digits))
    for options, said in (
        ({"model": recurrent_lm, "model_options": {"hidden": 8}}, "is no decoder with attention"),
        (
            {"model": gpt, "model_options": {"depth": 1}, "tokeniser": "words", "vocabulary": 50},
            "do not give back",
        ),
    ):
        run = LanguageRun(data=str(place / "text.txt"), context=8, val=0, **QUICK | options)
        folder = trained(run, tmp_path / said[:6].strip(), 1)
        with pytest.raises(UserError, match=said):
            started(start=str(folder.path))
    with pytest.raises(UserError, match="lora cannot be put in"):
        started(lora=4096)
    assert not (tmp_path / "never").exists()


def test_a_start_with_other_weights_is_refused_when_a_run_goes_on(place, base, tmp_path, cut_short):
    other = RunFolder(shutil.copytree(base.path, tmp_path / "other"))
    whole = tuned("sft", place, other, tmp_path / "whole", 3, save_every=0.0)
    broken = RunFolder.open(cut_short(whole))
    weights = other.path / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-4] + b"\0\0\0\0")
    with pytest.raises(UserError, match="has other weights now"):
        resume(broken, *reopen(broken), say=quiet)


def test_a_start_is_trained_once_where_none_is_named(place, tmp_path, base):
    below, _ = reopen(base)
    run = AnswersRun(data=str(place / "own.jsonl"), base=replace(below, epochs=0.05), **QUICK)
    first = trained(run, tmp_path / "first", 1)
    [kept] = (tmp_path / "cache/starts").iterdir()
    written = (kept / "model.safetensors").stat().st_mtime_ns
    second = trained(run, tmp_path / "second", 1)
    assert (kept / "model.safetensors").stat().st_mtime_ns == written
    one, two = (load_file(each.path / "model.safetensors") for each in (first, second))
    assert all(torch.equal(one[name], two[name]) for name in one)
    assert first.read("start.json")["folder"] == str(kept)


def test_dialogues_that_do_not_fit_are_told(place, base, tmp_path):
    rows = (place / "own.jsonl").read_text().splitlines()
    rows += [json.dumps({"prompt": "say abcd " * 9, "chosen": "a", "rejected": "b"}),
             json.dumps({"prompt": "say É", "chosen": "a", "rejected": "b"})]  # fmt: skip
    (tmp_path / "own.jsonl").write_text("\n".join(rows))
    told = []
    run = AnswersRun(data=str(tmp_path / "own.jsonl"), start=str(base.path), **QUICK)
    train(run, Request("fine_tune", steps=1, device="cpu", out=tmp_path / "run"), say=told.append)
    assert any("2 lines of own.jsonl cannot be used" in each for each in told)
    assert any(each.startswith("Template: Q: ... A: ...") for each in told)
    skipped = (tmp_path / "run/skipped.txt").read_text()
    assert "48 are read" in skipped and "'É'" in skipped


def test_micro_batches_make_the_step_of_the_whole_batch(place, base, tmp_path):
    found = [
        load_file(tuned("sft", place, base, tmp_path / str(n), 4, accumulate=n).path / "model.safetensors")
        for n in (1, 4)
    ]
    for name, weights in found[0].items():
        torch.testing.assert_close(weights, found[1][name], rtol=1e-3, atol=1e-4)


@pytest.fixture(scope="module")
def narrow(place):
    """A network whose positions end with its context, and questions that nearly fill it."""
    sizes = {"width": 16, "depth": 1, "heads": 2}
    settings = {"model": gpt2, "model_options": sizes, "context": 24, "val": 0}
    words = [letter * count for letter in "ab" for count in range(1, 14)]
    rows = [{"prompt": f"say {word}", "answer": word[0]} for word in words]
    (place / "narrow.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return trained(LanguageRun(data=str(place / "text.txt"), **settings, **QUICK), place / "narrow", 2)


def test_questions_that_nearly_fill_the_context_are_answered(narrow, place, tmp_path):
    run = AnswersRun(data=str(place / "narrow.jsonl"), start=str(narrow.path), **QUICK)
    result = trained(run, tmp_path / "sft", 2).read("result.json")
    assert len(result["answers"]) == result["tested"]
    settings = QUICK | MORE["grpo"] | {"longest": 6}
    run = GroupsRun(data=str(place / "narrow.jsonl"), start=str(narrow.path), **settings)
    folder = trained(run, tmp_path / "grpo", 2)
    skipped = (folder.path / "skipped.txt").read_text()
    assert "has 19 tokens before the answer, 18 leave room for longest" in skipped


def test_a_fine_tuned_model_drafts_and_what_writes_no_text_does_not(answering, base, place, tmp_path):
    run, _ = reopen(base)
    plain = run.sample(base, Wanted(prompt="say a", tokens=8, temperature=0), tmp_path / "a.txt")
    wanted = Wanted(prompt="say a", tokens=8, temperature=0, draft=answering.path)
    assert run.sample(base, wanted, tmp_path / "b.txt").read_text() == plain.read_text()
    scores = tuned("reward", place, base, tmp_path / "reward", 1)
    with pytest.raises(UserError, match="is a reward model"):
        run.sample(base, replace(wanted, draft=scores.path), None)


# A talk.


def test_an_answer_that_ends_at_once_is_empty(answering):
    run, _ = reopen(answering)
    chat, heard = run.chat(answering), []
    text = iter(chat.tokeniser.encode("\n\nQ: say a\n\n"))

    def goes_on(tokens, valid=None, cache=None):
        logits = torch.zeros(1, 1, len(chat.tokeniser))
        logits[0, 0, next(text)] = 1.0
        return logits

    chat.model.forward = goes_on
    reply = chat.say("say bbbb", heard.append)
    assert (reply.text, reply.ended, "".join(heard)) == ("", True, "")


def test_a_question_is_answered_once(answering, capsys, monkeypatch):
    code, out, err = call(capsys, monkeypatch, "chat", answering.path, "--say", "say bbbb", "--json")
    [answer, told] = out.splitlines()
    found = json.loads(told)
    assert code == 0 and not err and found["talk"][0]["answer"] == answer
    assert found["talk"][0] == {"question": "say bbbb", "answer": answer, "ended": True, "forgotten": 0}


def test_a_talk_from_a_pipe_streams_resets_and_ends(answering, capsys, monkeypatch):
    typed = "say bbbb\n\n/reset\n/nonsense\nsay É\nsay cccc\n/quit\nsay dddd\n"
    code, out, err = call(capsys, monkeypatch, "chat", answering.path, typed=typed)
    assert code == 0 and len(out.splitlines()) == 2
    assert "forgotten" in err and "there is no /nonsense" in err and "'É'" in err
    code, out, _ = call(capsys, monkeypatch, "chat", answering.path, typed="say bbbb\n")
    assert code == 0 and len(out.splitlines()) == 1


def test_what_no_longer_fits_is_told_and_what_is_too_long_refused(answering):
    run, _ = reopen(answering)
    chat, heard = run.chat(answering), []
    replies = [chat.say("say bbbb", heard.append) for _ in range(4)]
    assert "".join(heard) == "".join(reply.text for reply in replies)
    assert replies[0].forgotten == 0 < replies[-1].forgotten
    assert replies[-1].text == replies[-2].text, "the same context, the same answer"
    kept = list(chat.turns)
    for text, said in (("say " + "abcd" * 20, "tokens with its marks"), (" \n ", "the question is empty")):
        with pytest.raises(UserError, match=said):
            chat.say(text)
    assert chat.turns == kept
    chat.reset()
    assert chat.say("say bbbb").text == replies[0].text and chat.forgotten == 0


def test_a_model_that_was_not_fine_tuned_does_not_chat(base, capsys, monkeypatch):
    code, _, err = call(capsys, monkeypatch, "chat", base.path, "--say", "say a")
    assert code == 2 and "is a language model, which cannot chat" in err
    code, _, err = call(capsys, monkeypatch, "chat", base.path, "--temperature", "-1")
    assert code == 2 and "temperature is -1.0" in err


def test_the_order_by_length_alone_counts_equal_lengths_half():
    assert by_length([("1", "2"), ("3", "4")]) == 0.5
    assert by_length([("1", "23"), ("4", "56"), ("789", "0"), ("1", "2")]) == 0.625
    assert by_length([("12", "3")]) == 1.0
