"""What can be asked of a language model that writes: drawn, searched for, under rules, with a draft."""

import io
import json
import random
import re
from contextlib import redirect_stdout
from dataclasses import replace

import pytest
import torch
from jsonschema import Draft202012Validator

from gradschool.cli.main import main
from gradschool.errors import UserError
from gradschool.evals.language.reading import Reader
from gradschool.models.language.gpt import gpt
from gradschool.models.language.gpt2 import gpt2
from gradschool.models.language.recurrent_lm import recurrent_lm
from gradschool.ops.decoding.search import beam_search
from gradschool.runs.kind import Wanted
from gradschool.runs.language.generate import OVER, Drawing, drawn, searched
from gradschool.runs.language.model import LanguageRun
from gradschool.runs.language.speculated import Counted, Pair, speculated
from gradschool.runs.reopen import reopen
from gradschool.runs.request import Request
from gradschool.runs.train import train

KINDS = 11


def shaken(model, seed=0):
    """With random numbers where it begins as the identity."""
    g = torch.Generator().manual_seed(seed)
    for p in model.parameters():
        p.data += 0.15 * torch.randn(p.shape, generator=g)
    return model.eval()


@pytest.fixture(scope="module")
def nets():
    torch.manual_seed(0)
    return {
        "gpt": shaken(gpt(KINDS, depth=2, kv_heads=1)),
        "gpt2": shaken(gpt2(KINDS, 16, 32, 2, 4)),
        "lstm": recurrent_lm(KINDS, hidden=16, embedding=8).eval(),
    }


def tokens(n, seed=0, rows=1):
    return torch.randint(KINDS, (rows, n), generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("name", ["gpt", "gpt2"])
@pytest.mark.parametrize("pieces", [[5, 1, 1, 1, 1, 3, 1, 1], [1] * 40, [30, 1, 2, 9, 1]])
def test_with_a_cache_a_text_is_read_as_without_beyond_the_window_too(nets, name, pieces):
    """The oracle keeps its own window: what is read anew when it is full."""
    cached, plain = Reader(nets[name], 16), Reader(nets[name], 16, cached=False)
    assert cached.cached and not plain.cached
    text, window = tokens(sum(pieces), 1, 2), tokens(0, 0, 2)
    with torch.inference_mode():
        for new in text.split(pieces, 1):
            window = torch.cat([window, new], 1)
            window = window if window.shape[1] <= 16 else window[:, -8:]
            wanted = nets[name](window)[:, -1]
            for reader in (cached, plain):
                torch.testing.assert_close(reader(new), wanted, atol=1e-5, rtol=1e-5)


def test_what_is_taken_back_is_forgotten(nets):
    reader, text = Reader(nets["gpt"], 32), tokens(9)
    with torch.inference_mode():
        reader(text)
        reader(tokens(3, 5))
        reader.back(3)
        found = reader(tokens(2, 7))
        wanted = nets["gpt"](torch.cat([text, tokens(2, 7)], 1))[:, -1]
    torch.testing.assert_close(found, wanted, atol=1e-5, rtol=1e-5)
    with pytest.raises(ValueError, match="are to be forgotten"):
        reader.cache.back(99)


@pytest.mark.parametrize("name", ["gpt", "lstm"])
def test_beams_follow_the_rows_of_cache_and_state(nets, name):
    model, prompt = nets[name], tokens(3)[0]

    @torch.inference_mode()
    def whole(tokens, rows):
        found = model(tokens)
        return (found[0] if isinstance(found, tuple) else found)[:, -1]

    wanted = beam_search(whole, prompt, 3, 7, None, 1.0)
    found = searched(model, prompt.tolist(), 3, 7, 1.0, 32)
    assert [text.tokens for text in found] == [text.tokens for text in wanted]
    greedy = [int(t) for t in drawn(model, prompt.tolist(), 1, 7, Drawing(temperature=0), 32)]
    one = searched(model, prompt.tolist(), 1, 7, 1.0, 32)
    assert list(one[0].tokens) == greedy


def test_a_penalty_on_repetition_looks_at_the_prompt_and_the_text(nets):
    start, penalty = tokens(6)[0].tolist(), 3.0
    drawing = Drawing(temperature=0, repetition_penalty=penalty)
    found = [int(t) for t in drawn(nets["gpt"], start, 1, 20, drawing, 32)]
    # One token after the other, from the whole text, without a tensor.
    text = list(start)
    with torch.inference_mode():
        for _ in range(20):
            logits = nets["gpt"](torch.tensor([text]))[0, -1].tolist()
            for token in set(text):
                logits[token] *= penalty if logits[token] < 0 else 1 / penalty
            text.append(max(range(KINDS), key=logits.__getitem__))
    assert found == text[len(start) :]
    free = replace(drawing, repetition_penalty=None)
    assert found != [int(t) for t in drawn(nets["gpt"], start, 1, 20, free, 32)]


def test_the_nucleus_and_min_p_cut_off_what_is_improbable():
    logits = torch.log(torch.tensor([[0.5, 0.3, 0.15, 0.05]]))
    top = Drawing(top_p=0.7).probabilities(logits)[0]
    assert torch.allclose(top, torch.tensor([0.625, 0.375, 0, 0]))
    least = Drawing(min_p=0.25).probabilities(logits)[0]
    assert torch.allclose(least, torch.tensor([0.5, 0.3, 0.15, 0]) / 0.95)
    # Temperature comes first: it decides what is probable enough.
    both = Drawing(temperature=0.5, min_p=0.25).probabilities(logits)[0]
    assert torch.allclose(both, torch.tensor([0.25, 0.09, 0, 0]) / 0.34)


@pytest.mark.parametrize("length", [1, 2, 9, 30])
def test_greedy_speculation_is_the_text_of_the_large_model(nets, length):
    prompt, greedy = tokens(4)[0].tolist(), Drawing(temperature=0)
    wanted = [int(t) for t in drawn(nets["gpt"], prompt, 1, length, greedy, 64)]
    for small in (nets["gpt"], shaken(gpt(KINDS, depth=1), 3)):
        counted = Counted()
        pair = Pair(Reader(nets["gpt"], 64), Reader(small, 64), prompt)
        found = [token for new in speculated(pair, length, greedy, counted) for token in new]
        assert found == wanted
        assert counted.tokens == length == counted.accepted + counted.passes
        if small is nets["gpt"]:
            assert (counted.accepted == counted.proposed and "(100%)" in str(counted)) or length == 1


@pytest.mark.slow
def test_speculation_draws_as_the_large_model_does(nets):
    """The second token of many short texts, by a chi-square test on a fixed seed."""
    from scipy.stats import chisquare

    large, small, prompt, n = nets["gpt"], shaken(gpt(KINDS, depth=1), 3), [3, 1], 120
    counts = torch.zeros(KINDS)
    for seed in range(n):
        pair = Pair(Reader(large, 16), Reader(small, 16), prompt)
        text = [t for new in speculated(pair, 2, Drawing(seed=seed, top_k=3), Counted()) for t in new]
        counts[text[1]] += 1
    with torch.inference_mode():
        first = Drawing(top_k=3).probabilities(large(torch.tensor([prompt]))[:, -1])[0]
        second = torch.stack(
            [
                Drawing(top_k=3).probabilities(large(torch.tensor([[*prompt, a]]))[:, -1])[0]
                for a in range(KINDS)
            ]
        )
    wanted = n * (first[:, None] * second).sum(0)
    several = wanted > 5
    assert counts[wanted == 0].sum() == 0
    assert (
        chisquare(counts[several], wanted[several] * counts[several].sum() / wanted[several].sum()).pvalue
        > 1e-3
    )


def test_speculation_goes_on_beyond_both_windows(nets):
    pair = Pair(Reader(nets["gpt2"], 16), Reader(nets["gpt"], 12), tokens(20)[0].tolist())
    counted = Counted()
    assert len([t for new in speculated(pair, 50, Drawing(), counted) for t in new]) == 50
    with pytest.raises(UserError, match="the draft cannot go back"):
        Pair(Reader(nets["gpt"], 16), Reader(nets["lstm"], 16), [1])


# Runs of a few steps, asked through the command line.

WORDS = re.findall(r"\w+", "the cat sat on a mat and saw two dogs run past the old red barn")


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """A small one, a smaller one, one with other characters, one of words."""
    place, draw = tmp_path_factory.mktemp("written"), random.Random(0)
    text = " ".join(
        draw.choice(WORDS) + draw.choice(["", "", '": {', "}, [0123456789]\n"]) for _ in range(1500)
    )
    (place / "cats.txt").write_text(text)
    (place / "other.txt").write_text(text.replace("mat", "MAT"))
    found = {}
    for name, file, depth, changes in (
        ("large", "cats", 2, {}), ("small", "cats", 1, {}), ("other", "other", 1, {}),
        ("words", "cats", 1, {"tokeniser": "words", "vocabulary": 40}),
        ("bpe", "cats", 1, {"tokeniser": "bpe", "vocabulary": 280}),
    ):  # fmt: skip
        run = LanguageRun(
            data=str(place / f"{file}.txt"), model=gpt, model_options={"depth": depth}, context=32,
            batch_size=8, epochs=1, learning_rate=3e-3, threads=1, precision="fp32", evaluations=1, **changes,
        )  # fmt: skip
        request = Request("shakespeare_lstm", steps=20, device="cpu", out=place / name)
        found[name] = train(run, request, say=lambda text: None)
    return found


def call(capsys, *words):
    with pytest.raises(SystemExit) as left:
        main(list(map(str, words)))
    said = capsys.readouterr()
    return int(left.value.code or 0), said.out, said.err


SCHEMA = {
    "type": "object",
    "properties": {"cats": {"type": "array", "items": {"$ref": "#/$defs/cat"}, "maxItems": 2},
                   "n": {"type": "integer"}},
    "required": ["cats", "n"],
    "$defs": {"cat": {"type": "object", "properties": {"r": {"$ref": "#/$defs/ran"}}, "required": ["r"]},
              "ran": {"enum": ["run", "past", 3]}},
}  # fmt: skip


@pytest.mark.parametrize("name", ["large", "bpe"])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_what_is_written_under_a_pattern_matches_it(runs, capsys, tmp_path, name, seed):
    pattern = r"(?:the|a) (?:cat|dogs)(?: sat| run){1,9}"
    out = tmp_path / "out.txt"
    words = ["sample", runs[name].path, "--seed", seed, "--tokens", 40, "--out", out]
    assert call(capsys, *words, "--pattern", pattern)[0] == 0
    assert re.fullmatch(pattern, out.read_text().removesuffix("\n"))
    (tmp_path / "schema.json").write_text(json.dumps(SCHEMA))
    assert call(capsys, *words, "--schema", tmp_path / "schema.json")[0] == 0
    Draft202012Validator(SCHEMA).validate(json.loads(out.read_text()))
    assert call(capsys, *words[:-4], "--tokens", 40, "--out", out, "--pattern", "[a-z]+", "-n", 3)[0] == 0
    assert all(re.fullmatch("[a-z]+", text) for text in out.read_text().rstrip("\n").split("\n\n---\n\n"))


def test_a_text_ends_where_it_may_and_the_model_would_go_on_otherwise(runs):
    """Against a walk of its own with re in place of the automaton."""
    run, _ = reopen(runs["large"])
    model, tokeniser = run.reopened(runs["large"])
    from gradschool.data.text.patterns.guide import guide

    rules = guide("[a-z ]{2,}", [tokeniser.decode([t]).encode() for t in range(len(tokeniser))])
    start = tokeniser.encode("the")
    found = list(drawn(model, start, 1, 60, Drawing(temperature=0, rules=rules), 32))
    text = tokeniser.decode([int(t) for t in found if int(t) != OVER])
    free = tokeniser.decode([int(t) for t in drawn(model, start, 1, 60, Drawing(temperature=0), 32)])
    if re.match("[a-z ]{2}", free):
        assert text == re.match("[a-z ]{2,}", free)[0][:60]
    assert re.fullmatch("[a-z ]{2,}", text)


def test_a_draft_is_told_with_its_gain_and_changes_nothing_at_temperature_0(runs, capsys, tmp_path):
    words = ["sample", runs["large"].path, "--prompt", "the cat", "--tokens", 20, "--temperature", 0]
    assert call(capsys, *words, "--out", tmp_path / "a.txt")[0] == 0
    code, out, _ = call(capsys, *words, "--draft", runs["small"].path, "--out", tmp_path / "b.txt", "--json")
    assert code == 0 and (tmp_path / "a.txt").read_text() == (tmp_path / "b.txt").read_text()
    said = json.loads(out.splitlines()[-1])["said"]
    assert re.search(r"\d+ of \d+ proposed tokens were accepted \(\d+%\): \d\.\d tokens for each pass", said)
    assert "times as fast as without the draft" in said


def test_beams_and_a_plain_pipe(runs, capsys, tmp_path):
    words = ["sample", runs["large"].path, "--prompt", "the cat", "--tokens", 12]
    assert call(capsys, *words, "--beams", 3, "-n", 2, "--out", tmp_path / "a.txt")[0] == 0
    assert len((tmp_path / "a.txt").read_text().split("\n---\n")) == 2
    run, _ = reopen(runs["large"])
    pipe = io.StringIO()
    with redirect_stdout(pipe):
        heard = []
        run.sample(runs["large"], Wanted(prompt="the", tokens=30, heard=heard.append), tmp_path / "b.txt")
    assert "".join(heard) + "\n" == (tmp_path / "b.txt").read_text() and len(heard) > 20


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--top-p", "0"], "top-p is 0.0; wanted: a number above 0"),
        (["--min-p", "2"], "min-p is 2.0; wanted"),
        (["--repetition-penalty", "0"], "repetition-penalty is 0.0; wanted"),
        (["--beams", "0"], "beams is 0; wanted"),
        (["--beams", "2", "-n", "3"], "-n is 3 with 2 beams"),
        (["--beams", "2", "--temperature", "1"], "--beams and --temperature came together"),
        (["--beams", "2", "--pattern", "a"], "--beams and --pattern came together"),
        (["--length-penalty", "1"], "--length-penalty came without --beams"),
        (["--beams", "2", "--length-penalty", "-1"], "length-penalty is -1.0"),
        (["--pattern", "(a"], "the pattern '(a' has no ')'"),
        (["--pattern", "Ü"], "no sequence of tokens matches the pattern"),
        (["--pattern", "a{50}", "--tokens", "9"], "tokens is 9; wanted: 50 or more"),
        (["--pattern", "a", "--schema", "s.json"], "--pattern and --schema came together"),
        (["--schema", "nowhere.json"], "nowhere.json cannot be read ("),
        (["--draft", "OTHER"], "has other tokens"),
        (["--draft", "SMALL", "--pattern", "a"], "--draft and --pattern came together"),
        (["--draft", "nowhere"], "nowhere"),
    ],
)
def test_what_does_not_fit_is_one_sentence(runs, capsys, words, sentence):
    named = {"OTHER": runs["other"].path, "SMALL": runs["small"].path}
    code, _, err = call(capsys, "sample", runs["large"].path, *(named.get(word, word) for word in words))
    assert code == 2 and sentence in err and len(err.splitlines()) == 1


def test_a_model_of_words_takes_no_pattern(runs, capsys):
    code, _, err = call(capsys, "sample", runs["words"].path, "--pattern", "a")
    assert code == 2 and "a pattern was given to a model of words" in err
