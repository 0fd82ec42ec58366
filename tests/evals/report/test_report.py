"""The page: complete with everything, alive with nearly nothing, self-contained, escaped, accessible."""

import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest
import torch
from evals_nets import images, small_net, splits, to_input, write_run

from gradschool.evals.classification.calibration import Bins
from gradschool.evals.report import charts as figures
from gradschool.evals.report import html, trust
from gradschool.evals.report.classes import ClassFacts
from gradschool.evals.report.numbers import counted, duration
from gradschool.evals.report.page import write_report
from gradschool.runs.classification.report import sections

VOID = {"meta", "img", "br", "link", "input", "hr"}


class Page(HTMLParser):
    """Checks that tags close in order, and collects what the tests ask about."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open, self.titles, self.without_alt, self.addresses, self.ids = [], [], 0, [], []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        values = dict(attrs)
        self.open += [] if tag in VOID else [tag]
        self.without_alt += tag == "img" and not values.get("alt")
        self.addresses += [values[a] for a in ("src", "href", "xlink:href") if a in values]
        self.ids += [values["id"]] if "id" in values else []

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] == "h2":
            self.titles.append(data)


def full_facts(classes: int = 4, channels: int = 3, side: int = 16) -> ClassFacts:
    model, parts = small_net(classes, channels).eval(), splits(classes, channels, side)
    away = images(15, classes, channels, side, 9)
    with torch.no_grad():
        test, val, ood = (model(to_input(p.pixels)) for p in (parts.test, parts.val, away))
    return ClassFacts(
        splits=parts, model=model, transform=to_input, augment=to_input, mean=(0.5,) * channels,
        std=(1.0,) * channels, test_logits=test, val_logits=val, ood=away, ood_logits=ood,
        warnings=["Beware."], chosen=999,
    )  # fmt: skip


@pytest.fixture(scope="module")
def full(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    write_run(folder)
    return write_report(folder, full_facts(), sections()).read_text()


def test_every_section_is_there_in_order(full):
    assert Page(full).titles == [
        "Training curves", "Learning rate", "Classes", "Confusion", "Most confident mistakes", "Calibration",
        "Out of distribution", "Augmentation", "First-layer filters", "Feature maps", "What it looks at",
        "Ideal pictures", "Model", "Settings",
    ]  # fmt: skip


def test_it_needs_no_network_and_no_script_and_names_every_picture(full):
    page = Page(full)
    assert "<script" not in full and "@import" not in full and "url(http" not in full
    assert all(address.startswith(("data:image/", "#")) for address in page.addresses)
    assert page.without_alt == 0 and len(page.addresses) > 100
    assert len(full) < 3_000_000
    anchors = {address[1:] for address in page.addresses if address.startswith("#")}
    assert anchors <= set(page.ids)


def test_what_people_wrote_is_escaped_and_shown(full):
    for shown in (
        "Beware.",
        "&lt;2 twins&gt;",
        "cat &amp; dog.jpg (cut off after 41 KB)",
        "1 min 15 s",
        "seed 7",
    ):
        assert shown in full
    assert "<2 twins>" not in full


def test_the_headline_is_the_measured_score(full):
    facts = full_facts()
    right = int((facts.test_logits.argmax(1) == facts.splits.test.labels).sum())
    assert f"{100 * right / 30:.1f} %" in full


def test_only_metrics_makes_a_report(tmp_path):
    write_run(tmp_path)
    for name in ("config", "environment", "result"):
        (tmp_path / f"{name}.json").unlink()
    page = Page(write_report(tmp_path, ClassFacts(), sections()).read_text())
    assert page.titles == ["Training curves", "Learning rate"]


def test_an_empty_folder_makes_a_report(tmp_path):
    assert "written nothing yet" in write_report(tmp_path, ClassFacts(), sections()).read_text()


@pytest.mark.long
@pytest.mark.parametrize(
    "missing", ["splits", "model", "transform", "augment", "test_logits", "val_logits", "ood", "ood_logits"]
)
def test_any_missing_fact_costs_only_its_sections(tmp_path, missing):
    facts = replace(full_facts(2, 1, 8), **{missing: None})
    titles = Page(write_report(tmp_path, facts, sections()).read_text()).titles
    assert titles and "Settings" not in titles
    assert ("Classes" in titles) == (missing not in ("splits", "test_logits"))
    assert ("Feature maps" in titles) == (missing not in ("splits", "model", "transform"))


def test_a_perfect_network_has_no_mistakes_to_show(tmp_path):
    facts = full_facts(2, 1, 8)
    logits = 9.0 * torch.nn.functional.one_hot(facts.splits.test.labels, 2)
    val = 9.0 * torch.nn.functional.one_hot(facts.splits.val.labels, 2)
    text = write_report(
        tmp_path, ClassFacts(facts.splits, test_logits=logits, val_logits=val), sections()
    ).read_text()
    assert "Most confident mistakes" not in text and "No mistakes." in text and "temperature 0." not in text


def test_other_runs_bring_their_own_sections(tmp_path):
    def hello(material):
        return html.Section("Rewards", "Up is better.", html.paragraph(material.run_dir.name))

    assert Page(write_report(tmp_path, ClassFacts(), [hello, lambda _: None]).read_text()).titles == [
        "Rewards"
    ]


def test_101_classes_stay_small_and_every_name_is_there():
    shares = np.random.default_rng(0).dirichlet(np.full(101, 0.05), 101)
    drawn = figures.confusion(shares, [f"dish_{i}" for i in range(101)])
    assert len(drawn) < 500_000 and all(drawn.count(f">dish_{i}<") == 2 for i in range(101))
    assert drawn.count("<title>") == int((shares >= 0.005).sum())


def test_charts_follow_the_page_and_say_what_they_show():
    drawn = figures.curves({"train": ([0, 1], [2.0, 1.0]), "val": ([0, 1], [3.0, 1.5])}, "loss", "epoch")
    assert "#0102" not in drawn and "var(--one)" in drawn and "var(--two)" in drawn
    assert "loss by epoch: train from 2 to 1; val from 3 to 1.5" in drawn
    assert not re.search(r'<svg[^>]* width="', drawn)


def test_long_curves_are_averaged_not_sampled():
    x = np.arange(100_000.0)
    xs, ys = figures._thinned(x, np.where(x % 2 == 0, 1.0, 3.0))
    assert len(xs) == figures.POINTS and np.allclose(ys, 2.0, atol=0.01)


def test_empty_bins_are_not_drawn():
    bins = Bins(*(torch.tensor(v) for v in ([0.0, 0.5], [0.5, 1.0], [0.0, 0.8], [0.0, 0.7], [0, 9])))
    assert "calibration error 10.0 points" in trust.reliability(bins, None, None)


def test_small_pieces_of_writing():
    assert [duration(s) for s in (6.04, 48, 200, 7500)] == ["6.0 s", "48 s", "3 min 20 s", "2 h 5 min"]
    assert [counted(n) for n in (12, 1234, 11_204_164, 3.6e9)] == ["12", "1.23 k", "11.2 M", "3.6 G"]
    assert "–" in html.table(("a", "b"), [("x", html.Bar(float("nan")))], "t")


def test_a_long_list_is_cut_and_counted():
    short, long = (str(html.pairs({"returns": list(range(n))})) for n in (12, 100))
    assert "<dd>0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11</dd>" in short
    assert "<dd>0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11 ... (100 in all)</dd>" in long
