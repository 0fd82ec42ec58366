"""Workers on a local Ray cluster, in a study of their own; left out where Ray is not installed."""

import importlib.util
import os

import pytest

from gradschool.errors import UserError
from gradschool.practice.search.crew import on_ray
from gradschool.practice.search.found import rows
from gradschool.practice.search.study import Asked, begin
from gradschool.practice.search.work import Limits

HERE = importlib.util.find_spec("ray") is not None
ASKED = Asked("digits", ("learning_rate=1e-3..1e-1:log",), sampler="random", steps=3)


@pytest.mark.slow
@pytest.mark.skipif(not HERE, reason="Ray is not installed")
def test_two_workers_of_a_cluster_share_a_study(tmp_path):
    study = begin(ASKED, tmp_path / "ray")
    on_ray(study, Limits(4), 2, "local", print)
    found = rows(study)
    assert [row.state for row in found] == ["done"] * 4 and len(
        {row.params["learning_rate"] for row in found}
    ) == 4
    trained = {each.user_attrs["owner"]["pid"] for each in study.load().trials}
    assert os.getpid() not in trained


@pytest.mark.slow
@pytest.mark.skipif(not HERE, reason="Ray is not installed")
def test_an_address_where_nothing_answers_is_one_sentence(tmp_path):
    study = begin(ASKED, tmp_path / "nobody")
    with pytest.raises(UserError, match="no Ray cluster answers at 'auto'"):
        on_ray(study, Limits(1), 1, "auto", print)


def test_a_missing_ray_is_named_with_what_brings_it(tmp_path, monkeypatch):
    study = begin(ASKED, tmp_path / "none")
    monkeypatch.setattr("gradschool.parts.importlib.util.find_spec", lambda _: None)
    with pytest.raises(UserError, match="ray is not installed, and --ray needs it"):
        on_ray(study, Limits(1), 1, "auto", print)
