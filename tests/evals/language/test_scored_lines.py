"""Lines of files scored one by one, and vectors in a plane against scikit-learn's PCA."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.decomposition import PCA

from gradschool.data.text.contexts import Contexts
from gradschool.data.text.vocabulary import Vocabulary
from gradschool.errors import WorkFailed
from gradschool.evals.language.plane import in_plane
from gradschool.evals.language.scored import scored_files, scores

CONTEXTS = Contexts(Vocabulary("ab"), 2)
LOG_P = torch.log(torch.tensor([0.5, 0.3, 0.2]))  # of the end, a, b; whatever came before


def model(x):
    return LOG_P.expand(len(x), -1)


def test_a_line_costs_the_mean_of_its_characters_and_its_end():
    wanted = [-math.log(0.3 * 0.2 * 0.5) / 3, -math.log(0.2 * 0.5) / 2]
    assert scores(model, CONTEXTS, ["ab", "b"]) == pytest.approx(wanted)


def test_files_and_folders_are_read_line_by_line(tmp_path):
    (tmp_path / "lists").mkdir()
    (tmp_path / "lists" / "one.txt").write_text("ab\n\nxa\nb\n")
    (tmp_path / "lists" / "two.txt").write_bytes(b"\xff\xfe")
    skipped, seen = [], []
    told, skip = (lambda *counts: seen.append(counts)), (lambda *why: skipped.append(why))
    found = list(scored_files(model, CONTEXTS, [tmp_path / "lists"], told, skip))
    assert [(one.file.name, one.number, one.text) for one in found] == [
        ("one.txt", 1, "ab"),
        ("one.txt", 4, "b"),
    ]
    assert [file.name for file, _ in skipped] == ["one.txt", "two.txt"] and seen == [(2, 2)]
    assert skipped[0][1] == "line 3 (xa) has characters that the run has never seen: x"
    assert "is not UTF-8" in skipped[1][1]
    assert found[1].line() == " 1.151 nats per character  b"
    assert found[1].facts()["nats_per_character"] == pytest.approx(-math.log(0.1) / 2)
    with pytest.raises(WorkFailed, match="no line could be scored"):
        list(scored_files(model, CONTEXTS, [tmp_path / "lists" / "two.txt"], told, skip))


@given(n=st.integers(2, 12), d=st.integers(2, 6), seed=st.integers(0, 99))
def test_the_plane_is_scikit_learns(n, d, seed):
    """Up to the sign of each axis, which scikit-learn chooses by another rule."""
    vectors = torch.randn(n, d, generator=torch.Generator().manual_seed(seed))
    places, share = in_plane(vectors)
    peer = PCA(2).fit(vectors.double().numpy())
    wanted = peer.transform(vectors.double().numpy())
    np.testing.assert_allclose(np.abs(places.numpy()), np.abs(wanted), atol=1e-5)
    assert share == pytest.approx(peer.explained_variance_ratio_.sum(), abs=1e-5)
    assert (places.max(0).values >= -places.min(0).values - 1e-5).all()
