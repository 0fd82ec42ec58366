"""Every lecture is written as docs/authoring.md says; each check is seen to fail on a chapter made for it."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import writing
from writing import TERMS, command_at_fault, commands, lecture

from gradschool.classroom.author.glossary import terms
from gradschool.classroom.exercise.manifest import chapters, read_chapter
from gradschool.cli.main import COMMANDS

ROOT = Path(__file__).resolve().parents[2]
CHAPTERS = [pytest.param(chapter, id=chapter.id) for chapter in chapters()]
CHECKS = ("terms", "parts", "time", "links", "style", "words", "commands")
BANDS = {file.stem for file in (ROOT / "src/gradschool/classroom/bands").glob("*.json")}
SOON = ("map", "read", "glossary", "start", "hint", "solution")  # they end in seconds and ask nothing


@pytest.mark.parametrize("chapter", CHAPTERS)
@pytest.mark.parametrize("check", CHECKS)
def test_a_lecture_is_written_as_it_should_be(check, chapter):
    assert getattr(writing, f"{check}_at_fault")(chapter) == []


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_every_column_of_a_table_has_a_name(chapter):
    """A reader who hears the page hears the name of the column first."""
    heads = re.findall(r"^(\|.*)\n\|[-:| ]+\|$", lecture(chapter), re.MULTILINE)
    assert [head for head in heads if re.search(r"\|\s*\|", head)] == []


@pytest.mark.parametrize(
    ("text", "minutes"),
    [
        ("about 50 minutes to read, about two hours for the exercises.", 120),
        ("about 60 minutes of reading and 2.5 hours of exercises.", 150),
        ("Reading takes about 50 minutes, the exercises about 3 hours and 20 minutes.", 200),
        ("two hours to read. The exercises take two and a half hours.", 150),
        ("about 20 minutes to read, about 20 minutes for the exercise.", 20),
        ("70 minutes to read.", None),
    ],
)
def test_a_time_in_words_is_read(text, minutes):
    assert writing.exercise_minutes(text) == minutes


def test_every_chapter_has_its_terms_listed_or_is_pending():
    known = {chapter.id for chapter in chapters()}
    assert set(TERMS) == known


def test_spelling_of_all_that_a_reader_sees():
    """Lectures, hints, quizzes, docstrings, messages and pages about the project, by codespell."""
    places = ["src/gradschool", "docs", "README.md", "CONTRIBUTING.md", "CHANGELOG.md"]
    # Names of people (Teh, Van Gool, Gage, Tung, Ege, Wee), of a network (NiN), in TeX, CSS and code;
    # "to and fro"; German; pieces of words.
    names = "teh,gool,gage,tung,nin,notin,nd,ot,fro,ist,unble,unx,ege,wee"
    skip = "*/vendor/*,*/results/*,*/bands/*,*.txt,*.csv,*.jsonl"
    program = [sys.executable, "-m", "codespell_lib"]
    command = [*program, "--skip", skip, "--ignore-words-list", names, *places]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "")


def finishes_soon(command):
    name, *rest = command.split()
    if not rest or any(word.isupper() for word in rest):
        return False
    return name in SOON or (name == "train" and rest[0] in BANDS and "--mine" not in rest)


PRINTED = sorted({one for chapter in chapters() for one in commands(lecture(chapter)) if finishes_soon(one)})


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="lines are pasted into a POSIX shell")
@pytest.mark.parametrize("command", PRINTED)
def test_a_printed_command_runs_as_pasted(command, tmp_path):
    program = tmp_path / "gradschool"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m gradschool "$@"\n')
    program.chmod(0o755)
    place = os.environ | {"PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}", "BROWSER": "true %s"}
    line = f"gradschool {command}"
    done = subprocess.run(line, shell=True, cwd=tmp_path, env=place, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


# A chapter that holds, and what is changed in it so that a check falls.

MANIFEST = """
[chapter]
title = "Test"
[[exercise]]
id = "perceptron-update"
target = "gradschool.scratch.neurons.perceptron:update"
minutes = 5
hints = ["a"]
mutants = [
  { find = "a", put = "b", stage = "value", why = "c" },
  { find = "d", put = "e", stage = "shape", why = "f" },
  { find = "g", put = "h", stage = "dtype", why = "i" },
]
"""
QUESTION = "```{question}\nWhat is this?\n---\nIt is a test.\n```\n\n"
LECTURE = f"""# Test

A small text. It is easy to read, and it says one thing at a time.

## You will be able to

- name a part;
- draw a part;
- prove a part.

## You need

Nothing but 5 minutes for the exercise.

## Notation

| sign | meaning |
|--|--|
| $x$ | a number |

## A part

A **widget** is a small part: see [below](#summary) and [chapter 2](../02-backpropagation).
It was found by {{cite}}`smith2020`.
Its code is `x.y`, and $x + y$ is its sum. We honour colour, and we optimise.

```text
gradschool train digits --set epochs=1 \\
    --seed 1
gradschool check perceptron-update
```

```{{exercise}} perceptron-update
```

## Summary

- All is well.

## Check yourself

{QUESTION * 3}## In practice

Use it, as `gradschool read neurons` does.

## Further reading

- {{paper}}`smith2020`.

## Next

[Chapter 3](../03-probability) goes on.
"""
GLOSSARY = '[widget]\nmeans = "A small part."\nalso = ["widgets"]\n'
PAPERS = '[smith2020]\nauthors = ["A. Smith"]\ntitle = "On parts"\nyear = 2020\narxiv = "2001.00001"\n'
LONG = f"This sentence goes on{' and on, and then it goes on' * 5}. "
HARD = "Heterogeneous reparameterisations notwithstanding, epistemological considerations predominate. "


@pytest.fixture
def made(tmp_path):
    """Makes the chapter with one thing changed and runs a check on it."""

    def make(check, old="", new="", glossary=GLOSSARY, papers=PAPERS):
        folder = tmp_path / "01-test"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        assert old in LECTURE
        texts = {"exercises.toml": MANIFEST, "lecture.md": LECTURE.replace(old, new) if old else LECTURE,
                 "glossary.toml": glossary, "references.toml": papers}  # fmt: skip
        for name, text in texts.items():
            (folder / name).write_text(text, encoding="utf-8")
        chapter = read_chapter(folder)
        known = {name: (term, chapter) for name, term in terms(chapter).items()}
        words = {"listed": {"test": [["gadget", "widget"]]}, "known": known} if check == "terms" else {}
        return getattr(writing, f"{check}_at_fault")(chapter, **words)

    return make


@pytest.mark.parametrize("check", CHECKS)
def test_the_made_chapter_holds(made, check):
    assert made(check) == []


@pytest.mark.parametrize(
    ("check", "old", "new", "fault"),
    [
        ("terms", "**widget**", "widget", "gadget: 0 times in bold, not once"),
        ("terms", "All is well", "A **widgets** is well", "gadget: 2 times in bold, not once"),
        ("parts", "# Test\n\nA small text", "# Test\n\n## A small text", "does not begin with a title"),
        ("parts", "## Notation", "## Signs", "not \\['You will be able to', 'You need', 'Notation'\\]"),
        ("parts", "## Summary", "## End", "it ends with \\['End'"),
        ("parts", "- draw a part;\n", "", "2 outcomes"),
        ("parts", "5 minutes", "time", "says no time"),
        ("parts", "| sign | meaning |\n|--|--|\n| $x$ | a number |", "x", "no table"),
        ("parts", QUESTION * 3, QUESTION * 2, "fewer than 3 questions"),
        ("parts", "{paper}", "{cite}", "names no {paper}"),
        ("time", "5 minutes for", "three hours for", "the exercises take 5 minutes, not 180"),
        ("time", "for the exercise.", "to read.", "no time for the exercises"),
        ("links", "(#summary)", "(#sumary)", "#sumary leads nowhere"),
        ("links", "../03-probability", "../33-probability", "../33-probability leads nowhere"),
        ("links", "../03-probability", "../03-probability#no-such-part", "no-such-part leads nowhere"),
        ("links", "../03-probability", "exercises.toml", "exercises.toml leads nowhere"),
        ("links", "../03-probability", "http://example.org", "http://example.org leads nowhere"),
        ("links", "../03-probability", "https://doi.org/12.34/5", "https://doi.org/12.34/5 leads nowhere"),
        ("links", "../03-probability", "https://arxiv.org/pdf/2001.00001", "leads nowhere"),
        ("links", "{paper}`smith2020`", "{paper}`jones`", "jones is named and not in references.toml"),
        ("style", "A small text. ", LONG * 20, "words on average; the longest: This sentence"),
        ("style", "A small text. ", HARD * 5, "reading ease is -?\\d+"),
        ("words", "A small text", "A smal text", "^smal$"),
        ("words", "honour colour", "honor culour", "^culour$"),
        ("commands", "epochs=1", "epoch=1", "train digits .*epoch"),
        ("commands", "train digits", "train digit", "train digit .*digit"),
        ("commands", "--seed 1", "--seed one", "seed"),
        ("commands", "--seed 1", "--seeed 1", "--seeed"),
        ("commands", "check perceptron-update", "check perceptron-updat", "perceptron-updat"),
        ("commands", "read neurons", "read neuron", "neuron"),
        ("commands", "read neurons", "raed neurons", "there is no command raed"),
        ("commands", "read neurons", "raed", "there is no command raed"),
    ],
)  # fmt: skip
def test_a_check_is_seen_to_fail(made, check, old, new, fault):
    faults = made(check, old, new)
    assert faults and re.search(fault, faults[0]), faults


def test_terms_want_an_entry_and_papers_a_mention(made):
    assert made("terms", glossary="") == ["gadget: not in the glossary"]
    more = PAPERS.replace("smith2020", "jones2021").replace("2001.00001", "2001.00002")
    assert made("links", papers=PAPERS + more) == ["jones2021 is in references.toml and not named"]


def test_sentences_leave_out_what_is_no_text():
    text = (
        "# T\n\n| a | b |\n|--|--|\n| no words here | at all |\n\n"
        "Take $x$ of e.g. {result}`a.b|.1f` parts. It is `f(x)`:\n\n$$ y = x. z $$\n\n"
        "- one item of a list\n- and another one\n\n```python\nno = 'words'\n```\n\n"
        "## Further reading\n\nA b c."
    )
    assert writing.sentences(text) == [
        "Take x of eg 5 parts.", "It is x:", "one item of a list", "and another one",
    ]  # fmt: skip


def test_commands_are_found_where_they_are_printed():
    text = (
        "Type `gradschool map` or `./gradschool read 1`.\n\n"
        "```text\n$ gradschool runs  # all\nother\n```\n\n`gradschool --help`\n"
    )
    assert commands(text) == ["runs  # all", "read 1", "--help"]
    assert command_at_fault("runs  # all") == "" and "map" in COMMANDS
