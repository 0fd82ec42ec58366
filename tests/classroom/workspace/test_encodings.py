"""Work files as editors save them: with a mark, in Latin-1, in UTF-16; read as Python reads them."""

import pytest

from gradschool.classroom.check.job import Job
from gradschool.classroom.exercise.manifest import find_exercise
from gradschool.classroom.exercise.strip import decoded, foreign, read_source
from gradschool.classroom.workspace.layout import Workspace, lay_out, text_for
from gradschool.classroom.workspace.overlay import described
from gradschool.classroom.workspace.progress import is_begun, record_result, remembered
from gradschool.errors import UserError

NAME = "perceptron-update"
CODING = "# -*- coding: latin-1 -*-\n# café\n"
SAVED = {
    "mark": lambda text: b"\xef\xbb\xbf" + text.encode(),
    "latin": lambda text: (CODING + text).encode("latin-1", "replace"),
    "windows": lambda text: text.replace("\n", "\r\n").encode(),
}
WRONG = {
    "utf-16": (lambda text: text.encode("utf-16"), "is saved as UTF-16, which Python does not read"),
    "no coding line": (
        lambda text: b"# caf\xe9\n" + text.encode(),
        "has a byte in line 1 that is no UTF-8 (0xe9)",
    ),
}


@pytest.mark.parametrize("way", SAVED)
def test_what_python_takes_passes_and_is_remembered(server, tmp_path, way):
    chapter, exercise = find_exercise(NAME)
    work = Workspace(tmp_path)
    file = lay_out(chapter, exercise, work).file
    file.write_bytes(SAVED[way](text_for(chapter, exercise, solved=True)))
    compile(file.read_bytes(), "work", "exec")
    result = server.check(Job.of(chapter, exercise, file))
    assert result.passed, result.said
    record_result(work, chapter, exercise, result)
    assert remembered(work, chapter, exercise) and is_begun(exercise, file)
    assert described(exercise, read_source(file), file).sha256 == result.sha256
    assert lay_out(chapter, exercise, work).state == "kept"


@pytest.mark.parametrize("way", WRONG)
def test_what_python_refuses_is_a_sentence_and_stays(server, tmp_path, way):
    chapter, exercise = find_exercise(NAME)
    save, said = WRONG[way]
    file = lay_out(chapter, exercise, Workspace(tmp_path)).file
    file.write_bytes(save(text_for(chapter, exercise, solved=True)))
    result = server.check(Job.of(chapter, exercise, file))
    assert (result.outcome, result.said) == ("syntax", f"Your file {said}: save it as UTF-8 in your editor.")
    with pytest.raises(UserError, match="Save it as UTF-8"):
        read_source(file)
    before = file.read_bytes()
    assert is_begun(exercise, file) and lay_out(chapter, exercise, Workspace(tmp_path)).state == "kept"
    assert file.read_bytes() == before


def test_an_updated_file_says_the_encoding_that_it_is_written_in(tmp_path):
    chapter, exercise = find_exercise(NAME)
    work = Workspace(tmp_path)
    file = lay_out(chapter, exercise, work).file
    old = file.read_text(encoding="utf-8").replace("raise NotAttempted", "raise NotAttempted  # older")
    work.base(chapter, exercise).write_text(old, encoding="utf-8")
    file.write_bytes((CODING + old).encode("latin-1", "replace"))
    assert lay_out(chapter, exercise, work).state == "merged"
    text = file.read_bytes().decode("utf-8")
    assert text.startswith("# -*- coding: utf-8 -*-\n# café\n") and "# older" not in text
    assert decoded(file.read_bytes()) == text and not foreign(text)
