"""What the documents name exists, and no lock carries an address."""

import re
from pathlib import Path

import pytest

from gradschool.classroom.exercise.manifest import chapters
from gradschool.cli.main import COMMANDS
from gradschool.recipes import listing

ROOT = Path(__file__).resolve().parents[1]


@pytest.mark.parametrize("lock", sorted((ROOT / "locks").glob("*.txt")), ids=lambda lock: lock.stem)
def test_a_lock_has_pins_with_hashes_and_no_address(lock):
    text = lock.read_text(encoding="utf-8")
    pin = r"[a-z0-9-]+==[\w.!+]+( ; [^\n\\:@]+)?( \\\n    --hash=sha256:[0-9a-f]{64})+\n"
    assert text and re.sub(pin, "", text) == ""


def test_the_base_is_locked_as_a_whole():
    assert (ROOT / "locks/base.txt").read_text(encoding="utf-8").count("==") > 60


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md", "docs/design.md"])
def test_links_lead_somewhere(page):
    text = (ROOT / page).read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)#]+)\)", text):
        assert (ROOT / page).parent.joinpath(target).exists(), target


def test_commands_and_recipes_of_the_readme_exist():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    for word in re.findall(r"gradschool ([a-z]+)\b", text):
        assert word in COMMANDS or word in ("train", "report"), word
    for recipe in re.findall(r"gradschool train ([a-z0-9_]+)", text):
        assert recipe in listing(), recipe


def test_the_readme_names_every_chapter():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert [each.title for each in chapters() if f"| {each.number} {each.title} |" not in text] == []


def test_every_size_is_within_its_budget():
    import budgets

    assert budgets.over_budget() == []


def test_the_readme_shows_the_result_files():
    from bench import table

    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert table.filled(text) == text, "run: python -m bench.table"
    accuracies = [result for result in table.results() if "test_accuracy" in result]
    assert all(result["n"] >= 3 and len(result["runs"]) == result["n"] for result in accuracies)
