"""`refold ls`, `show` and `events`: looking at sessions, beside whoever drives them."""

import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from refold.cli.options import HomeOption, JsonOption, SessionArgument
from refold.cli.output import is_read, put, put_text, say
from refold.cli.showing import lines
from refold.cli.words import plain, told
from refold.errors import WrongUsage
from refold.eventlog.record import Record
from refold.home import Home
from refold.look import check_known, glance, reading
from refold.projections.render import Renderer

if TYPE_CHECKING:
    from refold.eventlog.lmdb_log import LMDBLog

AtOption = Annotated[int | None, typer.Option("--at", metavar="V", help="After this version instead of now.")]


def ls(home: HomeOption = None, json: JsonOption = False) -> int:
    place = Home(home)
    if not place.exists():
        if not json:
            say(f"no sessions in {place.path} yet; `refold run` starts one")
        return 0
    with reading(place) as log:
        for stream in log.streams():
            seen = glance(place, log, stream)
            if json:
                put(seen)
            else:
                cost = "?" if seen["cost"] is None else f"${seen['cost']:.4f}"
                title = plain(seen["task"] or "").splitlines()
                if seen["delegate_of"] is not None:
                    title = [f"for {seen['delegate_of']['session']}: {title[0] if title else ''}"]
                sys.stdout.write(
                    f"{stream:<28} {_status(seen):<44} {seen['iterations']:>4} steps  {cost:>9}  "
                    f"{title[0][:60] if title else ''}\n"
                )
    return 0


def show(
    session: SessionArgument,
    at: AtOption = None,
    home: HomeOption = None,
    json: JsonOption = False,
) -> int:
    place = Home(home)
    with reading(place) as log:
        seen = glance(place, log, session, at=at)
    if json:
        put(seen)
        return 0
    for line in lines(seen, _status(seen), now=at is None):
        sys.stdout.write(f"{line}\n")
    return 0


def events(
    session: SessionArgument,
    after: Annotated[
        int, typer.Option("--after", metavar="V", help="Only what comes after this version.")
    ] = -1,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Wait for more until interrupted.")] = False,
    home: HomeOption = None,
    json: JsonOption = False,
) -> int:
    place = Home(home)
    renderer = Renderer()
    with reading(place) as log:
        head = check_known(log, session)
        if not -1 <= after <= head:
            raise WrongUsage(f"session {session!r} has versions 0 to {head}; --after {after} was asked for")
        for record in _records(log, session, after, follow=follow):
            if json:
                put_text(renderer.line(record))
            else:
                sys.stdout.write(line_of(record) + "\n")
                sys.stdout.flush()
    return 0


def _records(log: "LMDBLog", session: str, after: int, *, follow: bool) -> Iterator[Record]:
    if not follow:
        yield from log.read(session, after=after)
        return
    subscription = log.subscribe(stream=session, after=after)
    try:
        while is_read():
            yield from subscription.take(timeout_s=1.0)
    finally:
        subscription.close()


def line_of(record: Record) -> str:
    """Return a record in one line: version, time, type, and what matters of it."""
    at = datetime.fromtimestamp(record.at / 1e9, UTC).strftime("%H:%M:%S")
    text = told(record.event)
    first = " ⏎ ".join(plain(text).strip().splitlines()[:3])
    return f"{record.version:>5}  {at}  {record.type:<20} {first[:140]}".rstrip()


def _status(seen: dict[str, Any]) -> str:
    """Return the agent's state together with its driver."""
    status = str(seen["status"]).replace("_", " ")
    driver = seen.get("driver")
    if driver is not None:
        return f"{status}, driven by process {driver['pid']}"
    if seen["status"] in {"loading", "running", "rate_limited"} and not seen["imported"]:
        return f"{status}, no driver"
    return status
