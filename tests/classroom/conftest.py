from dataclasses import replace

import pytest

from gradschool.classroom.check.job import Job
from gradschool.classroom.exercise.manifest import find_exercise


@pytest.fixture
def verdict(server, tmp_path):
    """Judge a text as the file of an exercise."""

    def judged(exercise, text, **limits):
        chapter, found = find_exercise(exercise)
        file = tmp_path / f"{found.slug}.py"
        file.write_text(text, encoding="utf-8")
        return server.check(replace(Job.of(chapter, found, file), **limits))

    return judged
