"""What the model is shown: every turn whole, every call with its result, and nobody overtaking."""

from collections import Counter
from collections.abc import Iterable
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from refold.eventlog.actions import Action, Edit, Finish, Message, Other, Run, Think
from refold.eventlog.events import (
    ActionProposed,
    AskAbandoned,
    CallRefused,
    Event,
    LateResultRecorded,
    MessageReceived,
    ModelAnswered,
    ModelAsked,
    ModelFailed,
    ObservationRecorded,
    RecallRecorded,
    StepReenacted,
    SystemMessageAdded,
    ToolCall,
)
from refold.eventlog.observations import Failure, FileEdited, RunOutput, Thought
from refold.eventlog.record import Record
from refold.projections.conversation import Conversation, ConversationProjection, conversation
from refold.projections.projection import in_batches, project
from refold.projections.request import Request, digest_of, estimate_tokens
from refold.projections.turn import NO_RESULT
from refold.projections.wording import OBSERVATION_CHARACTERS_MAX, cut

TOOL: dict[str, Any] = {"type": "function", "function": {"name": "t", "description": "d", "parameters": {}}}
SYSTEM = SystemMessageAdded(content="You are an agent.", tools=(TOOL,))
ASKED = ModelAsked(model="m", attempt=1, request="", messages=0, step=1)


def records(events: Iterable[Event]) -> list[Record]:
    """Put events into envelopes; each comes from a command of its own."""
    return [
        Record(
            position=version,
            stream="s",
            version=version,
            at=version,
            event=event,
            command=f"command-{version}",
            epoch=1,
            digest=b"",
        )
        for version, event in enumerate(events)
    ]


def request(*events: Event) -> Request:
    return conversation(records(events)).request("m")


def shown(*events: Event) -> list[tuple[str, str]]:
    """Return role and content of each message after the system's."""
    return [(message["role"], message["content"]) for message in request(SYSTEM, *events).messages[1:]]


def answered(content: str = "", *ids: str, name: str = "execute_bash") -> ModelAnswered:
    calls = tuple(ToolCall(id=id_, name=name, arguments='{"command": "ls"}') for id_ in ids)
    return ModelAnswered(model="m", content=content, tool_calls=calls)


def observed(content: str, id_: str | None = None, cause: int | None = None) -> ObservationRecorded:
    return ObservationRecorded(observation=Thought(content=content), tool_call_id=id_, cause=cause)


def said(text: str) -> MessageReceived:
    return MessageReceived(content=text)


def test_the_system_message_comes_first_and_brings_the_tools() -> None:
    asked = request(SYSTEM, said("hi"))
    assert asked.messages == (
        {"role": "system", "content": "You are an agent."},
        {"role": "user", "content": "hi"},
    )
    assert asked.tools == (TOOL,)


def test_a_call_is_followed_by_its_result() -> None:
    messages = request(said("go"), ASKED, answered("Looking.", "c1"), observed("a.txt", "c1")).messages
    function = {"name": "execute_bash", "arguments": '{"command": "ls"}'}
    assert messages[1:] == (
        {
            "role": "assistant",
            "content": "Looking.",
            "tool_calls": [{"id": "c1", "type": "function", "function": function}],
        },
        {"role": "tool", "tool_call_id": "c1", "content": "a.txt"},
    )


def test_a_message_that_arrives_while_calls_run_waits_for_all_of_their_results() -> None:
    events = (answered("", "c1", "c2"), observed("one", "c1"), said("stop!"), observed("two", "c2"))
    assert shown(said("go"), ASKED, *events) == [
        ("user", "go"),
        ("assistant", ""),
        ("tool", "one"),
        ("tool", "two"),
        ("user", "stop!"),
    ]


def test_a_message_that_arrives_while_the_model_is_asked_stands_after_its_answer() -> None:
    assert shown(said("go"), ASKED, said("and quickly"), answered("", "c1"), observed("one", "c1")) == [
        ("user", "go"),
        ("assistant", ""),
        ("tool", "one"),
        ("user", "and quickly"),
    ]


def test_what_memory_recalls_stands_behind_the_message_that_it_belongs_to() -> None:
    recall = RecallRecorded(recall="knowledge", content="Use tabs.", cause=0)
    nothing = RecallRecorded(recall="knowledge", cause=1)
    events = (said("one"), said("two"), recall, nothing)
    assert [message["content"] for message in request(*events).messages] == [
        "one",
        "<context>\nUse tabs.\n</context>",
        "two",
    ]


def test_a_refused_call_is_told_as_its_result_and_a_refused_answer_as_a_note() -> None:
    refused = CallRefused(tool_call_id="c1", reason="no such tool")
    assert shown(said("go"), ASKED, answered("", "c1"), refused)[-1] == ("tool", "no such tool")
    empty = CallRefused(tool_call_id=None, reason="empty")
    assert shown(said("go"), ASKED, answered(), empty) == [("user", "go"), ("user", "<note>\nempty\n</note>")]


def test_arguments_that_are_no_object_are_shown_inside_one() -> None:
    call = ToolCall(id="c1", name="do it!", arguments='{"command": "ls')
    answer = ModelAnswered(model="m", tool_calls=(call,))
    refused = CallRefused(tool_call_id="c1", reason="no JSON object")
    (_, turn, _) = request(said("go"), ASKED, answer, refused).messages
    assert turn["tool_calls"][0]["function"] == {
        "name": "do_it_",
        "arguments": '{"malformed":"{\\"command\\": \\"ls"}',
    }


def test_signed_reasoning_is_kept_for_its_provider() -> None:
    answer = ModelAnswered(model="m", content="Hm.", details={"anthropic": {"thinking": []}})
    assert request(said("go"), ASKED, answer).messages[-1]["details"] == {"anthropic": {"thinking": []}}


def test_late_results_are_not_shown() -> None:
    late = LateResultRecorded(observation=Thought(content="late"), cause=3)
    events = (said("go"), ASKED, answered("", "c1"), observed("stopped", "c1"))
    assert shown(*events, late) == shown(*events)


def test_an_action_without_a_result_gets_a_made_up_one_rather_than_none() -> None:
    assert shown(said("go"), ASKED, answered("", "c1", "c2"), observed("one", "c1"), said("well?")) == [
        ("user", "go"),
        ("assistant", ""),
        ("tool", "one"),
        ("tool", NO_RESULT),
        ("user", "well?"),
    ]


def reenacted(action: Action, id_: str | None = None, source: int = 0) -> tuple[Event, Event]:
    return StepReenacted(source=source), ActionProposed(action=action, tool_call_id=id_)


def test_a_reenacted_step_is_written_as_the_turn_of_a_model() -> None:
    run = reenacted(Run(command="ls", thought="Looking."), "c1")
    edit = reenacted(Edit(command="create", path="a", file_text="x"))
    end = reenacted(Message(content="Done?"))
    events = (said("go"), *run, observed("a.txt", "c1"), *edit, observed("made", cause=6), *end)
    messages = request(SYSTEM, *events).messages
    assert [message["role"] for message in messages[1:]] == [
        "user",
        "assistant",
        "tool",
        "assistant",
        "tool",
        "assistant",
    ]
    turn = messages[4]["tool_calls"][0]
    assert turn["id"] == messages[5]["tool_call_id"] == "call_6"
    assert turn["function"]["name"] == "str_replace_editor"
    assert turn["function"]["arguments"] == '{"command":"create","path":"a","file_text":"x"}'
    assert messages[2]["content"] == "Looking."
    assert messages[-1] == {"role": "assistant", "content": "Done?"}


def test_actions_of_an_answer_add_nothing_to_it() -> None:
    answer = answered("Looking.", "c1")
    action = ActionProposed(action=Run(command="ls", thought="Looking."), tool_call_id="c1", cause=3)
    result = observed("a.txt", cause=4)
    assert shown(said("go"), ASKED, answer, action, result) == shown(
        said("go"), ASKED, answer, observed("a.txt", "c1")
    )
    text = (said("go"), ASKED, answered("What?"))
    assert shown(*text, ActionProposed(action=Message(content="What?"), cause=3)) == shown(*text)


def test_an_imported_stream_keeps_its_odd_ends() -> None:
    user_ran = ActionProposed(action=Run(command="ls"), by="user")
    unknown = ActionProposed(action=Other(name="browse", arguments={"url": "x"}))
    events = (said("go"), user_ran, observed("a.txt"), unknown, reenacted(Finish(message="bye"))[1])
    assert shown(*events) == [
        ("user", "go"),
        ("user", '<note>\nThe user called execute_bash with {"command":"ls"}\n</note>'),
        ("user", "<note>\na.txt\n</note>"),
        ("assistant", ""),
        ("tool", NO_RESULT),
        ("tool", NO_RESULT),
    ]


def test_the_model_reads_exit_codes() -> None:
    def rendered(code: int, content: str = "out", directory: str = "") -> str:
        output = RunOutput(content=content, exit_code=code, directory=directory)
        result = ObservationRecorded(observation=output, tool_call_id="c1")
        return shown(said("go"), ASKED, answered("", "c1"), result)[-1][1]

    assert rendered(0) == "out\n[exit code 0]"
    assert rendered(1, "", "/workspace") == "[exit code 1, now in /workspace]"
    assert "still running" in rendered(-1)


def test_a_long_observation_is_cut_in_the_middle_and_says_how_much() -> None:
    long = "a" * 20_000 + "b" * 30_000 + "c" * 20_000
    text = cut(long)
    assert text.startswith("a" * 15_000)
    assert text.endswith("c" * 15_000)
    assert "40000 characters cut" in text
    assert cut("x" * OBSERVATION_CHARACTERS_MAX) == "x" * OBSERVATION_CHARACTERS_MAX


def test_the_digest_names_the_content_and_tokens_are_guessed_from_it() -> None:
    small, large = request(SYSTEM, said("hi")), request(SYSTEM, said("hi" * 4000))
    assert small.digest != large.digest
    assert small.digest == digest_of(small)
    assert conversation(records((SYSTEM, said("hi")))).request("other").digest != small.digest
    assert 1_900 < estimate_tokens(large) - estimate_tokens(small) < 2_100


# Laws ---------------------------------------------------------------------------------------------------

ids = st.sampled_from(["c1", "c2", "c3"])
texts = st.text(max_size=5)
observations = st.builds(FileEdited, content=texts, path=st.just("a")) | st.builds(Failure, content=texts)
actions = (
    st.builds(Run, command=texts, thought=texts)
    | st.builds(Think, thought=texts)
    | st.builds(Message, content=texts)
    | st.builds(Other, name=texts)
)


def _answered(text: str, calls: list[str]) -> ModelAnswered:
    return answered(text, *calls)


events: st.SearchStrategy[Event] = st.one_of(
    st.just(SYSTEM),
    st.builds(MessageReceived, content=texts),
    st.builds(
        RecallRecorded, recall=st.just("knowledge"), content=texts, cause=st.none() | st.integers(0, 20)
    ),
    st.just(ASKED),
    st.builds(_answered, texts, st.lists(ids, max_size=3)),
    st.just(ModelFailed(fault="server", message="")),
    st.just(AskAbandoned(reason="")),
    st.builds(CallRefused, tool_call_id=st.none() | ids, reason=texts),
    st.builds(
        ActionProposed,
        action=actions,
        tool_call_id=st.none() | ids,
        cause=st.none() | st.integers(0, 20),
        by=st.sampled_from([None, "user"]),
    ),
    st.builds(
        ObservationRecorded,
        observation=observations,
        tool_call_id=st.none() | ids,
        cause=st.none() | st.integers(0, 20),
    ),
)
streams = st.lists(events, max_size=20).map(records)


def assert_well_formed(messages: tuple[dict[str, Any], ...]) -> None:
    """Every call has its result before anything else follows, and every result its call."""
    open_: Counter[str] = Counter()
    for message in messages:
        if message["role"] == "tool":
            assert open_[message["tool_call_id"]] > 0
            open_[message["tool_call_id"]] -= 1
        else:
            assert not +open_
            open_ = Counter(call["id"] for call in message.get("tool_calls", ()))
    assert not +open_


@given(streams)
def test_there_is_no_orphan_of_either_kind_whatever_was_recorded(stream: list[Record]) -> None:
    for end in range(len(stream) + 1):
        assert_well_formed(conversation(stream[:end]).request("m").messages)


@given(streams)
def test_every_message_of_the_user_is_shown_once_and_in_order(stream: list[Record]) -> None:
    stream = [
        record if not isinstance(record.event, MessageReceived) else _renamed(record) for record in stream
    ]
    expected = [record.event.content for record in stream if isinstance(record.event, MessageReceived)]
    messages = conversation(stream).request("m").messages
    assert [text for text in (each["content"] for each in messages) if text.startswith("user-")] == expected


def _renamed(record: Record) -> Record:
    return records([*[SYSTEM] * record.version, said(f"user-{record.version}")])[-1]


@given(streams)
def test_what_a_model_was_asked_stays_the_beginning_of_all_it_is_asked_later(stream: list[Record]) -> None:
    asked: list[tuple[dict[str, Any], ...]] = []
    grown = ConversationProjection().initial()
    for record in stream:
        if isinstance(record.event, ModelAsked):
            asked.append(_without_system(grown.request("m")))
        grown.add(record)
    last = _without_system(grown.request("m"))
    for messages in asked:
        assert last[: len(messages)] == messages


def _without_system(request: Request) -> tuple[dict[str, Any], ...]:
    return tuple(message for message in request.messages if message["role"] != "system")


@given(streams, st.integers(0, 20))
def test_in_batches_is_at_once_and_looking_changes_nothing(stream: list[Record], at: int) -> None:
    projection = ConversationProjection()
    at_once = project(projection, stream).request("m")
    assert in_batches(projection, (stream[:at], stream[at:])).request("m") == at_once
    watched = projection.initial()
    for record in stream:
        watched.add(record)
        assert watched.request("m").digest == digest_of(watched.request("m"))
    assert watched.request("m") == at_once
    assert project(projection, stream, until=at).request("m") == conversation(stream[: at + 1]).request("m")


def test_a_digest_names_the_request_whatever_was_asked_before_it() -> None:
    asked = Conversation()
    first = asked.request("m", parameters={"temperature": 1})
    second = asked.request("m", parameters={"temperature": 1.0})
    third = asked.request("other", parameters={"temperature": 1.0})
    assert [request.digest for request in (first, second, third)] == [
        Conversation().request(request.model, parameters=request.parameters).digest
        for request in (first, second, third)
    ]
    assert len({first.digest, second.digest, third.digest}) == 3
