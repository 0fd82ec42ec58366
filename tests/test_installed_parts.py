"""Parts: table, extras and locks agree, the base imports nothing of them, a missing one is a sentence."""

import ast
import importlib.metadata
import json
import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from gradschool import parts
from gradschool.cli.main import main
from gradschool.errors import UserError

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "src" / "gradschool"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def plain(name: str) -> str:
    """A package's name as indexes compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def pinned(lock: str) -> set[str]:
    lines = (ROOT / "locks" / f"{lock}.txt").read_text(encoding="utf-8").splitlines()
    return {plain(line.partition("==")[0]) for line in lines if "==" in line and line[0] != " "}


def imports(node: ast.AST, deep: bool) -> Iterator[str]:
    """Names that are imported, those inside of functions only if `deep`."""
    for inner in ast.iter_child_nodes(node):
        if isinstance(inner, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in inner.names)
        elif isinstance(inner, ast.ImportFrom) and not inner.level:
            yield (inner.module or "").partition(".")[0]
        elif deep or not isinstance(inner, ast.FunctionDef | ast.AsyncFunctionDef):
            yield from imports(inner, deep)


def strangers(allowed: set[str], deep: bool) -> set[tuple[str, str]]:
    """File and name of every import that is neither Python's, ours, nor of a package in `allowed`."""
    makers = importlib.metadata.packages_distributions()
    found = set()
    for file in SOURCE.rglob("*.py"):
        for name in imports(ast.parse(file.read_text(encoding="utf-8")), deep):
            packages = {plain(maker) for maker in makers.get(name, [name])}
            if name not in sys.stdlib_module_names and name != "gradschool" and not packages & allowed:
                found.add((file.relative_to(SOURCE).as_posix(), name))
    return found


def test_no_module_of_ours_needs_more_than_the_base_to_be_imported():
    assert strangers(pinned("base"), deep=False) == set()


def test_what_is_imported_later_is_in_a_part():
    found = strangers({name for lock in ("base", *parts.table()) for name in pinned(lock)}, deep=True)
    # Rustuna is taken where somebody has installed it; no part brings it, as searches do without.
    assert found == {("practice/search/samplers.py", "rustuna")}


def test_table_extras_and_locks_name_the_same_parts():
    extras = set(PROJECT["optional-dependencies"]) - {"all"}
    assert set(parts.table()) == extras
    assert {lock.stem for lock in (ROOT / "locks").glob("*.txt")} == extras | {"base", "uv"}


def test_the_readme_shows_the_table():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    for name, part in parts.table().items():
        assert f"| `{name}` | {part.purpose} | {part.megabytes:,} MB, {part.seconds} s |" in text


def test_what_a_part_asks_for_is_in_its_lock_and_the_base_asks_for_no_part():
    for part, wanted in PROJECT["optional-dependencies"].items():
        names = {plain(re.split(r"[^\w.-]", line)[0]) for line in wanted} - {"gradschool"}
        assert part == "all" or names <= pinned(part) | pinned("base"), part
    assert not any("gradschool" in line or "extra ==" in line for line in PROJECT["dependencies"])


def test_no_two_locks_disagree():
    pins = {}
    for lock in (ROOT / "locks").glob("*.txt"):
        for name, version in re.findall(r"^([^\s=]+)==([^\s\\]+)", lock.read_text(encoding="utf-8"), re.M):
            pins.setdefault(name, {}).setdefault(lock.stem, set()).add(version)
    whole = {name: set.union(*versions.values()) for name, versions in pins.items()}
    assert {
        name: held for name, held in pins.items() if any(each != whole[name] for each in held.values())
    } == {}


@pytest.fixture
def launched(monkeypatch, tmp_path):
    """An environment as the launcher makes it, in the folder of the project."""
    (tmp_path / ".venv").mkdir()
    (tmp_path / ".venv/.installed").touch()
    (tmp_path / "gradschool").touch()
    monkeypatch.setattr(parts.sys, "prefix", str(tmp_path / ".venv"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def by_pip(monkeypatch, tmp_path):
    monkeypatch.setattr(parts.sys, "prefix", str(tmp_path))


def test_a_package_that_is_here_is_no_matter():
    parts.need("json", "rl", "a game")


def test_a_missing_package_is_a_sentence_with_the_line_to_type(launched):
    part = parts.table()["rl"]
    with pytest.raises(UserError) as caught:
        parts.need("no_such", "rl", "a game")
    assert str(caught.value) == (
        "no-such is not installed, and a game needs it. "
        f"Run: ./gradschool add rl (about {part.megabytes} MB, {part.seconds} s)"
    )


def test_from_another_folder_the_line_has_the_whole_path(launched, monkeypatch, tmp_path_factory):
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    assert parts.command("rl", "tables") == f"{launched / 'gradschool'} add rl tables"


def test_where_pip_installed_us_the_line_is_pips(by_pip):
    assert parts.command("rl", "tables") == "pip install 'gradschool[rl,tables]'"


def test_installed_are_parts_whose_packages_are_all_here(monkeypatch):
    asked = [
        "numpy>=2",
        "pytest>=9; extra == 'dev'",
        "gradschool[rl]; extra == 'more'",
        "no-such; extra == 'rl'",
    ]
    provided = {"dev": True, "rl": False, "more": False, "unheard-of": False}
    facts = importlib.metadata.metadata("numpy")
    for name in ("dev", "rl", "more"):
        facts["Provides-Extra"] = name
    monkeypatch.setattr(parts.importlib.metadata, "requires", lambda name: asked)
    monkeypatch.setattr(parts.importlib.metadata, "metadata", lambda name: facts)
    assert {name: parts.is_installed(name) for name in provided} == provided


def test_add_lists_every_part_and_what_installs_one(launched, capsys):
    with pytest.raises(SystemExit) as left:
        main(["add", "--json"])
    out = capsys.readouterr().out
    assert left.value.code == 0 and "To install one: ./gradschool add NAME" in out
    for name, part in parts.table().items():
        purpose = r"\s+".join(
            map(re.escape, part.purpose.split())
        )  # it goes over several lines in 80 columns
        assert re.search(rf"^ {name} .*{part.megabytes:,} MB +{part.seconds} s +{purpose}$", out, re.M)
    assert set(json.loads(out.splitlines()[-1])["parts"]) == set(parts.table())


def test_add_never_installs_by_itself(by_pip, monkeypatch, capsys):
    monkeypatch.setattr(parts, "is_installed", lambda part: part == "rl")
    with pytest.raises(SystemExit) as left:
        main(["add", "rl", "tables", "app"])
    said = capsys.readouterr()
    assert left.value.code == 2 and re.search(r"^ rl +installed", said.out, re.MULTILINE)
    assert (
        said.err
        == "gradschool: tables and app are not installed. Run: pip install 'gradschool[tables,app]'\n"
    )


def test_add_names_the_nearest_part(capsys):
    with pytest.raises(SystemExit) as left:
        main(["add", "table"])
    assert left.value.code == 2 and "Did you mean tables? All parts: practice," in capsys.readouterr().err
