"""What the keeper does with a request: it knows every key, runs each at most once, and hands results out."""

from collections import deque
from collections.abc import Callable, Iterable
from typing import Any

from ..masker import MaskedStream, Masker  # noqa: TID252 - a plain folder has no other name
from .connection import Connection
from .inside import Inside
from .journal import Journal
from .repository import Repository, found

_DROPPED = "The action was interrupted before it began; it was not carried out."


class Desk:
    """Answers drivers. In work is one action at a time, in their order, or several that only look."""

    def __init__(self, journal: Journal, inside: Inside, settings: dict[str, Any]) -> None:
        self._journal = journal
        self._inside = inside
        self._incarnation: str = settings["incarnation"]
        self._workspace: str = settings.get("workspace", "")
        self._scripts: list[str] = settings.get("scripts", [])
        self._repositories: dict[str, Repository] = {}
        self.wake: Callable[[], object] = lambda: None
        """Has `prepared` called by whoever serves; set by it."""
        self._todo: deque[tuple[str, dict[str, Any]]] = deque()
        self._running: dict[str, bool] = {}
        """What is in work, and whether it only looks."""
        self.masker = Masker(settings.get("secrets", ()))
        """Every secret that a driver has come with, also one that was changed since."""
        self._shown = MaskedStream(self.masker)
        self._waiting: dict[str, list[tuple[Connection, int]]] = {}

    def answer(self, connection: Connection, request: dict[str, Any]) -> None:
        number: int = request["id"]
        key: str = request.get("key", "")
        known = self._journal.known(key)
        if known is not None and known.digest != request.get("digest", known.digest):
            connection.tell({"id": number, "refused": f"{key} is known with another digest"})
            return
        match request["do"]:
            case "execute":
                self._execute(connection, number, request)
            case "ask":
                connection.tell({"id": number, **self._told(key)})
            case "acknowledge":
                if known is not None and known.observation is not None:
                    self._journal.acknowledge(key)
                connection.tell({"id": number, "done": True})
            case "prepare":
                self._prepare(connection, number, key, request)
            case "interrupt":
                self._interrupt(key)
                connection.tell({"id": number, "done": True})
            case other:
                connection.tell({"id": number, "refused": f"the keeper cannot {other}"})

    def finished(self, key: str, observation: dict[str, Any]) -> None:
        """Take the executor's answer.

        Commands may reach the executor's pipe: an answer that nobody asked for is none.
        """
        if self._running.pop(key, None) is None:
            return
        self._shown = MaskedStream(self.masker)
        self._settle(key, self.masker.data(observation))
        self._start_next()

    def glimpse(self, text: str) -> str:
        """Return what of a running command's output may be shown."""
        return self._shown.feed(text)

    def hide(self, secrets: Iterable[str]) -> None:
        """Keep these out as well from now on."""
        if not self.masker.secrets.issuperset(secrets := tuple(secrets)):
            self.masker = Masker((*self.masker.secrets, *secrets))
            self._shown = MaskedStream(self.masker)

    def prepared(self) -> None:
        """Tell whoever waits for a repository that is there now, or is not."""
        for key, repository in self._repositories.items():
            if (result := repository.result) is not None:
                told = {**self.masker.data(result), "found": self._found()}
                for connection, number in self._waiting.pop(key, ()):
                    connection.tell({"id": number, "prepared": told})

    def leave(self) -> None:
        for repository in self._repositories.values():
            repository.cancel()

    def forget(self, connection: Connection) -> None:
        """Stop telling a connection that is gone; what runs goes on."""
        for waiting in self._waiting.values():
            waiting[:] = [entry for entry in waiting if entry[0] is not connection]

    def _execute(self, connection: Connection, number: int, request: dict[str, Any]) -> None:
        key: str = request["key"]
        known = self._journal.known(key)
        if known is None:
            try:
                self._journal.accept(key, request["digest"], self._incarnation)
            except OSError as error:
                connection.tell({"id": number, "refused": f"the runner's journal cannot be written: {error}"})
                return
            self._waiting[key] = [(connection, number)]
            self._todo.append((key, request["action"]))
            self._start_next()
        elif known.observation is not None:
            connection.tell({"id": number, "observation": known.observation})
        elif self._is_ours(key):
            self._waiting.setdefault(key, []).append((connection, number))
        else:
            connection.tell(
                {"id": number, "refused": f"{key} is known and will not be run again: {known.state}"}
            )

    def _prepare(self, connection: Connection, number: int, key: str, request: dict[str, Any]) -> None:
        """Bring a repository into the workspace, once for each key."""
        self._waiting.setdefault(key, []).append((connection, number))
        if key not in self._repositories:
            self._repositories[key] = Repository(self._workspace, request["repository"], self.wake)
        self.prepared()

    def _found(self) -> list[str]:
        return found(self._workspace, self._scripts)

    def _told(self, key: str) -> dict[str, Any]:
        if (known := self._journal.known(key)) is None:
            return {"state": "unknown"}
        if known.observation is not None:
            return {"observation": known.observation}
        # Nothing of an earlier incarnation still runs.
        lost = known.state == "running" and not self._is_ours(key)
        return {"state": "accepted" if lost else known.state}

    def _settle(self, key: str, observation: dict[str, Any]) -> None:
        """Write the result, tell it, and only then wait for the disk.

        Written, it outlives this process; the wait is for the machine's own crash, which nobody who was told
        needs it for: what they commit is the record, and what they do not is an unknown outcome.
        """
        self._journal.finish(key, observation)
        for connection, number in self._waiting.pop(key, ()):
            connection.tell({"id": number, "observation": observation})
        self._journal.sync()

    def _start_next(self) -> None:
        while self._todo:
            key, action = self._todo[0]
            looks = action.get("kind") == "read"
            if self._running and not (looks and all(self._running.values())):
                return
            self._todo.popleft()
            self._running[key] = looks
            self._journal.start(key)
            self._inside.tell({"key": key, "action": action})

    def _interrupt(self, key: str) -> None:
        for entry in self._todo:
            if entry[0] == key:
                self._todo.remove(entry)
                self._settle(key, {"kind": "error", "content": _DROPPED})
                return
        self._inside.tell({"interrupt": key})

    def _is_ours(self, key: str) -> bool:
        return key in self._running or any(key == waiting for waiting, _ in self._todo)
