"""The private names of pykka that Refold stands on: what each must go on meaning."""

import inspect
from importlib.metadata import version
from typing import Any, override

import pykka
import pytest
from pykka import _actor, _envelope, messages

from refold.actors.dispatch.actor import Actor, Address, AskInsideActor, Envelope, Park, build
from refold.actors.dispatch.port import Dispatcher
from refold.actors.dispatch.stepper import Stepper


class Inbox:
    """A list of letters; at its end the turn is over, and `get` says so if it is not asked before."""

    def __init__(self, *messages: object) -> None:
        self.letters = [Envelope[Any](message) for message in messages]
        self.hasty = False
        """Has the loop find out by `get`, as when another thread took the last letter just now."""

    def put(self, envelope: Envelope[Any], /) -> None:
        self.letters.append(envelope)

    def over(self) -> bool:
        return not self.letters and not self.hasty

    def get(self) -> Envelope[Any]:
        if not self.letters:
            raise Park
        return self.letters.pop(0)

    def empty(self) -> bool:
        return not self.letters


class Recorder(Actor):
    def __init__(self, port: Dispatcher, name: str) -> None:
        super().__init__(port, name)
        self.calls: list[object] = []

    @override
    def on_start(self) -> None:
        self.calls.append("on_start")

    @override
    def on_receive(self, message: Any) -> object:
        self.calls.append(message)
        if isinstance(message, BaseException):
            raise message
        return message

    @override
    def on_stop(self) -> None:
        self.calls.append("on_stop")


def recorder(inbox: Inbox) -> Recorder:
    actor = build(lambda: Recorder(Stepper(), "recorder"), inbox)
    assert isinstance(actor, Recorder)
    return actor


def test_the_version_is_the_one_that_was_read() -> None:
    assert version("pykka").startswith("4.5.")


def test_the_hooks_are_where_they_were() -> None:
    for name in ("_create_actor_inbox", "_create_future"):
        assert isinstance(inspect.getattr_static(pykka.Actor, name), staticmethod)
    for name in (
        "_start_actor_loop",
        "_actor_loop_setup",
        "_actor_loop_running",
        "_handle_failure",
        "_handle_receive",
        "_stop",
    ):
        assert inspect.isfunction(inspect.getattr_static(pykka.Actor, name))
    assert {"put", "get", "empty"} <= set(vars(_actor.ActorInbox))


def test_the_constructor_takes_its_inbox_from_the_hook_and_holds_its_ref_in_a_private_name() -> None:
    inbox = Inbox()
    actor = recorder(inbox)
    assert actor.actor_inbox is inbox
    assert isinstance(actor.actor_ref, Address)
    assert vars(actor)["_actor_ref"] is actor.actor_ref
    assert actor.actor_ref.actor_inbox is inbox
    assert actor.actor_ref.actor_urn == "urn:refold:recorder"


def test_an_envelope_is_a_message_and_whom_to_answer() -> None:
    future: pykka.Future[Any] = pykka.ThreadingFuture()
    envelope = Envelope[str]("message", reply_to=future)
    assert (envelope.message, envelope.reply_to) == ("message", future)
    assert Envelope is _envelope.Envelope
    assert _envelope.Envelope.__slots__ == ["message", "reply_to"]


@pytest.mark.parametrize("hasty", [False, True])
def test_a_turn_that_is_over_leaves_the_loop_between_two_messages_and_it_can_be_entered_again(
    *,
    hasty: bool,
) -> None:
    inbox = Inbox(1, 2)
    inbox.hasty = hasty
    actor = recorder(inbox)
    actor.take_turns()
    inbox.put(Envelope(3))
    actor.take_turns()
    assert actor.calls == ["on_start", 1, 2, 3]
    assert (actor.stopped, actor.failure) == (False, None)


def test_a_failure_ends_the_loop_and_says_nothing_on_the_screen(
    caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    poison = ValueError("poison")
    inbox = Inbox(poison, "unread")
    actor = recorder(inbox)
    actor.take_turns()
    assert (actor.stopped, actor.failure, len(inbox.letters)) == (True, poison, 1)
    assert actor.calls == ["on_start", poison]
    assert [record for record in caplog.records if record.name == "pykka"] == []
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("poison", [SystemExit(1), KeyboardInterrupt(), GeneratorExit()])
def test_a_way_out_of_the_interpreter_does_not_stop_all_actors_of_the_process(
    poison: BaseException, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop_all(**_: object) -> list[bool]:
        raise AssertionError("stop_all was called")

    monkeypatch.setattr(pykka.ActorRegistry, "stop_all", stop_all)
    actor = recorder(Inbox(poison, "unread"))
    actor.take_turns()
    assert (actor.stopped, actor.failure) == (True, poison)


def test_a_poison_pill_stops_without_failure() -> None:
    pill: object = vars(messages)["_ActorStop"]()
    actor = recorder(Inbox(pill, "unread"))
    actor.take_turns()
    assert (actor.stopped, actor.failure, actor.calls) == (True, None, ["on_start", "on_stop"])


def test_an_actor_cannot_be_started_past_its_dispatcher() -> None:
    with pytest.raises(TypeError, match="spawned by a dispatcher"):
        Recorder.start()
    with pytest.raises(TypeError, match="built by its dispatcher"):
        Recorder(Stepper(), "recorder")


def test_asking_while_being_built_is_asking_inside_an_actor() -> None:
    other = recorder(Inbox())

    class Curious(Recorder):
        def __init__(self) -> None:
            super().__init__(Stepper(), "curious")
            other.actor_ref.ask("are you there?", block=True, timeout=1)

    with pytest.raises(AskInsideActor):
        build(Curious, Inbox())
    assert other.actor_ref.ask("are you there?", block=False) is not None
