"""Where the replaced system was wrong: each defect of its as a scene, with what must come of it here."""

import base64
from collections.abc import Sequence
from itertools import pairwise
from typing import Any
from urllib.parse import quote

import msgspec

from refold.actors.models.fake import says
from refold.eventlog.actions import Finish, Message
from refold.eventlog.condensers import RecentWindow
from refold.eventlog.events import (
    ActionProposed,
    ActionStarted,
    AgentStateChanged,
    Event,
    LimitsExtended,
    MessageReceived,
    ModelAsked,
    ModelFailed,
    ObservationRecorded,
    RuntimeConnected,
    RuntimeFailed,
    SessionClosed,
    SessionFaulted,
    SystemMessageAdded,
)
from refold.eventlog.observations import Cancelled, DelegateResult, RunOutput
from refold.eventlog.record import Record
from refold.eventlog.starting import StartStepEnded
from tests.differential.scene import STREAM, Cue, Scene, becomes, fact

type Records = Sequence[Record]

FINISH = says("", ("finish", {"message": "done"}))


def bash(command: str, thought: str = "") -> Any:  # noqa: ANN401 - a line of a script
    return says(thought, ("execute_bash", {"command": command}))


# What is asked of the records -----------------------------------------------------------------------------


def of[E: Event](records: Records, kind: type[E]) -> list[tuple[int, E]]:
    return [(record.version, record.event) for record in records if isinstance(record.event, kind)]


def each_action_is_answered_once(records: Records) -> None:
    proposed = {
        version for version, event in of(records, ActionProposed) if not isinstance(event.action, Message)
    }
    answered = [event.cause for _, event in of(records, ObservationRecorded)]
    assert sorted(proposed) == sorted(version for version in answered if version is not None)


def observations(records: Records) -> list[Any]:
    return [event.observation for _, event in of(records, ObservationRecorded)]


def ran(records: Records) -> list[str]:
    return [each.content.strip() for each in observations(records) if isinstance(each, RunOutput)]


def _a_message_during_an_action(records: Records) -> None:
    each_action_is_answered_once(records)
    said = [version for version, event in of(records, MessageReceived) if event.content.startswith("words")]
    assert len(said) == 1, "the message was lost, or recorded twice"
    action = of(records, ActionProposed)[0][0]
    observed = next(version for version, event in of(records, ObservationRecorded) if event.cause == action)
    asked = [version for version, _ in of(records, ModelAsked)]
    assert [version for version in asked if action < version < observed] == [], "asked with an action open"
    assert any(version > max(said[0], observed) for version in asked), "the model never saw the message"
    assert isinstance(observations(records)[0], RunOutput), "the message ended the action"


def _a_message_during_confirmation(records: Records) -> None:
    each_action_is_answered_once(records)
    first = observations(records)[0]
    assert isinstance(first, Cancelled)
    assert first.reason == "user_wrote"
    refused = of(records, ActionProposed)[0][0]
    assert refused not in [event.cause for _, event in of(records, ActionStarted)], "it was carried out"


def _a_stop_with_late_output(records: Records) -> None:
    each_action_is_answered_once(records)
    answer = observations(records)[0]
    assert isinstance(answer, Cancelled)
    assert answer.reason == "stopped"
    stopped = next(version for version, event in of(records, AgentStateChanged) if event.state == "stopped")
    assert [version for version, _ in of(records, ModelAsked) if version > stopped] == []


def _a_pause_while_an_action_runs(records: Records) -> None:
    each_action_is_answered_once(records)
    states = [event.state for _, event in of(records, AgentStateChanged)]
    assert "paused" in states
    assert states[-1] == "finished"
    assert "slow" in ran(records)[0], "the action was lost with the pause"


def _a_blunder_of_ours(records: Records) -> None:
    each_action_is_answered_once(records)
    faults = of(records, SessionFaulted)
    assert len(faults) <= 1
    if faults:  # Else it was killed before our code had failed often enough.
        version, fault = faults[0]
        assert "blunder" in fault.message or fault.error == "Crash"
        assert [event for v, event in of(records, ModelAsked) if v > version], "nothing came after it"


def _tries_that_are_used_up(records: Records) -> None:
    failed = of(records, ModelFailed)
    tries = [event.attempt for _, event in of(records, ModelAsked) if event.step == 1]
    assert tries == sorted(set(tries)), "a try was made twice under one number"
    assert len(failed) >= 3, "it gave up before its tries were used up"
    errors = [event.reason for _, event in of(records, AgentStateChanged) if event.state == "error"]
    assert errors, "it never said so"
    assert "server" in errors[0] or "500" in errors[0], errors[0]


def _limits_on_the_way_back(records: Records) -> None:
    each_action_is_answered_once(records)
    begun = sorted({event.step for _, event in of(records, ModelAsked)})
    assert begun == [1, 2, 3, 4], "the limit was not exact"
    errors = [version for version, event in of(records, AgentStateChanged) if event.state == "error"]
    extended = [version for version, _ in of(records, LimitsExtended)]
    assert len(errors) == 2
    assert len(extended) == 1
    assert errors[0] < extended[0] < errors[1]
    for one, other in pairwise(version for version, _ in of(records, ModelAsked)):
        assert one < other


SECRET = "s3cr3t/+value with words"  # noqa: S105 - made up for the scene
VARIABLE = "REFOLD_SCENE_VARIABLE"


def _a_secret_that_everybody_says(records: Records) -> None:
    each_action_is_answered_once(records)
    said = msgspec.json.encode([record.event for record in records]).decode()
    assert "secret_hidden" in said
    for form in (SECRET, SECRET[4:], base64.b64encode(SECRET.encode()).decode()[:24], quote(SECRET)):
        assert form not in said
    finished = [each for _, each in of(records, ActionProposed)][-1].action
    assert isinstance(finished, Finish)
    assert "secret_hidden" in finished.message
    assert "secret_hidden" in str(finished.extra), "what stood in a list was not masked"


def _a_context_that_never_shrinks(records: Records) -> None:
    errors = [event.reason for _, event in of(records, AgentStateChanged) if event.state == "error"]
    assert len(errors) == 1
    assert "context" in errors[0], errors[0]
    assert len(of(records, ModelAsked)) <= 3, "it asked again and again"


def _delegates_within_delegates(records: Records) -> None:
    each_action_is_answered_once(records)
    results = [each for each in observations(records) if isinstance(each, DelegateResult)]
    assert [each.status for each in results] == ["finished", "finished"]
    assert ran(records) == [], "what delegates did stands in their own streams"
    assert {record.stream for record in records} == {STREAM}


def _a_runner_that_cannot_be_had(records: Records) -> None:
    failed = of(records, RuntimeFailed)
    assert failed, "nobody said that there is no runner"
    assert of(records, ModelAsked) == [], "it went on without a runner"
    errors = [event.reason for _, event in of(records, AgentStateChanged) if event.state == "error"]
    assert failed[-1][1].reason in errors[-1]


def _a_setup_that_is_run_once(records: Records) -> None:
    each_action_is_answered_once(records)
    runners = [event.incarnation for _, event in of(records, RuntimeConnected)]
    done = [event.incarnation for _, event in of(records, StartStepEnded) if event.step == "setup"]
    assert len(done) == len(set(done)), "it was recorded twice for one runner"
    assert set(done) <= set(runners)
    (counted,) = ran(records)
    if counted.isdigit():  # In simulation nothing is counted.
        assert int(counted) == len(done), "the script ran more often than it was recorded"


def _a_close_during_the_start(records: Records) -> None:
    assert of(records, ModelAsked) == [], "it went on after it was closed"
    assert of(records, SessionClosed)
    assert of(records, SystemMessageAdded) == [], "the start went through"


SCENES: dict[str, Scene] = {
    scene.name: scene
    for scene in (
        Scene(
            name="a message during an action",
            defect="the message interrupted the action, which was answered with an error or not at all",
            lines=(bash("sleep 0.3; echo slow"), FINISH, FINISH),
            before=ObservationRecorded,
            cues=(Cue(after=fact(ActionStarted), verb="say"),),
            expect=_a_message_during_an_action,
        ),
        Scene(
            name="a message during confirmation",
            defect="the waiting action stayed pending for ever, or was carried out after all",
            lines=(bash("echo unwanted"), FINISH, FINISH),
            options={"confirm": "always"},
            cues=(Cue(after=becomes("awaiting_user_confirmation"), verb="say"),),
            expect=_a_message_during_confirmation,
        ),
        Scene(
            name="a stop with late output",
            defect="the output that came after a stop became a second observation, or the action had none",
            lines=(bash("sleep 5; echo late"), FINISH),
            before=ObservationRecorded,
            cues=(Cue(after=fact(ActionStarted), verb="stop"),),
            ends="stopped",
            expect=_a_stop_with_late_output,
        ),
        Scene(
            name="a pause while an action runs",
            defect="after resuming it sat in running with nothing to do",
            lines=(bash("sleep 0.3; echo slow"), FINISH),
            before=ObservationRecorded,
            cues=(Cue(after=fact(ActionStarted), verb="pause"), Cue(after=becomes("paused"), verb="resume")),
            expect=_a_pause_while_an_action_runs,
        ),
        Scene(
            name="an exception in a handler",
            defect="a callback that raised was logged and forgotten, and the session hung",
            lines=(bash("echo one"), FINISH, FINISH),
            blunder=("tell session", 4),
            cues=(Cue(after=becomes("error"), verb="extend"),),
            expect=_a_blunder_of_ours,
        ),
        Scene(
            name="tries that are used up",
            defect="the error was swallowed, and the agent stayed in running or rate_limited",
            lines=tuple(
                ModelFailed(fault="server", message="down", status=500, retry_after_s=0.05) for _ in range(12)
            ),
            options={"retries_max": 2},
            ends="error",
            expect=_tries_that_are_used_up,
        ),
        Scene(
            name="limits on the way back",
            defect="the counters started anew with each resume, so that a limit was never reached",
            lines=tuple(bash(f"echo {number}") for number in range(9)),
            options={"iterations_max": 2},
            cues=(Cue(after=becomes("error"), verb="extend"),),
            ends="error",
            expect=_limits_on_the_way_back,
        ),
        Scene(
            name="a secret that everybody says",
            defect="texts in lists and in `message` were not masked, nor what was encoded",
            secrets={VARIABLE: SECRET},
            lines=(
                bash(f'echo "${VARIABLE}"; printf %s "${VARIABLE}" | base64', f"I know {SECRET}"),
                says(
                    f"it is {SECRET}",
                    ("finish", {"message": f"done with {SECRET}", "notes": [["about", SECRET]]}),
                ),
            ),
            expect=_a_secret_that_everybody_says,
        ),
        Scene(
            name="a context that never shrinks",
            defect="it condensed and asked again without end",
            lines=tuple(
                ModelFailed(fault="context_window", message="the context is too long", status=400)
                for _ in range(30)
            ),
            options={"condenser": RecentWindow()},
            ends="error",
            expect=_a_context_that_never_shrinks,
        ),
        Scene(
            name="delegates within delegates",
            defect="a restored parent did not know its delegates, whose results were lost or came twice",
            lines=(
                says("", ("delegate", {"agent": "helper", "task": "one part"})),
                says("", ("delegate", {"agent": "deep", "task": "another"})),
                FINISH,
            ),
            helpers={
                "helper": (
                    bash("echo h >> done.txt"),
                    says("", ("delegate", {"agent": "deep", "task": "deeper"})),
                    FINISH,
                ),
                "deep": (bash("echo d >> done.txt"), FINISH),
            },
            expect=_delegates_within_delegates,
        ),
        Scene(
            name="a runner that cannot be had",
            defect="the error was logged, and the session went on without a runtime",
            lines=(bash("echo one"), FINISH),
            options={"sandbox": "tests.differential.unreachable:Unreachable"},
            launches_fail=99,
            ends="error",
            expect=_a_runner_that_cannot_be_had,
        ),
        Scene(
            name="a setup script",
            defect="it was run again by each resume",
            lines=(bash("grep -c set setup.txt"), FINISH),
            files={".refold/setup.sh": "echo set >> setup.txt"},
            expect=_a_setup_that_is_run_once,
        ),
        Scene(
            name="a close during the start",
            defect="the start went on in the background, and what it launched stayed behind",
            lines=(bash("echo one"), FINISH),
            files={".refold/setup.sh": "sleep 20"},
            cues=(Cue(after=fact(RuntimeConnected), verb="close"),),
            before=SystemMessageAdded,
            ends=None,
            expect=_a_close_during_the_start,
        ),
    )
}
