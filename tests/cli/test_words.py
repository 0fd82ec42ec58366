"""Wrong words of a command end in one sentence with the option that was meant, and exit code 2."""

import json

import pytest

from gradschool.cli.main import main
from gradschool.cli.words import complaint


def refused(capsys, *words):
    with pytest.raises(SystemExit) as left:
        main(list(words))
    said = capsys.readouterr()
    assert left.value.code == 2
    return said.out, said.err


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("train", "digits", "--sed", "3"), "does not know --sed. Did you mean --seed? "),
        (("train", "digits", "--set", "epochs=3", "batch_size=4"), "Did you mean --set batch_size=4? "),
        (("train", "digits", "--epoch", "3"), "does not know --epoch. Did you mean --epochs? "),
        (("train", "digits", "extra"), "gradschool train does not know extra. "),
        (("train", "digits", "--seed", "x"), "gradschool: --seed is 'x'; wanted: a whole number. "),
        (("train", "digits", "--seed", "1e30"), "gradschool: --seed is '1e30'; wanted: a whole number. "),
        (("sample", "r", "--temperature", "hot"), "--temperature is 'hot'; wanted: a number. "),
        (("train", "digits", "--resume"), "--resume came without a value; wanted: --resume VALUE. "),
        (("predict",), "gradschool predict lacks something; wanted: gradschool predict RUN FILES. "),
        (("coursework", "vae-dcgan", "--quik"), "gradschool coursework vae-dcgan does not know --quik. "),
        # What other tools call it; the beginning of a name; an option whose value a choice would swallow.
        (
            ("sample", "r", "--temp", "1"),
            "gradschool sample does not know --temp. Did you mean --temperature? ",
        ),
        (("sample", "r", "--max_new_tokens", "9"), "Did you mean --tokens? "),
        (("sample", "r", "--num", "9"), "Did you mean -n? "),
        (("sample", "r", "--label", "9"), "Did you mean --class? "),
        (("chat", "r", "--prompt", "hello"), "Did you mean --say? "),
        (("train", "digits", "--gpu"), "Did you mean --device? "),
        (("tokens", "a.txt", "--vocab-size", "300"), "Did you mean --size? "),
        (("eval", "r", "--device", "gpu"), "gradschool eval does not know --device. "),
    ],
)
def test_a_sentence_names_what_came_and_the_next_step(capsys, words, sentence):
    _, err = refused(capsys, *words)
    assert sentence in err and err.count("\n") == 1 and "│" not in err
    assert f"gradschool {words[0]}" in err and err.endswith("--help\n")


def test_a_file_in_the_place_of_the_task_is_told_with_the_command_that_was_meant(
    capsys, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    for name, task in (("a text.txt", "text"), ("questions.jsonl", "choice")):
        (tmp_path / name).write_text("words")
        _, err = refused(capsys, "eval", "r", name)
        quoted = f"'{name}'" if " " in name else name
        assert f"gradschool eval r {task} {quoted}" in err


SEEDED = [("sample", "r"), ("eval", "r"), ("chat", "r")]


@pytest.mark.parametrize("words", SEEDED)
@pytest.mark.parametrize("seed", ["-1", "99999999999999999999999"])
def test_a_seed_has_the_same_range_everywhere(capsys, words, seed):
    _, err = refused(capsys, *words, "--seed", seed)
    assert err.startswith(f"gradschool: seed is {seed}; wanted: a whole number from 0 to 4,294,967,295.")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--largest", "0"), "largest is 0; wanted: a number > 0."),
        (("--largest-compute", "nan"), "largest-compute is nan; wanted: a number > 0."),
        (("--compute", "inf", "1e9"), "compute is inf 1e+09; wanted: two different numbers > 0, or more."),
        (("--sizes", "1"), "sizes is 1; wanted: two different numbers > 0, or more."),
        (("--set", "depth=3"), "--set depth=3 would be ignored"),
        (("--set", "epochs=3"), "--set epochs=3 would be ignored"),
        (("--out", __file__), "--out is "),
    ],
)
def test_a_ladder_that_could_not_be_climbed_is_refused_before_the_work(capsys, words, sentence):
    _, err = refused(capsys, "scaling", "gpt", "--dry", *words)
    assert err.startswith(f"gradschool: {sentence}") and err.count("\n") == 1


def test_too_little_memory_is_no_fault_of_the_program(capsys, monkeypatch):
    def full(words):
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 64 TB")

    monkeypatch.setattr("gradschool.cli.main.dispatch", full)
    with pytest.raises(SystemExit) as left:
        main(["runs"])
    assert left.value.code == 1
    assert capsys.readouterr().err.startswith("gradschool: the memory of this machine is too small")


def test_who_asks_for_json_gets_json(capsys):
    out, _ = refused(capsys, "check", "--wach", "--json")
    told = json.loads(out)["error"]
    assert told["what"] == "gradschool check does not know --wach" and "--watch" in told["next"]


def test_help_is_still_help(capsys):
    with pytest.raises(SystemExit) as left:
        main(["sample", "--help"])
    assert not left.value.code and "usage: gradschool sample" in capsys.readouterr().out


def test_a_box_is_read_whatever_its_width():
    drawn = [
        "╭─ Value error ─╮",
        "│ Error parsing │",
        "│ --seed: no    │",
        "│ ───────────── │",
        "│ help │",
        "╰──╯",
    ]
    plain = [" Value error ", " ----------- ", " Error parsing ", " --seed: no", " ------ ", " help ", " "]
    for box in (drawn, plain):
        assert complaint("\n".join(box)) == "Error parsing --seed: no"
    assert complaint("") == "these words cannot be read"
