"""`refold verify`, `audit` and `doctor`: whether the log is what it says it is."""

import sys
from typing import Annotated

import msgspec
import typer

from refold.cli.options import HomeOption, JsonOption, SessionArgument
from refold.cli.output import put, say
from refold.errors import HomeEmpty
from refold.eventlog.audit_path import audit_path
from refold.home import Home
from refold.look import check_known, reading


def verify(session: SessionArgument, home: HomeOption = None, json: JsonOption = False) -> int:
    from refold.actors.session.verify import verify as verify_stream  # noqa: PLC0415 - loads the deciders
    from refold.identity import code_version  # noqa: PLC0415

    with reading(Home(home)) as log:
        check_known(log, session)
        result = verify_stream(log, session, code=code_version())
    if json:
        put(msgspec.to_builtins(result))
    elif result.divergence is None:
        foreign = f", {result.foreign} of them imported and checked by digest alone" if result.foreign else ""
        say(
            f"session {session}: {result.records} records{foreign}; "
            "every decision and every request comes out the same"
        )
    else:
        found = result.divergence
        say(f"session {session}: version {found.version}: {found.reason}: {found.verdict}")
        for name, value in (("recorded", found.expected), ("decided now", found.found)):
            if value is not None:
                say(f"  {name}: {msgspec.json.encode(value).decode()[:2000]}")
    return 0 if result.ok else 1


def audit(home: HomeOption = None, json: JsonOption = False) -> int:
    place = Home(home)
    with_progress = not json and sys.stderr.isatty()

    def progress(records: int) -> None:
        if with_progress:
            sys.stderr.write(f"\r{records} records checked")
            sys.stderr.flush()

    if not place.exists():
        raise HomeEmpty(f"there is no log in {place.path} to audit")
    report = audit_path(place.log_path, progress=progress)
    if with_progress:
        sys.stderr.write("\r\033[K")
    if json:
        bad = None if report.bad is None else {"position": report.bad.position, "reason": report.bad.reason}
        put({"ok": report.bad is None, "records": report.records, "bad": bad})
    elif report.bad is None:
        say(f"{report.records} records: every digest, chain and index is as it was written")
    else:
        say(f"record at position {report.bad.position}: {report.bad.reason}")
    return 0 if report.bad is None else 1


def doctor(
    reap: Annotated[bool, typer.Option("--reap", help="End runners whose driver is gone.")] = False,
    home: HomeOption = None,
    json: JsonOption = False,
) -> int:
    from refold.doctor import examine  # noqa: PLC0415 - loads the runner's client

    place = Home(home)
    findings = examine(place, reap=reap)
    for finding in findings:
        if json:
            put(msgspec.to_builtins(finding))
        else:
            say(f"{finding.session or finding.server}: {finding.text}")
    if not findings and not json:
        say(f"{place.path}: nothing to report")
    return 1 if any(finding.bad for finding in findings) else 0
