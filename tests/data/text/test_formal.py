"""Formal languages: legal next symbols and their probabilities against enumerations."""

import itertools
import re
from collections import Counter
from typing import get_args

import pytest
import torch

from gradschool.data.text.formal.counting import Counting, counting_machine
from gradschool.data.text.formal.language import batches, encode
from gradschool.data.text.formal.languages import LANGUAGES, Name, find_language
from gradschool.data.text.formal.machine import NOWHERE, walk
from gradschool.errors import UserError

LAST = "(?:XT*VP)*(?:S|XT*VV)"  # from the state after TX or PVP on
REBER = re.compile(f"B(?:TS*X{LAST}|PT*V(?:V|P{LAST}))E")
EMBEDDED = re.compile(f"B(?:T{REBER.pattern}T|P{REBER.pattern}P)E")


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def texts_of(strings, language):
    return [strings.text(row, language.symbols) for row in range(len(strings))]


def followers(whole):
    """Every prefix of some strings, and what follows it."""
    found = {}
    for text in whole:
        for cut in range(len(text) + 1):
            found.setdefault(text[:cut], set()).update(text[cut : cut + 1])
    return found


@pytest.mark.parametrize("name", list(LANGUAGES))
def test_probabilities_sum_to_one_and_lead_somewhere(name):
    machine = find_language(name).machine
    sums = machine.chance.sum(1)
    assert ((sums - 1).abs() < 1e-6).logical_or(sums == 0).all()
    assert torch.equal(machine.chance > 0, machine.to != NOWHERE)
    assert len(set(machine.names)) == len(machine.names)


@pytest.mark.parametrize("name", list(LANGUAGES))
def test_a_batch_says_what_its_machine_says(name):
    language = find_language(name)
    for strings in (language.draw(20, seeded()), language.longer(8, seeded())):
        assert torch.equal(strings.asked & strings.judged, strings.judged)
        assert torch.allclose(strings.truth[strings.asked].sum(1), torch.ones(int(strings.asked.sum())))
        # The right answer is a possible one.
        chosen = strings.truth.gather(2, strings.targets[..., None])[..., 0]
        assert (chosen[strings.asked] > 0).all()


def test_names_that_a_run_may_give_are_the_languages():
    assert set(get_args(Name)) == LANGUAGES.keys()
    with pytest.raises(UserError, match="no formal language 'rebber'"):
        find_language("rebber")


def test_legal_symbols_of_rebers_grammar_by_enumeration():
    free = ("".join(each) for n in range(3, 7) for each in itertools.product("BTSXVPE", repeat=n))
    whole = [f"B{text}E" for text in free if REBER.fullmatch(f"B{text}E")]
    machine = find_language("reber").machine
    known = {prefix: nexts for prefix, nexts in followers(whole).items() if len(prefix) <= 4}
    assert len(known) > 10
    for prefix, nexts in known.items():
        found = machine.following(prefix)
        assert set(found) == nexts and set(found.values()) == {1 / len(nexts)}


@pytest.mark.parametrize(("name", "pattern"), [("reber", REBER), ("embedded_reber", EMBEDDED)])
def test_drawn_strings_are_of_the_grammar_and_longer_ones_longer(name, pattern):
    language = find_language(name)
    texts = texts_of(language.draw(300, seeded()), language)
    assert all(pattern.fullmatch(text) for text in texts) and len(set(texts)) > 50
    assert sum(text[:2] == "BT" for text in texts) / 300 == pytest.approx(0.5, abs=0.12)
    longer = texts_of(language.longer(40, seeded()), language)
    assert len(longer) == 40
    assert all(pattern.fullmatch(text) and len(text) > language.longest for text in longer)


def test_the_embedded_grammar_asks_for_what_was_second():
    machine = find_language("embedded_reber").machine
    assert machine.following("BTBTXSE") == {"T": 1.0} and machine.following("BPBTXSE") == {"P": 1.0}
    assert machine.following("BTBTXSETE") == {}
    with pytest.raises(UserError, match=r"'P' stands at place 7 .*T was wanted|'P' stands at place 7"):
        machine.path("BTBTXSEPE")


@pytest.mark.parametrize("powers", [(1, 1), (1, 2), (1, 1, 1), (1, 2, 1)])
def test_counting_by_enumeration(powers):
    """Bayes' rule over all n and what follows: with n uniform, the shares of streams that go on like this."""
    highest, letters = 3, "abc"[: len(powers)]
    blocks = ["".join(x * n * power for x, power in zip(letters, powers, strict=True)) for n in (1, 2, 3)]
    streams = ["".join(each) for each in itertools.product(blocks, repeat=3)]
    machine, length = counting_machine(powers, highest), len(blocks[0]) * 2
    for cut in range(length):
        after = Counter(stream[: cut + 1] for stream in streams)
        for prefix, count in Counter(stream[:cut] for stream in streams).items():
            wanted = {x: after[prefix + x] / count for x in letters if after[prefix + x]}
            assert machine.following(prefix) == pytest.approx(wanted)


def test_a_row_for_each_n_is_judged_where_one_symbol_is_possible():
    language = find_language("anbn")
    strings = language.each(2, 3)
    assert texts_of(strings, language) == ["aabbaabba", "aaabbbaaabbba"]
    # After the first b of each string: the other b's, and the a behind them. Always: the a after the last b.
    assert strings.judged[0].long().tolist() == [0, 0, 1, 1, 0, 0, 1, 1, 0, 0, 0, 0, 0]
    assert strings.judged[1].long().tolist() == [0, 0, 0, 1, 1, 1, 0, 0, 0, 1, 1, 1, 0]
    assert isinstance(language, Counting)
    assert texts_of(language.longer(1, seeded()), language)[0] == 2 * (11 * "a" + 11 * "b") + "a"


def test_parity_is_the_number_of_ones():
    language = find_language("parity")
    for strings in (language.draw(30, seeded()), language.longer(30, seeded())):
        assert torch.equal(strings.targets, strings.inputs.cumsum(1) % 2)
    assert strings.inputs.shape[1] == 4 * language.longest
    assert strings.judged.sum(1).tolist() == [language.longest] * 30


def test_products_in_s5_are_products():
    language = find_language("s5")
    assert len(language.answers) == 120
    generators = {"s": (1, 0, 2, 3, 4), "t": (1, 2, 3, 4, 0)}
    strings = language.draw(10, seeded())
    for row, text in enumerate(texts_of(strings, language)):
        product = tuple(range(5))
        for t, symbol in enumerate(text):
            product = tuple(product[i] for i in generators[symbol])
            assert language.answers[strings.targets[row, t]] == "".join(map(str, product))


def test_drawing_follows_the_true_probabilities():
    machine = find_language("reber").machine
    symbols, states = walk(machine, 4000, seeded(), 200)
    for state in range(1, len(machine.names)):
        at = (states[:, :-1] == state) & (states[:, 1:] != NOWHERE)
        shares = torch.bincount(symbols[:, 1:][at], minlength=7) / at.sum().clamp(min=1)
        assert torch.allclose(shares, machine.chance[state], atol=0.03)


def test_given_strings_read_as_drawn_ones_do():
    language = find_language("reber")
    symbols, states = walk(language.machine, 20, seeded(), 200)
    again = encode(language.machine, texts_of(language.draw(20, seeded()), language))
    assert torch.equal(again[0], symbols) and torch.equal(again[1], states)


def test_batches_are_fresh_and_repeat_with_the_seed():
    language = find_language("reber")
    first, second, third = (batches(language, 4, seeded(seed)) for seed in (0, 0, 1))
    one, other = next(first), next(second)
    assert torch.equal(one.inputs, other.inputs) and len(one) == 4
    assert (one.states[:, -1] != NOWHERE).any(), "the common padding is cut off"
    assert texts_of(next(first), language) != texts_of(one, language) != texts_of(next(third), language)
