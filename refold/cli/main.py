"""The command line: `refold COMMAND …`. A command's module is loaded when it is called."""

import difflib
import importlib
import io
import os
import sys
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence


class _Entry(NamedTuple):
    module: str
    function: str
    help: str


COMMANDS: dict[str, _Entry] = {
    "run": _Entry("refold.cli.run", "run", "Start a session on a task and drive it."),
    "resume": _Entry("refold.cli.run", "resume", "Go on with a session where it stands."),
    "say": _Entry("refold.cli.steer", "message", "Send the agent a message."),
    "pause": _Entry("refold.cli.steer", "pause", "Stop before the next step; `resume` lifts it."),
    "stop": _Entry("refold.cli.steer", "stop", "End the step loop at once; every open action is answered."),
    "confirm": _Entry("refold.cli.steer", "confirm", "Approve the actions that wait."),
    "reject": _Entry("refold.cli.steer", "reject", "Refuse the actions that wait."),
    "continue": _Entry("refold.cli.steer", "continue_", "Go on after a limit or an error, limits extended."),
    "close": _Entry("refold.cli.steer", "close", "Let go of a session, resumably; its runner ends."),
    "ls": _Entry("refold.cli.look", "ls", "List the sessions."),
    "show": _Entry("refold.cli.look", "show", "Show a session's state, now or after any version."),
    "events": _Entry("refold.cli.look", "events", "Print a session's records; --follow waits for more."),
    "usage": _Entry("refold.cli.usage", "usage", "Show what sessions have used: steps, tokens, money, time."),
    "verify": _Entry("refold.cli.prove", "verify", "Decide everything again and compare with the log."),
    "replay": _Entry("refold.cli.trajectory", "replay", "Carry out recorded actions again and report drift."),
    "fork": _Entry("refold.cli.trajectory", "fork", "Begin a new session from any version of another."),
    "audit": _Entry("refold.cli.prove", "audit", "Check every digest and index of the log."),
    "import": _Entry("refold.cli.trajectory", "import_", "Import recorded trajectories."),
    "export": _Entry("refold.cli.trajectory", "export", "Print a session as a trajectory."),
    "config": _Entry("refold.cli.config", "config", "Show what is configured, and where each value is from."),
    "doctor": _Entry("refold.cli.prove", "doctor", "Look after a home: what is owed, what was left behind."),
    "runner": _Entry("refold.cli.runner", "runner", "Serve runners to drivers on other machines."),
    "simulate": _Entry(
        "refold.cli.simulate", "simulate", "Hunt for bugs: sessions by the thousand, with faults."
    ),
    "demo": _Entry("refold.cli.demo", "demo", "Watch a session run, be killed, come back and be proved."),
}


def main(arguments: "Sequence[str] | None" = None) -> None:
    """Run the command line and exit with its code."""
    _open_standard_streams()
    given = list(sys.argv[1:] if arguments is None else arguments)
    debug = "--debug" in given
    given = [word for word in given if word != "--debug"]
    sys.exit(_guarded(given, debug=debug))


def _open_standard_streams() -> None:
    """Open onto nothing what the caller has closed, lest a file of ours get its number and its output."""
    while (file := os.open(os.devnull, os.O_RDWR)) <= 2:  # noqa: PLR2004 - standard error
        os.set_inheritable(file, True)  # noqa: FBT003 - it takes nothing else
    os.close(file)
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(number, "r" if number == 0 else "w", closefd=False))
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper) and stream.errors == "strict":
            stream.reconfigure(errors="replace")  # Better a question mark than half of what was asked for.


def _guarded(given: list[str], *, debug: bool) -> int:
    if debug:
        os.environ["REFOLD_LOG"] = "debug"
    try:
        code = _dispatch(given)
        sys.stdout.flush()
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # Whoever read has seen enough.
        from refold.cli.output import hush  # noqa: PLC0415 - only when something went wrong

        hush()
        return 0
    except Exception as error:
        if debug:
            raise
        return _told(error)
    return code


def _told(error: Exception) -> int:
    from refold.errors import RefoldError  # noqa: PLC0415 - only when something went wrong
    from refold.eventlog.log import CorruptRecord, LogError  # noqa: PLC0415

    match error:
        case RefoldError():
            _say(str(error))
            return error.exit_code
        case CorruptRecord():
            _say(f"the log is damaged: {error}; `refold audit` checks all of it")
            return 1
        case LogError() | OSError():
            _say(str(error))
            return 1
        case _:
            _say(f"internal error: {type(error).__name__}: {error} (--debug shows where)")
            return 1


def _dispatch(given: list[str]) -> int:
    if not given or given[0] in {"--help", "-h", "help"}:
        sys.stdout.write(_overview())
        return 0
    if given[0] in {"--version", "-V"}:
        from importlib.metadata import version  # noqa: PLC0415

        sys.stdout.write(f"refold {version('refold')}\n")
        return 0
    given = _options_last(given)
    if garbled := next((word for word in given if not _is_text(word)), None):
        _say(f"{ascii(garbled)[:80]} is not UTF-8, and a log keeps nothing else")
        return 2
    name = given[0]
    if name not in COMMANDS:
        near = difflib.get_close_matches(name, COMMANDS, 1)
        hint = f"; did you mean `refold {near[0]}`?" if near else "; `refold --help` lists them"
        _say(f"there is no command {name!r}{hint}")
        return 2
    return _call(name, given)


def _is_text(word: str) -> bool:
    """Whether the bytes that a word was given as were UTF-8."""
    try:
        word.encode()
    except UnicodeEncodeError:
        return False
    return True


def _options_last(given: list[str]) -> list[str]:
    """Return the words with the options that every command takes behind the command, wherever they stood."""
    front: list[str] = []
    rest = given
    while rest and (rest[0] == "--json" or rest[0].partition("=")[0] == "--home"):
        taken = 2 if rest[0] == "--home" else 1
        front, rest = front + rest[:taken], rest[taken:]
    return [rest[0], *front, *rest[1:]] if rest else given


def _call(name: str, given: list[str]) -> int:
    import typer  # noqa: PLC0415 - not for --help

    entry = COMMANDS[name]
    app = typer.Typer(
        name="refold",
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(_nothing)
    app.command(name, help=entry.help)(getattr(importlib.import_module(entry.module), entry.function))
    try:
        code = typer.main.get_command(app).main(given, prog_name="refold", standalone_mode=False)
    except typer.Exit as end:
        return end.exit_code
    except typer.Abort:
        return 130
    except SystemExit as end:  # How typer's parser takes a reader's leave, as a failure.
        if isinstance(end.__context__, BrokenPipeError):
            raise end.__context__ from None
        raise
    except Exception as error:
        show = getattr(error, "format_message", None)  # the usage errors of typer's own parser
        if show is None:
            raise
        _say(f"{show()} (`refold {name} --help` shows how)")
        return 2
    return code if isinstance(code, int) else 0


def _nothing() -> None:
    pass


def _say(text: str) -> None:
    sys.stderr.write(f"refold: {text}\n")


def _overview() -> str:
    width = max(len(name) for name in COMMANDS)
    lines = [f"  {name:<{width}}  {entry.help}" for name, entry in COMMANDS.items()]
    return (
        "Usage: refold COMMAND [OPTIONS]\n\n"
        "Agent sessions that can be killed, replayed and proved.\n\n"
        "Commands:\n" + "\n".join(lines) + "\n\n"
        "Every command takes --home DIR and --json; `refold COMMAND --help` says more.\n"
        "Exit codes: 0 done, 1 the agent or a check failed, 2 wrong usage or refused, "
        "3 waiting for a person.\n"
    )
