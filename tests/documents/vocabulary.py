"""`docs/events.md`: every type of event with its fields, made from the code that defines them."""

import ast
import inspect
import re
import sys
import types
from collections.abc import Iterable, Iterator
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal, TypeAliasType, Union, get_args, get_origin

import msgspec
from msgspec import Struct
from msgspec.structs import FieldInfo

from refold.actors.session.commands import Command
from refold.eventlog.actions import Action
from refold.eventlog.events import Event
from refold.eventlog.observations import Observation

DOCUMENT = Path(__file__).parents[2] / "docs" / "events.md"

_HEAD = """\
# Events

What a log can hold. `refold events ID --json` prints each record as one line:

| key | value |
|---|---|
| `position` | the record's place in the whole log, from 0 |
| `version` | its place in its stream, from 0 |
| `stream` | the session's name |
| `at` | when it was committed, ns UTC |
| `type` | the event's type: one of those below |
| `data` | the event's own fields, as below, defaults included |
| `cause` | the version of the event that this one answers, or null |
| `command` | the id of the command that it came from |
| `by` | who it was: user, agent, policy or system |
| `epoch` | the claim under which it was written |
| `digest` | the hash of the stored bytes, which hold the digest before them |
| `given` | the command itself, on the first of its events only |

What was imported has `foreign` in its `data`: the event as another system recorded it. A type that is not
listed here comes from a newer version and is carried along as it is. `make documents` makes this page of the
code.
"""


def vocabulary() -> str:
    """Return the document."""
    events, actions = _members(Event), _members(Action)
    observations, commands = _members(Observation), _members(Command)
    known = (*events, *actions, *observations, *commands)
    parts, values = _reached(known)
    text = [_HEAD]
    for title, group in _by_banner(events):
        text.append(f"\n## {title}\n")
        text += (_entry(struct, struct.__name__) for struct in group)
    text.append(
        "\n## Kinds of Actions\n\nThe `action` of `ActionProposed`. `other` is printed as "
        "the kind that it stands for, with its arguments beside it.\n"
    )
    text += (_entry(struct, _tag(struct)) for struct in actions)
    text.append(
        "\n## Kinds of Observations\n\nThe `observation` of `ObservationRecorded`. `other` is "
        "printed as the kind that it stands for, with its fields beside it.\n"
    )
    text += (_entry(struct, _tag(struct)) for struct in observations)
    text.append("\n## Parts\n\nWhat stands in fields of the above.\n")
    text += (_entry(struct, struct.__name__) for struct in parts)
    text.append("\n## Values\n\nTexts that are one of a few.\n\n| name | values |\n|---|---|\n")
    text += (f"| `{alias.__name__}` | {_choices(alias)} |\n" for alias in values)
    text.append(
        "\n## Commands\n\nThe `given` of a record: what was asked of the session, by `kind`. Besides the "
        "fields listed, each has `id`, `at` and `by`; a `fact` that stands in the command's first event is "
        "left out.\n"
    )
    text += (_entry(struct, struct.__name__) for struct in commands)
    return "".join(text)


def _members(union: TypeAliasType) -> tuple[type[Struct], ...]:
    """Return the structs of a union, those of unions within it included."""
    found: list[type[Struct]] = []
    for member in get_args(union.__value__):
        found += _members(member) if isinstance(member, TypeAliasType) else [member]
    return tuple(found)


def _entry(struct: type[Struct], title: str) -> str:
    lines = [f"\n### {title}\n"]
    prose = ast.get_docstring(_class(struct)[0])
    if prose:
        lines.append(f"\n{prose}\n")
    fields = _own_fields(struct)
    if fields:
        lines.append("\n| field | type | default | |\n|---|---|---|---|\n")
    notes = _notes(struct)
    for field in fields:
        cells = (
            f"`{field.encode_name}`",
            _cell(_type(field.type)),
            _default(field),
            notes.get(field.name, ""),
        )
        lines.append(f"| {' | '.join(cells)} |\n")
    return "".join(lines)


def _own_fields(struct: type[Struct]) -> list[FieldInfo]:
    """Return the fields without those that every member of its family has."""
    common = {"Fact": ("cause", "by", "foreign"), "_Command": ("id", "at", "by")}
    hidden = {name for base in struct.__mro__ for name in common.get(base.__name__, ())}
    return [field for field in msgspec.structs.fields(struct) if field.name not in hidden]


def _tag(struct: type[Struct]) -> str:
    return str(struct.__struct_config__.tag)


def _default(field: FieldInfo) -> str:
    if field.default is not msgspec.NODEFAULT:
        return f"`{_json(field.default)}`"
    if field.default_factory is not msgspec.NODEFAULT:
        return f"`{_json(field.default_factory())}`"
    return ""


def _json(value: Any) -> str:  # noqa: ANN401 - a default can be anything
    return msgspec.json.encode(value).decode()


def _cell(text: str) -> str:
    return f"`{text}`".replace("|", "\\|")


# Types ------------------------------------------------------------------------------------------------


def _type(annotation: Any) -> str:  # noqa: ANN401 - annotations are of many types
    """Return the type as a reader of JSON would say it, with Python's own names."""
    if annotation is None or annotation is type(None):
        return "null"
    if annotation is Any:
        return "any"
    if isinstance(annotation, TypeAliasType):
        return annotation.__name__
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is None:
        return getattr(annotation, "__name__", str(annotation))
    if origin is Literal:
        return " | ".join(_json(choice) for choice in arguments)
    if origin in {Union, types.UnionType}:
        return " | ".join(_type(argument) for argument in arguments)
    inner = ", ".join("…" if argument is Ellipsis else _type(argument) for argument in arguments)
    name = {"tuple": "list", "dict": "object"}.get(origin.__name__, origin.__name__)
    inner = inner.removesuffix(", …") if name == "list" else inner
    return name if name == "object" and inner == "str, any" else f"{name}[{inner}]"


def _choices(alias: TypeAliasType) -> str:
    return ", ".join(f"`{choice}`" for choice in get_args(alias.__value__))


def _reached(known: Iterable[type[Struct]]) -> tuple[list[type[Struct]], list[TypeAliasType]]:
    """Return the structs and named choices that stand in fields of `known`, however deep."""
    seen: dict[int, Any] = {id(struct): struct for struct in known}
    waiting: list[Any] = [field.type for struct in known for field in msgspec.structs.fields(struct)]
    structs: list[type[Struct]] = []
    choices: list[TypeAliasType] = []
    while waiting:
        found = waiting.pop(0)
        if id(found) in seen:
            continue
        if isinstance(found, TypeAliasType):
            seen[id(found)] = found
            if get_origin(found.__value__) is Literal:
                choices.append(found)
            else:
                waiting += get_args(found.__value__)
        elif isinstance(found, type) and issubclass(found, Struct):
            seen[id(found)] = found
            structs.append(found)
            waiting += [field.type for field in msgspec.structs.fields(found)]
        else:
            waiting += [argument for argument in get_args(found) if argument is not Ellipsis]
    return structs, choices


# Source -----------------------------------------------------------------------------------------------

_BANNER = re.compile(r"^# (\w[\w ,]*) -{20,}$")


@cache
def _classes(module: str) -> dict[str, tuple[ast.ClassDef, str]]:
    """Return the classes of a module, each with the title of the banner that it stands under."""
    source = inspect.getsource(sys.modules[module])
    banners = [
        (number, match[1])
        for number, line in enumerate(source.splitlines(), start=1)
        if (match := _BANNER.match(line))
    ]
    return {
        node.name: (node, next((title for at, title in reversed(banners) if at < node.lineno), ""))
        for node in ast.parse(source).body
        if isinstance(node, ast.ClassDef)
    }


def _class(struct: type[Struct]) -> tuple[ast.ClassDef, str]:
    return _classes(struct.__module__)[struct.__name__]


def _by_banner(events: Iterable[type[Struct]]) -> Iterator[tuple[str, list[type[Struct]]]]:
    """Yield the events under the titles that their modules give them, in the order of the union."""
    groups: dict[str, list[type[Struct]]] = {}
    for event in events:
        groups.setdefault(_class(event)[1] or "Others", []).append(event)
    yield from groups.items()


def _notes(struct: type[Struct]) -> dict[str, str]:
    """Return what is written beneath the fields, those of parents included."""
    notes: dict[str, str] = {}
    for parent in reversed(
        [base for base in struct.__mro__ if issubclass(base, Struct) and base is not Struct]
    ):
        body = _class(parent)[0].body
        for statement, beneath in pairwise(body):
            match statement, beneath:
                case (
                    ast.AnnAssign(target=ast.Name(name)),
                    ast.Expr(ast.Constant(str(text))),
                ):
                    notes[name] = " ".join(inspect.cleandoc(text).split())
                case _:
                    pass
    return notes
