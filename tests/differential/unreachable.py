"""A runtime of a user's own that never comes up."""

from typing import Never, override

from refold.actors.runner.client import LaunchFailed
from refold.actors.runner.runner import RunnerSpec
from refold.actors.runtimes import Kept
from refold.actors.sandboxes.local import Local


class Unreachable(Kept):
    def __init__(self) -> None:
        super().__init__(Local)

    @override
    def launch(self, spec: RunnerSpec) -> Never:
        raise LaunchFailed("the machine room is on fire; move the session elsewhere")
