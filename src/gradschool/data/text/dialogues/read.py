"""Dialogues from JSON lines: a prompt and an answer, messages in turn, or a prompt with two answers.

The usual names of all three are known; a line that holds none of them is left out, and the reason is told.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from gradschool.data.text.decode import read_text
from gradschool.data.text.dialogues.dialogue import Dialogue, Role, Turn
from gradschool.data.text.dialogues.template import tidied, tidy
from gradschool.data.text.labelled.columns import PARTS, SPELLINGS
from gradschool.data.text.labelled.tables import objects
from gradschool.errors import UserError
from gradschool.phrases import counted

PROMPTS = ("prompt", "question", "instruction")
ANSWERS = ("answer", "completion", "response", "output", "chosen")
MORE = ("input", "context")  # a text that the prompt is about
ROLES: Mapping[str, Role] = {
    "system": "system", "user": "user", "human": "user", "assistant": "assistant", "gpt": "assistant",
}  # fmt: skip
WANTED = "JSON lines with prompt and answer, with messages, or with prompt, chosen and rejected"
EXAMPLE = 'Example of a line: {"prompt": "12+7", "answer": "19"}'


@dataclass(frozen=True)
class Row:
    """One dialogue as it was read, and the part it belongs to; "" where nobody has said."""

    place: str
    part: str
    dialogue: Dialogue


@dataclass(frozen=True)
class Read:
    """What a file holds.

    Args:
        rows: dialogues.
        skipped: (where it stands, reason) of every line that is left out.
        notes: sentences about what was guessed or changed.
    """

    rows: Sequence[Row]
    skipped: Sequence[tuple[str, str]] = ()
    notes: Sequence[str] = field(default_factory=tuple)


def read_dialogues(file: Path) -> Read:
    """All dialogues of a file.

    Raises:
        UserError: it cannot be read, or holds no dialogue.
    """
    # 1. Objects, and the dialogue in each.
    text, notes = read_text(file)
    found, skipped = objects(text, file.name)
    rows: list[Row] = []
    for place, each in found:
        try:
            rows.append(Row(place, part_of(each), dialogue_of(each)))
        except ValueError as error:
            skipped.append((place, str(error)))
    if not rows:
        first = f" (the first: {skipped[0][1]})" if skipped else ""
        raise UserError(f"{file} holds no dialogue{first}", WANTED, EXAMPLE)
    # 2. What the template changes, here already: two questions that the model reads alike are the same.
    said = [turn.text for row in rows for turn in row.dialogue.turns]
    said += [row.dialogue.rejected for row in rows if row.dialogue.rejected is not None]
    if changed := sum(tidy(each) != each for each in said):
        notes = [*notes, f"Empty lines and space at ends are taken out of {counted(changed, 'text')}."]
    return Read([replace(row, dialogue=tidied(row.dialogue)) for row in rows], skipped, notes)


def part_of(values: Mapping[str, Any]) -> str:
    """The part that a line says it belongs to; "" where it says none."""
    named = {name.lower(): value for name, value in values.items()}
    said = next((named[name] for name in PARTS if isinstance(named.get(name), str)), "")
    return SPELLINGS.get(said.strip().lower(), "")


def dialogue_of(values: Mapping[str, Any]) -> Dialogue:
    """The dialogue of one line.

    Raises:
        ValueError: there is none, with the reason in a few words.
    """
    named = {name.lower(): value for name, value in values.items()}
    # 1. Messages in turn.
    if isinstance(messages := named.get("messages") or named.get("conversations"), list):
        return in_turn([turn_of(each) for each in messages])
    # 2. A prompt, perhaps with a text that it is about, and an answer; perhaps a second, rejected one.
    prompt = text_of(named, PROMPTS, "prompt")
    more = next((named[name] for name in MORE if isinstance(named.get(name), str)), "")
    turns = [Turn("user", f"{prompt}\n{more}" if more.strip() else prompt)]
    dialogue = Dialogue([*turns, Turn("assistant", text_of(named, ANSWERS, "answer"))])
    if "rejected" not in named:
        return dialogue
    rejected = text_of(named, ("rejected",), "rejected answer")
    if tidy(rejected) == tidy(dialogue.answer):
        raise ValueError("both answers are the same")
    return Dialogue(dialogue.turns, rejected)


def text_of(named: Mapping[str, Any], names: Sequence[str], what: str) -> str:
    """The first of these values that is there; it has to be a text that is not empty."""
    value = next((named[name] for name in names if named.get(name) is not None), None)
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ValueError(f"no {what}" if value is None else f"the {what} is no text")
    if not tidy(str(value)):
        raise ValueError(f"the {what} is empty")
    return str(value).encode("utf-8", "replace").decode()


def turn_of(message: Any) -> Turn:
    """One message, {"role", "content"} or {"from", "value"}."""
    if not isinstance(message, dict):
        raise ValueError("a message is no object")
    role = str(message.get("role", message.get("from")))
    if role not in ROLES:
        raise ValueError(f"a message has the role {role!r}")
    content = {"content": message.get("content", message.get("value"))}
    return Turn(ROLES[role], text_of(content, ("content",), "content of a message"))


def in_turn(turns: Sequence[Turn]) -> Dialogue:
    """Messages as a dialogue: questions and answers in turn, an answer last; a system's text may be first."""
    spoken = turns[1:] if turns and turns[0].role == "system" else turns
    roles = [turn.role for turn in spoken]
    if not roles or roles != ["user", "assistant"] * (len(roles) // 2):
        raise ValueError("the messages are not question and answer in turn with an answer last")
    return Dialogue(turns)
