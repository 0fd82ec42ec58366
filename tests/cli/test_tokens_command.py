"""gradschool tokens: a tokeniser of one's own text, what it learnt, and files that others read."""

import json

import pytest
import tokenizers

from gradschool.cli.main import main
from gradschool.data.text.tokens.bpe import ByteBPE
from gradschool.data.text.tokens.formats import load_ranks
from gradschool.data.text.tokens.load import tokeniser_of

TEXT = "low lower lowest\nnew newer newest wide wider widest\n" * 20


@pytest.fixture
def call(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "text.txt").write_text(TEXT, encoding="utf-8")

    def called(*words: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as left:
            main(["tokens", *words])
        said = capsys.readouterr()
        return int(left.value.code or 0), said.out, said.err

    return called


def test_a_text_is_learnt_and_saved(call, tmp_path):
    code, out, _ = call("text.txt", "--size", "270", "--save", "mine", "--json")
    found = json.loads(out.splitlines()[-1])
    assert code == 0 and found["size"] == 270 and found["bytes"] == len(TEXT)
    ours = tokeniser_of(json.loads((tmp_path / "mine" / "facts.json").read_text(encoding="utf-8")))
    assert ours == ByteBPE.train([TEXT], 270) == load_ranks(tmp_path / "mine" / "tokens.tiktoken")
    assert (
        found["tokens"] == len(ours.encode(TEXT)) and found["bytes_per_token"] == len(TEXT) / found["tokens"]
    )
    peer = tokenizers.Tokenizer.from_file(str(tmp_path / "mine" / "tokenizer.json"))
    assert peer.encode("lowest wide").ids == ours.encode("lowest wide")
    assert f"first {found['first_merges'][0]}, " in out and "bytes a token" in out
    assert len(found["first_merges"]) == 12 and "␣" in "".join(found["longest"])


def test_a_rule_and_a_pattern_can_be_chosen(call):
    merges = set()
    for ties in ("rustbpe", "hf", "cs336"):
        code, out, _ = call("text.txt", "--size", "262", "--ties", ties, "--pattern", "gpt4", "--json")
        merges.add(tuple(json.loads(out.splitlines()[-1])["first_merges"]))
        assert code == 0
    assert len(merges) > 1


def test_a_short_text_gives_fewer_tokens_and_says_so(call):
    code, out, _ = call("text.txt", "--json")
    found = json.loads(out.splitlines()[-1])
    assert code == 0 and f"{found['size']} tokens and not 2,000: the text has no more pairs" in out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("none.txt",), "none.txt cannot be read"),
        (("empty.txt",), "empty.txt is empty"),
        (("latin.txt",), "latin.txt is not UTF-8"),
        (("text.txt", "--size", "200"), "200 tokens has no room for every byte; wanted: 256 or more"),
        (("text.txt", "--save", "full"), "full is there already; wanted: a new folder"),
        (("text.txt", "--ties", "other"), "ties"),
    ],
)
def test_wrong_use_is_a_sentence(call, tmp_path, words, said):
    (tmp_path / "empty.txt").write_bytes(b"")
    (tmp_path / "latin.txt").write_bytes(b"caf\xe9")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "kept.txt").write_text("mine")
    code, _, err = call(*words)
    assert code == 2 and said in err and "Traceback" not in err
    assert [file.name for file in (tmp_path / "full").iterdir()] == ["kept.txt"]
