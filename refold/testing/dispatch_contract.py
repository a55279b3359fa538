"""What every dispatcher promises: subclass `DispatcherContract` with a `host` fixture and it is proved."""

# ruff: noqa: S101, PLR2004 - tests that others inherit: they assert, on examples

from typing import Any

import pykka

from refold.actors.dispatch.actor import Actor, Address, AskInsideActor
from refold.actors.dispatch.port import ActorFailed, Host
from refold.actors.dispatch.seat import REBUILDS_MAX
from refold.testing.puppet import Puppet, do, fail
from refold.testing.work_contract import WorkContract

MS = 10**6


class DispatcherContract(WorkContract):
    """Each test gets a fresh `host`; `settle` lets everything happen that can happen without waiting."""

    # Mail ---------------------------------------------------------------------------------------------

    def test_mail_of_one_sender_keeps_its_order(self, host: Host) -> None:
        audience = host.listen("audience")
        self.spawn(host)
        for number in range(100):
            host.tell("puppet", number)
        assert self.heard(host, audience) == list(range(100))

    def test_an_actor_begins_without_being_told_anything(self, host: Host) -> None:
        audience = host.listen("audience")
        self.spawn(host, begin=lambda actor: actor.port.tell("audience", "begun"))
        assert self.heard(host, audience) == ["begun"]

    def test_an_actor_begins_before_its_first_message(self, host: Host) -> None:
        audience = host.listen("audience")
        self.spawn(host, begin=lambda actor: actor.port.tell("audience", "begun"))
        host.tell("puppet", "first")
        assert self.heard(host, audience) == ["begun", "first"]

    def test_mail_for_nobody_is_a_dead_letter_and_raises_nothing(self, host: Host) -> None:
        audience = host.listen("audience")
        self.spawn(host)
        host.tell("nobody", 1)
        do(host, "puppet", lambda actor: actor.port.tell("nobody", 2))
        host.tell("puppet", "alive")
        assert self.heard(host, audience) == ["alive"]
        assert host.dead_letters == 2

    def test_a_known_name_is_left_as_it_is(self, host: Host) -> None:
        audience = host.listen("audience")
        self.spawn(host)
        self.spawn(host, begin=lambda actor: actor.port.tell("audience", "usurper"))
        host.tell("puppet", "hello")
        assert self.heard(host, audience) == ["hello"]
        assert host.names() == ("audience", "puppet")

    def test_actors_that_are_told_of_each_other_talk(self, host: Host) -> None:
        audience = host.listen("audience")
        self.spawn(host, "one")
        self.spawn(host, "two")
        do(host, "one", lambda one: do(one.port, "two", lambda two: two.port.tell("one", "back")))
        assert self.heard(host, audience) == ["back"]

    def test_no_actor_is_in_the_registry_of_pykka(self, host: Host) -> None:
        self.spawn(host)
        self.settle(host)
        assert pykka.ActorRegistry.get_all() == []

    # Failure ------------------------------------------------------------------------------------------

    def test_a_failed_actor_waits_for_its_supervisor_and_loses_only_the_poison(self, host: Host) -> None:
        audience, boss = host.listen("audience"), host.listen("boss")
        self.spawn(host, supervisor="boss")
        for message in ("before", fail, "after"):
            host.tell("puppet", message)
        assert self.heard(host, audience) == ["before"]
        (failed,) = self.heard(host, boss)
        assert isinstance(failed, ActorFailed)
        assert (failed.name, failed.error, failed.message) == ("puppet", "ValueError", "poison")
        assert "in fail" in failed.trace
        host.tell("puppet", "later")
        assert self.heard(host, audience) == []
        host.restart("puppet")
        assert self.heard(host, audience) == ["after", "later"]

    def test_a_restart_builds_a_new_incarnation(self, host: Host) -> None:
        audience, _ = host.listen("audience"), host.listen("boss")
        self.spawn(host, begin=lambda actor: actor.port.tell("audience", "begun"), supervisor="boss")
        host.tell("puppet", fail)
        self.settle(host)
        host.restart("puppet")
        assert self.heard(host, audience) == ["begun", "begun"]

    def test_restarting_one_that_has_not_failed_changes_nothing(self, host: Host) -> None:
        audience = host.listen("audience")
        self.spawn(host, begin=lambda actor: actor.port.tell("audience", "begun"))
        self.settle(host)
        host.restart("puppet")
        host.restart("nobody")
        assert self.heard(host, audience) == ["begun"]

    def test_failing_to_begin_is_a_failure_like_any_other(self, host: Host) -> None:
        audience, boss = host.listen("audience"), host.listen("boss")
        begins = iter([fail, None])

        def begin(actor: Actor) -> None:
            if (first := next(begins)) is not None:
                first(actor)

        self.spawn(host, begin=begin, supervisor="boss")
        host.tell("puppet", "kept")
        assert self.heard(host, audience) == []
        assert [type(message) for message in self.heard(host, boss)] == [ActorFailed]
        host.restart("puppet")
        assert self.heard(host, audience) == ["kept"]

    def test_failing_to_be_built_is_a_failure_like_any_other(self, host: Host) -> None:
        audience, boss = host.listen("audience"), host.listen("boss")
        missing: dict[str, str] = {}
        audiences = iter([missing, {"audience": "audience"}])
        host.spawn("puppet", lambda: Puppet(host, "puppet", next(audiences)["audience"]), supervisor="boss")
        host.tell("puppet", "kept")
        assert self.heard(host, audience) == []
        (failed,) = self.heard(host, boss)
        assert isinstance(failed, ActorFailed)
        assert failed.error == "KeyError"
        host.restart("puppet")
        assert self.heard(host, audience) == ["kept"]

    def test_leaving_the_interpreter_ends_only_the_actor_that_tried(self, host: Host) -> None:
        def leave(_: Actor) -> None:
            raise SystemExit(1)

        audience, boss = host.listen("audience"), host.listen("boss")
        self.spawn(host, "one", supervisor="boss")
        self.spawn(host, "two")
        host.tell("one", leave)
        self.settle(host)
        host.tell("two", "alive")
        assert self.heard(host, audience) == ["alive"]
        (failed,) = self.heard(host, boss)
        assert isinstance(failed, ActorFailed)
        assert failed.error == "SystemExit"

    def test_without_a_supervisor_an_actor_is_rebuilt_at_once(self, host: Host) -> None:
        audience = host.listen("audience")
        self.spawn(host)
        for message in (fail, "one", fail, "two"):
            host.tell("puppet", message)
        assert self.heard(host, audience) == ["one", "two"]

    def test_one_that_fails_too_often_is_retired(self, host: Host) -> None:
        audience = host.listen("audience")
        self.spawn(host)
        for _ in range(REBUILDS_MAX + 1):
            host.tell("puppet", fail)
        host.tell("puppet", "unheard")
        assert self.heard(host, audience) == []
        assert host.names() == ("audience",)

    # Leaving ------------------------------------------------------------------------------------------

    def test_a_retired_name_has_no_mail_left(self, host: Host) -> None:
        audience, _ = host.listen("audience"), host.listen("boss")
        self.spawn(host, supervisor="boss")
        host.tell("puppet", fail)
        host.tell("puppet", "dropped")
        self.settle(host)
        host.retire("puppet")
        self.spawn(host)
        host.tell("puppet", "kept")
        assert self.heard(host, audience) == ["kept"]

    def test_an_actor_may_retire_itself(self, host: Host) -> None:
        audience = host.listen("audience")
        self.spawn(host)
        do(host, "puppet", lambda actor: actor.port.retire("puppet"))
        host.tell("puppet", "unheard")
        assert self.heard(host, audience) == []
        assert host.names() == ("audience",)

    def test_an_actor_may_be_followed_by_another_of_its_name(self, host: Host) -> None:
        def succeed(actor: Actor) -> None:
            actor.port.retire("puppet")
            self.spawn(host, begin=lambda heir: heir.port.tell("audience", "heir"))
            actor.port.tell("puppet", "for the heir")

        audience = host.listen("audience")
        self.spawn(host)
        host.tell("puppet", succeed)
        assert self.heard(host, audience) == ["heir", "for the heir"]

    def test_an_actor_that_stops_is_retired(self, host: Host) -> None:
        audience = host.listen("audience")
        self.spawn(host)
        do(host, "puppet", lambda actor: actor.stop())
        self.settle(host)
        host.tell("puppet", "unheard")
        assert self.heard(host, audience) == []
        assert host.dead_letters == 1

    # Asking -------------------------------------------------------------------------------------------

    def test_a_handler_may_not_ask(self, host: Host) -> None:
        boss = host.listen("boss")
        self.spawn(host, supervisor="boss")
        do(host, "puppet", lambda actor: actor.actor_ref.ask("myself", block=True, timeout=1))
        (failed,) = self.heard(host, boss)
        assert isinstance(failed, ActorFailed)
        assert failed.error == AskInsideActor.__name__

    def test_whoever_asks_from_outside_is_answered(self, host: Host) -> None:
        ref = self.ref(host)
        answer = ref.ask("question", block=False)
        self.settle(host)
        assert answer.get(timeout=1) == "question"

    def test_an_error_under_ask_goes_to_the_asker_and_ends_the_incarnation(self, host: Host) -> None:
        boss = host.listen("boss")
        ref = self.ref(host, supervisor="boss")
        answer = ref.ask(fail, block=False)
        assert [type(message) for message in self.heard(host, boss)] == [ActorFailed]
        assert _error(answer) == "ValueError"

    def test_asking_a_retired_name_is_answered_with_an_error(self, host: Host) -> None:
        boss = host.listen("boss")
        ref = self.ref(host, supervisor="boss")
        ref.tell(fail)
        waiting = ref.ask("never read", block=False)
        assert len(self.heard(host, boss)) == 1
        host.retire("puppet")
        late = ref.ask("too late", block=False)
        ref.tell("nothing happens")
        assert (_error(waiting), _error(late)) == ("ActorDeadError", "ActorDeadError")

    def ref(self, host: Host, *, supervisor: str | None = None) -> Address:
        audience = host.listen("audience")
        self.spawn(host, supervisor=supervisor)
        do(host, "puppet", lambda actor: actor.port.tell("audience", actor.actor_ref))
        (ref,) = self.heard(host, audience)
        assert isinstance(ref, Address)
        return ref


def _error(answer: pykka.Future[Any]) -> str:
    try:
        answer.get(timeout=1)
    except Exception as error:  # noqa: BLE001 - which one is the question
        return type(error).__name__
    return ""
