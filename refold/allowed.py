"""What a key takes, in words: read off its type, so that the words are never older than the check."""

import json
import math
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin

from msgspec import inspect


def without_none(kind: object) -> Any:  # noqa: ANN401 - a type as an annotation has it
    """Return a type without its None."""
    if get_origin(kind) not in {Union, UnionType}:
        return kind
    others = [each for each in get_args(kind) if each is not NoneType]
    result: Any = others[0]
    for other in others[1:]:
        result |= other
    return result


def allowed(kind: object) -> str:
    """Return what a value of this type looks like, for somebody who has just written another one."""
    return _words(inspect.type_info(kind))


def below(key: str, name: str) -> str:
    """Return the key of what is called `name` in the table `key`, as it is written in a file."""
    written = name if name.replace("-", "").replace("_", "").isalnum() else json.dumps(name)
    return f"{key}.{written}" if key else written


def shown(value: object) -> str:
    """Return a value as it is found in a file, more or less."""
    return json.dumps(value, ensure_ascii=False, default=str) if is_finite(value) else f"{value}"


def is_finite(value: object) -> bool:
    """Whether a value is none of the numbers that count nothing, and that JSON cannot write."""
    return not isinstance(value, float) or math.isfinite(value)


def _words(kind: inspect.Type) -> str:
    match kind:
        case inspect.BoolType():
            return "true or false"
        case inspect.IntType(ge=ge, gt=gt):
            return "a whole number" + _from(ge, gt)
        case inspect.FloatType(ge=ge, gt=gt):
            return "a number" + _from(ge, gt)
        case inspect.StrType():
            return "a text"
        case inspect.LiteralType(values=values):
            return f"one of {', '.join(map(str, values))}"
        case inspect.UnionType(types=types):
            return ", or ".join(_words(each) for each in types if not isinstance(each, inspect.NoneType))
        case inspect.VarTupleType(item_type=item) | inspect.ListType(item_type=item):
            return f"a list, each item {_words(item)}"
        case inspect.StructType(fields=fields, tag_field=tag_field, tag=tag):
            named = [] if tag_field is None else [f'{tag_field} = "{tag}"']
            return f"a table with {', '.join([*named, *(field.encode_name for field in fields)])}"
        case inspect.DictType(value_type=value):
            return f"a table of names, each {_words(value)}"
        case _:
            return "something else"


def _from(ge: float | None, gt: float | None) -> str:
    if ge is not None:
        return f" of at least {ge:g}"
    return "" if gt is None else f" above {gt:g}"
