"""Masks against their definition, entry by entry, and against torch's own."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn.attention.bias import causal_lower_right

from gradschool.ops.attention import masks


@given(n=st.integers(0, 6), m=st.integers(0, 9), width=st.integers(1, 9), offset=st.integers(0, 5))
def test_causal_and_window_by_definition(n, m, width, offset):
    causal, window = masks.causal_mask(n, m, offset), masks.window_mask(n, m, width, offset)
    assert causal.shape == window.shape == (n, m)
    for i in range(n):
        for j in range(m):
            assert causal[i, j] == (j <= offset + i)
            assert window[i, j] == (abs(offset + i - j) < width)


def test_with_a_cache_the_last_rows_of_the_whole_mask():
    whole = masks.causal_mask(7, 7)
    assert torch.equal(masks.causal_mask(3, 7, offset=4), whole[4:])
    assert torch.equal(masks.causal_mask(3, 7, offset=4), causal_lower_right(3, 7)._materialize())


@given(lengths=st.lists(st.integers(0, 5), min_size=1, max_size=4), left=st.booleans())
def test_padding_and_the_positions_of_what_is_not_padded(lengths, left):
    valid = masks.padding_mask(torch.tensor(lengths), 5, left)
    positions = masks.positions_of(valid)
    for row, n in enumerate(lengths):
        pads = [False] * (5 - n)
        assert valid[row].tolist() == (pads + [True] * n if left else [True] * n + pads)
        assert positions[row][valid[row]].tolist() == list(range(n))
    assert (positions >= 0).all()
    assert torch.equal(masks.mask_of_keys(valid).expand(-1, 2, 3, 5)[:, 1, 2], valid)


@given(st.lists(st.lists(st.integers(1, 4), min_size=1, max_size=4), min_size=1, max_size=3))
def test_documents_of_a_packed_row(rows):
    t = max(map(sum, rows))
    documents = torch.full((len(rows), t), 99)
    for row, sizes in enumerate(rows):
        documents[row, : sum(sizes)] = torch.tensor([7 + k for k, n in enumerate(sizes) for _ in range(n)])
    mask, positions = masks.document_mask(documents), masks.positions_in_documents(documents)
    assert mask.shape == (len(rows), 1, t, t)
    for row, sizes in enumerate(rows):
        blocks = [torch.ones(n, n, dtype=torch.bool) for n in [*sizes, t - sum(sizes)]]
        assert torch.equal(mask[row, 0], torch.block_diag(*blocks).bool())
        assert positions[row].tolist() == [i for n in [*sizes, t - sum(sizes)] for i in range(n)]


def test_combination():
    causal, valid = masks.causal_mask(3, 3), torch.tensor([[False, True, True], [True, True, True]])
    both = masks.combined(causal, None, masks.mask_of_keys(valid))
    assert both.shape == (2, 1, 3, 3)
    assert both[0, 0].tolist() == [[False, False, False], [False, True, False], [False, True, True]]
    assert masks.combined(None, None) is None and masks.combined() is None
    assert masks.combined(causal) is causal


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: masks.causal_mask(2, 3, -1), "n, m and offset are 2, 3 and -1"),
        (lambda: masks.window_mask(2, 3, 0), "width is 0, 1 or more was wanted"),
        (lambda: masks.padding_mask(torch.tensor([2, 6]), 5), "lengths holds 6, numbers from 0 to 5"),
    ],
)
def test_refused(call, words):
    with pytest.raises(ValueError, match=words):
        call()
