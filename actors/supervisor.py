"""The system's own actor: it supervises sessions and says what troubles them."""

from collections.abc import Callable

from refold.actors.dispatch.actor import Actor
from refold.actors.dispatch.port import ActorFailed, Dispatcher
from refold.actors.logger import logger
from refold.actors.session.messages import SYSTEM, Fault, Fenced, NoRoom, RoomAgain, SayTrouble

RESTARTS_MAX = 3
RESTARTS_WITHIN_NS = 10 * 10**9

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
        self._failures: dict[str, list[int]] = {}

    def on_start(self) -> None:
        for name in self._sessions:
            self.port.restart(name)
            if self._rebuilt:
                self.port.tell(name, SayTrouble())

    def on_receive(self, message: Trouble) -> None:
        match message:
            case ActorFailed(name=name, error=error, message=text):
                logger(actor=name).warning("actor failed", error=error, message=text, trace=message.trace)
                now = self.port.now_ns()
                recent = [at for at in self._failures.get(name, []) if now - at < RESTARTS_WITHIN_NS]
                self._failures[name] = [*recent, now]
                if len(recent) > 2 * RESTARTS_MAX:
                    self._on_trouble(message)
                    return
                if len(recent) >= RESTARTS_MAX:
                    self.port.tell(name, Fault(error=error, message=text))
                self.port.restart(name)
            case Fenced() | NoRoom() | RoomAgain():
                self._on_trouble(message)
