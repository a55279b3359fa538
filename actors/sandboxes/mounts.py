"""What else of the machine commands are shown, and why some of it may not be."""

import posixpath
from collections.abc import Iterable, Iterator
from pathlib import Path

from refold.actors.sandboxes.sandbox import Confinement
from refold.eventlog.runtime_settings import Mount

_KEPT = ("/", "/bin", "/dev", "/etc", "/lib", "/lib64", "/opt/refold", "/proc", "/sbin", "/usr", "/workspace")


def mounts_refused(confinement: Confinement) -> str | None:
    """Return what is wrong with the mounts; None if they can be made."""
    return next(filter(None, (_refused(mount, confinement) for mount in confinement.settings.mounts)), None)


def target_refused(target: str) -> str | None:
    """Return why nothing can be shown at this place inside; None if something can."""
    if not target.startswith("/") or posixpath.normpath(target) != target:
        return "the place inside must be an absolute path, such as /data"
    if target in _KEPT or target.startswith(("/proc/", "/dev/", "/opt/refold/")):
        return "that place is taken; mount it somewhere else, such as /data"
    return None


def hidden_below(mount: Mount, confinement: Confinement) -> Iterator[str]:
    """Yield what must not be seen through a mount, by its path inside."""
    source = Path(mount.source).resolve()
    hidden = {path.resolve() for path in confinement.hidden if path.is_dir()}
    for folder in topmost(folder for folder in hidden if source in folder.parents):
        yield f"{mount.target}/{folder.relative_to(source)}"


def topmost(folders: Iterable[Path]) -> list[Path]:
    """Return the folders that lie in none of the others."""
    kept = set(folders)
    return sorted(folder for folder in kept if kept.isdisjoint(folder.parents))


def _refused(mount: Mount, confinement: Confinement) -> str | None:
    said = f"the mount {mount.source} on {mount.target}"
    source = Path(mount.source)
    if (wrong := target_refused(mount.target)) is not None:
        return f"{said}: {wrong}"
    if not source.is_absolute() or not source.exists():
        return f"{said}: there is no {mount.source} on this machine; name a file or folder by its whole path"
    if any(source.resolve().is_relative_to(path.resolve()) for path in confinement.hidden):
        return f"{said}: it lies in Refold's own folders, which no sandbox shows"
    return None
