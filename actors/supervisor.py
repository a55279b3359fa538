"""The system's own actor: it supervises sessions and says what troubles them."""

from collections.abc import Callable

from refold.actors.dispatch.actor import Actor
from refold.actors.dispatch.port import ActorFailed, Dispatcher
from refold.actors.failures import RESTARTS_MAX, Failures
from refold.actors.logger import logger
from refold.actors.session.messages import SYSTEM, Fault, Fenced, NoRoom, RoomAgain, SayTrouble

type Trouble = Fenced | NoRoom | RoomAgain | ActorFailed
type OnTrouble = Callable[[Trouble], None]


class Supervisor(Actor):
    """Rebuilds a failed session from the log; one that fails again and again has its fault recorded.

    `sessions` are there already when it is `rebuilt` itself: any of them may have failed meanwhile, or said
    that it is fenced to the incarnation that died of hearing it.
    """

    def __init__(
        self, port: Dispatcher, on_trouble: OnTrouble, sessions: tuple[str, ...] = (), *, rebuilt: bool
    ) -> None:
        super().__init__(port, SYSTEM)
        self._on_trouble = on_trouble
        self._sessions, self._rebuilt = sessions, rebuilt
        self._failures = Failures()

    def on_start(self) -> None:
        for name in self._sessions:
            self.port.restart(name)
            if self._rebuilt:
                self.port.tell(name, SayTrouble())

    def on_receive(self, message: Trouble) -> None:
        match message:
            case ActorFailed(name=name, error=error, message=text):
                logger(actor=name).warning("actor failed", error=error, message=text, trace=message.trace)
                count = self._failures.count(name, self.port.now_ns())
                if count > 2 * RESTARTS_MAX + 1:
                    self._on_trouble(message)
                    return
                if count > RESTARTS_MAX:
                    self.port.tell(name, Fault(error=error, message=text))
                self.port.restart(name)
            case Fenced() | NoRoom() | RoomAgain():
                self._on_trouble(message)
