"""The launcher beside the tests: sets up once, takes turns, goes on where it was cut off; no network.

Each test has a project of its own: the real launcher next to toy locks, whose Python and uv are scripts.
"""

import importlib.machinery
import importlib.util
import os
import shutil
import signal
import subprocess
import sys
import textwrap
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest
from launcher_project import LAUNCHER, SET_UP, begin, laid_out, logged, start, steps, wait_for

pytestmark = pytest.mark.skipif(os.name == "nt", reason="the stand-ins for Python and uv are shell scripts")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return laid_out(tmp_path)


def test_the_first_start_sets_up_and_the_second_goes_straight_to_work(project):
    code, out, err = start(project, "train", "digits", "--set", "a=b c")
    assert code == 0 and out == "ran -m gradschool.cli train digits --set a=b c\n"
    assert "Setting up once (about 1 minute" in err and "done in" in err
    assert steps(project) == SET_UP
    code, out, err = start(project, "doctor")
    assert (code, out, err, steps(project)) == (0, "ran -m gradschool.cli doctor\n", "", [])


def test_the_second_start_costs_little(project):
    import resource

    start(project)

    def used() -> float:
        spent = resource.getrusage(resource.RUSAGE_CHILDREN)
        return spent.ru_utime + spent.ru_stime

    before = used()
    done = subprocess.run([sys.executable, "gradschool", "runs"], cwd=project, capture_output=True, text=True)
    assert done.stdout == "ran -m gradschool.cli runs\n"
    assert used() - before < 0.3  # processor seconds, so that a busy machine changes little


@pytest.mark.parametrize("file", ["locks/base.txt", "pyproject.toml"])
def test_another_lock_is_installed_into_the_same_environment(project, file):
    start(project)
    steps(project)
    (project / file).write_text("torch==2.1\n")
    assert start(project)[0] == 0
    assert steps(project) == ["uv pip sync base", "uv pip install"]


def test_a_moved_project_is_set_up_again(project):
    start(project)
    steps(project)
    moved = project.rename(project.with_name("moved folder"))
    assert start(moved)[0] == 0 and "uv pip sync base" in steps(moved)


def test_the_small_build_is_installed_by_version_not_by_hash(project):
    code, _, err = start(project, UV_TORCH_BACKEND="cpu")
    words = (project / "log").read_text()
    assert code == 0 and "1.5 GB" in err and "uv pip sync" not in words and "--compile-bytecode" in words
    assert steps(project) == ["venv", "python -m pip install uv", "uv pip install", "uv pip install"]
    assert start(project, UV_TORCH_BACKEND="cpu")[2] == ""
    assert start(project)[2] == ""  # the choice is remembered
    assert "Setting up" in start(project, UV_TORCH_BACKEND="")[2]  # another build was asked for


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere torch has one build")
@pytest.mark.parametrize(
    ("driver", "asked", "taken"), [(False, None, "cpu"), (True, None, ""), (False, "", "")]
)
def test_without_a_driver_the_small_build_is_taken_where_it_can_be_had(
    project, monkeypatch, driver, asked, taken
):
    (project / "small").touch()
    (project / ".venv/bin").mkdir(parents=True)
    shutil.copy(project / "fake-uv", project / ".venv/bin/uv")
    launcher = loaded(project)
    monkeypatch.setattr(launcher, "has_driver", lambda: driver)
    monkeypatch.delenv("UV_TORCH_BACKEND", raising=False)
    if asked is not None:
        monkeypatch.setenv("UV_TORCH_BACKEND", asked)
    assert launcher.small_is_better() == (taken == "cpu")
    (project / "small").unlink()
    assert not launcher.small_is_better()  # it cannot be had here


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_of_somebody_else_is_a_sentence(project):
    project.chmod(0o555)
    code, _, err = start(project)
    project.chmod(0o755)
    assert code == 1 and "cannot be written" in err and "Traceback" not in err


def test_a_place_that_cannot_be_written_is_a_sentence(project, monkeypatch):
    launcher = loaded(project)

    def refuses(asked):
        raise PermissionError(13, "Permission denied", str(project / ".setup.lock"))

    monkeypatch.setattr(launcher, "set_up", refuses)
    monkeypatch.setattr(launcher.sys, "argv", ["gradschool"])
    with pytest.raises(SystemExit, match=r"cannot be written .Permission denied.* copy this folder"):
        launcher.main()


def test_an_environment_whose_python_does_not_start_is_made_anew(project):
    start(project)
    steps(project)
    (project / ".venv/bin/python").unlink()
    assert start(project)[0] == 0 and steps(project) == SET_UP
    (project / ".venv/bin/python").write_text("#!/nowhere/python\n")
    (project / ".venv/.installed").unlink()
    assert start(project)[0] == 0 and steps(project) == SET_UP


def test_an_environment_that_was_half_removed_is_made_anew(project):
    start(project)
    steps(project)
    (project / ".venv/pyvenv.cfg").unlink()  # now its Python is the machine's: uv would install there
    assert start(project)[0] == 0 and steps(project) == SET_UP


def test_two_first_starts_take_turns(project):
    (project / "slow").write_text("0.3")
    both = [begin(project, name) for name in ("one", "two")]
    said = [process.communicate(timeout=60) for process in both]
    assert [process.returncode for process in both] == [0, 0]
    assert [out for out, _ in said] == ["ran -m gradschool.cli one\n", "ran -m gradschool.cli two\n"]
    assert steps(project) == SET_UP


def test_an_interrupted_install_mends_itself(project):
    (project / "slow").write_text("30")
    process = begin(project)
    wait_for(lambda: logged(project, "uv pip sync"))
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate(timeout=60)
    assert steps(project) == SET_UP[:3] and (project / ".venv/.installed").read_text().split() == [
        "unfinished"
    ]
    (project / "slow").unlink()
    assert start(project, "runs")[1] == "ran -m gradschool.cli runs\n"
    assert steps(project) == ["uv pip sync base", "uv pip install"]  # what was whole is kept


def test_killed_before_uv_was_there_the_environment_is_made_anew(project):
    (project / ".venv/bin").mkdir(parents=True)
    shutil.copy(project / "fake-python", project / ".venv/bin/python")
    (project / ".venv/pyvenv.cfg").touch()
    assert start(project)[0] == 0 and steps(project) == SET_UP


def test_a_step_that_fails_says_what_it_said_and_is_tried_again(project):
    (project / "broken").write_text("no such wheel\n")
    code, out, err = start(project)
    assert code == 1 and out == "" and "Traceback" not in err
    assert "a set-up step failed (uv pip)" in err and "no such wheel" in err
    assert "start the same command again" in err
    (project / "broken").unlink()
    assert start(project)[0] == 0


def loaded(project: Path) -> ModuleType:
    """The launcher as a module, for what cannot be brought about from outside."""
    loader = importlib.machinery.SourceFileLoader("launcher", str(project / "gradschool"))
    spec = importlib.util.spec_from_loader("launcher", loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module


def test_too_little_disk_is_a_sentence_and_nothing_is_made(project, monkeypatch):
    launcher = loaded(project)
    monkeypatch.setattr(launcher.shutil, "disk_usage", lambda path: SimpleNamespace(free=1.2e9))
    with pytest.raises(SystemExit) as left:
        launcher.make_environment()
    assert "1.2 GB are free on the disk of" in str(left.value) and "free some space" in str(left.value)
    assert not (project / ".venv").exists()


def test_an_old_python_is_a_sentence(project, monkeypatch):
    launcher = loaded(project)
    monkeypatch.setattr(launcher.sys, "version_info", (3, 9, 0))
    with pytest.raises(SystemExit, match=r"3\.11 or newer is needed"):
        launcher.main()


def test_a_python_without_venv_is_a_sentence(project, monkeypatch):
    launcher = loaded(project)

    def refuses(*args, **options):
        raise subprocess.CalledProcessError(1, "ensurepip")

    monkeypatch.setattr(launcher.venv, "create", refuses)
    monkeypatch.setattr(launcher, "size", lambda: 0.0)
    with pytest.raises(SystemExit, match="apt install python3-venv"):
        launcher.make_environment()


def test_a_package_that_was_half_installed_is_installed_again(project):
    start(project)
    site = project / ".venv/lib/python3.11/site-packages"
    for name, files in {"whole-1": ("INSTALLER", "RECORD"), "half-1": ("METADATA", "RECORD")}.items():
        (site / f"{name}.dist-info").mkdir(parents=True)
        for file in files:
            (site / f"{name}.dist-info" / file).touch()
    (project / ".venv/.installed").write_text("unfinished")
    assert start(project)[0] == 0
    assert [info.name for info in site.iterdir()] == ["whole-1.dist-info"]


def test_a_uv_that_was_half_installed_does_not_count(project):
    start(project)
    steps(project)
    (project / ".venv/bin/uv").write_text("")
    (project / ".venv/bin/uv").chmod(0o644)
    (project / ".venv/.installed").write_text("unfinished")
    assert start(project)[0] == 0 and steps(project) == SET_UP


def test_ctrl_c_is_a_sentence_and_the_next_start_goes_on(project):
    (project / "slow").write_text("30")
    process = begin(project)
    wait_for(lambda: logged(project, "uv pip sync"))
    os.killpg(process.pid, signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 1 and "Traceback" not in err and "start the same command again" in err
    (project / "slow").unlink()
    steps(project)
    assert start(project)[0] == 0 and steps(project) == ["uv pip sync base", "uv pip install"]


def test_it_uses_the_standard_library_only():
    script = textwrap.dedent(f"""
        import importlib.machinery, sys
        importlib.machinery.SourceFileLoader("launcher", {str(LAUNCHER)!r}).load_module()
        tops = {{name.partition(".")[0] for name in sys.modules}}
        print(sorted(tops - sys.stdlib_module_names - {{"launcher"}}))
    """)
    words = [sys.executable, "-I", "-S", "-W", "ignore", "-c", script]
    assert subprocess.run(words, capture_output=True, text=True).stdout.strip() == "['__main__']"


def test_commands_are_printed_as_the_launcher_was_called(project, monkeypatch):
    loader = importlib.machinery.SourceFileLoader("launcher_called", str(project / "gradschool"))
    launcher = ModuleType("launcher_called")
    launcher.__file__ = str(project / "gradschool")
    loader.exec_module(launcher)
    assert launcher.called("./gradschool") == "./gradschool"
    assert launcher.called("gradschool") == "./gradschool"  # python3 gradschool
    assert launcher.called("../my course/gradschool") == "'../my course/gradschool'"
    monkeypatch.setenv("PATH", f"{project}{os.pathsep}{os.environ['PATH']}")
    assert launcher.called(str(project / "gradschool")) == "gradschool"
