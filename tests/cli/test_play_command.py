"""gradschool play: a film of a run, and what is refused."""

import json

import pytest
from PIL import Image

from gradschool.cli.main import main


def called(capsys, *words):
    """Exit code and what was printed."""
    with pytest.raises(SystemExit) as left:
        main(list(words))
    return left.value.code, capsys.readouterr()


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """An agent that has learnt for a moment."""
    folder = tmp_path_factory.mktemp("runs") / "agent"
    short = "--set timesteps=512 --set batch_size=256 --set worlds=8 --set tested=2 --set env=mountain_car"
    with pytest.raises(SystemExit) as left:
        main(["train", "cartpole_ppo", *short.split(), "--out", str(folder)])
    assert left.value.code == 0
    return folder


def test_a_film_and_a_map(run, capsys, tmp_path):
    code, said = called(capsys, "play", str(run), "--json", "--out", str(tmp_path / "film.gif"))
    facts = json.loads(said.out.splitlines()[-1])
    assert code == 0 and facts["returns"] == [-200.0] and facts["lengths"] == [200]
    assert [file.rpartition("/")[2] for file in facts["files"]] == ["film.gif", "film.values.png"]
    assert Image.open(tmp_path / "film.gif").n_frames >= 201
    assert "episode 1: return -200 after 200 steps" in said.out


def test_the_report_shows_the_film(run, capsys):
    """A film in the run's folder, with the maps that belong to it."""
    assert called(capsys, "report", str(run))[0] == 0
    assert "<h2" in (page := (run / "report.html").read_text()) and "image/gif" not in page
    code, said = called(capsys, "play", str(run))
    assert code == 0 and f"report {run}" in said.out
    assert called(capsys, "report", str(run))[0] == 0
    page = (run / "report.html").read_text()
    assert page.count("data:image/gif;base64,") == 1 and page.count("data:image/png;base64,") == 1
    assert "play-0.gif" in page and "play-0.values.png" in page


def test_what_is_refused(run, capsys):
    for words, sentence in [
        (("-n", "0"), "n is 0; wanted: a whole number from 1 to 100"),
        (("--out", "film.avi"), "--out is film.avi; wanted: a file ending in .gif or .mp4"),
        (("--out", "nowhere/film.gif"), "nowhere is no folder; wanted: a file in a folder"),
    ]:
        code, said = called(capsys, "play", str(run), *words)
        assert code == 2 and sentence in said.err
