"""How a session's state follows the facts: each noun takes the events that are its own."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, get_args

from msgspec.structs import replace

from refold.actors.controller.evolve import CONCERNING as AGENTS
from refold.actors.controller.evolve import evolve as evolve_agent
from refold.actors.controller.state import Agent
from refold.actors.delegation.evolve import CONCERNING as DELEGATES
from refold.actors.delegation.evolve import evolve as evolve_delegates
from refold.actors.delegation.state import Delegates
from refold.actors.memory.evolve import CONCERNING as RECALLS
from refold.actors.memory.evolve import evolve as evolve_recall
from refold.actors.memory.state import Recall
from refold.actors.runtime.evolve import CONCERNING as HANDS
from refold.actors.runtime.evolve import evolve as evolve_hands
from refold.actors.runtime.state import Hands
from refold.actors.session.state import Life, State
from refold.actors.start.evolve import CONCERNING as STARTS
from refold.actors.start.evolve import evolve as evolve_start
from refold.actors.start.state import Start
from refold.actors.tools.toolbox import names_of
from refold.eventlog.events import (
    Event,
    RecallRecorded,
    SessionClaimed,
    SessionClosed,
    SessionForked,
    SessionImported,
    SessionStarted,
    SettingsChanged,
    SystemMessageAdded,
    ToolsListed,
    Unknown,
)
from refold.eventlog.record import Record
from refold.eventlog.settings import Settings

type _Concerning = (
    SessionStarted
    | SessionImported
    | SessionForked
    | SessionClaimed
    | SessionClosed
    | SettingsChanged
    | ToolsListed
    | SystemMessageAdded
    | RecallRecorded
)
"""What changes a life; every other event leaves it as it is."""
_LIVES = frozenset[type[Event]](get_args(_Concerning.__value__))


class NotUnderstood(Exception):
    """The stream holds an event that this version does not know; it can be read, not driven."""


def evolve(state: State, event: Event, version: int) -> State:
    """Return the state after `event`. Total: a fact cannot be refused."""
    if event.foreign is not None:
        return replace(state, version=version)
    life, agent, recall, hands, delegates, start = _NOUNS[type(event)]
    return State(
        version=version,
        life=life(state.life, event) if life else state.life,
        agent=agent(state.agent, event, version) if agent else state.agent,
        recall=recall(state.recall, event, version) if recall else state.recall,
        hands=hands(state.hands, event, version) if hands else state.hands,
        delegates=delegates(state.delegates, event) if delegates else state.delegates,
        start=start(state.start, event) if start else state.start,
    )


def fold(state: State, records: Iterable[Record]) -> State:
    for record in records:
        state = evolve(state, record.event, record.version)
    return state


def states_after(state: State, events: Iterable[Event]) -> tuple[State, ...]:
    """Return the state after each of the next events."""
    states: list[State] = []
    for event in events:
        state = evolve(state, event, state.version + 1)
        states.append(state)
    return tuple(states)


def understood(event: Event) -> None:
    """Raise `NotUnderstood` for an event that a driver must not skip."""
    if isinstance(event, Unknown):
        raise NotUnderstood(f"an event of type {event.name!r} was written by a newer version of Refold")


def _evolve_life(life: Life, event: _Concerning) -> Life:
    match event:
        case SessionClaimed(epoch=epoch):
            return replace(life, epoch=epoch, closed=False)
        case RecallRecorded(tools=tools):
            return _offered(life, names_of(tools)) if tools else life
        case SystemMessageAdded(tools=tools):
            own = names_of(tools)
            recalled = (name for name in life.recalled if name not in own)
            return replace(life, greeted=True, tools=(*own, *recalled))
        case SessionStarted():
            return replace(
                life,
                settings=event.settings,
                task=event.task,
                parent=event.parent,
                action=event.action,
            )
        case SessionImported():
            return replace(life, imported=True)
        case SessionForked(parent=parent, workspace=workspace):
            settings = event.settings or life.settings
            return replace(
                life,
                settings=None if settings is None else replace(settings, workspace=workspace),
                origin=parent,
                parent=None,
                action=None,
                imported=False,
                closed=False,
                epoch=0,
            )
        case SessionClosed():
            return replace(life, closed=True)
        case SettingsChanged():
            return life if life.settings is None else replace(life, settings=changed(life.settings, event))
        case ToolsListed(tools=tools):
            return replace(life, servers=tools)


def _offered(life: Life, names: tuple[str, ...]) -> Life:
    """Take in tools that are offered because of what was recalled: a system message does not end them."""
    more = (name for name in names if name not in life.tools)
    return replace(life, tools=(*life.tools, *more), recalled=(*life.recalled, *names))


def changed(settings: Settings, event: SettingsChanged) -> Settings:
    """Return the settings with those replaced that the event gives."""
    return replace(
        settings,
        model=settings.model if event.model is None else event.model,
        base_url=settings.base_url if event.base_url is None else event.base_url,
        price=settings.price if event.price is None else event.price,
        confirm=settings.confirm if event.confirm is None else event.confirm,
        risk=settings.risk if event.risk is None else event.risk,
        analyzer=settings.analyzer if event.analyzer is None else event.analyzer,
        iterations_max=settings.iterations_max if event.iterations_max is None else event.iterations_max,
        condenser=settings.condenser if event.condenser is None else event.condenser,
        budget_usd=settings.budget_usd if event.budget_usd is None else event.budget_usd,
        key_env=settings.key_env if event.key_env is None else event.key_env,
        parameters=settings.parameters if event.parameters is None else event.parameters,
    )


type _Evolve[S] = Callable[[S, Any], S]
type _EvolveAt[S] = Callable[[S, Any, int], S]

_NOUNS: Mapping[
    type[Event],
    tuple[
        _Evolve[Life] | None,
        _EvolveAt[Agent] | None,
        _EvolveAt[Recall] | None,
        _EvolveAt[Hands] | None,
        _Evolve[Delegates] | None,
        _Evolve[Start] | None,
    ],
] = {
    kind: (
        _evolve_life if kind in _LIVES else None,
        evolve_agent if kind in AGENTS else None,
        evolve_recall if kind in RECALLS else None,
        evolve_hands if kind in HANDS else None,
        evolve_delegates if kind in DELEGATES else None,
        evolve_start if kind in STARTS else None,
    )
    for kind in (*get_args(Event.__value__), Unknown)
}
"""Who takes in what: to look it up costs less than to go through the cases of all in vain."""
