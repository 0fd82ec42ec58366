"""Settings from text: `--set key=value` and config files pass through one check of one dataclass.

pydantic does the checking; this file turns its verdicts into sentences that name the field, what came,
what is allowed, and the nearest spelling.
"""

import dataclasses
import inspect
import json
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar, get_type_hints

from pydantic import TypeAdapter, ValidationError
from pydantic_core import core_schema

from gradschool.errors import UserError
from gradschool.models import catalogue
from gradschool.phrases import command, did_you_mean, nearest

T = TypeVar("T")


@dataclasses.dataclass(frozen=True)
class ByName:
    """Marks a setting that is a model's size function: written down, and read, as its name.

    Args:
        first: the function's first parameter, which says what it is for; see `models.catalogue`.
        other: another one that will do; "" for none.
    """

    first: str
    other: str = ""

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> core_schema.CoreSchema:
        """How pydantic reads and writes it."""
        return core_schema.no_info_plain_validator_function(
            lambda value: value if callable(value) else catalogue.find(str(value), self.first, self.other),
            serialization=core_schema.plain_serializer_function_ser_schema(catalogue.name_of),
        )


def make_model(model: Callable[..., Any], *shape: Any, options: Mapping[str, Any]) -> Any:
    """A model by its function, with a run's further arguments.

    Raises:
        UserError: the function has no such argument.
    """
    known = list(inspect.signature(model).parameters.values())
    names = [each.name for each in known[len(shape) :] if each.kind is not each.VAR_KEYWORD]
    takes_all = any(each.kind is each.VAR_KEYWORD for each in known)
    for name in [] if takes_all else options:
        if name not in names:
            wanted = f"one of {', '.join(names)}" if names else "none: the model takes no options"
            raise UserError(f"model_options has {name!r}", wanted, did_you_mean(nearest(name, names)))
    return model(*shape, **options)


def to_dict(run: Any) -> dict[str, Any]:
    """A recipe's settings as plain JSON values."""
    found: dict[str, Any] = TypeAdapter(type(run)).dump_python(run, mode="json")
    return found


def defaults(kind: type[Any]) -> dict[str, Any]:
    """The settings of a kind of run that have a default, as plain JSON values."""
    hints, found = get_type_hints(kind, include_extras=True), {}
    for each in dataclasses.fields(kind):
        made = each.default_factory
        value = each.default if made is dataclasses.MISSING else made()
        if value is not dataclasses.MISSING:
            found[each.name] = TypeAdapter(hints[each.name]).dump_python(value, mode="json")
    return found


def from_dict(kind: type[T], values: Mapping[str, Any]) -> T:
    """Settings of a given kind from plain values.

    Raises:
        UserError: a value is not allowed.
    """
    try:
        return TypeAdapter(kind).validate_python(dict(values))
    except ValidationError as error:
        raise explain(error, kind) from error


def override(run: T, assignments: Sequence[str], recipe: str) -> T:
    """Change settings by words of the form key=value; nested keys have dots, e.g. augment.flip=true.

    Another model keeps the recipe's options as far as it takes them.

    Raises:
        UserError: a word has no "=", a key does not exist, or a value is not allowed.
    """
    values = to_dict(run)
    for word in assignments:
        key, equals, text = word.partition("=")
        if not equals:
            raise UserError(f"--set got {word!r}", "key=value", "Example: --set learning_rate=0.01")
        place, names = values, key.strip().split(".")
        for depth, name in enumerate(names):
            # Options of a model may be new; the model knows which it takes.
            free = depth == 1 and len(names) == 2 and names[0] == OPTIONS
            if not isinstance(place, dict) or (name not in place and not free):
                raise unknown(key, name, names[:depth], place, recipe, options_of(type(run), values))
            if depth < len(names) - 1:
                place = place[name]
        place[names[-1]] = parsed(text)
        if isinstance(place[names[-1]], float) and not math.isfinite(place[names[-1]]):
            raise UserError(f"{key.strip()} is {text.strip()}", "a finite number", "")
    if OPTIONS in values and values.get("model") != to_dict(run).get("model"):
        takes, asked = options_of(type(run), values), {word.partition("=")[0].strip() for word in assignments}
        kept = {
            name: value
            for name, value in values[OPTIONS].items()
            if name in takes or asked & {OPTIONS, f"{OPTIONS}.{name}"}
        }
        values[OPTIONS] = kept
    return from_dict(type(run), values)


def options_of(kind: type, values: Mapping[str, Any]) -> list[str]:
    """What the model function of these settings can be told by name."""
    model = getattr(from_dict(kind, {**values, OPTIONS: {}}), "model", None) if OPTIONS in values else None
    return list(inspect.signature(model).parameters) if callable(model) else []


def unknown(
    key: str, name: str, path: Sequence[str], place: Any, recipe: str, options: Sequence[str] = ()
) -> UserError:
    """The sentence for a setting that does not exist, with the nearest that does."""
    known = list(place) if isinstance(place, dict) else []
    near = [f"{OPTIONS}.{name}"] if name in options and not path else []
    near = near or nearest(name, known)
    inside = [f"{k}.{sub}" for k, v in place.items() if isinstance(v, dict) for sub in v] if known else []
    near = near or [k for k in inside if k.split(".")[-1] == name] or nearest(name, inside, 1, 0.7)
    guess = did_you_mean(".".join([*path, one]) for one in near[:1])
    return UserError(
        f"{recipe} has no setting {key!r}", "", f"{guess}All settings: {command('train', recipe, '--help')}"
    )


def parsed(text: str) -> Any:
    """A value as JSON where it is JSON (numbers, lists, true, null), else the text itself."""
    if text.strip().lower() in ("none", "null"):
        return None
    try:
        return json.loads(text)
    except ValueError:
        return {"True": True, "False": False, "yes": True, "no": False}.get(text.strip(), text.strip())


OPTIONS = "model_options"
LIMITS = {"gt": ">", "ge": ">=", "lt": "<", "le": "<="}
TYPES = {
    "float": "a number",
    "int": "a whole number",
    "bool": "true or false",
    "tuple": "a list such as [0.5, 1.0]",
    "string": "text",
    "dataclass": "a group of settings",
    "dict": 'a group such as {"width": 64}',
}


def explain(error: ValidationError, kind: type) -> UserError:
    """The first complaint of pydantic as a sentence."""
    first = error.errors()[0]
    field = ".".join(str(part) for part in first["loc"] if isinstance(part, str)) or kind.__name__
    context = first.get("ctx", {})
    if first["type"] == "literal_error":
        wanted = "one of " + str(context["expected"]).replace("'", "")
    elif limit := next(
        (f"{sign} {context[name]:g}" for name, sign in LIMITS.items() if name in context), None
    ):
        wanted = f"a number {limit}"
    elif isinstance(context.get("error"), UserError):
        cause = context["error"]
        return UserError(f"{field}: {cause.what}", cause.wanted, cause.next_step)
    else:
        word = first["type"].split("_")[0]
        wanted = TYPES.get(word, first["msg"].lower()) + limits_of(kind, field)
    return UserError(f"{field} is {wanted}, got {first['input']!r}", "", example(kind, field))


def limits_of(kind: type, field: str) -> str:
    """The limits in a field's annotation, e.g. " > 0"."""
    hint = get_type_hints(kind, include_extras=True).get(field)
    if hint is None:
        return ""
    schema = TypeAdapter(hint).json_schema()
    properties: dict[str, Any] = next(
        (part for part in [schema, *schema.get("anyOf", [])] if "type" in part), {}
    )
    names = {"exclusiveMinimum": ">", "minimum": ">=", "exclusiveMaximum": "<", "maximum": "<="}
    found = [f"{sign} {properties[name]:g}" for name, sign in names.items() if name in properties]
    return (" " + " and ".join(found)) if found else ""


def example(kind: type, field: str) -> str:
    """An example with the field's own default, where it has one."""
    defaults = {f.name: f.default for f in dataclasses.fields(kind) if f.default is not dataclasses.MISSING}
    value = defaults.get(field)
    return f"Example: --set {field}={value}" if isinstance(value, (int, float, str)) else ""
