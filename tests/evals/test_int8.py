"""Files in 8-bit integers: what is in them, what is said of them, and that nothing is said unmeasured."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from gradschool.cli.main import main
from gradschool.data.vision.loader import evaluation_batches
from gradschool.errors import UserError
from gradschool.evals import turns
from gradschool.evals.export import export_onnx
from gradschool.evals.int8 import Int8Check, Plan, export_int8
from gradschool.evals.quantised import narrows
from gradschool.evals.turns import Latency, in_turn
from gradschool.models.vision.lenet import lenet_digits
from gradschool.recipes import find
from gradschool.runs.language.classify import TextClassifier
from gradschool.runs.reopen import reopen, splits_again
from gradschool.runs.request import Request, silent
from gradschool.runs.train import train

onnx, onnxruntime = pytest.importorskip("onnx"), pytest.importorskip("onnxruntime")


@pytest.fixture(scope="module", autouse=True)
def place(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("int8")
        patch.chdir(folder)
        patch.setenv("GRADSCHOOL_CACHE", str(folder / "cache"))
        patch.setattr(turns, "ROUNDS", 6)
        yield folder


@pytest.fixture(scope="module")
def finished(place):
    return train(
        replace(find("digits")(), precision="fp32"), Request("digits", 0, 60, out=place / "a"), silent
    )


def call(capsys, *words):
    with pytest.raises(SystemExit) as left:
        main(list(map(str, words)))
    said = capsys.readouterr()
    return int(left.value.code or 0), said.out, said.err


def asked(file, x):
    session = onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"])
    return session.run(None, {session.get_inputs()[0].name: x.numpy()})[0].argmax(1)


def test_what_is_said_of_the_file_is_what_the_file_does(finished, capsys):
    code, out, err = call(capsys, "export", "a", "--int8", "--json")
    assert code == 0, err
    told = json.loads(out.splitlines()[-1])
    file = Path(told["onnx"])
    assert file == Path("a/model-int8.onnx") and file.stat().st_size == told["bytes"][1] < told["bytes"][0]
    assert sorted(each.name for each in file.parent.glob("*.onnx*")) == ["model-int8.onnx"]
    # 1. The test part again, by a session of one's own.
    run, facts = reopen(finished)[0], finished.read("model.json")
    test = splits_again(run, finished).test
    pipeline = run.prepared(facts["mean"], facts["std"], 10)
    x = torch.cat([x for x, _ in evaluation_batches(test, pipeline, 512)])
    guessed, own = asked(file, x), run.said(finished, test).argmax(1).numpy()
    labels = test.labels.numpy()
    assert told["accuracy"][1] == pytest.approx((guessed == labels).mean()) and told["tested"] == len(test)
    # Of 360 pictures two logits may be as close as float32's rounding.
    assert told["accuracy"][0] == pytest.approx((own == labels).mean(), abs=2 / len(test))
    assert told["same"] == pytest.approx((guessed == own).mean(), abs=2 / len(test)) and told["same"] > 0.97
    # 2. The record of calls, and what travels in the file.
    assert set(told["milliseconds"]) == {"1", "32"} and told["threads"] == 1
    for size, both in told["milliseconds"].items():
        assert all(each["low"] <= each["median"] <= each["high"] for each in both.values())
        ratio = both["float32"]["median"] / both["int8"]["median"]
        assert told["speedup"][size] == pytest.approx(ratio)
    known = {each.key: each.value for each in onnx.load(str(file)).metadata_props}
    assert json.loads(known["classes"]) == list("0123456789") and json.loads(known["mean"]) == facts["mean"]
    assert (
        json.loads(known["quantisation"]) == told["method"]
        and "calibrated on 512 training images" in told["method"]
    )


def test_weights_are_the_nearest_whole_numbers(tmp_path):
    """The first convolution's weights, channel by channel: the scale is that of the largest."""
    torch.manual_seed(0)
    net, x = lenet_digits(10, 1).eval(), torch.randn(16, 1, 8, 8)
    plan = Plan([x], lambda: iter([(x, torch.zeros(16).long())]), {1: x[:1]}, "image", 1)
    export_int8(lambda file: export_onnx(net, x, file), tmp_path / "n.onnx", plan, {})
    held = {
        e.name: onnx.numpy_helper.to_array(e) for e in onnx.load(str(tmp_path / "n.onnx")).graph.initializer
    }
    weight = next(p.detach().numpy() for p in net.parameters() if p.dim() == 4)
    name = next(
        name for name, value in held.items() if value.dtype == np.int8 and value.shape == weight.shape
    )
    scale = held[name.replace("_quantized", "_scale")].reshape(-1, 1, 1, 1)
    most = 64 if narrows() else 127
    assert np.abs(held[name]).max() <= most
    assert np.abs(held[name] * scale - weight).max() <= 0.5001 * scale.max()
    largest = np.abs(weight).max((1, 2, 3), keepdims=True)
    assert np.allclose(scale, largest / most, rtol=0.02)  # some tools divide by 127.5


def check(accuracy=(0.9, 0.9), times=(2.0, 1.0)):
    latency = {1: tuple(Latency(each, each, each) for each in times)}
    return Int8Check(Path("a.onnx"), (4000, 1000), accuracy, 1.0, 200, latency, "image", 2, "static")


def test_the_sentence_comes_with_half_a_point_or_a_slower_file():
    assert check().warnings() == [] and check((0.900, 0.8955)).warnings() == []
    (lost,) = check((0.9, 0.89)).warnings()
    assert lost.startswith("int8 loses 1.0 points of accuracy, more than half a point")
    (slow,) = check(times=(1.0, 1.25)).warnings()
    assert slow.startswith("int8 is slower here for 1 image a call")
    told = "\n".join(check((0.9, 0.91), (3.0, 1.5)).lines())
    assert "4.0 times smaller" in told and "(+1.00 points) on 200 test images" in told
    assert "3.00 ms in float32, 1.50 ms in int8: 2.00 times as fast" in told and "note" not in told


def test_calls_take_turns_and_the_median_is_taken(monkeypatch):
    order, clock = [], [0.0]
    monkeypatch.setattr(turns.time, "perf_counter", lambda: clock[0])

    def call(name, costs):
        order.append(name)
        clock[0] += costs[order.count(name) % len(costs)] / 1000

    first, second = in_turn([lambda: call("one", [1.0, 2.0, 9.0]), lambda: call("two", [4.0])], 6)
    calls = turns.WARM + 6
    assert order.count("one") == order.count("two") == calls
    pairs = [order[i : i + 2] for i in range(0, 2 * calls, 2)]
    assert all(set(pair) == {"one", "two"} for pair in pairs) and pairs[0] == pairs[1][::-1] == pairs[2]
    assert first.median == pytest.approx(2.0) and first.low < 2 < first.high
    assert (second.low, second.median, second.high) == pytest.approx((4.0, 4.0, 4.0))


def test_a_network_without_products_is_refused(tmp_path):
    class Mean(torch.nn.Module):
        def forward(self, x):
            return x.mean((2, 3))

    x = torch.randn(4, 3, 5, 5)
    plan = Plan((), lambda: iter([(x, torch.zeros(4).long())]), {}, "image", 1)
    with pytest.raises(UserError, match="no layer that onnxruntime quantises"):
        export_int8(lambda file: export_onnx(Mean(), x, file), tmp_path / "m.onnx", plan, {})
    assert list(tmp_path.iterdir()) == []


def test_a_classifier_of_texts_is_quantised_dynamically(place, capsys):
    rows = [f"{'good' if i % 2 else 'bad'} film number {i},{i % 2}" for i in range(120)]
    Path("reviews.csv").write_text("review,verdict\n" + "\n".join(rows) + "\n")
    run = TextClassifier(data="reviews.csv", label="verdict", text="review", epochs=4, batch_size=32,
                         learning_rate=2e-2, precision="fp32", threads=1, baselines=False,
                         model_options={"width": 16})  # fmt: skip
    train(run, Request("sst2_bag", out=place / "texts"), silent)
    code, out, err = call(capsys, "export", "texts", "--int8", "--json")
    assert code == 0, err
    told = json.loads(out.splitlines()[-1])
    assert told["method"].startswith("dynamic") and told["tested"] == 12 and list(told["speedup"]) == ["1"]
    assert told["accuracy"] == [1.0, 1.0] and told["bytes"][1] < told["bytes"][0]


def test_what_cannot_be_is_told(finished, place, capsys):
    code, _, err = call(capsys, "export", "a", "--int8", "--weights", "int4")
    assert code == 2 and "--int8 and --weights int4 are both given" in err
    train(find("perceptron")(), Request("perceptron", out=place / "rule"), silent)
    code, _, err = call(capsys, "export", "rule", "--int8")
    assert code == 2 and "cannot export in 8-bit integers" in err
