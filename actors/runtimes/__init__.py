"""The ways to have a runner, by name: on this machine in a sandbox, in a container, or on another machine."""

from refold.actors.runtimes.kept import Kept
from refold.actors.runtimes.registry import RuntimeUnknown, names, runtime
from refold.actors.runtimes.runtime import Reached, Runtime

__all__ = ["Kept", "Reached", "Runtime", "RuntimeUnknown", "names", "runtime"]
