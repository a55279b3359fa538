"""What commands may use, as the system's own limits on each process."""

from collections.abc import Mapping

_NAMES = {
    "cpu_s": "RLIMIT_CPU",
    "memory_bytes": "RLIMIT_AS",
    "processes": "RLIMIT_NPROC",
    "file_bytes": "RLIMIT_FSIZE",
    "open_files": "RLIMIT_NOFILE",
}


def limit(pid: int, limits: Mapping[str, int]) -> None:
    """Bind a process, and whatever it starts, to `limits`; nothing inside can lift them again.

    Raises `OSError` or `ValueError` where the system will not have it.
    """
    if not limits:
        return
    import resource  # noqa: PLC0415 - only where something is limited

    for name, most in limits.items():
        number = getattr(resource, _NAMES[name])
        _, highest = resource.prlimit(pid, number)
        if highest != resource.RLIM_INFINITY:
            most = min(most, highest)  # noqa: PLW2901 - nobody may raise what the machine allows
        resource.prlimit(pid, number, (most, most))
