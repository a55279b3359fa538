"""`refold import`, `export`, `replay` and `fork`: sessions of others, and sessions made from sessions."""

import os
import time
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from refold.beginning import begin, choose_sandbox, model_name, new_name
from refold.cli.drive import Watcher, drive
from refold.cli.exits import exit_code
from refold.cli.options import (
    ConfigOption,
    HomeOption,
    JsonOption,
    ModelOption,
    SandboxOption,
    SessionArgument,
)
from refold.cli.output import put, put_text, say
from refold.errors import RefoldError, SessionExists, WrongUsage
from refold.eventlog.events import SessionStarted
from refold.eventlog.log import EventLog, WrongVersion
from refold.home import Home, check_session
from refold.layers import configure
from refold.look import check_known, reading
from refold.projections.drift import Drift, drift_of
from refold.projections.reenactment import Recording, names_workspace

if TYPE_CHECKING:
    from refold.system import System


class Unreadable(RefoldError):
    """The trajectory cannot be read; the message says which event and why."""

    exit_code = 1


IMPORTED = (
    "OpenHands (an exported list with or without environment events, a session's folder, an evaluation's "
    "output), ATIF 1.x, SWE-agent (.traj), mini-swe-agent (.traj.json), and what `refold export` prints"
)
EXPORTED = {
    "openhands": "one JSON array of events; what was imported from there comes out as it went in",
    "atif": "one JSON object of steps (ATIF), with the records beside them",
    "jsonl": "one record per line",
}


class Imported(NamedTuple):
    """`losses` says what became no event; it is kept all the same, beside the events that came of it."""

    session: str
    events: int
    losses: tuple[str, ...]


def import_(
    source: Annotated[
        Path, typer.Argument(metavar="FILE|DIR", help=f"A trajectory. Its form is found out: {IMPORTED}.")
    ],
    session: Annotated[str | None, typer.Option("--session", metavar="ID", help="Its name here.")] = None,
    home: HomeOption = None,
    json: JsonOption = False,
) -> int:
    log = Home(home).open_log()
    try:
        made = import_into(log, source, session)
    finally:
        log.close()
    if json:
        losses = {"losses": list(made.losses)} if made.losses else {}
        put({"session": made.session, "events": made.events, **losses})
    _tell_losses(made)
    if not json:
        name = made.session
        say(f"{made.events} events are session {name}; `refold replay {name}` carries them out again")
    return 0


def import_into(log: EventLog, source: Path, session: str | None = None) -> Imported:
    """Make a new session of a trajectory."""
    from refold.actors.session.importing import import_trajectory  # noqa: PLC0415
    from refold.eventlog.formats.detect import read_trajectory  # noqa: PLC0415
    from refold.eventlog.formats.stream import to_stream  # noqa: PLC0415
    from refold.eventlog.formats.trajectory import TrajectoryUnreadable  # noqa: PLC0415

    if not source.exists():
        raise WrongUsage(f"there is no file or folder {source}; `refold import --help` lists what can be")
    name = _free(log, source.stem) if session is None else check_session(session)
    try:
        stream = to_stream(read_trajectory(source))
    except TrajectoryUnreadable as error:
        raise Unreadable(f"{error} (`refold import --help` lists the forms)") from error
    try:
        import_trajectory(log, name, stream.events, now_ns=time.time_ns(), command=uuid.uuid4().hex)
    except WrongVersion as error:
        raise SessionExists(name) from error
    return Imported(name, len(stream.events) - 1, stream.losses)


def _tell_losses(made: Imported) -> None:
    if made.losses:
        say(f"kept, but no part of session {made.session}: {', '.join(made.losses)}")


def _free(log: EventLog, stem: str) -> str:
    """Return a name for an import that nobody has: its file's, with a number where that is taken."""
    base = "".join(c if c.isascii() and (c.isalnum() or c in "._-") else "-" for c in stem).lstrip("._-")[:56]
    base = base or "import"
    number, name = 1, base
    while log.head(name) is not None:
        number += 1
        name = f"{base}-{number}"
    return name


def export(
    session: SessionArgument,
    form: Annotated[
        str,
        typer.Option(
            "--format",
            metavar="|".join(EXPORTED),
            help="; ".join(f"{name}: {what}" for name, what in EXPORTED.items()) + ".",
        ),
    ] = "openhands",
    home: HomeOption = None,
    json: JsonOption = False,  # noqa: ARG001 - an export is data in any case
) -> int:
    from refold.eventlog.formats.atif_export import export_atif  # noqa: PLC0415
    from refold.eventlog.formats.openhands_export import export_array  # noqa: PLC0415
    from refold.projections.render import Renderer  # noqa: PLC0415

    if form not in EXPORTED:
        raise WrongUsage(f"there is no format {form!r}; there are: {', '.join(EXPORTED)}")
    with reading(Home(home)) as log:
        check_known(log, session)
        renderer = Renderer()
        match form:
            case "openhands":
                put_text(export_array(log.read(session)))
            case "atif":
                document = export_atif(
                    log.read(session),
                    line=renderer.line,
                    streams=lambda name: () if log.head(name) is None else log.read(name),
                )
                put_text(document)
            case _:
                for record in log.read(session):
                    put_text(renderer.line(record))
    return 0


def replay(
    source: Annotated[
        str, typer.Argument(metavar="ID|FILE", help="A session, or a trajectory to import first.")
    ],
    workspace: Annotated[
        Path | None,
        typer.Option("--workspace", metavar="DIR", help="Where it is carried out; default a new folder."),
    ] = None,
    sandbox: SandboxOption = None,
    model: ModelOption = None,
    config: ConfigOption = None,
    strict: Annotated[bool, typer.Option("--strict", help="Stop at the first difference.")] = False,
    session: Annotated[
        str | None, typer.Option("--session", metavar="ID", help="The new session's name.")
    ] = None,
    home: HomeOption = None,
    json: JsonOption = False,
) -> int:
    configuration = configure(config).configuration
    place, watcher = Home(home), Watcher(json=json, asks=False)
    with watcher.system(place) as system:
        recorded = _recorded(system, source)
        if sandbox is None and names_workspace(system.log.read(recorded)):
            chosen, warning = choose_sandbox(_bubblewrap_or_none())
        else:
            chosen, warning = choose_sandbox(sandbox)
        if chosen == "local" and names_workspace(system.log.read(recorded)):
            warning = (
                "the recording names /workspace, which sandbox local does not have: its commands may miss"
            )
        if warning is not None:
            watcher.warn(warning)
        name = check_session(f"replay-{new_name()}" if session is None else session)
        settings = begin(
            place,
            name,
            model=model_name(model),
            models={} if model is None else configuration.models,
            prices=configuration.prices,
            ipython=configuration.ipython,
            sandbox=chosen,
            workspace=workspace,
        )
        fact = SessionStarted(settings=settings, reenacts=recorded, strict=strict)
        drive(system, system.launch(name, fact), watcher)
        return _report(system, recorded, name, json=json)


def _bubblewrap_or_none() -> str | None:
    from refold.actors.sandboxes.choose import SANDBOXES  # noqa: PLC0415

    return "bubblewrap" if SANDBOXES["bubblewrap"].unavailable() is None else None


def _recorded(system: "System", source: str) -> str:
    """Return the stream to re-enact, importing a file first."""
    path = Path(source)
    if os.sep not in source and system.log.head(source) is not None:
        return source
    if path.exists():
        made = import_into(system.log, path)
        _tell_losses(made)
        return made.session
    raise WrongUsage(
        f"{source!r} is neither a file nor a session in {system.home.path}; `refold ls` lists those"
    )


def _report(system: "System", recorded: str, name: str, *, json: bool) -> int:
    recording = Recording(system.log.read(recorded))
    records = list(system.log.read(name))
    drifts = drift_of(recording, records)
    status = system.state(name).agent.state
    actions = sum(record.type == "StepReenacted" and not _ends(record) for record in records)
    messages = sum(step.message is not None for step in recording.steps)
    actions = max(0, actions - messages)
    if json:
        put(
            {
                "session": name,
                "status": status,
                "actions": actions,
                "drift": [
                    {"version": d.version, "field": d.field, "expected": d.expected, "found": d.found}
                    for d in drifts
                ],
            }
        )
    else:
        _tell(name, status, actions, drifts)
    return 1 if drifts else exit_code(status)


def _ends(record: object) -> bool:
    return bool(getattr(getattr(record, "event", None), "end", False))


def _tell(name: str, status: str, actions: int, drifts: tuple[Drift, ...]) -> None:
    say(f"session {name}: {actions} actions carried out again, {len(drifts)} differences, now {status}")
    for d in drifts:
        say(
            f"  version {d.version}, {d.field}:\n"
            f"    recorded: {_short(d.expected)}\n"
            f"    found:    {_short(d.found)}"
        )


def _short(value: object) -> str:
    if not isinstance(value, str):
        return str(value)
    text = value
    return repr(text if len(text) <= 200 else f"{text[:100]} … {text[-100:]}")  # noqa: PLR2004


def fork(
    session: SessionArgument,
    at: Annotated[int, typer.Option("--at", metavar="V", help="After this version.")],
    new: Annotated[str | None, typer.Option("--session", metavar="NEW", help="The fork's name.")] = None,
    workspace: Annotated[
        Path | None,
        typer.Option("--workspace", metavar="DIR", help="Its files; default a copy of the parent's."),
    ] = None,
    home: HomeOption = None,
    json: JsonOption = False,
) -> int:
    from refold.forking import fork_session  # noqa: PLC0415

    name = fork_session(Home(home), session, at=at, new=new, workspace=workspace)
    if json:
        put({"session": name, "parent": session, "version": at})
    else:
        say(f"session {name} goes on from version {at} of {session}; `refold resume {name}` drives it")
    return 0
