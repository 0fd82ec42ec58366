"""Some classes of a set: which pictures, under which labels, and what is refused."""

import pytest
import torch

from gradschool.data.examples import Splits
from gradschool.data.vision.chosen import chosen, names
from gradschool.data.vision.images import Images
from gradschool.errors import UserError


def part(labels):
    labels = torch.tensor(labels)
    pixels = torch.arange(len(labels), dtype=torch.uint8)[:, None, None, None].expand(-1, 1, 2, 2)
    return Images(
        pixels.contiguous(), labels, ("ant", "bee", "cow"), [f"{i}.png" for i in range(len(labels))]
    )


SPLITS = Splits("zoo", part([0, 2, 1, 2, 0]), part([1, 1]), part([2, 0, 1]))


def test_pictures_and_names_stay_together_and_labels_follow_the_order_given():
    found = chosen(SPLITS, ["cow", "ant"])
    assert found.train.classes == found.test.classes == ("cow", "ant")
    assert found.train.labels.tolist() == [1, 0, 0, 1]
    assert found.train.pixels[:, 0, 0, 0].tolist() == [0, 1, 3, 4]
    assert list(found.train.names) == ["0.png", "1.png", "3.png", "4.png"]
    assert found.val is None  # none of its pictures is a cow or an ant
    assert len(chosen(SPLITS, ["bee"]).val) == 2


def test_what_cannot_be_is_refused_in_a_sentence():
    with pytest.raises(UserError, match=r"no class .cows.; wanted: one of ant, bee, cow. Did you mean cow\?"):
        chosen(SPLITS, ["cows"])
    with pytest.raises(UserError, match="each class once"):
        chosen(SPLITS, ["cow", "cow"])
    lonely = Splits("zoo", part([0, 2]), None, part([0]))
    with pytest.raises(UserError, match="the test part has no picture of cow"):
        chosen(lonely, ["cow"])


@pytest.mark.parametrize(
    ("said", "heard"),
    [("jellyfish", ["jellyfish"]), ("a, b", ["a", "b"]), (3, ["3"]), ([3, "x"], ["3", "x"]), ((), [])],
)
def test_names_are_heard_in_any_form(said, heard):
    assert names(said) == heard
