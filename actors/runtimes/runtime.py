"""What a way to have a runner promises. Write one of your own and name it by its path, `MODULE:NAME`.

`RunnerContract` in `refold.testing` proves it.
"""

from typing import Protocol

from msgspec import Struct

from refold.actors.runner.runner import Runner, RunnerSpec


class Reached(Struct, frozen=True):
    """A runner that answers: where its workspace lies, seen from inside, and what a person should know."""

    runner: Runner
    workspace: str
    notice: str = ""


class Runtime(Protocol):
    """Finds and starts the runner of a session. Calls may block; they come from several threads."""

    @property
    def isolated(self) -> bool:
        """Whether it keeps commands from the machine that Refold runs on."""
        ...

    def unavailable(self) -> str | None:
        """Return why it cannot be used on this machine, in words that a person can act on; None if it can."""
        ...

    def refusal(self, spec: RunnerSpec) -> str | None:
        """Return what of `spec` it cannot keep, and what to do instead; None if it can keep all of it."""
        ...

    def find(self, spec: RunnerSpec) -> Reached | None:
        """Connect to the living runner in the name of `spec.epoch`; None if there is none.

        Older epochs are closed by it. Raises `RunnerRefused` when a younger one drives already, `RunnerLost`
        when nobody can tell.
        """
        ...

    def launch(self, spec: RunnerSpec) -> Reached:
        """Start a new incarnation. Raises `LaunchFailed`, and then nothing stays behind."""
        ...

    def is_alive(self, spec: RunnerSpec) -> bool:
        """Whether a runner of this session, or anything that one left, still lives. Raises `RunnerLost`."""
        ...

    def clear(self, spec: RunnerSpec) -> None:
        """Remove what a runner left behind that is no more; does nothing while one serves."""
        ...
