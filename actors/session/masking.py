"""The door of Session: a command comes in without secrets, whoever sends it and however deep they stand."""

from functools import cache
from typing import Any

from msgspec import Struct, inspect
from msgspec.structs import replace

from refold.actors.runner.masker import Masker
from refold.actors.session.commands import Command
from refold.actors.session.messages import Fault, Submit

_NAMES = frozenset({"digest", "request", "incarnation", "configuration", "code", "host", "response_id"})
"""Fields that hold what we made up ourselves."""


def masked_submit(submit: Submit, masker: Masker) -> Submit:
    return replace(
        submit,
        command=masked(submit.command, masker),
        before=tuple(masked(command, masker) for command in submit.before),
    )


def masked_fault(fault: Fault, masker: Masker) -> Fault:
    return Fault(error=fault.error, message=masker.text(fault.message))


def masked(command: Command, masker: Masker) -> Command:
    """Return the command without secrets; its id, kinds and states stay as they are."""
    return replace(_masked(command, masker), id=command.id)  # type: ignore[no-any-return]


def _masked(value: Any, masker: Masker) -> Any:  # noqa: ANN401 - whatever a command can hold
    """Return the value without secrets: the very same one where it holds none, as its encoding may ask."""
    if isinstance(value, Struct):
        changes = {
            name: changed
            for name in _free(type(value))
            if (changed := _masked(given := getattr(value, name), masker)) != given
        }
        return replace(value, **changes) if changes else value
    if isinstance(value, str):
        text = masker.text(value)
        return value if text == value else text
    if isinstance(value, dict):
        pairs: dict[Any, Any] = value  # pyright: ignore[reportUnknownVariableType] - anything
        changed = {masker.data(key): _masked(item, masker) for key, item in pairs.items()}
        return pairs if changed == pairs else changed
    if isinstance(value, tuple):
        several: tuple[Any, ...] = value  # pyright: ignore[reportUnknownVariableType] - anything
        other = tuple(_masked(item, masker) for item in several)
        return several if other == several else other
    if isinstance(value, list):
        items: list[Any] = value  # pyright: ignore[reportUnknownVariableType] - anything
        others = [_masked(item, masker) for item in items]
        return items if others == items else others
    return value


@cache
def _free(kind: type[Struct]) -> tuple[str, ...]:
    """Return the fields of a struct in which anybody's words can stand."""
    info = inspect.type_info(kind)
    assert isinstance(info, inspect.StructType)  # noqa: S101 - it is a struct's
    return tuple(
        field.name for field in info.fields if field.name not in _NAMES and not _is_fixed(field.type)
    )


def _is_fixed(kind: inspect.Type) -> bool:
    """Whether only what we wrote into the code can stand there."""
    match kind:
        case inspect.UnionType(types=types):
            return all(_is_fixed(each) for each in types)
        case inspect.LiteralType() | inspect.NoneType() | inspect.BoolType():
            return True
        case inspect.IntType() | inspect.FloatType() | inspect.BytesType():
            return True
        case _:
            return False
