"""Dialogues: read from JSON lines of every usual form, cut by question, and turned into tokens and masks."""

import json
import random
import re
from collections import Counter
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gradschool.data.catalogue import find
from gradschool.data.text.dialogues import games
from gradschool.data.text.dialogues.dialogue import Dialogue, Turn
from gradschool.data.text.dialogues.open import open_dialogues
from gradschool.data.text.dialogues.read import read_dialogues
from gradschool.data.text.dialogues.rows import AnswerRows, packed, pairs, questions
from gradschool.data.text.dialogues.template import (
    END,
    answer_of,
    answered,
    asked,
    rendered,
    through_end,
    tidy,
)
from gradschool.data.text.tokens.bpe import ByteBPE
from gradschool.data.text.tokens.characters import Characters
from gradschool.errors import UserError

CHARACTERS = Characters.train(["Q: A: S: \n+0123456789abcdefghijklmnopqrstuvwxyz.?"])
BPE = ByteBPE.train(["what is it?\n\nA: it is a cat.\n\n" * 20], 300)
SETS = Path(games.__file__).parents[2] / "sets/text"


def said(*texts):
    return Dialogue([Turn(("user", "assistant")[i % 2], text) for i, text in enumerate(texts)])


def file_of(tmp_path, lines, name="own.jsonl"):
    file = tmp_path / name
    file.write_text("".join(line if isinstance(line, str) else json.dumps(line) + "\n" for line in lines))
    return file


# 1. Reading.


@pytest.mark.parametrize(
    ("line", "texts"),
    [
        ({"prompt": "1+1", "answer": 2}, ["1+1", "2"]),
        ({"instruction": "add", "input": "1+1", "output": "2"}, ["add\n1+1", "2"]),
        ({"question": "q", "response": "a", "other": [1]}, ["q", "a"]),
        ({"messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}]}, ["q", "a"]),
        ({"conversations": [{"from": "human", "value": "q"}, {"from": "gpt", "value": "a"}]}, ["q", "a"]),
    ],
)
def test_every_usual_form_is_a_dialogue(line, texts, tmp_path):
    [row] = read_dialogues(file_of(tmp_path, [line])).rows
    assert [turn.text for turn in row.dialogue.turns] == texts
    assert [turn.role for turn in row.dialogue.turns] == ["user", "assistant"]


def test_what_cannot_be_used_is_told_with_its_place_and_reason(tmp_path):
    user, assistant = {"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}
    bad = [
        ("nonsense\n", "no JSON object"),
        ({"prompt": "q"}, "no answer"),
        ({"answer": "a"}, "no prompt"),
        ({"prompt": "  ", "answer": "a"}, "the prompt is empty"),
        ({"prompt": "q", "answer": ["a"]}, "the answer is no text"),
        ({"messages": [user, assistant, user]}, "question and answer in turn"),
        ({"messages": [{"role": "tool", "content": "x"}, assistant]}, "the role 'tool'"),
        ({"messages": ["q", "a"]}, "a message is no object"),
        ({"prompt": "q", "chosen": "a", "rejected": " a"}, "both answers are the same"),
    ]
    good = [{"prompt": f"q{i}", "answer": f"a{i}"} for i in range(20)]
    read = read_dialogues(file_of(tmp_path, [line for line, _ in bad] + good))
    assert len(read.rows) == 20 and len(read.skipped) == len(bad)
    for number, ((place, reason), (_, wanted)) in enumerate(zip(read.skipped, bad, strict=True), 1):
        assert place == f"own.jsonl, line {number}" and wanted in reason
    splits = open_dialogues(file_of(tmp_path, [line for line, _ in bad] + good + good[:3]))
    assert len(splits.skipped) == len(bad) + 3
    assert any(note.startswith("12 lines of own.jsonl cannot be used") for note in splits.notes)
    with pytest.raises(UserError, match="holds no dialogue"):
        read_dialogues(file_of(tmp_path, ["nonsense\n"]))
    with pytest.raises(UserError, match="has 3 dialogues that can be used"):
        open_dialogues(file_of(tmp_path, good[:3]))


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 12), st.sampled_from(["", "train", "val", "test"])), min_size=40, max_size=80
    ),
    st.integers(0, 3),
)
def test_no_question_is_in_two_parts_and_every_line_is_used_or_told(tmp_path_factory, lines, seed):
    rows = [{"prompt": f"q{q}", "answer": f"a{i}", "split": part} for i, (q, part) in enumerate(lines)]
    rows += [{"prompt": f"more{i}", "answer": "a"} for i in range(20)]
    splits = open_dialogues(file_of(tmp_path_factory.mktemp("own"), rows), val=0.2, test=0.2, seed=seed)
    asked_in = [{each.question for each in part.items} for part in splits.parts.values()]
    assert sum(map(len, asked_in)) == len(set.union(*asked_in))
    assert sum(map(len, splits.parts.values())) + len(splits.skipped) == len(rows)
    again = open_dialogues(file_of(tmp_path_factory.mktemp("own"), rows), val=0.2, test=0.2, seed=seed + 1)
    assert again.test.items == splits.test.items, "the test part is the same for every seed"


def test_questions_that_the_template_writes_alike_are_one_question(tmp_path):
    rows = [{"prompt": f"q{i}", "answer": "a", "split": "test" if i < 3 else "train"} for i in range(20)]
    copies = [{"prompt": " q1\n", "answer": "b", "split": "train"}, {"prompt": "q9", "answer": "a \n"}]
    splits = open_dialogues(file_of(tmp_path, [*rows, *copies]), val=0.0)
    reasons = [reason for _, reason in splits.skipped]
    assert reasons == ["is the same as own.jsonl, line 10", "has a question of the test part"]
    assert not {each.before for each in splits.test.items} & {each.before for each in splits.train.items}


# 2. The template.


@pytest.mark.parametrize("tokeniser", [CHARACTERS, BPE], ids=["characters", "bpe"])
def test_exactly_the_answers_and_their_ends_count(tokeniser):
    tokens, counts = rendered(said("what is it?", "a cat.", "is it?", "it is.").turns, tokeniser)
    assert tokeniser.decode(tokens) == "Q: what is it?\n\nA: a cat.\n\nQ: is it?\n\nA: it is.\n\n"
    counted = tokeniser.decode([token for token, mark in zip(tokens, counts, strict=True) if mark])
    assert counted == "a cat.\n\nit is.\n\n"
    last, mask = answered(said("what is it?", "a cat.", "is it?", "it is."), tokeniser)
    assert last == tokens
    assert tokeniser.decode([t for t, m in zip(last, mask, strict=True) if m]) == "it is.\n\n"


@pytest.mark.parametrize("tokeniser", [CHARACTERS, BPE], ids=["characters", "bpe"])
def test_a_question_has_the_same_tokens_in_a_chat_as_in_training(tokeniser):
    dialogue = said("what is it?", "a cat.", "is it?", "it is.")
    tokens, _ = rendered(dialogue.turns, tokeniser)
    before = asked(dialogue.turns[:-1], tokeniser)
    assert tokens[: len(before)] == before
    answer = tokens[len(before) :]
    assert answer_of([*answer, *answer], tokeniser) == "it is."
    assert through_end([*answer, *answer], tokeniser) == len(answer)
    assert through_end(answer[:-1], tokeniser) == len(answer) - 1


@given(st.text(alphabet="aQA: \n", max_size=30))
def test_no_turn_can_be_written_into_a_question(text):
    turns = [Turn("user", f"x{text}"), Turn("assistant", "a")]
    tokens, _ = rendered(turns, Characters.train(["QA: \nax"]))
    decoded = Characters.train(["QA: \nax"]).decode(tokens)
    assert decoded.count(END) == 2 and re.split(END, decoded)[1] == "A: a"
    assert tidy(tidy(text)) == tidy(text) and END not in tidy(text)


# 3. Rows.


@settings(max_examples=20)
@given(st.lists(st.tuples(st.integers(1, 9), st.integers(1, 9)), min_size=1, max_size=12))
def test_packed_rows_hold_every_dialogue_once_with_its_own_mask(lengths):
    dialogues = [said("q" * a, "z" * b) for a, b in lengths]
    tokens, document, answer = packed(dialogues, CHARACTERS, 40)
    for number, dialogue in enumerate(dialogues):
        wanted, counts = rendered(dialogue.turns, CHARACTERS)
        mine = document == number
        assert mine.any(1).sum() == 1
        assert tokens[mine].tolist() == wanted and answer[mine].tolist() == counts
    assert not answer[document == -1].any()


def test_processes_and_micro_batches_count_the_answers_of_the_whole_batch():
    lengths = [(1, 9), (9, 1), (20, 2), (3, 30), (2, 2), (30, 5), (4, 4)]
    columns = packed([said("q" * a, "z" * b) for a, b in lengths], CHARACTERS, 48)
    whole = list(AnswerRows(columns, 4, seed=3).epoch(1))
    shares = [list(AnswerRows(columns, 4, 3, (rank, 2)).epoch(1)) for rank in (0, 1)]
    for batch, *own in zip(whole, *shares, strict=True):
        assert all(torch.equal(batch[i], torch.cat([each[i] for each in own])) for i in range(3))
        answers = float(batch[2].sum())
        assert float(batch[3].sum()) == pytest.approx(answers)
        assert [float(each[3].sum()) for each in own] == pytest.approx([answers / 2] * 2)


def test_pairs_differ_in_their_answers_alone_and_questions_stand_at_the_right():
    items = [Dialogue(said("1+1", "2").turns, "11"), Dialogue(said("10+10", "20").turns, "3")]
    chosen, first, rejected, second = pairs(items, CHARACTERS)
    assert chosen.shape == rejected.shape == first.shape == second.shape
    for i, each in enumerate(items):
        assert CHARACTERS.decode(chosen[i][first[i]].tolist()) == each.answer + END
        assert CHARACTERS.decode(rejected[i][second[i]].tolist()) == each.rejected + END
        before = int(first[i].int().argmax())
        assert torch.equal(chosen[i, :before], rejected[i, :before])
    tokens, valid = questions(items, CHARACTERS)
    assert valid[:, -1].all() and valid.sum(1).tolist() == [len("Q: 1+1\n\nA: "), len("Q: 10+10\n\nA: ")]
    assert CHARACTERS.decode(tokens[0][valid[0]].tolist()) == "Q: 1+1\n\nA: "


# 4. The sets of the package.


def test_the_sets_are_what_their_program_writes(tmp_path):
    games.write(tmp_path)
    for file in sorted(tmp_path.iterdir()):
        assert (SETS / file.name).read_bytes() == file.read_bytes(), file.name


def test_answers_are_right_and_no_tested_sum_is_in_any_text():
    tested = games.held_out()
    assert len(tested) == 1000
    text = (SETS / "sums_and_words.txt").read_text()
    found = re.findall(r"^(\d+)\+(\d+)=(\d+)$", text, re.MULTILINE)
    assert len(found) == 9000 and all(int(a) + int(b) == int(c) for a, b, c in found)
    assert not tested & {(int(a), int(b)) for a, b, _ in found}
    for name in ("word_games", "sums", "sum_pairs"):
        splits = open_dialogues(name)
        assert Counter({part: len(items) for part, items in splits.parts.items()}) and not splits.skipped
        counts = find(name).contents(SETS / f"{name}.jsonl")
        assert counts["test"]["dialogues"] == len(splits.test)
        for part, items in splits.parts.items():
            for each in items.items:
                if "+" in each.question:
                    a, b = map(int, each.question.split("+"))
                    assert int(each.answer) == a + b and ((a, b) in tested) == (part == "test")
                    assert each.rejected is None or int(each.rejected) != a + b
                else:
                    game, word = each.question.split()
                    assert each.answer == games.GAMES[game](word)


def test_a_word_is_of_consonants_and_vowels():
    draw = random.Random(0)
    assert all(re.fullmatch("([bcdfghklmnprstvw][aeiou]?){2,3}", games.word(draw)) for _ in range(200))
