"""The command that a report names trains the same run."""

import shlex
from dataclasses import replace

import pytest

from gradschool.recipes import ask, find
from gradschool.runs.again import command
from gradschool.runs.request import Request
from gradschool.runs.settings import defaults, override, to_dict


@pytest.mark.parametrize(
    "changes",
    [
        [],
        ["epochs=0.4", "game=hinge", "ema=none", "augment.flip=true"],
        ['model_options={"width": 16}', "augment.resized_crop=[0.5, 1.0]", "precision=bf16"],
    ],
)
def test_typed_again_it_gives_the_same_settings(changes):
    usual = find("dcgan_mnist")()
    run = override(usual, changes, "dcgan_mnist")
    words = shlex.split(command(ask("dcgan_mnist", seed=3), to_dict(run), {}))
    assert words[:5] == ["gradschool", "train", "dcgan_mnist", "--seed", "3"]
    again = override(usual, [w for w in words[5:] if w != "--set"], "dcgan_mnist")
    assert to_dict(again) == to_dict(run) and len(words[5:]) == 2 * len(changes)


def test_data_steps_and_layers_are_named():
    run = replace(find("vae_mnist")(), data="/photos of mine")
    words = command(ask("vae_mnist", steps=9, plain=True), to_dict(run), {})
    assert words == "gradschool train vae_mnist --seed 0 --steps 9 --plain --data '/photos of mine'"


def test_without_the_recipes_own_settings_all_that_is_no_default_is_named():
    run = replace(find("vae_mnist")(), epochs=3.0)
    words = shlex.split(command(Request("mine"), to_dict(run), defaults(type(run))))
    named = dict(w.split("=", 1) for w in words if "=" in w)
    assert named["epochs"] == "3.0" and "ema" not in named
    assert to_dict(override(run, [f"{k}={v}" for k, v in named.items()], "mine")) == to_dict(run)
