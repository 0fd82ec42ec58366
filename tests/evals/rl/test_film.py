"""Films: what is drawn, what is kept, and the maps of values beside them."""

import numpy as np
import pytest
import torch
from PIL import Image

from gradschool.errors import UserError
from gradschool.evals.rl import film as module
from gradschool.evals.rl import video
from gradschool.evals.rl.film import Film
from gradschool.evals.rl.pictures import PLANES, SIDE, picture
from gradschool.evals.rl.surface import POINTS, mapped, surface
from gradschool.rl.protocol import Discrete, Thought
from gradschool.rl.world import OWN, make


def thinks(world, action=0):
    """Always the same action."""

    def think(observation, earned=None):
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


def test_the_last_picture_is_that_of_the_end(tmp_path):
    """A world that begins anew by itself would show the next start in place of the fallen pole."""
    world = make("cartpole", 1, 0)
    film = Film(tmp_path / "film.gif")
    _, steps = film.episode(world, thinks(world))
    assert steps < 30 and world.advance(world.at, torch.zeros(1))[2].item(), "pushed to one side it falls"
    assert world.at[0, 2].abs() > 0.2
    assert len(film.frames) == steps + 1 + module.PAUSE
    shown = np.asarray(film.frames[-1].convert("RGB"))[:, :SIDE].astype(float)
    # A palette of 64 colours changes a little.
    assert np.abs(shown - np.asarray(picture(world))).mean() < 3
    assert torch.equal(world.step(torch.zeros(1)).observation, world.at), "and it goes on only by reset"
    film.episode(world, thinks(world))
    assert len(film.frames) > 2 * steps - 10


def colour(image, words):
    """Mean distance of a square from a colour."""
    x, y, wanted = words
    patch = np.asarray(image.convert("RGB")).astype(int)[y : y + 8, x : x + 8]
    return np.abs(patch - wanted).mean()


@pytest.mark.parametrize("form", ["gif", "mp4"])
def test_a_written_film_is_read_back(form, tmp_path):
    """As many frames, of the same size, in the same colours."""
    if form == "mp4":
        av = pytest.importorskip("av", reason="films as MP4 are an optional part: 1 of 2 forms is not tested")
    colours = [(179, 112, 60), (47, 111, 179), (43, 52, 64), (255, 255, 255), (125, 187, 138)]
    made = [Image.new("RGB", (64, 48), each) for each in colours]
    path = video.save(tmp_path / f"film.{form}", made)
    if form == "mp4":
        with av.open(str(path)) as container:
            read = [frame.to_image() for frame in container.decode(video=0)]
            assert container.streams.video[0].average_rate == 2
    else:
        image = Image.open(path)
        assert image.info["duration"] == 500
        read = list(frames(image))
    assert len(read) == len(made) and {each.size for each in read} == {(64, 48)}
    # H.264 keeps brightness and colour in other numbers than red, green and blue.
    assert all(colour(one, (24, 16, each)) < 4 for one, each in zip(read, colours, strict=True))


def test_a_film_as_mp4_of_a_world(tmp_path):
    av = pytest.importorskip("av", reason="films as MP4 are an optional part")
    world = make("mountain_car", 1, 0)
    world.limit = 6
    film = Film(tmp_path / "film.mp4")
    film.episode(world, thinks(world, 2))
    with av.open(str(film.save())) as container:
        read = [frame.to_image() for frame in container.decode(video=0)]
    assert len(read) == 6 + 1 + module.PAUSE and read[0].size == (SIDE + module.PANEL, SIDE)
    where = np.asarray(picture(make("mountain_car", 1, 0))).astype(int)
    assert np.abs(np.asarray(read[0])[:, :SIDE].astype(int) - where).mean() < 3


def test_short_films_are_slow():
    assert [video.pace(n) for n in (1, 8, 16, 100, 600)] == [500, 500, 250, 40, 40]


def test_mp4_without_its_part(tmp_path, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(UserError, match=r"av is not installed, and a film as MP4 needs it.*films"):
        Film(tmp_path / "film.mp4")


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
    assert len(film.frames) <= 6 + module.PAUSE and len(film.visited) == 41


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


def test_gymnasium_draws_itself(tmp_path):
    pytest.importorskip("gymnasium", reason="Gymnasium is an optional part")
    pytest.importorskip("pygame", reason="pictures of Gymnasium need it")
    world = make("CartPole-v1", 1, 0, render=True)
    assert picture(world).size == (2 * round(SIDE * 600 / 400 / 2), SIDE) and world.names == ("left", "right")
    film = Film(tmp_path / "film.gif")
    _, steps = film.episode(world, thinks(world))
    assert steps < 30 and abs(world.seen[0][2]) > 0.2, "the picture is that of the fallen pole"


def test_an_environment_that_draws_nothing(tmp_path):
    pytest.importorskip("gymnasium", reason="Gymnasium is an optional part")
    file = tmp_path / "blind.py"
    file.write_text(BLIND, encoding="utf-8")
    world = make(f"{file}:Blind", 1, 0, render=True)
    film = Film(tmp_path / "film.gif")
    assert film.episode(world, thinks(world)) == (3.0, 3) and film.save().is_file()
    assert world.picture(0) is None and picture(world).size == (SIDE, SIDE)


BLIND = """
import gymnasium
import numpy as np

class Blind(gymnasium.Env):
    observation_space = gymnasium.spaces.Box(-10, 10, (1,), np.float32)
    action_space = gymnasium.spaces.Discrete(2)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.time = 0
        return np.zeros(1, np.float32), {}

    def step(self, action):
        self.time += 1
        return np.zeros(1, np.float32), 1.0, self.time == 3, False, {}
"""


def test_what_is_refused(tmp_path):
    with pytest.raises(UserError, match=r"film.avi; wanted: a file ending in .gif or .mp4"):
        Film(tmp_path / "film.avi")
    (tmp_path / "folder.gif").mkdir()
    with pytest.raises(UserError, match="which is a folder; wanted: a file"):
        Film(tmp_path / "folder.gif")
    with pytest.raises(UserError, match="is no folder; wanted: a file in a folder"):
        Film(tmp_path / "nowhere" / "film.gif")
