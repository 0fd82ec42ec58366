"""The bench of translators: every seed once, also after it was cut short."""

import math

import pytest

from bench import translation
from gradschool.engine.run import RunFolder

pytest.importorskip("sacrebleu")
SMALL = [
    'model_options={"width": 16, "depth": 1, "heads": 2, "tied": true}', "vocabulary=300", "epochs=2",
    "beams=2", "batch_size=256", "evaluations=2", "save_every=0", "test=0.1",
]  # fmt: skip


def test_a_seed_is_trained_once_and_taken_up_where_it_was_cut_short(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    table = tmp_path / "pairs.tsv"
    rows = [f"ein Hund Nummer {i}\ta dog number {i}" for i in range(60)]
    table.write_text("\n".join(["de\ten", *rows]) + "\n")
    words = [f"data={table}", *SMALL]
    first = translation.measure("multi30k_transformer:en-de", 5.0, 1, 1, words)
    assert math.isfinite(first["test_bleu"]["median"]) and first["goal"] == 38.0
    assert [row["name"][:12] for row in first["without_a_network"]] == ["the source, ", "a dictionary"]
    assert (first["settings"]["source"], first["settings"]["target"]) == ("en", "de")
    [path] = (tmp_path / "runs" / "accuracy").iterdir()
    again = translation.measure("multi30k_transformer:en-de", 5.0, 1, 1, words)
    assert again["runs"][0]["processor_seconds"] is None, "it was not trained again"
    (path / "result.json").unlink()
    later = translation.measure("multi30k_transformer:en-de", 5.0, 1, 1, words)
    assert RunFolder(path).read("result.json") and later["steps"] == first["steps"]
    assert later["test_loss"] == first["test_loss"]
