"""The laws of a start: its steps in their order, each in its place and once; and nobody says a secret."""

from collections import Counter
from collections.abc import Mapping, Sequence
from types import MappingProxyType

import msgspec

from refold.actors.start.steps import HOOKS, SETUP
from refold.eventlog.events import (
    ActionStarted,
    AgentStateChanged,
    Event,
    RuntimeConnected,
    RuntimeLost,
    SessionStarted,
    SystemMessageAdded,
)
from refold.eventlog.record import Record
from refold.eventlog.starting import RuntimeReleased, StartStepEnded
from refold.testing.minutes import Broken, Minutes

_ORDER = ("secrets", "analyzer", "repository", "setup", "hooks")
_LOST = frozenset({"fails", "lost", "lost_before", "lost_after", "lost_unsaid", "cut_before", "cut_after"})
_TROUBLES: Mapping[str, frozenset[str]] = MappingProxyType(
    {"analyzer": frozenset({"missing"}), "repository": frozenset({"refused"}), "setup": _LOST, "hooks": _LOST}
)
"""The faults that each step can fail of; of a script whose runner is gone, nobody knows what came of it."""
_LOOKED_AT = frozenset[type[Event]](
    {
        SessionStarted,
        RuntimeConnected,
        StartStepEnded,
        RuntimeReleased,
        RuntimeLost,
        SystemMessageAdded,
        ActionStarted,
        AgentStateChanged,
    }
)


class Starting:
    """Follows one session's start. `look` is shown each record before it is taken in."""

    def __init__(self, secrets: tuple[str, ...], faults: Sequence[str]) -> None:
        self._secrets = tuple(secret.encode() for secret in secrets)
        self._faults = faults
        """What has gone wrong so far."""
        self._asked, self._ended = set[str](), set[str]()
        self._runner: str | None = None
        self._set_up: str | None = None
        self._failed = self._fails = False
        """A step failed, and the runner is not ended yet, or the agent has not come to its error."""
        self._released: str | None = None
        self._touched = Counter[str]()

    def look(self, minutes: Minutes, record: Record) -> None:
        if self._secrets:
            self._no_secret_is_recorded(record)
        if type(record.event) not in _LOOKED_AT:
            return
        match record.event:
            case SessionStarted(settings=settings):
                self._asked |= {"secrets"} if settings.secrets else set()
                self._asked |= {"analyzer"} if ":" in (settings.analyzer or "") else set()
                self._asked |= {"repository"} if settings.repository is not None else set()
            case RuntimeConnected(incarnation=incarnation, found=found):
                self._runner = incarnation
                self._look_for_scripts(found)
            case StartStepEnded(step=step, outcome="failed"):
                self._steps_fail_only_where_something_went_wrong(step)
                self._failed = self._fails = True
            case StartStepEnded(step=step, found=found):
                self._steps_end_in_their_order(step)
                self._ended.add(step)
                self._set_up = self._runner if step == "setup" else self._set_up
                self._look_for_scripts(found)
            case RuntimeReleased():
                self._failed, self._released = False, self._runner
            case RuntimeLost(incarnation=incarnation) if incarnation == self._released:
                raise Broken("who_was_ended_is_not_lost", incarnation)
            case AgentStateChanged(state="error", reason=reason) if "the start failed" in reason:
                if not self._fails:
                    raise Broken("a_start_fails_only_of_a_step", f"version {record.version}: {reason}")
                self._fails = False
            case SystemMessageAdded() | ActionStarted():
                self._nothing_begins_before_the_start_is_through(record)
            case AgentStateChanged(state="loading") if minutes.state.life.greeted:
                raise Broken("a_start_happens_once", f"version {record.version} starts anew")
            case _:
                pass

    def touched(self, key: str) -> None:
        """Take note that a step took effect."""
        step = key.partition("/start/")[2]
        self._touched[key] += 1
        if self._touched[key] > 1:
            raise Broken("a_step_takes_effect_once_in_a_runner", f"{key}: {self._touched[key]} times")
        if (name := step.partition("/")[0]) not in self._asked:
            raise Broken("only_a_step_that_was_asked_for_touches_the_world", key)
        if earlier := self._earlier(name):
            raise Broken("steps_are_taken_in_their_order", f"{name} before {sorted(earlier)}")

    def rest(self) -> None:
        """B6: asked when nothing is left to do."""
        if self._failed:
            raise Broken("a_failed_start_leaves_no_runner", "nobody has ended it")

    def _look_for_scripts(self, found: tuple[str, ...]) -> None:
        self._asked |= {"hooks"} if set(found) & set(HOOKS) else set()
        if set(found) & set(SETUP):
            self._asked.add("setup")
            if self._set_up != self._runner:
                self._ended.discard("setup")

    def _earlier(self, step: str) -> set[str]:
        before = _ORDER[: _ORDER.index(step)]
        return {each for each in self._asked - self._ended if each in before}

    def _steps_end_in_their_order(self, step: str) -> None:
        """B2."""
        if step not in self._asked - self._ended:
            raise Broken("a_step_is_owed_and_ends_once", step)
        if earlier := self._earlier(step):
            raise Broken("steps_end_in_their_order", f"{step} before {sorted(earlier)}")

    def _steps_fail_only_where_something_went_wrong(self, step: str) -> None:
        if _TROUBLES.get(step, frozenset()).isdisjoint(self._faults):
            raise Broken("a_step_fails_only_where_something_went_wrong", step)

    def _nothing_begins_before_the_start_is_through(self, record: Record) -> None:
        """B2, B8: a sandbox is set up before anything else happens in it."""
        if self._fails:
            raise Broken("a_start_that_failed_is_not_gone_on_with", f"version {record.version}")
        if owed := self._asked - self._ended:
            found = f"version {record.version} before {sorted(owed)}"
            raise Broken("nothing_begins_before_the_start_is_through", found)

    def _no_secret_is_recorded(self, record: Record) -> None:
        """B3."""
        stored = msgspec.json.encode((record.event, record.given))
        if any(secret in stored for secret in self._secrets):
            raise Broken("no_secret_is_recorded", f"version {record.version} says one")
