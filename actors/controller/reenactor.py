"""A recording carried out again: which step is next, and whether the last one came out as recorded."""

from typing import TYPE_CHECKING

from refold.eventlog.events import ActionProposed, ObservationRecorded, StepReenacted
from refold.eventlog.log import EventLog
from refold.eventlog.record import Record
from refold.projections.drift import drift
from refold.projections.reenactment import RecordedStep, Recording

if TYPE_CHECKING:
    from refold.eventlog.observations import Observation


class Reenactor:
    """Follows the re-enacting stream by `add` and looks the recording up once, when its first step is due."""

    def __init__(self) -> None:
        self._recording: Recording | None = None
        self._step: int | None = None
        self._action: int | None = None
        self._found: dict[int, tuple[int, Observation]] = {}

    def add(self, record: Record) -> None:
        """Take note of how the step under way was answered."""
        if self._step is None and not isinstance(record.event, StepReenacted):  # as in most sessions
            return
        match record.event:
            case StepReenacted(source=source, end=False):
                self._step, self._action, self._found = source, None, {}
            case ActionProposed() if self._action is None:
                self._action = record.version
            case ObservationRecorded(cause=int(cause), observation=found) if cause == self._action:
                if self._step is not None:
                    self._found = {self._step: (cause, found)}
            case _:
                pass

    def after(self, log: EventLog, source: str, cursor: int) -> RecordedStep | None:
        """Return the first recorded step behind `cursor`; None at the end."""
        return self._read(log, source).after(cursor)

    def diverged(self, log: EventLog, source: str, workspace: str) -> bool:
        """Return whether the last step came out otherwise than it was recorded."""
        recording = self._read(log, source)
        steps = [step for version in self._found if (step := recording.at(version)) is not None]
        return bool(
            drift(steps, self._found, workspace_expected=recording.workspace, workspace_found=workspace)
        )

    def _read(self, log: EventLog, source: str) -> Recording:
        if self._recording is None:
            self._recording = Recording(log.read(source))
        return self._recording
