"""What the records of one stream say so far, taken down without a decider's help, to hold laws against."""

from refold.actors.delegation.state import DELEGATE
from refold.actors.session.evolve import evolve
from refold.actors.session.state import State, initial_state
from refold.eventlog.actions import McpCall, Message, Read
from refold.eventlog.condensation import CondensationAsked, Condensed
from refold.eventlog.events import (
    ActionProposed,
    ActionsConfirmed,
    ActionStarted,
    AgentStateChanged,
    AskAbandoned,
    LateResultRecorded,
    LimitsExtended,
    MessageReceived,
    ModelAnswered,
    ModelAsked,
    ModelFailed,
    ObservationRecorded,
    RecallRecorded,
    RuntimeConnected,
    RuntimeFailed,
    RuntimeLost,
    SessionClaimed,
    SessionForked,
    SessionStarted,
    SettingsChanged,
    SystemMessageAdded,
)
from refold.eventlog.observations import Cancelled, DelegateResult
from refold.eventlog.record import Record


class Broken(AssertionError):
    """A law does not hold: `law` names it."""

    def __init__(self, law: str, found: str) -> None:
        super().__init__(f"{law}: {found}")
        self.law = law


class Minutes:
    """What the records of one stream say so far, as far as the laws need it."""

    def __init__(self) -> None:
        self.state: State = initial_state()
        self.version = -1
        self.epoch = 0
        self.forked = False
        self.commands: set[str] = set()
        self.open: dict[int, str] = {}
        """Actions without an observation, with their kind."""
        self.calls: dict[int, str | None] = {}
        """The call that each of them came from."""
        self.looking: set[int] = set()
        """Those that only look: views of files, and tools whose servers say so."""
        self.started: dict[int, int] = {}
        """How often each action was started."""
        self.answered: set[int] = set()
        self.cancelled: set[int] = set()
        """Actions that were answered in the runner's stead because a person ended them."""
        self.confirmed: set[int] = set()
        self.unheard: set[int] = set()
        """Messages of users without their recall."""
        self.ask: int | None = None
        self.runner: str | None = None
        self.lines: dict[str, int] = {}
        """Answers and failures accepted of each model."""
        self.asked = ""
        """The model that was asked last."""
        self.requests: list[tuple[str, int]] = []
        """What models were asked: the digest of each request, and the line of a script."""
        self.steps = self.steps_base = self.steps_max = 0
        """Steps begun, how many at the last extension, and how many there may be until the next."""
        self.cost_usd = self.cost_base_usd = 0.0
        self.cost_max_usd: float | None = None
        self.unpriced = False
        """Something was spent that has no price."""
        self._asked: dict[int, float | None] = {}
        self.delegated: set[int] = set()
        """Every action that a delegate was started for."""
        self.delegates: dict[int, int] = {}
        """Delegates without a result: the action that each answers, and the epoch in which it was started."""

    def take(self, record: Record) -> None:  # noqa: PLR0915 - a few lines for each kind of fact
        event = record.event
        self.version = record.version
        if record.given is not None:
            self.commands.add(record.given.id)
        match event:
            case ActionProposed(action=action) if not isinstance(action, Message):
                self.open[record.version] = type(action).__name__
                self.calls[record.version] = event.tool_call_id
                if isinstance(action, Read) or (isinstance(action, McpCall) and action.read_only):
                    self.looking.add(record.version)
            case ObservationRecorded(cause=int(cause), observation=observation):
                kind = self.open.pop(cause, None)
                self.answered.add(cause)
                ended = isinstance(observation, Cancelled) and observation.reason != "not_carried_over"
                if ended and kind != "McpCall" and cause not in self.delegates:
                    self.cancelled.add(cause)
                if isinstance(observation, DelegateResult):
                    self._returned(cause, observation)
            case ActionStarted(cause=int(cause), incarnation=incarnation):
                self.started[cause] = self.started.get(cause, 0) + 1
                if incarnation == DELEGATE:
                    self.delegates[cause] = self.epoch
                    self.delegated.add(cause)
            case AgentStateChanged() | SystemMessageAdded():
                pass
            case ModelAsked(request=request, step=step, purpose=purpose):
                self.ask, self.asked = record.version, event.model
                self.steps = step if purpose == "step" else self.steps
                self.requests.append((request, event.script_line or 0))
                self._asked[record.version] = event.cost_estimated_usd
            case ModelAnswered() | ModelFailed():
                self.ask = None
                self.lines[self.asked] = self.lines.get(self.asked, 0) + 1
                if isinstance(event, ModelAnswered):
                    self._spend(event.cost_usd)
            case MessageReceived():
                self.unheard.add(record.version)
            case RecallRecorded(cause=int(cause)):
                self.unheard.discard(cause)
            case SessionClaimed(epoch=epoch):
                self.epoch, self.runner = epoch, None
            case RuntimeConnected(incarnation=incarnation):
                self.runner = incarnation
            case ActionsConfirmed(actions=actions):
                self.confirmed.update(actions)
            case LateResultRecorded(cause=int(cause), observation=DelegateResult() as result):
                self._returned(cause, result)
            case CondensationAsked(step=step) | Condensed(step=step):
                self.steps = max(self.steps, step)
            case AskAbandoned(cause=int(cause)):
                self.ask = None
                self._spend(self._asked.get(cause, 0.0))
            case SessionStarted(settings=settings):
                self.steps_max, self.cost_max_usd = settings.iterations_max, settings.budget_usd
            case LimitsExtended(iterations=iterations, budget_usd=budget_usd):
                self.steps_base, self.steps_max = self.steps, self.steps + iterations
                if budget_usd is not None:
                    self.cost_base_usd, self.cost_max_usd = self.cost_usd, self.cost_usd + budget_usd
            case SettingsChanged():
                if event.iterations_max is not None:
                    self.steps_max = self.steps_base + event.iterations_max
                if event.budget_usd is not None:
                    self.cost_max_usd = self.cost_base_usd + event.budget_usd
            case RuntimeLost() | RuntimeFailed():
                self.runner = None
            case SessionForked():
                self.epoch, self.forked = 0, True
                self.delegates.clear()
            case _:
                pass
        self.state = evolve(self.state, event, record.version)

    def _returned(self, action: int, result: DelegateResult) -> None:
        """Count what a delegate used up as if the session itself had."""
        self.delegates.pop(action, None)
        self.steps += result.iterations
        self._spend(result.cost_usd)

    def _spend(self, cost_usd: float | None) -> None:
        self.unpriced = self.unpriced or cost_usd is None
        self.cost_usd += cost_usd or 0.0
