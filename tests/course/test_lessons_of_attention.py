"""What the experiments of attention are made of: numerals, tetrominoes, random chains, a small network."""

import pytest
import torch

from gradschool.course.lessons.numerals import BEGIN, END, PAD, SOURCES, TARGETS, english, german, rows
from gradschool.course.lessons.small_attention import POSITIONS, SmallReader, chain, learn, walks
from gradschool.course.lessons.tetrominoes import Slots, pictures, shapes


@pytest.mark.parametrize(
    ("number", "said", "written"),
    [
        (1, "one", "eins"),
        (17, "seventeen", "siebzehn"),
        (40, "forty", "vierzig"),
        (100, "one hundred", "ein hundert"),
        (101, "one hundred one", "ein hundert eins"),
        (729, "seven hundred twenty nine", "sieben hundert neun und zwanzig"),
        (981, "nine hundred eighty one", "neun hundert ein und achtzig"),
    ],
)
def test_numbers_in_words(number, said, written):
    assert " ".join(english(number)) == said
    assert " ".join(german(number)) == written


def test_every_number_has_words_of_its_own():
    for language in (english, german):
        assert len({" ".join(language(number)) for number in range(1, 1000)}) == 999


def test_rows_are_padded_and_framed():
    source, lengths, target = rows([7, 729])
    assert lengths.tolist() == [1, 4] and source.shape == (2, 4)
    assert source[0, 1:].eq(PAD).all()
    assert target[:, 0].eq(BEGIN).all()
    assert [TARGETS[i] for i in target[0] if i > END] == ["sieben"]
    assert [SOURCES[i] for i in source[1]] == english(729)


def test_shapes_are_the_seven_tetrominoes_in_four_rotations():
    assert len(shapes()) == 28
    assert all(int(shape.sum()) == 4 for shape in shapes())


def test_pictures_show_what_the_labels_say():
    colours, labels = pictures(20, 2, torch.Generator().manual_seed(0))
    assert colours.shape == (20, 64, 3) and labels.shape == (20, 64)
    assert torch.equal(labels > 0, colours.sum(2) > 0)
    assert all(int((labels[i] == 2).sum()) == 4 for i in range(20))  # the last one is in front
    for i in range(20):
        assert len({tuple(c.tolist()) for c in colours[i][labels[i] == 1]}) <= 1


def test_slots_share_out_every_pixel():
    generator = torch.Generator().manual_seed(0)
    model, x = Slots(), pictures(3, 2, generator)[0]
    y, masks, shares = model(x, model.first(3, 4, generator))
    assert y.shape == x.shape
    for each in (masks, shares):
        torch.testing.assert_close(each.sum(1), torch.ones(3, 64), rtol=1e-4, atol=1e-5)


def test_walks_come_with_the_nats_of_their_chain():
    table = chain(5, 0)
    torch.testing.assert_close(table.sum(2), torch.ones(5, 5))
    x, nats = walks(table, 4, 10, torch.Generator().manual_seed(1))
    assert x.shape == nats.shape == (4, 10)
    assert nats[2, 6].item() == pytest.approx(-table[x[2, 4], x[2, 5], x[2, 6]].log().item())


@pytest.mark.parametrize("positions", POSITIONS)
def test_a_causal_reader_does_not_see_the_future(positions):
    torch.manual_seed(0)
    model, x = SmallReader(3, 4, positions, 16, 2, 2), torch.randn(2, 7, 3)
    changed = x.clone()
    changed[:, 5] += 1
    torch.testing.assert_close(model(x)[:, :5], model(changed)[:, :5])
    assert not torch.allclose(model(x)[:, 5:], model(changed)[:, 5:])


def test_learning_brings_the_loss_down():
    torch.manual_seed(0)
    model, x = SmallReader(3, 3, width=8, depth=1, heads=1), torch.eye(3).repeat(4, 1, 1)
    y = torch.arange(3).repeat(4, 1)
    assert learn(model, lambda: (x, y), 30, 0.03) < 0.5
