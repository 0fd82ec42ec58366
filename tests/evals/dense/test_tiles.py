"""Tiles: the same answer as for the whole picture where the network sees far enough, for any size."""

from itertools import pairwise

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from gradschool.evals.dense.tiles import starts, tiled


@settings(max_examples=30)
@given(st.integers(1, 90), st.integers(1, 90), st.integers(8, 40), st.integers(0, 7))
def test_what_looks_at_single_pixels_is_unchanged(height, width, tile, overlap):
    x = torch.rand(2, 3, height, width)
    network = lambda v: torch.cat([v * 2, v[:, :1] - 1], 1)  # noqa: E731
    torch.testing.assert_close(tiled(network, x, tile, overlap, 3), network(x), atol=1e-5, rtol=0)


@given(st.integers(1, 500), st.integers(2, 100), st.integers(0, 90))
def test_tiles_cover_a_side_with_the_overlap_asked_for(size, tile, overlap):
    overlap = min(overlap, tile - 1)
    found = starts(size, tile, overlap)
    assert found[0] == 0 and found[-1] == max(0, size - tile)
    assert all(0 < b - a <= tile - overlap for a, b in pairwise(found))


def test_neighbours_are_seen_where_the_overlap_reaches():
    conv = nn.Conv2d(1, 2, 5, padding=2)
    x = torch.rand(1, 1, 70, 50)
    with torch.no_grad():
        whole, found = conv(x), tiled(conv, x, 32, 16)
        seams = tiled(conv, x, 32, 0)
    assert (found - whole).abs().max() < 0.3 * (seams - whole).abs().max()


def test_a_wrong_overlap_is_refused():
    with pytest.raises(ValueError, match="overlap is 32, 0 to 31"):
        tiled(nn.Identity(), torch.rand(1, 1, 64, 64), 32, 32)
