"""The comparison with a second set, against scikit-learn's ROC and counts by hand."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from gradschool.evals.classification import ood


@settings(deadline=None, max_examples=30)
@given(
    a=st.lists(st.integers(0, 9), min_size=1, max_size=40),
    b=st.lists(st.integers(0, 9), min_size=1, max_size=40),
)
def test_auroc_equals_scikit_learn_with_many_ties(a, b):
    ours = ood.auroc(torch.tensor(a, dtype=torch.float64), torch.tensor(b, dtype=torch.float64))
    theirs = roc_auc_score([1] * len(a) + [0] * len(b), a + b)
    assert ours == pytest.approx(theirs, abs=1e-12)  # half integers add exactly; scikit-learn's areas round


def test_energy_of_one_logit_is_itself():
    assert ood.negative_energy(torch.tensor([[3.0], [-2.0]])).tolist() == [3.0, -2.0]


def sure_of(answers: list[int], k: int) -> torch.Tensor:
    return 9.0 * torch.nn.functional.one_hot(torch.tensor(answers), k)


def test_classes_are_matched_by_name_and_the_drop_counted():
    # Away has two classes of home, in another order and spelling, and a new one.
    home = ood.Answers(
        sure_of([0, 0, 1, 1, 2, 2], 3), torch.tensor([0, 0, 1, 1, 2, 0]), ("lion", "brown_bear", "koala")
    )
    away = ood.Answers(sure_of([1, 0, 0, 2], 3), torch.tensor([0, 0, 1, 2]), ("Brown Bear", "Lion", "toucan"))
    found = ood.compare(home, away)
    assert {c.name: (c.home, c.away) for c in found.shared} == {
        "Brown Bear": ((2, 2), (1, 2)),
        "Lion": ((2, 3), (1, 1)),
    }
    assert found.unshared == ["toucan"]
    assert found.home and found.away and found.drop
    assert found.home[0] == pytest.approx(4 / 5) and found.away[0] == pytest.approx(2 / 3)
    low, high = found.drop[1]
    assert found.drop[0] == pytest.approx(4 / 5 - 2 / 3) and low < found.drop[0] < high
    assert found.auroc_energy == 0.5  # all answers are equally sure


def test_without_a_shared_class_only_detection_is_left():
    home = ood.Answers(sure_of([0, 1], 2), torch.tensor([0, 1]), ("a", "b"))
    away = ood.Answers(torch.zeros(3, 2), torch.tensor([0, 0, 0]), ("c",))
    found = ood.compare(home, away)
    assert found.drop is None and found.home is None and found.auroc_softmax == found.auroc_energy == 1.0
