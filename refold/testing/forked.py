"""A session that forks another one: the parent runs its plain course, hears one more thing, and is forked."""

from random import Random
from typing import TYPE_CHECKING

from refold.actors.dispatch.choosers import Planned
from refold.actors.dispatch.stepper import Stepper
from refold.actors.models.fake import ScriptedModel
from refold.actors.session.fork import fork
from refold.actors.sessions import Sessions
from refold.eventlog.events import SessionStarted
from refold.testing.crash import IDENTITY, STREAM
from refold.testing.disk import Disk
from refold.testing.verbs import command_of
from refold.testing.world import SmallWorld

if TYPE_CHECKING:
    from refold.eventlog.log import EventLog
    from refold.testing.sessions import SessionRun, SessionScenario

PARENT = "parent"
COMMAND = "fork"
_IDS = -1
"""The seed of the parent's ids: no run has it."""


def branch_off(run: "SessionRun", seed: int) -> None:
    """Let the run's session be a fork, at a version that the seed chooses; it takes in what it inherits."""
    disk, scenario = run.disk, run.scenario
    _grow(disk.inner, scenario)
    head = disk.head(PARENT)
    if head is None:
        raise AssertionError("there is no parent to fork")
    at = Random(f"fork of {seed}").randrange(head.version + 1)  # noqa: S311 - repeatable on purpose
    now_ns = run.stepper.now_ns()
    fork(disk, PARENT, at, STREAM, workspace="/fork", identity=IDENTITY, command=COMMAND, now_ns=now_ns)
    for record in disk.read(PARENT, until=at):
        run.root.take(record)
    run.world.repository = scenario.settings.repository  # Its files are a copy of what the parent has by now.


def _grow(log: "EventLog", scenario: "SessionScenario") -> None:
    """Let the parent come to its end, and to another one after a message, in a world of its own."""
    stepper = Stepper(_IDS, Planned())
    world = SmallWorld(scenario.lines, price=scenario.price)
    world.scripts.update({name: ScriptedModel(lines) for name, lines in scenario.scripts.items()})
    world.found = scenario.found
    start = SessionStarted(settings=scenario.settings, task=scenario.task)
    disk = Disk(stepper, log, lambda _: None)  # A file tells of its commits on a thread of its own.
    sessions = Sessions(stepper, disk, world, IDENTITY)
    sessions.start(PARENT, start)
    stepper.run()
    state = sessions.state(PARENT)
    sessions.tell(PARENT, command_of("say", f"{PARENT}/say", stepper.now_ns(), state, 0))
    stepper.run()
    stepper.clear()
