"""`refold usage`: what sessions have used up, each and all together. Nothing of it is stored."""

import sys
import time
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer

from refold.actors.controller.transitions import ENDED
from refold.actors.delegation.decide import AT_END
from refold.actors.delegation.state import root_name
from refold.cli.options import HomeOption, JsonOption
from refold.cli.output import put, say
from refold.eventlog.events import SessionForked
from refold.home import Home
from refold.look import check_known, reading
from refold.projections.usage import (
    ModelUsage,
    SessionUsage,
    UsageProjection,
    combined,
    times_in_states_ns,
)

if TYPE_CHECKING:
    from refold.eventlog.lmdb_log import LMDBLog

_TOTAL = "total"


def usage(
    sessions: Annotated[
        list[str] | None,
        typer.Argument(metavar="[ID …]", help="These sessions with their delegates; all of them by default."),
    ] = None,
    home: HomeOption = None,
    json: JsonOption = False,
) -> int:
    place = Home(home)
    if not sessions and not place.exists():
        say(f"no sessions in {place.path} yet; `refold run` starts one")
        return 0
    total = SessionUsage()
    with reading(place) as log:
        for session in sessions or ():
            check_known(log, session)
        chosen = _with_delegates(log, sessions) if sessions else tuple(log.streams())
        for session in chosen:
            used, times = _used(log, session)
            used = msgspec.structs.replace(used, state_times_ns=times)
            total = combined(total, used)
            _tell(session, used, json=json)
    if len(chosen) != 1:
        _tell(_TOTAL, total, json=json)
    return 0


def _with_delegates(log: "LMDBLog", sessions: list[str]) -> tuple[str, ...]:
    """Return each session, behind it its delegates: what they used up is spent on its behalf."""
    streams = log.streams()
    families = (
        (session, *(stream for stream in streams if stream.startswith(f"{session}~"))) for session in sessions
    )
    return tuple(dict.fromkeys(stream for family in families for stream in family))


def _used(log: "LMDBLog", session: str) -> tuple[SessionUsage, dict[str, int]]:
    """Return what a session used itself: what a fork took over was used, and is told, by its parent."""
    projection = UsageProjection()
    state = projection.initial()
    last = 0
    for record in log.read(session):
        if isinstance(record.event, SessionForked) and record.stream == session:
            state = projection.initial()
        state = projection.fold(state, record)
        last = record.at
    resting = state.state in (ENDED if root_name(session) == session else AT_END)
    return state, times_in_states_ns(state, last if resting else max(last, time.time_ns()))


def _tell(name: str, used: SessionUsage, *, json: bool) -> None:
    if json:
        put(_object(name, used))
        return
    cost = "?" if used.cost_usd is None else f"${used.cost_usd:.4f}"
    tokens = used.tokens
    sys.stdout.write(
        f"{name:<28} {used.iterations:>5} steps {used.model_calls:>5} calls {tokens.prompt:>9} in "
        f"{tokens.completion:>8} out  {cost:>9}  {_seconds(used.total.latency_ns)} asking\n"
    )
    for kind, each in (*used.models.items(), *used.purposes.items()):
        cost = "?" if each.cost_usd is None else f"${each.cost_usd:.4f}"
        sys.stdout.write(
            f"  {kind:<32} {each.calls:>11} calls {each.tokens.prompt:>9} in "
            f"{each.tokens.completion:>8} out  {cost:>9}\n"
        )
    if used.state_times_ns:
        spent = ", ".join(
            f"{state.replace('_', ' ')} {_seconds(t)}" for state, t in used.state_times_ns.items()
        )
        sys.stdout.write(f"  {spent}\n")


def _object(name: str, used: SessionUsage) -> dict[str, Any]:
    return {
        "session": None if name == _TOTAL else name,
        "iterations": used.iterations,
        "model_calls": used.model_calls,
        **_figures(used.total),
        "models": {model: {"calls": each.calls, **_figures(each)} for model, each in used.models.items()},
        "purposes": {
            purpose: {"calls": each.calls, **_figures(each)} for purpose, each in used.purposes.items()
        },
        "states_s": {state: t / 1e9 for state, t in used.state_times_ns.items()},
    }


def _figures(used: ModelUsage) -> dict[str, Any]:
    tokens = used.tokens
    return {
        "tokens": {
            "prompt": tokens.prompt,
            "completion": tokens.completion,
            "cached": tokens.cached,
            "cache_written": tokens.cache_written,
            "reasoning": tokens.reasoning,
        },
        "cost": used.cost_usd,
        "latency_s": used.latency_ns / 1e9,
    }


def _seconds(time_ns: int) -> str:
    return f"{time_ns / 1e9:.1f} s"
