"""A share of the labels: the same of every class, and a small share within a large one."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gradschool.data.examples import Splits
from gradschool.data.vision.few import labelled, with_labels
from gradschool.data.vision.images import Images


@settings(max_examples=30)
@given(
    counts=st.lists(st.integers(1, 30), min_size=1, max_size=5),
    share=st.floats(0.001, 1.0),
    more=st.floats(0.001, 1.0),
    seed=st.integers(0, 99),
)
def test_every_class_keeps_its_share_and_shares_are_nested(counts, share, more, seed):
    labels = torch.cat([torch.full((n,), label) for label, n in enumerate(counts)])
    labels = labels[torch.randperm(len(labels), generator=torch.Generator().manual_seed(seed))]
    kept = labelled(labels, share, seed)
    assert kept.tolist() == sorted(set(kept.tolist()))
    found = labels[kept].bincount(minlength=len(counts)).tolist()
    assert found == [max(1, round(share * n)) for n in counts]
    other = set(labelled(labels, more, seed).tolist())
    assert set(kept.tolist()) <= other if share <= more else other <= set(kept.tolist())


def test_other_seeds_choose_other_examples():
    labels = torch.arange(200) % 4
    one, two = (set(labelled(labels, 0.2, seed).tolist()) for seed in (0, 1))
    assert len(one) == len(two) == 40 and len(one & two) < 25


@pytest.mark.parametrize(("share", "count"), [(1.0, 20), (0.25, 4), (0.01, 2)])
def test_only_the_training_part_gets_smaller(share, count):
    def part(n):
        return Images(torch.zeros(n, 1, 2, 2, dtype=torch.uint8), torch.arange(n) % 2, ("a", "b"))

    splits = Splits("toy", part(20), part(6), part(8), notes=("before",))
    found = with_labels(splits, share, 0)
    assert (len(found.train), len(found.val), len(found.test)) == (count, 6, 8)
    told = (
        []
        if share == 1
        else [f"labels={share:g}: {count} of 20 training pictures are labelled and trained on."]
    )
    assert list(found.notes) == ["before", *told]
