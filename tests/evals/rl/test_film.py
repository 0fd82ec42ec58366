"""Films: what is drawn, what is kept, and the maps of values beside them."""

import numpy as np
import pytest
import torch
from PIL import Image

from gradschool.errors import UserError
from gradschool.evals.rl import film as module
from gradschool.evals.rl.film import Film
from gradschool.evals.rl.pictures import PLANES, SIDE, picture
from gradschool.evals.rl.surface import POINTS, mapped, surface
from gradschool.rl.protocol import Discrete, Thought
from gradschool.rl.world import OWN, make


def thinks(world, action=0):
    """Always the same action."""

    def think(observation):
        n = len(observation)
        value = observation.flatten(1)[:, 0]
        if not isinstance(world.actions, Discrete):
            still = torch.zeros(n, len(world.actions.low))
            return Thought(still, still, "action", value)
        numbers = torch.arange(world.actions.n).float().expand(n, -1)
        return Thought(torch.full((n,), action), numbers, "value", value)

    return think


@pytest.mark.parametrize("name", OWN)
def test_every_world_is_drawn_and_what_moves_is_seen(name, tmp_path):
    world = make(name, 1, 0)
    before = np.asarray(picture(world))
    assert before.shape == (SIDE, SIDE, 3) and before.std() > 0
    world.limit = 5
    film = Film(tmp_path / "film.gif")
    total, steps = film.episode(world, thinks(world))
    assert steps <= 5 and film.save().is_file()
    read = Image.open(film.path)
    assert read.size == (SIDE + module.PANEL, SIDE)
    first, *_, last = (np.asarray(frame) for frame in frames(read))
    assert (first != last).any(), "the panel counts at least"
    if name in ("cartpole", "mountain_car"):
        assert total == (steps if name == "cartpole" else -steps)


def frames(image):
    for i in range(image.n_frames):
        image.seek(i)
        yield image.convert("RGB")


def test_a_ball_is_where_the_state_says():
    world = make("breakout", 1, 0)
    row, column = world.at[0, :2].long().tolist()
    side = SIDE / 10
    middle = picture(world).getpixel((int((column + 0.5) * side), int((row + 0.5) * side)))
    assert "#{:02x}{:02x}{:02x}".format(*middle) == PLANES[1]


def test_a_long_film_is_thinned_out(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "FRAMES", 5)
    world = make("pendulum", 1, 0)
    world.limit = 40
    film = Film(tmp_path / "film.gif")
    assert film.notes() == []
    film.episode(world, thinks(world))
    assert film.notes() == ["the film shows one step of 8"]
    assert len(film.frames) <= 5 + module.PAUSE and len(film.visited) == 40


def test_values_of_all_states(tmp_path):
    """The value here is the first number that is seen: the position, which grows from left to right."""
    world = make("mountain_car", 1, 0)
    value, action = mapped(world, thinks(world, 2))
    assert value.shape == (POINTS, POINTS) and (action == 2).all()
    assert torch.allclose(value[0], torch.linspace(-1.2, 0.6, POINTS)) and torch.equal(value[0], value[-1])
    for name in ("pendulum", "cartpole"):
        world = make(name, 1, 0)
        film = Film(tmp_path / f"{name}.gif")
        world.limit = 3
        film.episode(world, thinks(world))
        found = surface(world, thinks(world), film)
        assert [each.name for each in found] == ([f"{name}.values.png"] if name != "cartpole" else [])


def test_gymnasium_draws_itself():
    pytest.importorskip("gymnasium", reason="Gymnasium is an optional part")
    pytest.importorskip("pygame", reason="pictures of Gymnasium need it")
    world = make("CartPole-v1", 1, 0, render=True)
    assert picture(world).height == SIDE


def test_what_is_refused(tmp_path):
    with pytest.raises(UserError, match=r"--out is film.mp4; wanted: a .gif file"):
        Film(tmp_path.relative_to(tmp_path) / "film.mp4")
    with pytest.raises(UserError, match="is no folder; wanted: a file in a folder"):
        Film(tmp_path / "nowhere" / "film.gif")
