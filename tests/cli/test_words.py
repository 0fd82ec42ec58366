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
        (("train", "digits", "--seed", "x"), "parsing --seed: invalid literal for int() with base 10: 'x'. "),
        (("predict",), "gradschool predict lacks something; wanted: gradschool predict RUN FILES. "),
        (("coursework", "vae-dcgan", "--quik"), "gradschool coursework vae-dcgan does not know --quik. "),
    ],
)
def test_a_sentence_names_what_came_and_the_next_step(capsys, words, sentence):
    _, err = refused(capsys, *words)
    assert sentence in err and err.count("\n") == 1 and "│" not in err
    assert f"gradschool {words[0]}" in err and err.endswith("--help\n")


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
