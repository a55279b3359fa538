"""What a person sees of a run: what the agent thinks, does and gets, and what it has cost so far."""

import sys
import time
from typing import TYPE_CHECKING, Protocol

from refold.actors.sandboxes.sandbox import is_isolated
from refold.actors.session.state import State
from refold.cli.onward import onward
from refold.cli.words import did, got, plain
from refold.eventlog.actions import Edit
from refold.eventlog.condensation import Condensed
from refold.eventlog.events import (
    ActionProposed,
    AgentStateChanged,
    CallRefused,
    FaultClass,
    MessageReceived,
    ModelAnswered,
    ModelFailed,
    ObservationRecorded,
    RecallRecorded,
    RuntimeConnected,
    RuntimeLost,
    SessionFaulted,
    StuckDetected,
    WarningRaised,
)
from refold.eventlog.record import Record
from refold.eventlog.starting import StartStepEnded

if TYPE_CHECKING:
    from rich.console import RenderableType

_SHOWN_LINES = 12


class View(Protocol):
    def record(self, record: Record, state: State) -> None: ...

    def glimpse(self, session: str, of: str, text: str) -> None: ...

    def prompt(self, text: str) -> None: ...

    def rested(self, session: str, state: State, fault: FaultClass | None = None) -> None: ...

    def close(self) -> None: ...


class QuietView:
    """Nothing but the end, on stderr: for pipes and scripts."""

    def __init__(self) -> None:
        self._reason = ""

    def record(self, record: Record, state: State) -> None:  # noqa: ARG002 - a view may look at it
        match record.event:
            case WarningRaised(text=text):
                sys.stderr.write(f"refold: {text}\n")
            case AgentStateChanged(reason=reason):
                self._reason = reason
            case SessionFaulted(error=error, message=message):
                self._reason = f"{error}: {message}"
            case _:
                pass

    def glimpse(self, session: str, of: str, text: str) -> None: ...

    def prompt(self, text: str) -> None: ...

    def rested(self, session: str, state: State, fault: FaultClass | None = None) -> None:
        if self._reason:
            sys.stderr.write(f"{session}: {self._reason}\n")
        sys.stderr.write(summary(session, state, fault) + "\n")

    def close(self) -> None: ...


def summary(session: str, state: State, fault: FaultClass | None = None) -> str:
    """Return how a session stands in one line, and what to do next where that is up to a person.

    `fault` is the model's, where an error is of that.
    """
    agent = state.agent
    cost = "cost unknown" if agent.cost_usd is None else f"${agent.cost_usd:.4f}"
    steps = "1 iteration" if agent.iterations == 1 else f"{agent.iterations} iterations"
    said = f"{session}: {agent.state.replace('_', ' ')} · {steps} · {cost}"
    match agent.state:
        case "awaiting_user_input":
            return f'{said} · answer with: refold say {session} "…"'
        case "awaiting_user_confirmation":
            return f"{said} · approve with: refold confirm {session} (or reject)"
        case "paused":
            return f"{said} · go on with: refold resume {session}"
        case "error":
            return f"{said} · {onward(session, state, fault)}"
        case "loading" | "running" | "rate_limited" if state.life.closed:
            return f"{said} · closed; go on with: refold resume {session}"
        case _:
            return said


class LiveView:
    """Lines that stay, and one at the bottom that moves."""

    def __init__(self) -> None:
        from rich.console import Console  # noqa: PLC0415 - only on a terminal
        from rich.live import Live  # noqa: PLC0415

        self._console: Console = Console(highlight=False)
        self._live: Live = Live(console=self._console, transient=True, refresh_per_second=8)
        self._running = False
        self._began = time.monotonic()
        self._tail = ""
        self._tokens = 0
        self._state = State()

    def record(self, record: Record, state: State) -> None:
        self._state = state
        if not self._running and self._console.is_terminal:
            self._live.start()
            self._running = True
        self._tail = ""
        if isinstance(record.event, ModelAnswered):
            self._tokens += record.event.usage.prompt + record.event.usage.completion
        for line in self._lines(record):
            self._console.print(line)
        if self._running:
            self._refresh()

    def glimpse(self, session: str, of: str, text: str) -> None:  # noqa: ARG002 - one session, one line
        self._tail = (self._tail + text)[-400:]
        if self._running:
            self._refresh()

    def prompt(self, text: str) -> None:
        self.close()
        self._console.print(text, style="bold", markup=False, end="")
        self._console.file.flush()

    def rested(self, session: str, state: State, fault: FaultClass | None = None) -> None:
        self.close()
        colour = {"finished": "green", "error": "red", "rejected": "red"}.get(state.agent.state, "yellow")
        elapsed = time.monotonic() - self._began
        self._console.print(
            f"{summary(session, state, fault)} · {self._tokens} tokens · {elapsed:.1f} s", style=colour
        )

    def close(self) -> None:
        if self._running:
            self._live.stop()
            self._running = False

    def _refresh(self) -> None:
        from rich.spinner import Spinner  # noqa: PLC0415
        from rich.text import Text  # noqa: PLC0415

        agent = self._state.agent
        cost = "" if agent.cost_usd is None else f" · ${agent.cost_usd:.4f}"
        elapsed = time.monotonic() - self._began
        tail = plain(self._tail.replace("\r", "\n")).rstrip("\n").rpartition("\n")[2][-80:]
        figures = f"step {agent.iterations} · {self._tokens} tokens{cost} · {elapsed:.0f} s"
        said = f" {agent.state.replace('_', ' ')} · {figures}"
        self._live.update(Spinner("dots", text=Text.assemble((said, "dim"), (f"  {tail}", "dim italic"))))

    def _lines(self, record: Record) -> "list[RenderableType]":
        match record.event:
            case MessageReceived(content=content):
                return ["", _said("you", "bold cyan", content)]
            case RuntimeConnected(sandbox=sandbox, resumed=resumed, notice=notice):
                how = "found its runner alive" if resumed else "started a runner"
                open_ = "" if is_isolated(sandbox) else ", which isolates nothing"
                return [
                    _aside(f"{how} in sandbox {sandbox}{open_}"),
                    *([_said("warning", "yellow", notice)] if notice and sandbox != "local" else []),
                ]
            case RecallRecorded(sources=sources, warnings=warnings):
                remembered = [_aside(f"remembered {', '.join(sources)}")] if sources else []
                return [*(_said("warning", "yellow", text) for text in warnings), *remembered]
            case ModelAnswered(reasoning=reasoning):
                return ["", *([_aside(_cut(reasoning, 4))] if reasoning else [])]
            case ActionProposed(action=action):
                thought, deed = did(action)
                return [
                    *([_said("thinks", "bold magenta", thought)] if thought else []),
                    *([_said("does", "bold blue", deed, changes=isinstance(action, Edit))] if deed else []),
                    *_risk(record.event),
                ]
            case ObservationRecorded(observation=observation):
                text, good = got(observation)
                return [_said("gets", "bold green" if good else "bold red", text)] if text else []
            case CallRefused(reason=reason):
                return [_said("refused", "bold yellow", reason)]
            case ModelFailed(message=message, fault=fault):
                return [_said("model", "bold yellow", f"failed ({fault}): {_cut(message, 3)}")]
            case StartStepEnded(step=step, outcome="done", seconds=seconds) if step != "secrets":
                return [_aside(f"{step} done in {seconds:.1f} s")]
            case RuntimeLost(reason=reason):
                return [_said("lost", "bold red", f"its runner: {reason}")]
            case Condensed(messages=messages, masked=masked):
                what = "results of tools" if masked else "messages"
                return [_aside(f"condensed: {messages} {what} are shown to the model no more")]
            case StuckDetected(pattern=pattern):
                return [_said("stuck", "bold red", pattern)]
            case WarningRaised(text=text):
                return [_said("warning", "yellow", text)]
            case SessionFaulted(error=error, message=message):
                return [_said("fault", "bold red", f"{error}: {message}")]
            case AgentStateChanged(state=state, reason=reason) if reason:
                return [_said("now", "bold yellow", f"{state.replace('_', ' ')}: {reason}")]
            case _:
                return []


def _risk(proposed: ActionProposed) -> "list[RenderableType]":
    """Return what an analyzer made of an action, where a person should know."""
    if proposed.risk in {None, "low"}:
        return []
    style = "bold red" if proposed.risk == "high" else "bold yellow"
    return [_said("risk", style, f"{proposed.risk}: {proposed.risk_reason}".rstrip(": "))]


def _said(label: str, style: str, text: str, *, changes: bool = False) -> "RenderableType":
    """Return a text beside its label, where its long lines stay too; what an edit changes in colour."""
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    shown = Text(_cut(text, _SHOWN_LINES))
    if changes:
        shown.highlight_regex(r"(?m)^- .*$", "red")
        shown.highlight_regex(r"(?m)^\+ .*$", "green")
    table = Table.grid(padding=(0, 1, 0, 0))
    table.add_column(width=7, no_wrap=True)
    table.add_column(overflow="fold")
    table.add_row(Text(label, style=style), shown)
    return table


def _aside(text: str) -> "RenderableType":
    from rich.text import Text  # noqa: PLC0415

    return Text(plain(text), style="dim italic")


def _cut(text: str, lines_max: int) -> str:
    """Return the first and last lines of a long text, in characters that only show."""
    lines = plain(text).rstrip("\n").expandtabs(4).split("\n")
    if len(lines) > lines_max:
        half = lines_max // 2
        lines = [*lines[:half], f"… {len(lines) - 2 * half} lines …", *lines[-half:]]
    return "\n".join(line[:300] for line in lines)
