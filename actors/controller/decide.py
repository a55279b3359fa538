"""What the controller decides: when the agent takes its next step, and what its answers lead to."""

from refold.actors.controller.limits import follow_limits
from refold.actors.controller.transitions import ENDED
from refold.actors.memory.decide import condenses, decide_condensation, decide_summary, decide_summary_ask
from refold.actors.models.retry import delay_s, is_retried
from refold.actors.session.commands import (
    BeginAsk,
    BeginCondensation,
    FireTimer,
    ReportAnswer,
    ReportRecording,
)
from refold.actors.session.state import State
from refold.actors.tools.server_tools import meant, resolved
from refold.actors.tools.toolbox import Proposal, Refusal, read_answer
from refold.eventlog.actions import Action, Finish, Reject, Think, TrackTasks
from refold.eventlog.events import (
    ActionProposed,
    AgentStateChanged,
    CallRefused,
    Event,
    LateAnswerRecorded,
    MessageReceived,
    ModelAnswered,
    ModelFailed,
    ObservationRecorded,
)
from refold.eventlog.observations import Finished, Observation, TaskList, Thought
from refold.eventlog.risk import Assessment
from refold.eventlog.tasks import Task
from refold.projections.tasks import listed, tasks_after


def owes_step(state: State) -> bool:
    """Whether the agent's next step, or its next try, is up: nothing open, nothing unheard by memory."""
    agent = state.agent
    return (
        agent.state == "running"
        and state.life.greeted
        and agent.ask is None
        and not state.hands.open
        and not state.recall.waiting
        and not state.delegates
        and not state.recall.touched
        and state.recall.condensation is None
    )


def owes_ask(state: State) -> bool:
    agent, settings = state.agent, state.life.settings
    return (
        owes_step(state)
        and not agent.reenacting
        and (agent.unseen or agent.step is not None)
        and settings is not None
        and settings.model is not None
    )


def owes_recording(state: State) -> bool:
    return owes_step(state) and state.agent.reenacting


def decide_ask(state: State, command: BeginAsk) -> tuple[Event, ...]:
    if command.fact.purpose == "condense":
        return decide_summary_ask(state, command)
    if command.seen != state.version or not owes_ask(state):
        return ()
    return (command.fact,)


def decide_forgetting(state: State, command: BeginCondensation) -> tuple[Event, ...]:
    """Let something be forgotten in place of the step that was to be taken; it counts as one."""
    if command.seen != state.version or not owes_ask(state) or state.agent.step is not None:
        return ()
    return decide_condensation(state, command)


def decide_answer(state: State, command: ReportAnswer) -> tuple[Event, ...]:
    ask, fact = state.agent.ask, command.fact
    if ask is None or ask.version != fact.cause:
        return (LateAnswerRecorded(cause=fact.cause, answer=fact),)
    if ask.purpose == "condense":
        return decide_summary(state, fact, command)
    match fact:
        case ModelAnswered():
            read = read_answer(fact, state.life.tools) if command.wanted is None else command.wanted
            read = meant(read, state.life.servers)
            return (fact, *_proposals(read, state.version + 1, command.assessments, state.agent.tasks))
        case ModelFailed():
            return (fact, *_failure(state, fact, command))


def decide_recording(state: State, command: ReportRecording) -> tuple[Event, ...]:
    recording, fact = state.agent.reenactment, command.fact
    if recording is None or not owes_recording(state) or fact.source <= recording.cursor:
        return ()
    if fact.diverged:
        reason = "the re-enactment differs from the recording, and strict was asked for"
        return (fact, AgentStateChanged(state="error", reason=reason))
    if command.message is not None:
        return (fact, MessageReceived(content=command.message, by="user"))
    if command.action is not None:
        action = resolved(command.action, state.life.servers) or command.action
        proposed = _proposed(action, command.tool_call_id, command.assessment)
        return (fact, proposed, *_answered_at_once((proposed,), state.version + 2, state.agent.tasks))
    return (fact,)


def decide_timer(state: State, command: FireTimer) -> tuple[Event, ...]:
    agent = state.agent
    if agent.state != "rate_limited" or agent.state_version != command.timer:
        return ()
    return (AgentStateChanged(state="running"),)


def follow_agent(state: State) -> tuple[Event, ...]:
    """Return what follows while the agent runs and nothing is open: it rests, hits a limit, or steps."""
    agent, settings = state.agent, state.life.settings
    if settings is None or not owes_step(state) or agent.reenacting:
        return ()
    if not agent.unheard and agent.finishing:
        return (AgentStateChanged(state="rejected" if agent.rejecting else "finished"),)
    if not agent.unheard and agent.waiting:
        return (AgentStateChanged(state="awaiting_user_input"),)
    if not agent.unseen and agent.step is None:
        return (AgentStateChanged(state="awaiting_user_input"),)
    if settings.model is None:
        reason = "no model is set; `resume --model` gives one"
        return (AgentStateChanged(state="awaiting_user_input", reason=reason),)
    return follow_limits(agent, settings)


def _proposals(
    read: tuple[Proposal | Refusal, ...],
    version: int,
    assessments: tuple[Assessment | None, ...],
    tasks: tuple[Task, ...],
) -> tuple[Event, ...]:
    """Return everything an answer at `version` asks for, at once; what needs no world is answered with it."""
    facts: list[ActionProposed | CallRefused] = []
    for index, wanted in enumerate(read):
        assessed = assessments[index] if index < len(assessments) else None
        match wanted:
            case Refusal(reason=reason, tool_call_id=id_):
                facts.append(CallRefused(cause=version, tool_call_id=id_, reason=reason))
            case Proposal(action=action, tool_call_id=id_):
                facts.append(_proposed(action, id_, assessed, cause=version))
    return (*facts, *_answered_at_once(tuple(facts), version + 1, tasks))


def _proposed(
    action: Action, tool_call_id: str | None, assessed: Assessment | None, *, cause: int | None = None
) -> ActionProposed:
    """Return a proposal with what an analyzer made of it, if one looked."""
    return ActionProposed(
        cause=cause,
        action=action,
        tool_call_id=tool_call_id,
        by="agent",
        risk=None if assessed is None else assessed.risk,
        risk_reason="" if assessed is None else assessed.reason,
        analyzer="" if assessed is None else assessed.analyzer,
    )


def _answered_at_once(
    facts: tuple[ActionProposed | CallRefused, ...], version: int, tasks: tuple[Task, ...]
) -> tuple[ObservationRecorded, ...]:
    """Return what needs no world to be answered; `tasks` are those that were planned before."""
    answered: list[ObservationRecorded] = []
    for index, fact in enumerate(facts):
        tasks = tasks_after(tasks, fact)
        if isinstance(fact, ActionProposed) and (said := _answer(fact.action, tasks)) is not None:
            answered.append(
                ObservationRecorded(
                    cause=version + index, observation=said, tool_call_id=fact.tool_call_id, by="system"
                )
            )
    return tuple(answered)


def _answer(action: Action, tasks: tuple[Task, ...]) -> Observation | None:
    match action:
        case Think():
            return Thought(content="Your thought has been logged.")
        case Finish():
            return Finished(content="The task is reported as finished.")
        case Reject():
            return Finished(content="The task is reported as rejected.")
        case TrackTasks(command=command):
            text = listed(tasks) or "There are no tasks on the list."
            return TaskList(content=text, command=command, task_list=tasks)
        case _:
            return None


def _failure(state: State, fact: ModelFailed, command: ReportAnswer) -> tuple[Event, ...]:
    settings, step = state.life.settings, state.agent.step
    if state.agent.state in ENDED or settings is None or step is None:
        return ()
    if fact.fault == "context_window" and condenses(state):
        return ()  # Something is forgotten before the next step.
    failures = step.failures + 1
    said = f"the model failed ({fact.fault}): {fact.message}"
    if not is_retried(fact.fault):
        return (AgentStateChanged(state="error", reason=said),)
    if failures > settings.retries_max:
        return (AgentStateChanged(state="error", reason=f"{said}; gave up after {failures} tries"),)
    if state.agent.state != "running":
        return ()
    wait_s = delay_s(failures, fact.retry_after_s, command.draw)
    retry_at = command.at + int(wait_s * 1e9)
    return (AgentStateChanged(state="rate_limited", reason=said, retry_at=retry_at),)
