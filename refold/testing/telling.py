"""The story of a run, for people: who told whom what, where faults struck, and the log at that moment."""

from collections.abc import Iterable

from msgspec import Struct, structs

from refold.actors.dispatch.flight import START, WORK
from refold.actors.dispatch.port import ActorFailed, WorkFailed
from refold.actors.dispatch.story import FAULT, Entry
from refold.actors.session.commands import Command
from refold.actors.session.messages import Committed, Reply, Settled, Submit
from refold.eventlog.events import AgentStateChanged, Event
from refold.eventlog.log import Appended
from refold.eventlog.record import Record
from refold.testing.crash import STREAM

LONGEST = 110
"""Characters of one message: the story is to be read, the log holds the rest."""
PART_LONGEST = 20
_DULL = frozenset({"id", "at", "by", "cause", "foreign", "type", "kind"})


def tell(entries: Iterable[Entry], records: Iterable[Record], broken: str | None) -> str:
    """Return the story, line by line: seconds since the beginning, from whom, to whom, what."""
    lines: list[str] = []
    began: int | None = None
    for when, source, target, message in entries:
        began = when if began is None else began
        lines.append(_line((when - began) / 1e9, source, target, message))
    lines += ["", "The log then:", *(_record(record) for record in records)]
    if broken is not None:
        lines += ["", f"BROKEN {broken}"]
    return "\n".join(lines)


def _line(seconds: float, source: str, target: str, message: object) -> str:
    if source == FAULT:
        return f"{seconds:9.3f}  *** FAULT *** {target}: {message}"
    if source == WORK:
        return f"{seconds:9.3f}  {'(work)':>12}    {_work(target)}"
    if source == START:
        return f"{seconds:9.3f}  {'(start)':>12}    {target}"
    teller = _work(source.removeprefix(f"{WORK} ")) if source.startswith(WORK) else source
    return f"{seconds:9.3f}  {_short(teller):>12} -> {_short(target):<12} {_cut(describe(message))}"


def describe(message: object) -> str:
    """Return what one message says, in a few words."""
    match message:
        case Submit(command=command, before=before):
            return ", ".join([*(_command(one) for one in before), _command(command)])
        case Reply(command=command, refused=str(refused)):
            return f"refused {command}: {refused}"
        case Reply(command=command, error=error) if error is not None:
            return f"failed {command}: {error}"
        case Reply(command=command, records=records):
            return f"done {command}: {_events(records)}"
        case Committed(records=records):
            return f"committed {_events(records)}"
        case Settled(result=Appended(records=records)):
            return f"written {_events(records)}"
        case Settled(result=error):
            return f"not written: {error}"
        case ActorFailed(name=name, error=error, message=text):
            return f"{name} failed: {error}: {text}"
        case WorkFailed(key=key, error=error, message=text):
            return f"{key} failed: {error}: {text}"
        case Struct():
            return f"{type(message).__name__.lstrip('_')} {_fields(message)}"
        case _:
            return str(message)


def _command(command: Command) -> str:
    fact = getattr(command, "fact", None)
    said = _event(fact) if isinstance(fact, Struct) else _fields(command)
    return f"{type(command).__name__} {said}".strip()


def _events(records: Iterable[Record]) -> str:
    return ", ".join(f"{record.version} {record.type}" for record in records) or "nothing"


def _event(event: Struct) -> str:
    return f"{type(event).__name__} {_fields(event)}".strip()


def _record(record: Record) -> str:
    cause = "" if record.cause is None else f" of {record.cause}"
    return _cut(f"{record.version:5}  epoch {record.epoch}  {record.type}{cause} {_said(record.event)}")


def _said(event: Event) -> str:
    match event:
        case AgentStateChanged(state=state, reason=reason):
            return f"{state} {reason}".strip()
        case _:
            return _fields(event)


def _fields(struct: Struct) -> str:
    """Return the fields that differ from their defaults, but for those that a reader skips."""
    told: list[str] = []
    for field in structs.fields(struct):
        value = getattr(struct, field.name)
        if field.name not in _DULL and value not in (None, "", (), {}, field.default):
            told.append(f"{field.name}={_event(value) if isinstance(value, Struct) else repr(value)}")
    return " ".join(told)


def _work(key: str) -> str:
    """Return what work is called: its key without the session, the log and the runner, which are long."""
    return " ".join(part for part in key.split("/") if part != STREAM and len(part) <= PART_LONGEST)


def _short(name: str) -> str:
    return name.rpartition("/")[2] if name.startswith(f"{STREAM}/") else name


def _cut(text: str) -> str:
    line = text.replace("\n", " ⏎ ")
    return line if len(line) <= LONGEST else f"{line[: LONGEST - 1]}…"
