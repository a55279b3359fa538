"""Whether what a program hands over can be read again once it is recorded.

Annotations bind a type checker, not a caller. A record that nobody can decode would make its whole session
unreadable, so what a person's program gives is tried before it is told to anybody.
"""

import msgspec

from refold.allowed import allowed, is_finite
from refold.errors import WrongUsage


def check_fields(given: msgspec.Struct) -> None:
    """Raise `WrongUsage` if a field's value could not be decoded as what the field takes."""
    for field in msgspec.structs.fields(given):
        value = getattr(given, field.name)
        try:
            msgspec.msgpack.decode(msgspec.msgpack.encode(value), type=field.type)
        except (TypeError, ValueError, OverflowError, msgspec.MsgspecError) as error:
            raise WrongUsage(f"{field.name} is {value!r}; it must be {allowed(field.type)}") from error
        if not is_finite(value):
            raise WrongUsage(f"{field.name} is {value!r}; it must be {allowed(field.type)}, and finite")


def check_task(task: object) -> None:
    """Raise `WrongUsage` unless this is a task, or None."""
    if task is not None:
        check_text(task, "task", "do")


def check_text(text: object, what: str, purpose: str) -> None:
    """Raise `WrongUsage` if this is no text, or none that says anything or can be written down."""
    if not isinstance(text, str):
        raise WrongUsage(f"the {what} is {text!r}; it must be a text")
    if not text.strip():
        raise WrongUsage(f"the {what} is empty; say what the agent is to {purpose}")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise WrongUsage(f"the {what} is not UTF-8 at character {error.start}") from error
