"""A JSON schema as a pattern, so that a model can only write JSON that fits.

A part of JSON Schema 2020-12: types with their lengths and patterns, `enum`, `const`, `anyOf`, arrays of one
kind of items, objects with named properties in the order of the schema, and `$ref` to the schema's own
`$defs`. What is not known is refused, not ignored. The JSON has at most one space after a comma or a colon,
and none elsewhere.
"""

import json
from collections.abc import Mapping
from typing import Any

from gradschool.data.text.patterns.machine import NOWHERE, compiled
from gradschool.errors import UserError

COMMA, COLON = ", ?", ": ?"
CHARACTER = (
    r"""(?:[^"\\\x00-\x1f]|\\["\\/bfnrt]|\\u(?:[0-9a-cefA-CEF][0-9a-fA-F]{3}|[dD][0-7][0-9a-fA-F]{2}))"""
)
INTEGER = "-?(?:0|[1-9][0-9]{0,17})"
NUMBER = rf"{INTEGER}(?:\.[0-9]{{1,17}})?(?:[eE][+\-]?[0-9]{{1,2}})?"
SIMPLE = {"integer": INTEGER, "number": NUMBER, "boolean": "(?:true|false)", "null": "null"}
KNOWN = {
    "string": {"minLength", "maxLength", "pattern"},
    "array": {"items", "minItems", "maxItems"},
    "object": {"properties", "required", "additionalProperties"},
}
ESCAPED = [*range(32), ord('"'), ord("\\")]
PLACE = "#/$defs/"  # where references lead
MOST = 1_000  # references that are followed
NOTES = {"title", "description", "$schema", "default", "examples", "type"}


def literal(text: str) -> str:
    """A pattern that matches this text alone."""
    return "".join(f"\\{c}" if c in r"\.[]{}()*+?|^$-" else c for c in text)


def counted(least: int, most: int | None) -> str:
    """A repetition, as it is written behind a part."""
    return f"{{{least},{'' if most is None else most}}}"


def pattern_of(schema: Mapping[str, Any] | bool) -> str:
    """The pattern of the JSON texts that fit a schema.

    Args:
        schema: as read from JSON. `$ref` names one of its own `$defs`, which may refer to each other but not
            in a circle: texts of any depth are no regular language.

    Raises:
        UserError: it uses what is not known here.
    """
    if not isinstance(schema, Mapping) or "$defs" not in schema:
        return part_of(References({}).without(schema))
    return part_of(References(schema["$defs"]).without({k: v for k, v in schema.items() if k != "$defs"}))


class References:
    """Puts what a schema refers to in the place of the reference.

    Args:
        known: the schema's `$defs`.
    """

    def __init__(self, known: Any) -> None:
        if not isinstance(known, Mapping):
            raise UserError(f"$defs is {known!r}", "an object of schemas by name")
        self.known, self.followed = known, 0

    def without(self, schema: Any, above: tuple[str, ...] = ()) -> Any:
        """A schema without references.

        Args:
            schema: any part of the whole.
            above: names that it was reached by.
        """
        if not isinstance(schema, Mapping):
            return schema
        if "$ref" in schema:
            known_only(schema, {"$ref"}, "$ref")
            return self.target(schema["$ref"], above)
        # Only where a schema stands: a property may be called "$ref", and a constant may look like one.
        found = dict(schema)
        if "items" in found:
            found["items"] = self.without(found["items"], above)
        if isinstance(found.get("anyOf"), list):
            found["anyOf"] = [self.without(each, above) for each in found["anyOf"]]
        if isinstance(found.get("properties"), Mapping):
            found["properties"] = {k: self.without(v, above) for k, v in found["properties"].items()}
        return found

    def target(self, reference: Any, above: tuple[str, ...]) -> Any:
        """The schema that a reference names.

        Raises:
            UserError: there is none, it refers to itself, or the references multiply without measure.
        """
        name = str(reference).removeprefix(PLACE).replace("~1", "/").replace("~0", "~")
        if not str(reference).startswith(PLACE) or name not in self.known:
            known = ", ".join(f"{PLACE}{each}" for each in self.known) or "a name in the schema's own $defs"
            raise UserError(f"a schema refers to {reference!r}", known)
        if name in above:
            way = " -> ".join((*above[above.index(name) :], name))
            raise UserError(f"a schema refers to itself: {way}", "references without a circle")
        self.followed += 1
        if self.followed > MOST:
            raise UserError(f"a schema follows more than {MOST:,} references", "fewer, or smaller parts")
        return self.without(self.known[name], (*above, name))


def part_of(schema: Any) -> str:
    """The pattern of a schema without references; see `pattern_of`."""
    if not isinstance(schema, Mapping):
        raise UserError(f"a schema is {schema!r}", "an object with a type, enum, const or anyOf")
    # 1. What lists its values.
    for key in ("const", "enum", "anyOf"):
        if key in schema:
            known_only(schema, {key}, key)
            options = [schema[key]] if key == "const" else schema[key]
            if not options:
                raise UserError(f"{key} is empty", "one option or more")
            found = [
                part_of(o) if key == "anyOf" else literal(json.dumps(o, ensure_ascii=False)) for o in options
            ]
            return f"(?:{'|'.join(found)})"
    # 2. One type, or one of several.
    kind = schema.get("type")
    if isinstance(kind, list):
        return f"(?:{'|'.join(part_of({**schema, 'type': each}) for each in kind)})"
    known_only(schema, KNOWN.get(str(kind), set()), f"type {kind!r}")
    if kind in SIMPLE:
        return SIMPLE[kind]
    made = {"string": string, "array": array, "object": record}.get(str(kind))
    if made is None:
        raise UserError(f"a schema has type {kind!r}", f"one of {', '.join([*SIMPLE, *KNOWN])}")
    return made(schema)


def known_only(schema: Mapping[str, Any], known: set[str], what: str) -> None:
    """Refuse a word that would be ignored."""
    strange = [key for key in schema if key not in known | NOTES]
    if strange:
        raise UserError(
            f"a schema of {what} has {strange[0]!r}", f"{', '.join(sorted(known)) or 'nothing more'}"
        )


def string(schema: Mapping[str, Any]) -> str:
    """A text in quotation marks."""
    if "pattern" not in schema:
        return f'"{CHARACTER}{counted(schema.get("minLength", 0), schema.get("maxLength"))}"'
    # Anchors are JSON Schema's way to say what holds here always: the pattern is of the whole text.
    inside = schema["pattern"]
    whole = inside.startswith("^") and inside.endswith("$") and not inside.endswith(r"\$")
    if not whole or "minLength" in schema or "maxLength" in schema:
        raise UserError(f"a string has the pattern {inside!r}", "^...$, without minLength and maxLength")
    # What has to be escaped in JSON would need a pattern of its escapes.
    if (compiled(inside[1:-1]).to[:, ESCAPED] != NOWHERE).any():
        raise UserError(
            f"a string has the pattern {inside!r}",
            "one that cannot match quotation marks, backslashes or control characters",
        )
    return f'"(?:{inside[1:-1]})"'


def array(schema: Mapping[str, Any]) -> str:
    """Items between square brackets."""
    least, most = schema.get("minItems", 0), schema.get("maxItems")
    if "items" not in schema:
        raise UserError("an array has no items", "a schema of its items")
    item = f"(?:{part_of(schema['items'])})"
    if most == 0:
        return r"\[\]"
    more = counted(max(least, 1) - 1, None if most is None else most - 1)
    filled = f"{item}(?:{COMMA}{item}){more}"
    return rf"\[{filled}\]" if least else rf"\[(?:{filled})?\]"


def record(schema: Mapping[str, Any]) -> str:
    """Properties between braces, in the order of the schema; those that are not required may be absent."""
    properties, required = schema.get("properties", {}), set(schema.get("required", ()))
    if unknown := required - set(properties):
        raise UserError(f"the property {sorted(unknown)[0]!r} is required", "one of the properties")
    if schema.get("additionalProperties", False) is not False:
        raise UserError("an object allows other properties", "additionalProperties: false, or none")
    # 1. From the last to the first: what may follow when something came before, and when nothing did.
    later, first = "", ""
    for name, each in reversed(properties.items()):
        pair = f"{literal(json.dumps(name, ensure_ascii=False))}{COLON}(?:{part_of(each)})"
        if name in required:
            later, first = f"{COMMA}{pair}{later}", f"{pair}{later}"
        else:
            later, first = f"(?:{COMMA}{pair})?{later}", f"(?:{pair}{later}|{first})"
    return rf"\{{{first}\}}"
