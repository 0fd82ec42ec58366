"""Classifiers of texts on an encoder: a tiny BERT in a published folder's form, and MiniLM of the pack."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from gradschool import recipes
from gradschool.cli.main import main
from gradschool.data.text.tokens.bert import END, START, BertPieces, load_bert, save_bert
from gradschool.engine.device import Machine
from gradschool.engine.run import RunFolder
from gradschool.errors import UserError
from gradschool.models.language.bert import ENDS, LAYERS, Bert
from gradschool.runs.language.encoders import body as encoder
from gradschool.runs.language.encoders.body import EncoderNet, features_of, located
from gradschool.runs.language.encoders.run import EncodedTextClassifier, PieceReading
from gradschool.runs.reopen import reopen
from gradschool.runs.request import Request
from gradschool.runs.train import resume, train

PACK = Path(__file__).resolve().parents[4] / "shared/data/weights/all-MiniLM-L6-v2"
GOOD, BAD = ("lovely", "wise"), ("dull", "grey")
REST = ("the", "film", "was", "and", "a", "story", "un", "##seen", "rain")
PIECES = ("[PAD]", "[UNK]", START, END, "[MASK]", *REST, *GOOD, *BAD)
CPU = Machine("cpu", "fp32", False)


def published(net, config, folder):
    """A folder as encoders are published in."""
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(config))
    save_bert(BertPieces(PIECES), folder / "tokenizer.json")
    ends = {ours: theirs for theirs, ours in ENDS.items() if not ours.startswith("head.")}
    layers = {ours: theirs for theirs, ours in LAYERS.items()}
    state = {}
    for name, value in net.state_dict().items():
        layer, _, kind = name.rpartition(".")
        if layer in ends:
            state[f"{ends[layer]}.{kind}"] = value.clone()
        elif layer.startswith("blocks."):
            _, number, rest = layer.split(".", 2)
            state[f"encoder.layer.{number}.{layers[rest]}.{kind}"] = value.clone()
    save_file(state, folder / "model.safetensors")
    return folder


CONFIG = {"model_type": "bert", "vocab_size": len(PIECES), "max_position_embeddings": 24, "hidden_size": 16,
          "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64, "hidden_act": "gelu",
          "hidden_dropout_prob": 0.1}  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    torch.manual_seed(0)
    net = Bert(len(PIECES), 24, 16, 2, 2, 0.1)
    for p in net.parameters():
        torch.nn.init.normal_(p, std=0.3)
    return published(net, CONFIG, tmp_path_factory.mktemp("weights") / "tiny-bert")


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    draw = torch.Generator().manual_seed(0)
    rows = []
    for i in range(240):
        words = [REST[j] for j in torch.randint(0, 6, (int(torch.randint(2, 9, (1,), generator=draw)),),
                                                generator=draw)]  # fmt: skip
        words += [(GOOD if i % 2 else BAD)[int(torch.randint(2, (1,), generator=draw))] for _ in range(3)]
        rows.append(f"{' '.join(words)} {i},{'good' if i % 2 else 'bad'}\n")
    path = tmp_path_factory.mktemp("data") / "reviews.csv"
    path.write_text("review,verdict\n" + "".join(rows))
    return path


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("GRADSCHOOL_CACHE", str(tmp_path / "cache"))


def trained(table, folder, out, told=None, steps=None, **changes):
    run = EncodedTextClassifier(data=str(table), text="review", label="verdict", backbone=str(folder), longest=20,
                                epochs=4, batch_size=16, learning_rate=1e-2, precision="fp32", threads=1,
                                baselines=False)  # fmt: skip
    request = Request("imdb_minilm", seed=0, steps=steps, device="cpu", out=out)
    return train(replace(run, **changes), request, say=lambda text: told is not None and told.append(text))


@pytest.mark.parametrize("mode", ["frozen", "finetune", "lora"])
def test_every_mode_learns_and_stands_alone(table, folder, tmp_path, mode):
    changes = {"epochs": 20, "layers": 2} if mode == "frozen" else {"epochs": 6}
    found = trained(table, folder, tmp_path / "run", mode=mode, **changes)
    assert found.read("result.json")["metrics"]["test_accuracy"] > 0.9
    run, _ = reopen(found)
    away = replace(run, backbone=str(tmp_path / "gone"))  # the run's folder alone is enough
    opinions = away.answer(found, ["the film was wise and lovely", "a dull story, grey rain"], 1)
    assert [one.top[0][0] for one in opinions] == ["good", "bad"]
    page = run.report(found).read_text()
    for title in ("Classes", "Confusion", "Length", "Salient words"):
        assert f'-title">{title}</h2>' in page, title
    assert "tokens of a text" in page and START in page


def test_the_body_is_left_or_trained_as_the_mode_says(table, folder, tmp_path):
    before = load_file(folder / "model.safetensors")["embeddings.word_embeddings.weight"]
    for mode, changed in (("frozen", False), ("lora", False), ("finetune", True)):
        found = trained(table, folder, tmp_path / mode, mode=mode, steps=3)
        after = load_file(found.path / "model.safetensors")["body.tokens.weight"]
        assert torch.equal(after, before) != changed, mode


def test_resumed_equals_uninterrupted(table, folder, tmp_path, cut_short):
    for mode in ("frozen", "finetune"):
        whole = trained(table, folder, tmp_path / mode, mode=mode, steps=6, save_every=0.0, evaluations=3)
        place = RunFolder.open(cut_short(whole))
        resume(place, *reopen(place), say=lambda text: None)
        weights = [load_file(each.path / "model.safetensors") for each in (whole, place)]
        assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])


def test_a_text_goes_through_the_encoder_once(table, folder, tmp_path, monkeypatch):
    rows = []
    true = EncoderNet.features
    monkeypatch.setattr(
        EncoderNet, "features", lambda self, x, n=None: rows.append(len(x)) or true(self, x, n)
    )
    told = []
    found = trained(table, folder, tmp_path / "run", told, mode="frozen", epochs=2)
    assert sum(rows) == 240, "training, validation and test part, each once"
    reopen(found)[0].report(found)
    trained(table, folder, tmp_path / "again", mode="frozen", epochs=3)
    assert sum(rows) <= 240 + 6, (
        "a report and another run find them in the cache; salient texts are looked at"
    )
    assert any("kept in" in line for line in told)


def test_features_are_the_means_over_a_texts_own_tokens(folder):
    torch.manual_seed(0)
    net = EncoderNet(Bert(len(PIECES), 24, 16, 2, 2, 0.1), 2, 3).eval()
    texts = [[2, 5, 6, 3], [2, 9, 3], [2, 5, 6, 7, 8, 9, 3]]
    found = features_of(net, texts, CPU)
    for text, features in zip(texts, found, strict=True):
        states = net.body.states(torch.tensor([text]))[-2:]
        torch.testing.assert_close(features, torch.cat([h[0].mean(0) for h in states]))
    net.standardise(found)
    torch.testing.assert_close(net.standard(found).mean(0), torch.zeros(32), atol=1e-5, rtol=0)
    torch.testing.assert_close(net.standard(found).std(0), torch.ones(32))


def test_onnx_and_its_tokeniser_answer_alike(table, folder, tmp_path):
    runtime = pytest.importorskip("onnxruntime")
    tokenizers = pytest.importorskip("tokenizers")
    found = trained(table, folder, tmp_path / "run", mode="lora", steps=4)
    run, _ = reopen(found)
    check = run.export(found, tmp_path / "out" / "net.onnx")
    assert check.relative < 1e-3
    text = "The unseen film was LOVELY!"
    ids = tokenizers.Tokenizer.from_file(str(tmp_path / "out" / "tokenizer.json")).encode(text).ids
    model, reading, facts = run.reopened(found)
    assert ids == reading.of([text])[0]
    session = runtime.InferenceSession(str(check.path), providers=["CPUExecutionProvider"])
    (logits,) = session.run(None, {"tokens": torch.tensor([ids]).numpy()})
    share = torch.from_numpy(logits).softmax(1)[0]
    said = dict(run.answer(found, [text], 2)[0].top)
    torch.testing.assert_close(
        share, torch.tensor([said[name] for name in facts["classes"]]), atol=1e-4, rtol=0
    )


def test_what_is_missing_is_said(folder, table, tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    monkeypatch.delenv("GRADSCHOOL_DATA", raising=False)
    with pytest.raises(UserError, match="no encoder 'nobody/none' here.*fetch=true"):
        located("nobody/none", fetch=False)
    (tmp_path / "half").mkdir()
    (tmp_path / "half" / "pytorch_model.bin").write_bytes(b"")
    with pytest.raises(
        UserError, match=r"no config.json and no tokenizer.json and no model.safetensors.*Convert"
    ):
        located(str(tmp_path / "half"), fetch=False)
    with pytest.raises(UserError, match="longest is 30, but 24 or fewer"):
        trained(table, folder, tmp_path / "run", longest=30)
    with pytest.raises(UserError, match="layers is 4, but 1 to 3"):
        trained(table, folder, tmp_path / "run", layers=4)
    with pytest.raises(UserError, match="rank is 99, but 1 to 16"):
        trained(table, folder, tmp_path / "run", mode="lora", rank=99)


@pytest.mark.parametrize(("change", "said"), [
    ({"model_type": "roberta"}, "model_type 'roberta'"), ({"hidden_act": "relu"}, "hidden_act 'relu'"),
    ({"intermediate_size": 32}, "intermediate_size 32"), ({"num_hidden_layers": 3}, "lacks the weights"),
    ({"num_hidden_layers": 1}, "beyond its config.json"), ({"vocab_size": 99}, "does not fit"),
])  # fmt: skip
def test_other_encoders_are_refused(folder, table, tmp_path, change, said):
    other = tmp_path / "other"
    other.mkdir()
    for name in encoder.FILES:
        (other / name).write_bytes((folder / name).read_bytes())
    (other / "config.json").write_text(json.dumps(CONFIG | change))
    with pytest.raises(UserError, match=said):
        trained(table, other, tmp_path / "run")


def test_a_folder_of_the_pack_is_found_by_the_last_word_of_its_name(folder, monkeypatch):
    monkeypatch.setenv("GRADSCHOOL_DATA", str(folder.parent.parent))
    (folder.parent.parent / "weights").symlink_to(folder.parent, target_is_directory=True)
    assert located("somebody/tiny-bert", fetch=False).name == "tiny-bert"


def test_the_words_cut_are_berts():
    tokenizers = pytest.importorskip("tokenizers")
    file = Path(tokenizers.__file__).parent  # any folder; the tokeniser is made here
    assert file.is_dir()
    peer = tokenizers.pre_tokenizers.BertPreTokenizer()
    normal = tokenizers.normalizers.BertNormalizer(lowercase=True)
    from gradschool.data.text.tokens.bert import bert_words

    texts = ["don't U.S.A. x\u00a0y", "Crème brûlée \u2014 naïve", "漢字テスト한국어", "\x0b\x1cTab\tline\r\n\u200b",
             "😀👍🏽 ﬁancé İstanbul ẞ ǅ \ufffd", "", "a_b`c~d^e$f+g=h<i>j|k"]  # fmt: skip
    for text in texts:
        wanted = [word for word, _ in peer.pre_tokenize_str(normal.normalize_str(text))]
        assert bert_words(text) == wanted


def test_a_table_trains_on_a_backbone_by_one_command(table, folder, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    words = ["train", "text", "--data", str(table), "--set", f"backbone={folder}", "--set", "longest=20",
             "--steps", "2", "--no-report", "--out", "runs/own"]  # fmt: skip
    with pytest.raises(SystemExit) as left:
        main(words)
    said = capsys.readouterr()
    assert not left.value.code, said.err
    config = RunFolder.open(tmp_path / "runs" / "own").read("config.json")
    assert config["kind"] == "encoded_text_classifier" and config["settings"]["backbone"] == str(folder)
    assert f"backbone={folder}" in config["command"] and "longest=20" in config["command"]
    assert "learning_rate" not in config["command"], "what the recipe says itself is not repeated"
    with pytest.raises(UserError, match="running text"):
        (tmp_path / "novel.txt").write_text("once upon a time")
        recipes.on("text", str(tmp_path / "novel.txt"), [f"backbone={folder}"])


@pytest.mark.pack
@torch.no_grad()
def test_embeddings_of_the_pack_are_those_of_transformers():
    if not PACK.is_dir():
        pytest.skip("needs weights/all-MiniLM-L6-v2 of the data pack")
    transformers = pytest.importorskip("transformers", reason="transformers is not installed")
    texts = ["The weather is lovely today.", "It's <br /> so sunny outside, isn't it?", "Café \u2014 naïve!"]
    # 1. Ours, from text to vector.
    sizes = encoder.sizes(PACK)
    net = EncoderNet(Bert(**sizes), 1, 2)
    encoder.load_weights_of(PACK, net.body)
    reading = PieceReading(load_bert(PACK), 64)
    found = features_of(net, reading.of(texts), CPU)
    # 2. Theirs.
    tokenizer = transformers.AutoTokenizer.from_pretrained(PACK)
    plain = [text.replace("<br />", " ") for text in texts]
    given = tokenizer(plain, padding=True, return_tensors="pt")
    peer = transformers.AutoModel.from_pretrained(PACK).float().eval()
    h, mask = peer(**given).last_hidden_state, given["attention_mask"][..., None]
    torch.testing.assert_close(found, (h * mask).sum(1) / mask.sum(1), rtol=0, atol=1e-4)
