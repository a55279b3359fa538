"""What every dispatcher promises about work, timers and chance; a part of `DispatcherContract`."""

# ruff: noqa: S101, PLR2004 - tests that others inherit: they assert, on examples

import itertools

from refold.actors.dispatch.actor import Actor
from refold.actors.dispatch.port import ActorFailed, Host, WorkFailed
from refold.testing.puppet import Stage, do, fail

MS = 10**6


class WorkContract(Stage):
    """The half of the contract that reaches outside the mailboxes."""

    # Work ---------------------------------------------------------------------------------------------

    def test_the_outcome_of_work_is_told(self, host: Host) -> None:
        audience = host.listen("audience")
        self.spawn(host)
        do(host, "puppet", lambda actor: actor.port.perform("key", lambda: "done", to="puppet"))
        assert self.heard(host, audience) == ["done"]

    def test_work_that_raises_is_told_as_a_failure(self, host: Host) -> None:
        audience = host.listen("audience")
        host.perform("key", lambda: int("not a number"), to="audience")
        (failed,) = self.heard(host, audience)
        assert isinstance(failed, WorkFailed)
        assert (failed.key, failed.error) == ("key", "ValueError")

    def test_work_without_a_result_is_told_to_nobody_and_frees_its_key(self, host: Host) -> None:
        audience = host.listen("audience")
        host.perform("key", lambda: None, to="audience")
        assert self.heard(host, audience) == []
        host.perform("key", lambda: "again", to="audience")
        assert self.heard(host, audience) == ["again"]

    def test_a_key_that_is_worked_on_is_not_started_again(self, host: Host) -> None:
        audience, _ = host.listen("audience"), host.listen("boss")
        done = itertools.count(1)

        def begin(actor: Actor) -> None:
            actor.port.perform("key", lambda: f"outcome {next(done)}", to="puppet")

        self.spawn(host, begin=begin, supervisor="boss")
        host.tell("puppet", fail)
        self.settle(host)
        host.restart("puppet")
        self.settle(host)
        assert self.heard(host, audience)[:1] == ["outcome 1"]

    def test_a_rebuilt_actor_does_not_start_work_again_whose_outcome_waits_for_it(self, host: Host) -> None:
        audience, boss = host.listen("audience"), host.listen("boss")
        done = itertools.count(1)
        begins = iter([fail, None])

        def begin(actor: Actor) -> None:
            actor.port.perform("key", lambda: f"outcome {next(done)}", to="puppet")
            if (first := next(begins)) is not None:
                first(actor)

        self.spawn(host, begin=begin, supervisor="boss")
        assert len(self.heard(host, boss)) == 1
        assert next(done) == 2
        host.restart("puppet")
        assert self.heard(host, audience) == ["outcome 1"]
        assert next(done) == 3

    def test_a_key_is_free_again_when_its_outcome_is_handled(self, host: Host) -> None:
        audience = host.listen("audience")
        self.spawn(host)

        def again(actor: Actor) -> None:
            actor.port.perform("key", lambda: "second", to="puppet")

        do(host, "puppet", lambda actor: actor.port.perform("key", lambda: again, to="puppet"))
        assert self.heard(host, audience) == ["second"]

    def test_a_key_is_free_again_when_its_outcome_was_for_nobody(self, host: Host) -> None:
        audience, boss = host.listen("audience"), host.listen("boss")
        self.spawn(host, begin=fail, supervisor="boss")
        host.perform("to nobody", lambda: "lost", to="nobody")
        host.perform("to a retired", lambda: "lost", to="puppet")
        assert len(self.heard(host, boss)) == 1
        host.retire("puppet")
        for key in ("to nobody", "to a retired"):
            host.perform(key, lambda: "found", to="audience")
        assert self.heard(host, audience) == ["found", "found"]

    # Time and chance ----------------------------------------------------------------------------------

    def test_timers_go_off_in_the_order_of_their_times(self, host: Host) -> None:
        audience = host.listen("audience")
        now = host.now_ns()
        for number in (3, 1, 2):
            host.at(f"timer {number}", now + number * 10 * MS, "audience", number)
        assert [self.receive(host, audience) for _ in range(3)] == [1, 2, 3]
        assert host.now_ns() >= now + 30 * MS

    def test_a_timer_that_waits_is_not_set_again(self, host: Host) -> None:
        audience = host.listen("audience")
        now = host.now_ns()
        host.at("key", now + 20 * MS, "audience", "first")
        host.at("key", now + 10 * MS, "audience", "second")
        host.at("other", now + 30 * MS, "audience", "third")
        assert [self.receive(host, audience) for _ in range(2)] == ["first", "third"]
        host.at("key", now, "audience", "free again, and overdue")
        assert self.receive(host, audience) == "free again, and overdue"

    def test_timers_outlive_an_incarnation_but_not_the_name(self, host: Host) -> None:
        audience, boss = host.listen("audience"), host.listen("boss")
        now = host.now_ns()
        self.spawn(host, "kept", supervisor="boss")
        self.spawn(host, "gone")
        host.at("of kept", now + 20 * MS, "kept", "kept")
        host.at("of gone", now + 10 * MS, "gone", "gone")
        host.tell("kept", fail)
        host.retire("gone")
        self.spawn(host, "gone")
        assert isinstance(self.receive(host, boss), ActorFailed)
        host.restart("kept")
        host.at("of gone", now + 30 * MS, "gone", "set anew")
        assert [self.receive(host, audience) for _ in range(2)] == ["kept", "set anew"]

    def test_time_does_not_go_back_and_ids_do_not_repeat(self, host: Host) -> None:
        times = [host.now_ns() for _ in range(100)]
        assert times == sorted(times)
        ids = {host.new_id() for _ in range(100)}
        assert len(ids) == 100
        assert all(len(one) == 32 and int(one, 16) >= 0 for one in ids)
        assert all(0 <= host.draw() < 1 for _ in range(100))
