"""The search space: what is typed becomes ranges and lists that the settings take, or one sentence."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

from gradschool import recipes
from gradschool.errors import UserError
from gradschool.practice.search.space import Dimension, read_space
from gradschool.runs.settings import override

DIGITS = recipes.find("digits")()


def one(word: str) -> Dimension:
    (found,) = read_space([word], DIGITS, "digits")
    return found


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("learning_rate=1e-4..1e-1:log", FloatDistribution(1e-4, 1e-1, log=True)),
        ("learning_rate=1..2", FloatDistribution(1, 2)),  # whole ends, but the setting takes any number
        ("epochs=1..2:0.5", FloatDistribution(1, 2, step=0.5)),
        ("batch_size=32..256:32", IntDistribution(32, 256, step=32)),
        ("batch_size=8..64:log", IntDistribution(8, 64, log=True)),
        ("batch_size=32..100:32", IntDistribution(32, 96, step=32)),  # the last step that fits
        ("epochs=1..4:int", IntDistribution(1, 4)),
        ("batch_size=32,64,128", CategoricalDistribution([32, 64, 128])),
        ("schedule=cosine,linear", CategoricalDistribution(["cosine", "linear"])),
        ("ema=null,0.9", CategoricalDistribution([None, 0.9])),
        ("augment.flip=true,false", CategoricalDistribution([True, False])),
    ],
)
def test_words_become_optunas_distributions(word, expected):
    assert one(word).distribution() == expected


@pytest.mark.parametrize(
    ("word", "sentence"),
    [
        ("learning_rate", "--over got 'learning_rate'"),
        ("learning_rate=", "--over got 'learning_rate='"),
        ("lerning_rate=1..2", "Did you mean learning_rate"),
        ("schedule=cosine,best", "schedule is one of constant"),
        ("schedule=1..2", "schedule is one of constant"),
        ("batch_size=0..4", "batch_size is a number >= 1, got 0"),
        ("batch_size=1.5..4", "batch_size is a whole number >= 1, got 1.5"),
        ("learning_rate=-1..1", "learning_rate is a number > 0, got -1"),
        ("learning_rate=0.1,fast", "learning_rate is a number > 0, got 'fast'"),
        ("learning_rate=1..0", "behind it a larger one"),
        ("learning_rate=1..1", "behind it a larger one"),
        ("learning_rate=1..inf", "two numbers with two dots"),
        ("learning_rate=1e-4..1e999", "a finite number"),
        ("learning_rate=a..b", "two numbers with two dots"),
        ("learning_rate=true..2", "two numbers with two dots"),
        ("weight_decay=0..1:log", "a lower end above 0"),
        ("learning_rate=0.1..1:log:0.1", "no step"),
        ("learning_rate=0.1..1:lg", "log, int, or a step"),
        ("learning_rate=0.1..1:2", "log, int, or a step"),
        ("learning_rate=0.1..1:-0.1", "log, int, or a step"),
        ("learning_rate=0.1..1:0.1:0.2", "log, int, or a step"),
        ("epochs=0.5..4:int", "whole numbers, as int says"),
        ("batch_size=16,16", "has a value twice"),
        ("data=digits,mnist", "leaves the validation part as it is"),
        ("val=0.1..0.3", "leaves the validation part as it is"),
        ("model_options.nothing=1,2", "no option 'nothing'"),
    ],
)
def test_what_the_settings_do_not_take_is_one_sentence(word, sentence):
    with pytest.raises(UserError) as told:
        one(word)
    assert sentence in str(told.value)


def test_a_setting_is_named_once_and_something_is_searched():
    with pytest.raises(UserError, match="names batch_size twice"):
        read_space(["batch_size=1,2", "batch_size=3..4"], DIGITS, "digits")
    with pytest.raises(UserError, match="nothing to search over"):
        read_space([], DIGITS, "digits")


def test_one_and_true_are_two_values():
    assert len(one("tensorboard=true,false").values()) == 2
    assert one("threads=1,2").values() == [1, 2]


@given(low=st.integers(1, 500), span=st.integers(1, 500), step=st.integers(1, 60))
def test_the_values_of_a_whole_range_are_those_of_python(low, span, step):
    if step > span:
        return
    found = one(f"batch_size={low}..{low + span}:{step}")
    assert found.values() == list(range(low, low + span + 1, step))
    distribution = found.distribution()
    assert all(distribution._contains(value) for value in found.values())


@given(low=st.floats(1e-6, 1.0), factor=st.floats(1.01, 1e3), log=st.booleans())
def test_every_value_of_a_range_passes_set(low, factor, log):
    found = one(f"learning_rate={low!r}..{low * factor!r}{':log' if log else ''}")
    middle = math.sqrt(found.low * found.high) if log else (found.low + found.high) / 2
    for value in (found.low, middle, found.high):
        run = override(DIGITS, [found.assignment(value)], "digits")
        assert run.learning_rate == value  # written in full, as JSON


@pytest.mark.parametrize(
    "word",
    ["learning_rate=1e-4..1e-1:log", "batch_size=32..256:32", "ema=null,0.9", "schedule=cosine,linear",
     "weight_decay=0..1"],
)  # fmt: skip
def test_a_dimension_is_the_same_from_json(word):
    found = one(word)
    back = {
        k: tuple(v) if isinstance(v, list) else v for k, v in json.loads(json.dumps(found.to_json())).items()
    }
    assert Dimension(**back) == found
    assert one(str(found)) == found  # and from what is shown of it
