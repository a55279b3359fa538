"""Everything that a command left running, found again so that ending means ended."""

# pathlib would take a good part of the time that this process needs to start.
# ruff: noqa: PTH112, PTH123, PTH208

import contextlib
import os
import signal
import time

_PR_SET_CHILD_SUBREAPER = 36
_PATIENCE_S = 0.5


def adopt_orphans() -> None:
    """Become the parent of whatever our descendants leave behind, so that it can be found and ended."""
    # Where this fails (not Linux, a Python without ctypes) strays are out of reach.
    with contextlib.suppress(ImportError, OSError, AttributeError):
        import ctypes  # noqa: PLC0415 - it may be missing

        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def descendants(root: int) -> list[int]:
    """Return the processes below `root`, parents first."""
    children: dict[int, list[int]] = {}
    for name in os.listdir("/proc") if os.path.isdir("/proc") else ():
        if name.isdigit():
            try:
                with open(f"/proc/{name}/stat", "rb") as file:
                    fields = file.read().rpartition(b")")[2].split()
            except OSError:
                continue
            if fields[0] not in (b"Z", b"X"):
                children.setdefault(int(fields[1]), []).append(int(name))
    found: list[int] = []
    stack = [root]
    while stack:
        below = children.get(stack.pop(), [])
        found += below
        stack += below
    return found


def unimpressed(group: int, number: int) -> list[int]:
    """Return the processes of a group that would have died of a signal and live: they have not had it."""
    found: list[int] = []
    for name in os.listdir("/proc") if os.path.isdir("/proc") else ():
        if not name.isdigit():
            continue
        with contextlib.suppress(OSError, ValueError, KeyError):
            if os.getpgid(int(name)) != group:
                continue
            with open(f"/proc/{name}/status", encoding="utf-8", errors="replace") as file:
                told = dict(line.split(":\t", 1) for line in file if ":\t" in line)
            minded = int(told["SigCgt"], 16) | int(told["SigIgn"], 16)
            if told["State"][:1] not in "ZX" and not minded >> (number - 1) & 1:
                found.append(int(name))
    return found


def end_descendants(*, timeout_s: float = 5.0) -> None:
    """End every descendant of this process, asking first, until none is left."""
    began = time.monotonic()
    asked = False
    while (left := descendants(os.getpid())) and (passed := time.monotonic() - began) < timeout_s:
        if not asked:
            _signal(left, signal.SIGHUP, signal.SIGTERM, signal.SIGCONT)
            asked = True
        elif passed > _PATIENCE_S:
            _signal(left, signal.SIGKILL)
        reap()
        time.sleep(0.005)
    reap()


def _signal(processes: list[int], *numbers: int) -> None:
    for pid in processes:
        for number in numbers:
            with contextlib.suppress(OSError):
                os.kill(pid, number)


def reap(*, but: int = -1) -> None:
    """Collect ended children, except `but`, which somebody else waits for."""
    while True:
        try:
            ended = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            if ended is None or ended.si_pid == but:
                return
            os.waitpid(ended.si_pid, os.WNOHANG)
        except ChildProcessError:
            return
