"""Facts in the words that a model reads."""

import msgspec

from refold.eventlog.actions import Action
from refold.eventlog.observations import Observation, RunOutput
from refold.projections.calls import call_of, text_of

OBSERVATION_CHARACTERS_MAX = 30_000


def rendered(observation: Observation) -> str:
    """Return an observation as the model reads it, never longer than a model should bear."""
    text = cut(observation.content)
    match observation:
        case RunOutput(exit_code=-1):
            return f"{text}\n[no exit code yet: the command is still running]".lstrip("\n")
        case RunOutput(exit_code=None):
            return text or "[no output]"
        case RunOutput(exit_code=code, directory=directory):
            place = f", now in {directory}" if directory else ""
            return f"{text}\n[exit code {code}{place}]".lstrip("\n")
        case _:
            return text or "[no output]"


def cut(text: str, characters_max: int = OBSERVATION_CHARACTERS_MAX) -> str:
    """Return `text`, the middle of a long one replaced by a note of how much is missing."""
    missing = len(text) - characters_max
    if missing <= 0:
        return text
    head = characters_max // 2
    note = f"\n[... {missing} characters cut from the middle ...]\n"
    return text[:head] + note + text[len(text) - (characters_max - head) :]


def note(text: str) -> str:
    """Return what the system has to say, marked as nobody else's words."""
    return f"<note>\n{text}\n</note>"


def told(action: Action) -> str:
    """Return what a user did, in words; only imported streams hold such actions."""
    called = call_of(action)
    if called is None:
        return text_of(action)
    name, arguments = called
    return note(f"The user called {name} with {msgspec.json.encode(arguments).decode()}")


def context(text: str) -> str:
    """Return what memory recalled, marked as such."""
    return f"<context>\n{text}\n</context>"


def no_longer_shown(messages: int, summary: str) -> str:
    """Return what stands where `messages` were that are forgotten."""
    here = "The message that stood here is" if messages == 1 else f"{messages} messages that stood here are"
    if not summary:
        return note(f"{here} no longer shown. Look up again what you need.")
    return note(f"{here} no longer shown. In short, this happened:\n\n{summary}")


def left_out(text: str) -> str:
    """Return what stands in place of a result that is forgotten."""
    return f"[a result of {len(text)} characters is no longer shown; call again for what you need of it]"
