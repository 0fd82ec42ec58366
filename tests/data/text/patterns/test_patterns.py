"""Automata of patterns against Python's re and the regex module; JSON against jsonschema."""

import json
import random
import re

import numpy as np
import pytest
import regex
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from gradschool.data.text.patterns.guide import guide
from gradschool.data.text.patterns.machine import NOWHERE, compiled, utf8
from gradschool.data.text.patterns.schema import pattern_of
from gradschool.data.text.patterns.syntax import others
from gradschool.data.text.tokens.bpe import ByteBPE
from gradschool.errors import UserError
from gradschool.ops.decoding.search import beam_search, decode

SIGNS = "abé0- \n中😀"
atoms = st.sampled_from(
    ["a", "b", "é", "中", "😀", ".", "[ab]", "[^a]", "[a-é]", r"\d", r"\w", r"\W", r"\s", "[é-😀]", r"\-"]
)
patterns = st.recursive(
    atoms,
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map("".join),
        st.lists(inner, min_size=2, max_size=3).map(lambda parts: f"(?:{'|'.join(parts)})"),
        st.tuples(inner, st.sampled_from(["*", "+", "?", "{2}", "{0,2}", "{1,}", "{,}"])).map(
            lambda pair: f"({pair[0]}){pair[1].replace('{,}', '')}"
        ),
    ),
    max_leaves=5,
)
texts = st.text(SIGNS, max_size=6)


@settings(max_examples=120, deadline=None)
@given(patterns, st.lists(texts, min_size=1, max_size=6))
def test_the_same_texts_match_as_in_re(pattern, some):
    machine = compiled(pattern)
    for text in some:
        assert machine.accepts(text) == bool(re.fullmatch(pattern, text, re.ASCII))


@settings(max_examples=60, deadline=None)
@given(patterns, texts)
def test_a_beginning_is_alive_if_it_can_be_completed(pattern, text):
    """The regex module knows partial matches."""
    wanted = regex.fullmatch(pattern, text, regex.ASCII, partial=True) is not None
    assert (compiled(pattern).after(text.encode()) != NOWHERE) == wanted


def written(machine, draw: random.Random, most: int = 60) -> bytes | None:
    """A random walk from the start to an end; None if it does not end."""
    state, found = 0, b""
    while len(found) < most:
        bytes_ = np.flatnonzero(machine.to[state] != NOWHERE).tolist()
        if machine.accepting[state] and (not bytes_ or draw.random() < 0.3):
            return found
        byte = draw.choice(bytes_)
        found, state = found + bytes([byte]), machine.to[state, byte]
    return None


@settings(max_examples=40, deadline=None)
@given(patterns, st.integers(0, 99))
def test_whatever_the_automaton_writes_is_text_and_matches(pattern, seed):
    found = written(compiled(pattern), random.Random(seed))
    assume(found is not None)
    assert re.fullmatch(pattern, found.decode(), re.ASCII)


@settings(max_examples=60)
@given(st.lists(st.tuples(st.integers(0, 0x10FFFF), st.integers(0, 70_000)), min_size=1, max_size=2))
def test_bytes_of_a_range_are_exactly_its_characters(pairs):
    for low, width in pairs:
        high = min(low + width, 0x10FFFF)
        pieces = list(utf8(((low, high),)))
        count = high - low + 1 - max(0, min(high, 0xDFFF) - max(low, 0xD800) + 1)
        assert sum(np.prod([b - a + 1 for a, b in piece]) for piece in pieces) == count
        for point in {low, high, (low + high) // 2, min(low + 63, high), max(low, high - 4097)}:
            if not 0xD800 <= point <= 0xDFFF:
                code = chr(point).encode()
                fits = [len(p) == len(code) and all(a <= c <= b for (a, b), c in zip(p, code, strict=True))
                        for p in pieces]  # fmt: skip
                assert sum(fits) == 1
    assert others(others(((5, 9), (20, 30)))) == ((5, 9), (20, 30))


@pytest.mark.parametrize(
    ("pattern", "word"),
    [("(a", r"no '\)'"), ("a)", r"'\)' too many"), ("[a", r"no '\]'"), ("*", "nothing to repeat"),
     ("a*?", "lazy"), ("^a$", "anchors|'\\^'"), (r"(a)\1", r"\\1"), ("(?=a)", "a group with a"),
     ("a{3,1}", "smaller number first"), ("a{x}", "unknown repetition"), ("[z-a]", "a range that is none"),
     (r"\q", r"\\q"), (r"[^\s\S]", "matches no text"), ("(?:a{999}){999}", "too large")],
)  # fmt: skip
def test_what_is_no_regular_language_is_refused_in_words(pattern, word):
    with pytest.raises(UserError, match=word):
        compiled(pattern)


TOKENS = ByteBPE.train(['{"name": "Zoë 中国", "age": 41}, {"name": "Ann", "age": 7}'] * 9, 300)


def likes(seed: int):
    """A model that would write anything."""
    table = torch.randn(len(TOKENS) + 1, len(TOKENS) + 1, generator=torch.Generator().manual_seed(seed))
    return lambda tokens, rows: 4 * table[tokens[:, -1]]


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 999))
def test_a_model_under_a_guide_writes_what_matches(seed):
    pattern, end = r"(?:[1-9]\d{0,3}|[a-z中é]{2,5}), \w{3}", len(TOKENS)
    rules = guide(pattern, [*TOKENS.tokens, b""], end)
    prompt, step = torch.tensor([[3], [7], [end]]), likes(seed)
    chosen = decode(step, prompt, lambda x, t: rules.masked(x, t[:, 1:]).argmax(1), 40, end)
    for row in torch.stack([*chosen], 1).tolist():
        text = TOKENS.decode_bytes([token for token in row if token != end]).decode()
        assert end in row and re.fullmatch(pattern, text, re.ASCII)
    beams = beam_search(lambda t, r: rules.masked(step(t, r), t[:, 1:]), prompt[0], 3, 40, end)
    assert beams
    for text in beams:
        assert re.fullmatch(pattern, TOKENS.decode_bytes(text.tokens[:-1]).decode(), re.ASCII)


def test_every_text_can_be_written_and_the_end_only_where_it_may_end():
    rules = guide(r"(?:ab|中)+", [*TOKENS.tokens, b""], len(TOKENS))
    state = rules.after(TOKENS.encode("ab中"))
    assert rules.allowed(state)[len(TOKENS)] and not rules.allowed(0)[len(TOKENS)]
    with pytest.raises(UserError, match="does not fit"):
        rules.after(TOKENS.encode("ba"))


def test_a_vocabulary_without_a_needed_byte_never_runs_into_a_dead_end():
    """ "abc" or "abd": there is no c, so "x" alone must not be taken for the start of "xc"."""
    tokens = [b"ab", b"d", b"x", b"a"]
    rules = guide("abc|abd|xc", tokens)
    assert rules.allowed(0).tolist() == [True, False, False, False]
    with pytest.raises(UserError, match="no sequence of tokens"):
        guide("xc", tokens)


SCHEMA = {
    "type": "object",
    "properties": {
        "id": {"type": "integer"},
        "name": {"type": "string", "maxLength": 6},
        "kind": {"enum": ["cat", "dog", 3, None, "a\"b"]},
        "code": {"type": "string", "pattern": "^[A-Z]{2}[0-9]+$"},
        "tags": {"type": "array", "items": {"type": ["boolean", "number"]}, "minItems": 1, "maxItems": 3},
        "other": {"anyOf": [{"type": "null"}, {"type": "array", "items": {"const": "é"}}]},
    },
    "required": ["name", "tags"],
    "additionalProperties": False,
}  # fmt: skip


def test_whatever_is_written_under_a_schema_fits_it():
    machine, check, draw = compiled(pattern_of(SCHEMA)), Draft202012Validator(SCHEMA), random.Random(0)
    found = [text for _ in range(150) if (text := written(machine, draw, 400)) is not None]
    assert len(found) > 50
    for text in found:
        check.validate(json.loads(text))
    # Nothing of an optional property is lost.
    assert {key for text in found for key in json.loads(text)} == set(SCHEMA["properties"])


tags = st.lists(st.booleans() | st.integers(-99, 99), min_size=1, max_size=3)
values = st.fixed_dictionaries(
    {"name": st.text(max_size=6), "tags": tags},
    optional={
        "id": st.integers(-(10**9), 10**9),
        "kind": st.sampled_from(SCHEMA["properties"]["kind"]["enum"]),
        "code": st.from_regex(r"\A[A-Z]{2}[0-9]{1,4}\Z"),
        "other": st.none() | st.lists(st.just("é"), max_size=3),
    },
)  # fmt: skip
MACHINE = compiled(pattern_of(SCHEMA))


@settings(max_examples=30)
@given(values, st.booleans(), st.integers(0, 4))
def test_json_that_fits_can_be_written(value, compact, wrong):
    assume(Draft202012Validator(SCHEMA).is_valid(value))
    ordered = {key: value[key] for key in SCHEMA["properties"] if key in value}
    separators = (",", ":") if compact else (", ", ": ")
    assert MACHINE.accepts(json.dumps(ordered, ensure_ascii=False, separators=separators))
    nameless = {key: each for key, each in ordered.items() if key != "name"}
    changes = ({"name": 3}, {"tags": []}, {"more": 1}, {"kind": "bird"})
    broken = [*({**ordered, **change} for change in changes), nameless][wrong]
    assert not MACHINE.accepts(json.dumps(broken, ensure_ascii=False, separators=separators))


@pytest.mark.parametrize(
    ("schema", "word"),
    [({"type": "strin"}, "type 'strin'"), ({"type": "integer", "minimum": 3}, "minimum"), (True, "True"),
     ({"type": "array"}, "no items"), ({"type": "object", "required": ["a"]}, "'a' is required"),
     ({"type": "string", "pattern": "^.*$"}, "quotation marks"), ({"enum": []}, "enum is empty"),
     ({"type": "string", "pattern": "a"}, "pattern 'a'"), ({"$ref": "#/a"}, "ref")],
)  # fmt: skip
def test_what_is_not_known_of_a_schema_is_refused(schema, word):
    with pytest.raises(UserError, match=word):
        compiled(pattern_of(schema))


REFERRING = {
    "$ref": "#/$defs/pair",
    "$defs": {
        "pair": {
            "type": "object", "required": ["items"],
            "properties": {"$ref": {"$ref": "#/$defs/a~1b"}, "items": {"const": {"$ref": 1}}},
        },
        "a/b": {"type": "array", "items": {"anyOf": [{"$ref": "#/$defs/sign"}, {"type": "null"}]}},
        "sign": {"enum": ["x", "y"]},
    },
}  # fmt: skip


def test_references_to_the_schema_s_own_definitions_are_followed():
    machine, check, draw = compiled(pattern_of(REFERRING)), Draft202012Validator(REFERRING), random.Random(0)
    found = [text for _ in range(60) if (text := written(machine, draw, 400)) is not None]
    assert len(found) > 20 and {"$ref", "items"} == {key for text in found for key in json.loads(text)}
    for text in found:
        check.validate(json.loads(text))
    for value in (
        {"$ref": ["x", None], "items": {"$ref": 1}},
        {"$ref": [3], "items": {"$ref": 1}},
        {"$ref": []},
    ):
        assert machine.accepts(json.dumps(value)) == check.is_valid(value)


@pytest.mark.parametrize(
    ("schema", "word"),
    [
        ({"$ref": "#/$defs/b", "$defs": {"a": {"type": "null"}}},
         "refers to '#/\\$defs/b'; wanted: #/\\$defs/a"),
        ({"$ref": "http://x/a"}, "a name in the schema's own"),
        ({"$ref": "#/$defs/a", "$defs": {"a": {"type": "array", "items": {"$ref": "#/$defs/a"}}}},
         "a -> a"),
        ({"$ref": "#/$defs/a", "minLength": 3, "$defs": {"a": {"type": "string"}}}, "minLength"),
        ({"$ref": "#/$defs/a", "$defs": 3}, "an object of schemas"),
        ({"$ref": "#/$defs/0", "$defs": {"9": {"type": "null"}} | {
            str(i): {"anyOf": [{"$ref": f"#/$defs/{i + 1}"}] * 3} for i in range(9)}},
         "more than 1,000 references"),
    ],
)  # fmt: skip
def test_references_that_lead_nowhere_or_in_a_circle_are_refused(schema, word):
    with pytest.raises(UserError, match=word):
        pattern_of(schema)


@settings(max_examples=40, deadline=None)
@given(patterns, st.integers(0, 99))
def test_a_text_of_so_many_tokens_at_most_always_comes_to_an_end(pattern, seed):
    rules = guide(pattern, TOKENS.tokens)
    left, state, draw, text = int(rules.to_end[0]) + seed % 4, 0, random.Random(seed), []
    assume(left > 0)
    while left and (able := rules.within(state, left).nonzero().flatten().tolist()):
        if rules.accepting[state] and draw.random() < 0.2:
            break
        text.append(draw.choice(able))
        state, left = int(rules.to[state, text[-1]]), left - 1
    assert re.fullmatch(pattern, TOKENS.decode_bytes(text).decode(), re.ASCII)
