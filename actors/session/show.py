"""A session at a glance, after any of its versions: what `refold show` prints, all but who drives it now."""

from collections.abc import Iterable
from typing import Any

import msgspec

from refold.actors.controller.confirmation import approval_digest, unconfirmed
from refold.actors.delegation.state import DELEGATE, delegate_stream
from refold.actors.runtime.state import OpenAction
from refold.actors.sandboxes.sandbox import is_isolated
from refold.actors.session.evolve import evolve
from refold.actors.session.state import State, initial_state
from refold.eventlog.events import (
    ActionProposed,
    ActionStarted,
    AgentState,
    AgentStateChanged,
    Event,
    LateResultRecorded,
    ObservationRecorded,
    SessionFaulted,
    SessionForked,
)
from refold.eventlog.observations import DelegateResult
from refold.eventlog.record import Record
from refold.projections.tasks import Tasks
from refold.projections.usage import SessionUsage, UsageProjection

_WAITS_FOR: dict[AgentState, str] = {
    "awaiting_user_input": "a message",
    "awaiting_user_confirmation": "a confirmation",
    "paused": "a resume",
    "rate_limited": "a timer",
}


class Glance:
    """Grows by `add`, record by record; `shown` is what there is to see at that moment."""

    def __init__(self) -> None:
        self._state = initial_state()
        self._usage_of = UsageProjection()
        self._usage = self._usage_of.initial()
        self._fork: SessionForked | None = None
        self._reason = ""
        self._stream = ""
        self._delegates: dict[int, dict[str, Any]] = {}
        self._proposed: dict[int, ActionProposed] = {}
        self._tasks_of = Tasks()
        self._tasks = self._tasks_of.initial()

    def add(self, record: Record) -> None:
        self._state = evolve(self._state, record.event, record.version)
        self._usage = self._usage_of.fold(self._usage, record)
        self._tasks = self._tasks_of.fold(self._tasks, record)
        self._stream = record.stream
        match record.event:
            case SessionForked():
                self._fork = record.event
            case ActionProposed(foreign=None):
                self._proposed[record.version] = record.event
            case ObservationRecorded(cause=int(cause)):
                self._proposed.pop(cause, None)
            case _:
                pass
        if record.event.foreign is None:
            self._reason = _reason(record.event, self._reason)
        self._delegated(record)

    def shown(self, session: str | None = None) -> dict[str, Any]:
        """Return the object; `session` is the stream asked for: a fork may be shown below where it begins."""
        seen = _object(session or self._stream, self._state, self._usage, self._fork, self._reason)
        tasks = [{"title": each.title, "status": each.status, "notes": each.notes} for each in self._tasks]
        delegates = list(self._delegates.values())
        costs = [seen["cost"], *(one["cost"] for one in delegates if one["status"] is not None)]
        return seen | {
            "iterations": seen["iterations"] + sum(one.get("iterations", 0) for one in delegates),
            "cost": None if None in costs else sum(costs),
            "pending": self._pending(seen["approval"]),
            "delegates": delegates,
            "tasks": tasks,
        }

    def _delegated(self, record: Record) -> None:
        """Take note of delegates: who they are, and what came of them."""
        match record.event:
            case ActionStarted(cause=int(cause), incarnation=incarnation) if incarnation == DELEGATE:
                name = delegate_stream(record.stream, cause)
                self._delegates[cause] = {"session": name, "action": cause, "status": None}
            case (
                ObservationRecorded(cause=int(cause), observation=DelegateResult() as result)
                | LateResultRecorded(cause=int(cause), observation=DelegateResult() as result)
            ):
                self._delegates[cause] = {
                    "session": result.session,
                    "action": cause,
                    "status": result.status,
                    "iterations": result.iterations,
                    "cost": result.cost_usd,
                }
            case _:
                pass

    def _pending(self, approval: str | None) -> list[dict[str, Any]]:
        """Return what has no observation yet; where it waits for `confirm`, `digest` is what that names."""
        waiting = {opened.version for opened in unconfirmed(self._state)} if approval else set[int]()
        return [
            _opened(
                opened, self._proposed.get(opened.version), approval if opened.version in waiting else None
            )
            for opened in self._state.hands.open
        ]


def shown(records: Iterable[Record], *, session: str | None = None) -> dict[str, Any]:
    """Return the state after `records`, the first ones of a stream, as one object of builtins."""
    glance = Glance()
    for record in records:
        glance.add(record)
    return glance.shown(session)


def _object(
    session: str, state: State, usage: SessionUsage, fork: SessionForked | None, reason: str
) -> dict[str, Any]:
    agent, life = state.agent, state.life
    settings = life.settings
    confirming = agent.state == "awaiting_user_confirmation"
    return {
        "session": session,
        "version": state.version,
        "status": agent.state,
        "reason": reason,
        "waiting": None if life.imported else _WAITS_FOR.get(agent.state),
        "retry_at": agent.retry_at if agent.state == "rate_limited" else None,
        "iterations": usage.iterations,
        "cost": usage.cost_usd,
        "tokens": {
            "prompt": usage.tokens.prompt,
            "completion": usage.tokens.completion,
            "cached": usage.tokens.cached,
            "reasoning": usage.tokens.reasoning,
        },
        "limits": None if settings is None else _limits(state),
        "pending": [],
        "approval": approval_digest(unconfirmed(state)) if confirming else None,
        "task": life.task,
        "tasks": [],
        "workspace": None if settings is None else settings.workspace,
        "sandbox": None if settings is None else settings.sandbox,
        "isolated": None if settings is None else is_isolated(settings.sandbox),
        "model": None if settings is None else settings.model,
        "confirm": None if settings is None else settings.confirm,
        "risk": None if settings is None else settings.risk,
        "analyzer": None if settings is None else settings.analyzer_in_force,
        "parent": None if fork is None else {"session": fork.parent, "version": fork.version},
        "agent": None if settings is None else settings.agent,
        "delegate_of": None if life.parent is None else {"session": life.parent, "action": life.action},
        "delegates": [],
        "imported": life.imported,
        "closed": life.closed,
        "epoch": life.epoch,
    }


def _limits(state: State) -> dict[str, Any]:
    agent = state.agent
    return {
        "iterations_max": agent.iterations_max,
        "iterations_left": agent.iterations_left,
        "budget_usd": agent.budget_usd,
    }


def _opened(opened: OpenAction, proposed: ActionProposed | None, digest: str | None) -> dict[str, Any]:
    return {
        "version": opened.version,
        "kind": opened.name or opened.kind,
        "action": None if proposed is None else msgspec.to_builtins(proposed.action),
        "risk": None if proposed is None else proposed.risk,
        "risk_reason": "" if proposed is None else proposed.risk_reason,
        "analyzer": "" if proposed is None else proposed.analyzer,
        "started": opened.incarnation is not None,
        "confirmed": opened.confirmed,
        "digest": digest,
    }


def _reason(event: Event, reason: str) -> str:
    match event:
        case AgentStateChanged():
            return event.reason
        case SessionFaulted(error=error, message=message):
            return f"{error}: {message}"
        case _:
            return reason
