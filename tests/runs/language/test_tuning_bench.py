"""The bench of fine-tuning: its stages start from each other, and what is finished is not trained again."""

import pytest

from bench import tuning
from gradschool.runs.language.tuning.start import opened
from gradschool.runs.settings import from_dict, to_dict


def test_every_stage_starts_from_one_before_it():
    known = list(tuning.STAGES)
    for name, (start, make) in tuning.STAGES.items():
        assert not start or known.index(start) < known.index(name)
        run = make()
        assert from_dict(type(run), to_dict(run)) == run


@pytest.mark.slow
def test_a_seed_in_miniature_is_measured_once(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found = tuning.measure(0, 1)
    assert set(found) == {"seed", *tuning.STAGES}
    assert all(0 <= found[name]["sums_right"] <= 1 for name in tuning.STAGES)
    assert tuning.stage("grpo", 0, 1)[1] is None, "finished before"
    assert opened(str(tuning.ROOT / "dpo-0")).language.depth == 2
