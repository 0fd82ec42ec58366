"""Networks that read formal languages: trained in seconds, reopened, reported, measured side by side."""

from dataclasses import replace

import pytest
import torch
from torch.func import stack_module_state

from bench import formal as bench
from gradschool.course.lessons.small_readers import answers
from gradschool.data.text.formal.language import Strings
from gradschool.data.text.formal.languages import find_language
from gradschool.engine.run import RunFolder
from gradschool.errors import UserError
from gradschool.evals.language.strings import judged, reach, right
from gradschool.evals.report.text.formal import spans
from gradschool.models.language.srn import srn
from gradschool.models.language.string_reader import lstm_reader
from gradschool.recipes import find
from gradschool.runs.language.dynamics import noted
from gradschool.runs.reopen import reopen
from gradschool.runs.request import Request
from gradschool.runs.settings import override


def trained(place, recipe, steps, **changes):
    told = []
    run = replace(find(recipe)(), **changes)
    folder = run.train(Request(recipe, steps=steps, out=place / recipe), told.append)
    return folder, told


@pytest.fixture(scope="module")
def parity(tmp_path_factory):
    return trained(tmp_path_factory.mktemp("runs"), "parity_lstm", 200)


def test_parity_is_learnt_and_goes_on_beyond_the_lengths_of_training(parity):
    folder, told = parity
    result = folder.read("result.json")
    scores = result["metrics"]
    assert scores["test_strings"] > 0.99 and scores["test_longer_strings"] > 0.95
    assert scores["test_error"] < 0.01 and result["main"] == "test_strings"
    assert told == ["parity_lstm · lstm_reader · parity, words of 16 symbols · seed 0"]
    lines = list(RunFolder.open(folder.path).metrics())
    assert len(lines) == 20 and lines[-1]["loss"] < lines[0]["loss"]
    run, request = reopen(folder)
    assert request.seed == 0 and "of longer ones (the last 16 of 64 symbols)" in run.conclusion(result, "")


def test_a_folder_reopens_to_the_same_network(parity):
    folder, _ = parity
    run, _ = reopen(RunFolder.open(folder.path))
    model, language = run.reopened(folder)
    again = run.measured(model, language, 0)
    assert again == pytest.approx(folder.read("result.json")["metrics"], abs=1e-6)
    page = run.report(folder).read_text(encoding="utf-8")
    for title in ("Hidden states", "Predictions", "Cell states", "Extracted automaton", "Training curves"):
        assert f">{title}<" in page
    assert "The smallest automaton of the language has 2 states." in page
    assert "#01020" not in page, "a colour that does not follow the page"


@pytest.mark.parametrize(
    ("recipe", "words"),
    [
        ("reber_srn", ("Extracted automaton", "has 8 states", "P(B)")),
        ("embedded_reber_lstm", ("of the second place", "Cell states")),
        ("anbn_srn", ("the last b", "the next a", "Counting")),
        ("anbncn_srn", ("the last b", "the first c", "the last c", "the next a")),
        ("s5_lstm", ("Hidden states",)),
    ],
)
def test_every_language_has_a_report_after_a_few_steps(tmp_path, recipe, words):
    folder, _ = trained(tmp_path, recipe, 3)
    run, _ = reopen(folder)
    page = run.report(folder).read_text(encoding="utf-8")
    assert all(word in page for word in words)
    assert "mean squared error" in run.conclusion(folder.read("result.json"), "")


def test_the_same_seed_gives_the_same_network(tmp_path):
    scores = [trained(tmp_path / str(i), "anbn_srn", 5)[0].read("result.json")["metrics"] for i in range(2)]
    assert scores[0] == scores[1] and 0 <= scores[0]["test_reach"] <= 40


def test_what_cannot_be_is_a_sentence(tmp_path):
    folder, _ = trained(tmp_path, "anbn_srn", 2)
    run, _ = reopen(folder)
    with pytest.raises(UserError, match="--ood mnist was given"):
        run.report(folder, ood="mnist")
    with pytest.raises(UserError, match="which cannot sample"):
        run.sample(folder, None, None)
    (folder.path / "model.safetensors").unlink()
    with pytest.raises(UserError, match="is not finished"):
        run.reopened(folder)
    with pytest.raises(UserError, match="language is one of"):
        override(find("anbn_srn")(), ["language=anbm"], "anbn_srn")
    with pytest.raises(UserError, match=r"no model 'srm'.*Did you mean srn"):
        override(find("anbn_srn")(), ["model=srm"], "anbn_srn")


def test_judged_by_hand():
    """One string of two steps over three answers; the second step is not judged in the second string."""
    truth = torch.tensor([[[0.5, 0.5, 0.0], [0.0, 1.0, 0.0]]]).expand(2, 2, 3)
    p = torch.tensor([[[0.5, 0.4, 0.1], [0.2, 0.3, 0.5]]]).expand(2, 2, 3)
    asked = torch.tensor([[True, True], [True, False]])
    numbers = torch.zeros(2, 2, dtype=torch.int64)
    found = judged(p, Strings(numbers, numbers, numbers, truth, asked, asked))
    assert right(p, truth).tolist() == [[True, False]] * 2
    first, second = (0.0 + 0.01 + 0.01) / 3, (0.04 + 0.49 + 0.25) / 3
    assert found["error"] == pytest.approx((2 * first + second) / 3)
    assert found["accuracy"] == pytest.approx(2 / 3) and found["strings"] == 0.5


class Counter(torch.nn.Module):
    """Knows a^n b^n up to a largest n, and answers a beyond."""

    def __init__(self, most):
        super().__init__()
        self.most = most

    def forward(self, x):
        count = torch.zeros(len(x))
        told = []
        for symbols in x.T:
            count = torch.where(symbols == 0, count + 1, count - 1)
            told.append(torch.where((symbols == 1) & (count > 0) & (count < self.most), 1.0, 0.0))
        b = torch.stack(told, 1)
        return torch.stack([1 - b, b], 2), b


def test_reach_is_the_largest_n_without_a_mistake():
    language = find_language("anbn")
    assert reach(Counter(7), language, 20) == 7 and reach(Counter(99), language, 20) == 20


def test_notes_name_the_last_b_and_the_next_a():
    language = find_language("anbn")
    text = "aabbab" + "a"
    assert [noted(language, text, i) for i in range(1, 7)] == [
        "",
        "",
        "the last b",
        "the next a",
        "the last b",
        "the next a",
    ]
    assert noted(find_language("embedded_reber"), "BTBTXSETE", 7) == "the T of the second place"
    assert noted(find_language("reber"), "BTXSE", 3) == ""


def test_runs_of_numbers_are_told_short():
    assert spans([1, 2, 3, 5, 8, 9]) == "1 to 3, 5, 8 to 9" and spans([]) == "none"


@pytest.mark.parametrize("name", ["reber_srn", "embedded_reber_lstm", "parity_mingru", "parity_attention"])
def test_networks_side_by_side_are_the_networks(name):
    run = bench.trials()[name].run
    language = find_language(run.language)
    models = [run.network(language) for _ in range(3)]
    p = stack_module_state(models)[0]
    strings = language.draw(6, torch.Generator().manual_seed(0))
    look = bench.attending(models[0]) if "attention" in name else answers
    side_by_side = look(p, strings.inputs).view(3, 2, *strings.inputs.shape[1:], -1)
    for i, model in enumerate(models):
        torch.testing.assert_close(side_by_side[i], model(strings.inputs[2 * i : 2 * i + 2])[0])


def test_side_by_side_a_network_learns_as_it_would_alone():
    """Losses are added, gradients clipped and Adam steps taken for each network by itself."""
    run = replace(find("parity_lstm")(), steps=25, batch_size=16)
    language = find_language("parity")
    models = bench.train(run, language, range(2))
    assert not torch.equal(models[0].readout.weight, models[1].readout.weight)
    grads = [torch.nn.Parameter(torch.zeros(2, 3)), torch.nn.Parameter(torch.zeros(2, 1))]
    grads[0].grad, grads[1].grad = torch.tensor([[3.0, 0, 0], [0.1, 0, 0]]), torch.tensor([[4.0], [0.2]])
    bench.clip(grads, 1.0)
    assert torch.allclose(grads[0].grad, torch.tensor([[0.6, 0, 0], [0.1, 0, 0]]), atol=1e-5)
    assert torch.allclose(grads[1].grad, torch.tensor([[0.8], [0.2]]), atol=1e-5)


def test_sizes_stated_are_the_sizes():
    assert sum(p.numel() for p in srn(7, 7).parameters()) == 43
    assert sum(p.numel() for p in lstm_reader(7, 7).parameters()) == 243
