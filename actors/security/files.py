"""What is done to files: deleted, written, read, and where they lie."""

from refold.actors.security.finding import Finding, high, low, medium
from refold.actors.security.places import Place, is_credential, is_system, takes_effect
from refold.actors.security.shell import Word


def written(word: Word, place: Place) -> list[Finding]:
    """Return what writing to a path means."""
    if not word.sure:
        return [medium(f"writes to a place that only running tells ({word.text[:60]})")]
    path = place.resolve(word.text)
    if path is None:
        return [medium(f"writes to {word.text} in a folder that is not known here")]
    if path.startswith(("/dev/tcp/", "/dev/udp/")):
        return [high(f"opens a connection ({path})")]
    if takes_effect(path):
        return [high(f"writes {path}, which takes effect by itself")]
    if place.is_inside(path):
        return []
    if place.is_scratch(path):
        return [low(f"writes {path}")]
    if is_system(path):
        return [high(f"writes {path}, which belongs to the system")]
    return [medium(f"writes outside the workspace ({path})")]


def deleted(word: Word, place: Place, *, recursive: bool) -> list[Finding]:
    if not word.sure:
        said = f"deletes what only running tells ({word.text[:60]})"
        return [high(said) if recursive else medium(said)]
    text = word.text
    if word.glob:  # What a pattern names lies in its folder; one of stars alone is all of it.
        folder, _, last = text.rpartition("/")
        text = folder or ("/" if text.startswith("/") else ".") if not last.strip("*?.[]!") else text
    path = place.resolve(text)
    if path is None:
        said = f"deletes {word.text} in a folder that is not known here"
        return [high(said) if recursive else medium(said)]
    if place.is_workspace(path):
        return [high(f"deletes the whole of {path}") if recursive or word.glob else low(f"deletes {path}")]
    if place.is_inside(path):
        if path.endswith("/.git"):
            return [high("deletes the repository's history")]
        many = recursive or word.glob
        return [
            medium(f"deletes {word.text} with all in it" if recursive else f"deletes {word.text}")
            if many
            else low(f"deletes {word.text}")
        ]
    if place.is_scratch(path) and path.count("/") > 1 and path not in {"/var/tmp", "/dev/shm"}:  # noqa: S108
        return [low(f"deletes {path}")]
    return [high(f"deletes outside the workspace ({path})")]


def looked_at(word: Word, place: Place) -> list[Finding]:
    """Return what it means that a program is given a path to read."""
    path = place.resolve(word.text) if word.sure else None
    if path is not None and is_credential(path):
        return [high(f"reads credentials ({path})")]
    return []
