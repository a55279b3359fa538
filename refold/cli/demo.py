"""`refold demo`: a session runs; another is killed in mid-command, comes back, and is proved. For real."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from importlib.resources import as_file, files
from pathlib import Path

from rich.console import Console
from rich.panel import Panel

from refold.actors.session.verify import verify
from refold.beginning import choose_sandbox
from refold.cli.drive import Watcher, drive
from refold.cli.options import HomeOption, JsonOption
from refold.cli.output import put
from refold.errors import SessionBroken
from refold.eventlog.audit_path import audit_path
from refold.eventlog.events import ActionProposed, ActionStarted, ObservationRecorded, SessionClaimed
from refold.home import Home
from refold.identity import code_version
from refold.look import reading

_KILL_WITHIN_S = 30.0


def demo(home: HomeOption = None, json: JsonOption = False) -> int:
    place = Home(home or Path(tempfile.mkdtemp(prefix="refold-demo-")))
    console = Console(highlight=False, stderr=json)
    sandbox, warning = choose_sandbox(None)
    console.print(
        Panel(
            "The model's answers come from a script that we wrote; everything else is real: the log on disk, "
            "the shell in its sandbox, the edits, the tests, and the kill.",
            title="Refold: agent sessions that can be killed, replayed and proved",
        )
    )
    if warning is not None:
        console.print(warning, style="yellow")
    with as_file(files("refold") / "demo") as data:
        first = _first(place, data, sandbox, console)
        second = _second(place, data, sandbox, console)
    proved = _prove(place, console)
    good = first == 0 and second == 0 and proved
    if json:
        put({"ok": good, "home": str(place.path)})
    _next(place, console)
    return 0 if good else 1


def _first(home: Home, data: Path, sandbox: str, console: Console) -> int:
    _title(console, "1. An agent repairs a repository")
    return _run(home, "demo-repair", data, sandbox, "task.txt", "script.jsonl")


def _run(home: Home, session: str, data: Path, sandbox: str, task: str, script: str) -> int:
    watcher = Watcher(json=False, asks=False, plain=True)
    with watcher.system(home) as system:
        started = system.start(
            (data / task).read_text(encoding="utf-8").strip(),
            session=_free(home, session),
            workspace=_workspace(home, session, data),
            model=f"script:{data / script}",
            sandbox=sandbox,
        )
        return drive(system, started, watcher)


def _workspace(home: Home, session: str, data: Path) -> Path:
    folder = home.workspace(_free(home, session))
    shutil.copytree(data / "repository", folder, ignore=shutil.ignore_patterns("__pycache__"))
    return folder


def _free(home: Home, session: str) -> str:
    """Return a name that no session of the home has, so that the demo can be played in one home again."""
    if not home.exists():
        return session
    with reading(home) as log:
        number, name = 1, session
        while log.head(name) is not None:
            number += 1
            name = f"{session}-{number}"
    return name


def _second(home: Home, data: Path, sandbox: str, console: Console) -> int:
    _title(console, "2. A session whose driver is killed in mid-command")
    session = _free(home, "demo-crash")
    workspace = _workspace(home, session, data)
    command = [sys.executable, "-m", "refold", "run", "--home", str(home.path), "--session", session]
    command += [
        "--workspace",
        str(workspace),
        "--sandbox",
        sandbox,
        "--model",
        f"script:{data / 'crash.jsonl'}",
    ]
    task = (data / "crash.txt").read_text(encoding="utf-8").strip()
    driver = subprocess.Popen(  # noqa: S603 - ourselves
        [*command, task], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    console.print(f"process {driver.pid} drives session {session}: {task}", style="dim")
    progress = _wait_for_progress(driver, workspace)
    driver.send_signal(signal.SIGKILL)
    driver.wait()
    console.print(f"[bold red]kill -9 {driver.pid}[/bold red] while the command is running; it had written:")
    console.print(progress.rstrip(), style="dim")
    console.print(f"\n[bold]refold resume {session}[/bold]")
    watcher = Watcher(json=False, asks=False, plain=True)
    with watcher.system(home) as system:
        before = system.state(session).version
        code = drive(system, system.resume(session), watcher, after=before)
    return code if _ran_once(home, session, workspace, console) else 1


def _wait_for_progress(driver: "subprocess.Popen[bytes]", workspace: Path) -> str:
    """Return what the command has written once it is well under way."""
    until = time.monotonic() + _KILL_WITHIN_S
    file = workspace / "progress.log"
    while time.monotonic() < until and driver.poll() is None:
        text = file.read_text(encoding="utf-8") if file.exists() else ""
        if text.count("\n") >= 2:  # noqa: PLR2004 - under way, and far from done
            return text
        time.sleep(0.05)
    raise SessionBroken("the demo's second session did not get under way; run it alone to see why")


def _ran_once(home: Home, session: str, workspace: Path, console: Console) -> bool:
    lines = (workspace / "progress.log").read_text(encoding="utf-8").splitlines()
    with reading(home) as log:
        records = list(log.read(session))
    proposed = sum(isinstance(r.event, ActionProposed) for r in records)
    started = {r.event.cause for r in records if isinstance(r.event, ActionStarted)}
    answered = [r.event.cause for r in records if isinstance(r.event, ObservationRecorded)]
    claims = sum(isinstance(r.event, SessionClaimed) for r in records)
    once = len(lines) == len(set(lines)) and len(answered) == len(set(answered)) == proposed
    console.print(
        f"{claims} drivers, {proposed} actions, {len(started)} of them started in the sandbox, "
        f"{len(answered)} answers; progress.log has {len(lines)} lines, {len(set(lines))} different: "
        + ("[green]nothing lost, nothing done twice[/green]" if once else "[red]this must not be[/red]")
    )
    return once


def _prove(home: Home, console: Console) -> bool:
    _title(console, "3. Proof")
    good = True
    with reading(home) as log:
        for session in log.streams():
            result = verify(log, session, code=code_version())
            good = good and result.ok
            said = "decided again, all the same" if result.ok else f"differs: {result.divergence}"
            console.print(f"refold verify {session}: {result.records} records, {said}")
    report = audit_path(home.log_path)
    found = "every digest and index is as it was written" if report.bad is None else report.bad.reason
    console.print(f"refold audit: {report.records} records, {found}")
    return good and report.bad is None


def _next(home: Home, console: Console) -> None:
    _title(console, "Next")
    refold = "refold" if shutil.which("refold") else f"{os.path.relpath(sys.executable)} -m refold"
    console.print(
        f"  {refold} events demo-repair --home {home.path}\n"
        f"  {refold} show demo-crash --at 12 --home {home.path}\n"
        f"  {refold} replay demo-repair --home {home.path}\n"
        "With a real model:\n"
        f'  OPENAI_API_KEY=… {refold} run --model openai/NAME --workspace . "Fix the failing test"\n'
        f'  ANTHROPIC_API_KEY=… {refold} run --model anthropic/NAME "…"   (or any server: --base-url URL)',
        soft_wrap=True,
        markup=False,
    )


def _title(console: Console, text: str) -> None:
    console.print(f"\n[bold]{text}[/bold]")
