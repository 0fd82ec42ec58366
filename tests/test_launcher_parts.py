"""Parts over the base: added by name, once, in turns, and never at the cost of what is there already."""

import os
import signal
from pathlib import Path

import pytest
from launcher_project import SET_UP, begin, laid_out, logged, start, steps, wait_for

pytestmark = pytest.mark.skipif(os.name == "nt", reason="the stand-ins for Python and uv are shell scripts")
OFFLINE = """\
error: Request failed after 3 retries in 3.8s
  cause: error sending request for url (...)
  cause: dns error
  cause: no name resolution
"""


@pytest.fixture
def fresh(tmp_path: Path) -> Path:
    """A project before its first start."""
    return laid_out(tmp_path)


@pytest.fixture
def project(fresh: Path) -> Path:
    """A project whose base is installed."""
    assert start(fresh)[0] == 0 and steps(fresh) == SET_UP
    return fresh


def parts(project: Path) -> list[str]:
    return (project / ".venv/.installed").read_text().split()[1:]


def test_the_first_start_installs_the_base_only(fresh):
    assert start(fresh, "train", "digits")[0] == 0
    assert steps(fresh) == SET_UP and parts(fresh) == []


def test_test_adds_what_developers_need_once(project):
    code, out, err = start(project, "test", "tests/engine")
    assert (code, out) == (0, "ran -m gradschool.cli test tests/engine\n")
    assert "Adding dev: dev things (about 40 MB, 6 s)" in err and "done in" in err
    assert steps(project) == ["uv pip install dev"] and parts(project) == ["dev"]
    assert start(project, "test") == (0, "ran -m gradschool.cli test\n", "") and steps(project) == []


def test_help_for_a_command_installs_nothing(project):
    assert start(project, "test", "--help")[0] == start(project, "add", "rl", "-h")[0] == 0
    assert steps(project) == [] and parts(project) == []


def test_a_part_is_added_and_a_second_call_does_nothing(project):
    code, out, err = start(project, "add", "rl")
    assert (code, out) == (0, "ran -m gradschool.cli add rl\n")
    assert "Adding rl: rl things (about 40 MB, 6 s)" in err and "done in" in err
    assert steps(project) == ["uv pip install rl"]
    assert start(project, "add", "rl") == (0, out, "rl is installed already\n") and steps(project) == []
    assert start(project, "runs")[2] == "" and parts(project) == ["rl"]


def test_on_a_first_start_the_base_comes_first(fresh):
    assert start(fresh, "add", "rl", "tables")[0] == 0
    assert steps(fresh) == [*SET_UP, "uv pip install rl", "uv pip install tables"]
    assert parts(fresh) == ["rl", "tables"]


def test_without_a_name_nothing_is_added(project):
    assert start(project, "add", "--json") == (0, "ran -m gradschool.cli add --json\n", "")
    assert steps(project) == []


@pytest.mark.parametrize("word, guess", [("table", "Did you mean tables? "), ("zzz", "")])
def test_an_unknown_part_is_wrong_use_and_the_nearest_is_named(fresh, word, guess):
    code, out, err = start(fresh, "add", "rl", word)
    assert (code, out) == (2, "") and not (fresh / ".venv").exists()
    assert err == f"gradschool: there is no part {word!r}. {guess}All parts: dev, rl, tables.\n"


def test_an_interrupted_add_leaves_the_base_and_goes_on(project):
    (project / "slow").write_text("30")
    process = begin(project, "add", "rl")
    wait_for(lambda: logged(project, "uv pip install"))
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate(timeout=60)
    (project / "slow").unlink()
    steps(project)
    assert start(project, "runs") == (0, "ran -m gradschool.cli runs\n", "") and parts(project) == []
    assert start(project, "add", "rl")[0] == 0
    assert steps(project) == ["uv pip install rl"] and parts(project) == ["rl"]


def test_two_adds_at_once_take_turns(project):
    (project / "slow").write_text("0.3")
    three = [begin(project, "add", name) for name in ("rl", "tables", "rl")]
    assert [process.wait(timeout=60) for process in three] == [0, 0, 0]
    for process in three:
        process.communicate()
    assert sorted(steps(project)) == ["uv pip install rl", "uv pip install tables"]
    assert sorted(parts(project)) == ["rl", "tables"]


def test_an_add_without_a_network_is_a_sentence_and_the_base_still_starts(project):
    (project / "broken").write_text(OFFLINE)
    code, out, err = start(project, "add", "rl")
    assert (code, out) == (1, "") and "Traceback" not in err and parts(project) == []
    assert err.splitlines()[-1] == (
        "gradschool: no package can be fetched (no name resolution): "
        "go online and start the same command again; nothing is lost."
    )
    assert start(project, "runs") == (0, "ran -m gradschool.cli runs\n", "")


@pytest.mark.parametrize("name", ["base", "rl"])
def test_a_changed_lock_brings_base_and_parts_up_to_date(project, name):
    start(project, "add", "rl")
    steps(project)
    (project / f"locks/{name}.txt").write_text(f"{name}==2.1\n")
    assert start(project)[0] == 0
    assert steps(project) == ["uv pip sync base rl", "uv pip install"] and parts(project) == ["rl"]


def test_the_lock_of_a_part_that_is_not_installed_changes_nothing(project):
    (project / "locks/rl.txt").write_text("rl==2.1\n")
    assert start(project)[2] == "" and steps(project) == []


def test_a_part_that_is_gone_is_left_out(project):
    start(project, "add", "rl")
    start(project, "add", "tables")
    steps(project)
    (project / "locks/rl.txt").unlink()
    assert start(project)[0] == 0
    assert steps(project) == ["uv pip sync base tables", "uv pip install"] and parts(project) == ["tables"]


def test_parts_outlive_an_interrupted_update_and_a_new_environment(project):
    start(project, "add", "rl")
    (project / "locks/base.txt").write_text("base==2.1\n")
    (project / ".venv/bin/python").write_text("#!/nowhere/python\n")
    (project / "slow").write_text("30")
    steps(project)
    process = begin(project)
    wait_for(lambda: logged(project, "uv pip sync"))
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate(timeout=60)
    (project / "slow").unlink()
    assert start(project)[0] == 0 and parts(project) == ["rl"]
    assert "uv pip sync base rl" in steps(project)


def test_parts_follow_the_chosen_torch_build(fresh):
    assert start(fresh, "add", "rl", UV_TORCH_BACKEND="cpu")[0] == 0
    assert steps(fresh)[2:] == ["uv pip install", "uv pip install", "uv pip install rl"]
    (fresh / "locks/rl.txt").write_text("rl==2.1\n")
    assert start(fresh)[0] == 0  # the choice is remembered, and the part comes along
    assert steps(fresh) == ["uv pip install", "uv pip install rl", "uv pip install"]


def test_too_little_disk_for_a_part_is_a_sentence_and_the_base_stays(project):
    table = project / "src/gradschool/parts.toml"
    table.write_text(table.read_text().replace("40", "900000000"))
    code, _, err = start(project, "add", "rl")
    assert code == 1 and "adding rl needs about 900000.5 GB" in err and "free some space" in err
    assert steps(project) == [] and start(project, "runs")[0] == 0
