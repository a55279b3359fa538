"""A process that drives a session until it rests, or until it kills itself at a chosen point.

Arguments: home, session, script, label of the point, which time it is passed, microseconds to wait there, and
the script of a delegate if there is to be one.
"""

import os
import signal
import sys
import threading
import time
from pathlib import Path

from refold.eventlog.settings import AgentSettings
from refold.system import System


class Doom:
    """Counts how often a point is passed, and kills this very process at one of them."""

    def __init__(self, label: str, number: int, delay_us: int) -> None:
        self._label, self._left, self._delay_us = label, number, delay_us
        self._lock = threading.Lock()

    def __call__(self, label: str) -> None:
        with self._lock:
            if label != self._label:
                return
            self._left -= 1
            if self._left != 0:
                return
        if self._delay_us:  # The commit goes on meanwhile, on its own thread.
            threading.Thread(target=self._strike, daemon=True).start()
        else:
            self._strike()

    def _strike(self) -> None:
        until = time.perf_counter_ns() + self._delay_us * 1000
        while time.perf_counter_ns() < until:
            pass
        os.kill(os.getpid(), signal.SIGKILL)


def main() -> None:
    home, session, script, label, number, delay_us, *helper = sys.argv[1:]
    agents = {"helper": AgentSettings(agent="codeact", model=f"script:{helper[0]}")} if helper else {}
    with System(Path(home), on_point=Doom(label, int(number), int(delay_us))) as system:
        if system.log.head(session) is None:
            held = system.start(
                "append tokens", session=session, model=f"script:{script}", sandbox="local", agents=agents
            )
        else:
            held = system.resume(session)
        state = held.wait(timeout=120)
        system.let_go(session, end_runner=True)
    sys.exit(0 if state.agent.state == "finished" else 1)


main()
