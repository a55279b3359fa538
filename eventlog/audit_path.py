"""Audit of a file that cannot be trusted: a process of its own reads it, and may die of what it finds."""

import sys
from collections.abc import Callable
from pathlib import Path
from signal import Signals
from subprocess import DEVNULL, PIPE, Popen

from msgspec import MsgspecError, Struct
from msgspec.json import decode, encode

from refold.eventlog.audit import AuditReport, Bad, audit
from refold.eventlog.datafile import problems
from refold.eventlog.lmdb_log import LMDBLog
from refold.eventlog.log import LogError, LogUnreadable


class Line(Struct, omit_defaults=True):
    """What the reading process says: how far it came, and in the end what it found."""

    records: int = 0
    report: AuditReport | None = None
    unreadable: str | None = None


def audit_path(path: Path | str, *, progress: Callable[[int], None] = lambda _: None) -> AuditReport:
    """Audit the log at `path` in a child process; raise `LogUnreadable` if there is none to be opened."""
    command = [sys.executable, "-P", "-m", "refold.eventlog.audit_path", str(Path(path).absolute())]
    records = 0
    with Popen(command, stdin=DEVNULL, stdout=PIPE, stderr=DEVNULL) as child:  # noqa: S603 - ourselves
        assert child.stdout is not None  # noqa: S101 - it is a pipe
        for text in child.stdout:
            try:
                line = decode(text, type=Line)
            except MsgspecError:
                continue  # cut off by its end
            if line.unreadable is not None:
                raise LogUnreadable(line.unreadable)
            if line.report is not None:
                return line.report
            records = line.records
            progress(records)
    return AuditReport(records, Bad(records, _cause_of_death(Path(path), child.returncode)))


def _cause_of_death(path: Path, code: int) -> str:
    how = Signals(-code).name if code < 0 else f"exit code {code}"
    wrong = [
        f"{segment.name}: {problem}"
        for segment in sorted(path.glob("[0-9]*"))
        for problem in problems(segment / "data.mdb")[:1]
    ]
    return f"the file is damaged: reading on from here ends in {how}" + "".join(
        f"; {one}" for one in wrong[:1]
    )


def _say(line: Line) -> None:
    sys.stdout.buffer.write(encode(line) + b"\n")
    sys.stdout.buffer.flush()


def main(path: str) -> None:
    """Read a log and say what is found, line by line."""
    import resource  # noqa: PLC0415 - needed here only

    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        with LMDBLog.open(path, readonly=True) as log:
            report = audit(log, progress=lambda records: _say(Line(records=records)))
    except LogError as error:
        _say(Line(unreadable=str(error)))
    else:
        _say(Line(report=report))


if __name__ == "__main__":
    main(sys.argv[1])
