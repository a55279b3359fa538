"""No sandbox: commands run as the person who started the session, on their machine."""

import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from refold.actors.sandboxes.interpreter import EXECUTOR, boot, interpreter
from refold.actors.sandboxes.sandbox import Confinement

WARNING = "Sandbox local: commands are not isolated; they can do on this machine whatever you can."


class Local:
    """Runs the executor as it is. It isolates nothing, and says so."""

    name = "local"
    isolated = False
    own_limits: frozenset[str] = frozenset()

    def unavailable(self) -> str | None:
        return None if shutil.which("bash") else "there is no bash on the PATH"

    def refusal(self, confinement: Confinement) -> str | None:
        asked = confinement.settings
        if asked.offline:
            return "it cannot keep commands from the network; use bubblewrap or docker, or allow it"
        if asked.mounts:
            return "it cannot mount anything: commands see the whole machine; use bubblewrap or docker"
        if asked.limits.processes is not None:
            return (
                "it cannot limit processes: the system counts all those of this user together; "
                "use bubblewrap or docker, or leave the limit out"
            )
        return None

    def workspace(self, confinement: Confinement) -> str:
        return str(confinement.workspace)

    def environment(self) -> Mapping[str, str]:
        path = os.environ.get("PATH", os.defpath)
        if shutil.which("python3", path=path) is None:
            path += f"{os.pathsep}{interpreter().parent}"
        return {"PATH": path, "HOME": str(Path.home()), "SHELL": shutil.which("bash") or "/bin/bash"}

    def command(self, confinement: Confinement) -> Sequence[str]:
        del confinement  # Nothing confines it.
        return boot(str(interpreter()), str(EXECUTOR.parent), "executor.main")
