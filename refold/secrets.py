"""The values of sessions' secrets: read from the environment by whoever claims a session, never recorded."""

import re
from collections.abc import Iterable, Mapping

import msgspec

from refold.actors.delegation.state import root_name
from refold.actors.logger import hide
from refold.actors.runner.masker import LENGTH_MIN, Masker
from refold.errors import SecretUnusable
from refold.eventlog.settings import Settings

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_OURS = frozenset({"PATH", "HOME", "SHELL", "TERM", "LANG", "TMPDIR", "LD_LIBRARY_PATH", "PS1", "PS2"})
_MODEL_KEYS = ("OPENAI_API_KEY", "ANTHROPIC_API_KEY")


def is_variable(name: str) -> bool:
    """Whether an environment variable can have this name."""
    return _NAME.fullmatch(name) is not None


def name_refused(name: str) -> str | None:
    """Return why nothing of this name can be a secret; None if something can."""
    if not is_variable(name):
        return "cannot name a secret: it is no name of an environment variable"
    return "cannot name a secret: the sandbox has a variable of that name" if name in _OURS else None


class Secrets:
    """What the sessions that this process drives may not say, and what their sandboxes get."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment
        self._values: dict[str, dict[str, str]] = {}
        self._earlier: dict[str, set[str]] = {}
        """Values that were changed since: what a command has written down of one is hidden on."""
        self._maskers: dict[str, Masker] = {}

    def read(self, settings: Settings) -> dict[str, str]:
        """Return the values of the secrets that the settings name; raises `SecretUnusable`."""
        possible = [name for name in settings.secrets if not name_refused(name)]
        missing = [name for name in possible if name not in self._environment]
        if len(missing) > 1:
            names = f"{', '.join(missing[:-1])} and {missing[-1]}"
            raise SecretUnusable(
                f"the secrets {names} are not in the environment: set these variables and try again"
            )
        return {name: self._read(name) for name in settings.secrets}

    def take(self, session: str, settings: Settings) -> None:
        """Have the session's secrets known before anything of it is recorded. Raises `SecretUnusable`."""
        values = self.read(settings)
        earlier = self._earlier.setdefault(session, set())
        masker = Masker((*earlier, *values.values(), *self._keys(settings)))
        shown = msgspec.json.encode(msgspec.structs.replace(settings, secrets=())).decode()
        for name, value in values.items():
            known = Masker((value,))
            if known.text(session) != session or known.text(shown) != shown:
                raise SecretUnusable(
                    f"the value of the secret {name} stands in the session's own settings, which are "
                    "recorded in plain text: leave it out there, its environment variable has it"
                )
        earlier.update(values.values())
        self._values[session] = values
        self._maskers.pop(session, None)
        if masker:
            self._maskers[session] = masker
            hide(masker)

    def values(self, session: str) -> dict[str, str]:
        return self._values.get(root_name(session), {})

    def masker(self, session: str) -> Masker | None:
        return self._maskers.get(root_name(session))  # A delegate has its parent's secrets.

    def text(self, session: str, text: str) -> str:
        """Return a text without the session's secrets."""
        masker = self.masker(session)
        return text if masker is None else masker.text(text)

    def _read(self, name: str) -> str:
        if (wrong := name_refused(name)) is not None:
            raise SecretUnusable(f"{name!r} {wrong}")
        value = self._environment.get(name)
        if value is None:
            raise SecretUnusable(
                f"the secret {name} is not in the environment: set the variable {name} and try again"
            )
        if len(value.strip()) < LENGTH_MIN:
            what = "empty" if not value.strip() else f"shorter than {LENGTH_MIN} characters"
            raise SecretUnusable(
                f"the secret {name} is {what}, and could not be kept out of texts: set the variable {name} "
                "to its value, or leave the secret out"
            )
        return value

    def _keys(self, settings: Settings) -> Iterable[str]:
        """Yield the keys of models and of servers of tools.

        No sandbox gets them, but an error of a provider, or an answer of a server, may quote one.
        """
        for server in settings.mcp:
            for variable in {*server.env, *server.headers.values()} - _OURS:
                credential = self._environment.get(variable, "")
                if len(credential.strip()) >= LENGTH_MIN:
                    yield credential
        named = (settings.key_env, *(model.key_env for model in settings.models.values()))
        for name in (*_MODEL_KEYS, *named):
            if name is not None and (value := self._environment.get(name)):
                yield value
