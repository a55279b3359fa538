"""How a model is asked for a summary: the question is built from the log, and is the same whenever it is."""

from collections.abc import Callable

from msgspec.structs import replace

from refold.actors.controller.actor import Models
from refold.actors.memory.state import Condensation
from refold.actors.session.state import State
from refold.eventlog.events import ModelAnswered, ModelAsked, ModelFailed
from refold.eventlog.log import EventLog
from refold.eventlog.settings import Settings, for_summary
from refold.projections.conversation import Conversation
from refold.projections.request import Request, estimate_tokens
from refold.projections.summarising import summary_request


class Summaries:
    """The questions of one session."""

    def __init__(self, stream: str, log: EventLog, models: Models) -> None:
        self._stream, self._log, self._models = stream, log, models
        self._prepared: Request | None = None

    def prepare(self, settings: Settings, state: State, attempt: int) -> ModelAsked:
        """Return the question that is to be recorded before it leaves."""
        condensing = _condensation(state)
        chosen = for_summary(settings, condensing.fact.model)
        request = self._prepared = self._build(chosen, condensing)
        tokens, price = estimate_tokens(request), self._models.price(chosen)
        line = state.agent.script_line(request.model) if request.model.startswith("script:") else None
        return ModelAsked(
            cause=condensing.version,
            purpose="condense",
            model=request.model,
            step=condensing.fact.step,
            attempt=attempt,
            request=request.digest,
            messages=len(request.messages),
            tokens_estimated=tokens,
            cost_estimated_usd=None if price is None else tokens * price.prompt / 1e6,
            script_line=line,
            parameters=chosen.parameters,
        )

    def question(
        self, settings: Settings, state: State, asked: ModelAsked
    ) -> Callable[[], ModelAnswered | ModelFailed]:
        """Return what asks the question that was recorded as `asked`, and waits for its answer."""
        condensing = _condensation(state)
        chosen = for_summary(settings, condensing.fact.model)
        chosen = replace(chosen, model=asked.model, parameters=asked.parameters)
        request, models = self._prepared, self._models
        if request is None or request.digest != asked.request:
            request = self._build(chosen, condensing)
        if request.digest != asked.request:
            raise ValueError(f"the question for a summary in {self._stream} cannot be built again")
        question, line = request, asked.script_line or 0
        return lambda: models.model(chosen).ask(question, script_line=line)

    def _build(self, chosen: Settings, condensing: Condensation) -> Request:
        """Build it on the conversation as it was when the summary was asked for."""
        conversation = Conversation()
        for record in self._log.read(self._stream, until=condensing.version - 1, check=False):
            conversation.add(record)
        return summary_request(
            conversation,
            condensing.fact,
            str(chosen.model),
            shrinks=condensing.shrinks,
            parameters=chosen.parameters,
        )


def _condensation(state: State) -> Condensation:
    condensing = state.recall.condensation
    if condensing is None:
        raise TypeError("no summary was asked for")
    return condensing
