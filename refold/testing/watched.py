"""One stream of a simulation: every law is held against what is committed to it, and done in its name."""

from collections import Counter
from typing import TYPE_CHECKING

from refold.actors.follower import Follower
from refold.actors.runner.fake import FakeWorld
from refold.actors.session.actor import SessionActor
from refold.eventlog.events import RuntimeLost
from refold.eventlog.log import Head
from refold.eventlog.record import Record
from refold.testing.approvals import Approvals, check_approvals
from refold.testing.laws import check, check_rest
from refold.testing.minutes import Broken, Minutes
from refold.testing.starting import Starting
from refold.testing.steps import Steps, check_step

if TYPE_CHECKING:
    from refold.actors.session.state import State


class Watched:
    """`minutes` and `steps` follow what is committed, `states` are those after each version."""

    def __init__(
        self,
        stream: str,
        runners: FakeWorld,
        approvals: Approvals | None,
        starting: Starting,
        *,
        conversation: bool,
    ) -> None:
        self._starting = starting
        self.stream, self.runners, self._approvals = stream, runners, approvals
        self.minutes, self.steps = Minutes(), Steps(conversation=conversation)
        self.states: list[State] = []
        self.digests: list[bytes] = []
        self.effects = Counter[int]()
        self.let_go: set[int] = set()
        """Actions whose results the runner was told to forget."""

    def take(self, record: Record) -> None:
        """Hold every law against the next record; raises `Broken`, as all of these do."""
        match record.event:
            case RuntimeLost(incarnation=incarnation) if incarnation not in self.runners.lost:
                raise Broken("a_runner_is_lost_only_if_it_died", f"{incarnation} lives")
            case _:
                pass
        check_step(self.minutes, self.steps, record)
        if self._approvals is not None:
            check_approvals(self.minutes, self._approvals, record)
        self._starting.look(self.minutes, record)
        check(self.minutes, record)
        self.states.append(self.minutes.state)
        self.digests.append(record.digest)

    def touch(self, what: int | str) -> None:
        """Hold B16, B32, design 6: the world is touched once, and only by what is recorded as started."""
        if isinstance(what, str):
            self._starting.touched(what)
            return
        version = what
        self.effects[version] += 1
        key = f"version {version} of {self.stream}"
        if self.effects[version] > 1:
            raise Broken("an_action_takes_effect_at_most_once", f"{key}: {self.effects[version]} times")
        if version not in self.minutes.started:
            raise Broken("what_touches_the_world_was_recorded_before", f"{key} was not started")

    def forget(self, version: int | str) -> None:
        """Hold design 6: the runner keeps a result until the observation is in the log."""
        if isinstance(version, str):
            return
        if version not in self.minutes.answered:
            raise Broken("a_result_is_kept_until_it_is_recorded", f"version {version} was let go before")
        self.let_go.add(version)

    def check_live(self, name: str, actor: Follower | SessionActor) -> None:
        """Hold design 5: what an actor holds is the fold of what it has seen, at any moment."""
        if (version := actor.state.version) < 0:
            return
        if version >= len(self.states):
            raise Broken("nobody_is_ahead_of_the_log", f"{name} at version {version}")
        if actor.state != self.states[version]:
            raise Broken("live_state_is_the_fold_of_the_log", f"{name} at version {version}")

    def check_abreast(self, name: str, actor: Follower | SessionActor) -> None:
        """Hold design 5: where nothing moves, everybody has heard everything."""
        version = actor.state.version
        if version != self.minutes.version:
            raise Broken("everybody_has_heard_everything_at_rest", f"{name} at {version}")

    def check_stored(self, head: Head | None) -> None:
        """Hold design 4: what was acknowledged is in the log."""
        if head is None or (head.version, head.digest) != (len(self.digests) - 1, self.digests[-1]):
            raise Broken("what_is_acknowledged_is_stored", f"the stream {self.stream} ends with {head}")

    def check_quiet(self, owed: bytes, *, calm: bool) -> None:
        """Hold what must be so where nothing moves; `calm` says that nothing has gone wrong so far."""
        self._starting.rest()
        check_rest(self.minutes, owed)
        self._check_interrupted()
        if self.steps.unshown and self.minutes.state.agent.state in {"finished", "rejected"}:
            raise Broken("nobody_has_finished_with_a_message_unheard", f"{sorted(self.steps.unshown)} are")
        if calm:
            self._check_forgotten()

    def _check_forgotten(self) -> None:
        """Hold design 6: a runner keeps nothing that is on record; who crashed or left may leave it there."""
        if self.minutes.epoch > 1 or self.minutes.state.hands.incarnation in {None, *self.runners.lost}:
            return
        for key in self.runners.results:
            stream, version = named(key)
            if stream == self.stream and version in self.minutes.answered:
                raise Broken("what_is_recorded_is_forgotten_by_the_runner", f"version {version} is kept")

    def _check_interrupted(self) -> None:
        """Hold B13, B26: what a person ended does not run on; the runner is told so, now or later."""
        last = max((one for one in self.minutes.started if one not in self.minutes.delegated), default=None)
        runner = self.minutes.state.hands.incarnation
        if last is None or last not in self.minutes.cancelled:
            return
        if runner is None or runner in self.runners.lost:  # Who is gone runs nothing.
            return
        told = {int(key.rpartition("/")[2]) for key in self.runners.interrupted}
        if last not in told | self.let_go:
            raise Broken("what_nobody_awaits_is_interrupted", f"version {last} may run on")


def named(key: str) -> tuple[str, int | str]:
    """Return the stream and the action that a key names, or the step of its start."""
    _, stream, version = (*key.split("/"), "", "", "")[:3]
    if version == "start":
        return stream, key
    if not version.isdecimal():
        raise Broken("a_key_names_its_action", key)
    return stream, int(version)
