"""Byte-level BPE: any bytes survive, ids equal those of tiktoken and tokenizers, files that both can read."""

import base64
import json

import pytest
import tiktoken.load
import tokenizers
from hypothesis import given
from hypothesis import strategies as st
from tokeniser_peers import (
    GPT2_FOLDER,
    PACK,
    STRANGE,
    hugging_face_of,
    names,
    needs_pack,
    own_text,
    random_bytes,
    tiktoken_of,
)

from gradschool.data.text.tokens.bpe import ByteBPE
from gradschool.data.text.tokens.formats import from_ranks, load_json, load_ranks, save_json, save_ranks
from gradschool.data.text.tokens.gpt2 import gpt2
from gradschool.data.text.tokens.load import tokeniser_of
from gradschool.data.text.tokens.split import GPT2, GPT4
from gradschool.errors import UserError

END = "<|endoftext|>"


@pytest.fixture(scope="module")
def small():
    return ByteBPE.train([names()], 600, special=(END, "<|end|>"))


def assert_equal_ids(ours, folder):
    """On three texts, and on 1,000 random byte strings as far as a text can hold them."""
    peer, other = tiktoken_of(ours), hugging_face_of(ours, folder)
    texts = [names()[:20_000], own_text(), STRANGE]
    texts += [data.decode("utf-8", "replace") for data in random_bytes(500)]
    texts += [data.decode("latin-1") for data in random_bytes(500, seed=1)]
    found = [ours.encode(text) for text in texts]
    assert found == peer.encode_ordinary_batch(texts, num_threads=1)
    assert found == [each.ids for each in other.encode_batch(texts)]
    assert [ours.decode(ids) for ids in found] == texts
    assert other.decode(found[2]) == STRANGE


@pytest.mark.parametrize("ties", ["rustbpe", "hf", "cs336"])
@pytest.mark.parametrize("pattern", [GPT2, GPT4], ids=["gpt2", "gpt4"])
def test_ids_are_those_of_tiktoken_and_tokenizers(tmp_path, ties, pattern):
    ours = ByteBPE.train([own_text()], 700, ties, pattern, (END,))
    assert len(ours) == 700 == max(ours.ids) + 2
    assert_equal_ids(ours, tmp_path)


@pytest.mark.pack
@pytest.mark.long
@needs_pack
def test_ids_with_gpt2s_own_vocabulary(tmp_path):
    ours = gpt2(GPT2_FOLDER)
    assert len(ours) == 50_257 and ours.special == {END: 50_256}
    assert ours.encode("Hello world") == [15496, 995]
    assert_equal_ids(ours, tmp_path)
    text = (PACK / "text" / "tinyshakespeare.txt").read_text(encoding="utf-8")[:50_000]
    assert ours.encode(text) == tiktoken_of(ours).encode_ordinary(text)
    # Ranks alone give the merges back.
    ranks = dict(list(zip(ours.parts, ours.ids, strict=True))[:5000])
    assert from_ranks(ranks) == (ours.merges[: 5000 - 256], ours.ids[:5000])


@given(data=st.binary(max_size=80))
def test_any_bytes_survive(small, data):
    ids = small.encode_bytes(data)
    assert small.decode_bytes(ids) == data
    assert small.decode(ids) == data.decode("utf-8", "replace")
    assert len(ids) <= len(data)


@given(text=st.text(max_size=60))
def test_any_text_survives(small, text):
    assert small.decode(small.encode(text, special="text")) == text


def test_what_is_no_text(small):
    euro = small.encode("€")
    assert len(euro) == 3 and small.decode(euro[:2]) == "\ufffd" and small.decode_bytes(euro[:2]) == b"\xe2\x82"
    assert small.shown(euro[0]) == "<e2>" and small.shown(small.encode(" ")[0]) == "␣"
    with pytest.raises(UserError, match=r"holds '\\ud800', a half of a character"):
        small.encode("a\ud800")
    with pytest.raises(UserError, match="token id 602 is not in the vocabulary; wanted: 0 to 599"):
        small.decode([0, 602])
    with pytest.raises(UserError, match="token id -1"):
        small.decode([-1])


def test_special_tokens_are_refused_taken_or_text(small):
    text = f"{END}emma<|end|>"
    ids = small.encode(text, special="token")
    assert ids[0] == 598 and ids[-1] == 599 and ids[1:-1] == small.encode("emma")
    assert small.decode(ids) == small.decode(small.encode(text, special="text")) == text
    assert not {598, 599} & set(small.encode(text, special="text"))
    assert ids == tiktoken_of(small).encode(text, allowed_special="all")
    with pytest.raises(UserError, match=r"holds the special token '<\|endoftext\|>'.*special='text'"):
        small.encode(text)
    longer = ByteBPE([], special={"<a>": 256, "<a>b": 257})
    assert longer.encode("<a>b<a>", special="token") == [257, 256]


def test_many_texts_one_after_the_other(small):
    each = small.encode_each(text for text in ("emma", "olivia"))
    assert next(each) == small.encode("emma")[0]
    assert [*each] == small.encode("emma")[1:] + small.encode("olivia")


def test_training_ends_where_no_pair_is_left():
    assert len(ByteBPE.train(["ab ab"], 1000)) == 258
    assert len(ByteBPE.train([], 256)) == 256
    with pytest.raises(UserError, match="of 256 tokens has no room for every byte; wanted: 257 or more"):
        ByteBPE.train(["ab"], 256, special=(END,))


@pytest.mark.parametrize("ties", ["rustbpe", "hf", "cs336"])
def test_files_come_back(tmp_path, ties):
    ours = ByteBPE.train([names()], 500, ties, special=(END,))
    save_json(ours, tmp_path / "tokenizer.json")
    save_ranks(ours, tmp_path / "ours.tiktoken")
    assert load_json(tmp_path / "tokenizer.json") == ours
    assert load_ranks(tmp_path / "ours.tiktoken", special=ours.special) == ours
    assert tokeniser_of(json.loads(json.dumps(ours.facts()))) == ours
    ranks = tiktoken.load.load_tiktoken_bpe(str(tmp_path / "ours.tiktoken"))
    assert ranks == dict(zip(ours.parts, ours.ids, strict=True))


def test_what_tokenizers_wrote_can_be_read(tmp_path):
    level = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    peer = tokenizers.Tokenizer(tokenizers.models.BPE())
    peer.pre_tokenizer = level
    trainer = tokenizers.trainers.BpeTrainer(
        vocab_size=500, special_tokens=[END], show_progress=False, initial_alphabet=level.alphabet()
    )
    peer.train_from_iterator([names()], trainer)
    peer.save(str(tmp_path / "tokenizer.json"))
    ours = load_json(tmp_path / "tokenizer.json")
    assert ours.special == {END: 0} and min(ours.ids) == 1
    assert ours.encode(STRANGE) == peer.encode(STRANGE).ids
    save_ranks(ours, tmp_path / "ours.tiktoken")
    assert load_ranks(tmp_path / "ours.tiktoken", special={END: 0}) == ours


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda f: f.pop("model"), "is no tokenizer.json"),
        (lambda f: f["model"].update(type="WordPiece"), "kind of model 'WordPiece'"),
        (lambda f: f.update(normalizer={"type": "NFC"}), "has the normalizer"),
        (lambda f: f["pre_tokenizer"]["pretokenizers"].pop(), "prepares texts with Split"),
        (lambda f: f["model"]["merges"].pop(), "no merge makes the token"),
        (lambda f: f["model"]["merges"].insert(0, ["zz", "a"]), "merge 0 is 'zz a'"),
        (lambda f: f["model"]["vocab"].pop("!"), "no token for the byte 0x21"),
        (lambda f: f["model"]["vocab"].update({"a b": 9}), "stands for no byte"),
        (lambda f: f["model"]["vocab"].update({"!": 9}), "not consecutive"),
    ],
)
def test_a_damaged_tokenizer_json_is_a_sentence(tmp_path, small, change, said):
    file = tmp_path / "tokenizer.json"
    save_json(small, file)
    facts = json.loads(file.read_text(encoding="utf-8"))
    change(facts)
    file.write_text(json.dumps(facts), encoding="utf-8")
    with pytest.raises(UserError, match=said):
        load_json(file)


def test_damaged_ranks_and_folders_are_sentences(tmp_path, small):
    file = tmp_path / "x.tiktoken"
    save_ranks(small, file)
    lines = file.read_text().splitlines()
    file.write_text("\n".join(lines[1:]))
    with pytest.raises(UserError, match="no token for the byte 0x0"):
        load_ranks(file)
    file.write_text("\n".join([*lines, f"{base64.b64encode(b'qqqq').decode()} 900"]))
    with pytest.raises(UserError, match="b'qqqq' of rank 900 falls into [34] parts"):
        load_ranks(file)
    file.write_text("??? 1\n")
    with pytest.raises(UserError, match="cannot be read"):
        load_ranks(file)
    with pytest.raises(UserError, match=r"holds no vocabulary of GPT-2's kind; wanted: encoder.json"):
        gpt2(tmp_path)
    with pytest.raises(UserError, match="not in the order of the merges"):
        save_ranks(ByteBPE([(97, 98), (98, 99)], [*range(256), 257, 256]), file)


def test_a_vocabulary_that_contradicts_itself_is_a_sentence():
    for merges, ids, special, said in [
        ([(97, 256)], (), {}, r"merge 0 is of \[97, 256\]; wanted: two parts that are there before it, 0 to 255"),
        ([(97, 98)], range(256), {}, "256 token ids came for 257 parts"),
        ([], range(1, 257), {}, "not consecutive"),
        ([], (), {"": 256}, "no empty token"),
        ([(97, 98), (97, 98)], (), {}, "b'ab' occurs twice"),
    ]:
        with pytest.raises(UserError, match=said):
            ByteBPE(merges, ids, special=special)
