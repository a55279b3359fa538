"""Runs a server as its child and sees to it that nothing of it is left: `python -I -S warden.py COMMAND …`.

Our death is the end of its input, whatever killed us; many servers do not mind that, so it is told in another
way: some time after the end of input, its whole process group is killed. Of what it says on standard error
only the end is kept, and said when it has ended. Plain standard library: it is run by file name.
"""

import os
import signal
import subprocess
import sys
import threading

GRACE_S = 1.0
SAID_BYTES_MAX = 4_000
_READ_BYTES = 65536


def main(command: list[str]) -> int:
    if os.getpgrp() != os.getpid():
        os.setpgid(0, 0)
    try:
        child = subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0)  # noqa: S603
    except OSError as error:
        sys.stderr.write(f"cannot start {command[0]}: {error.strerror}\n")
        return 127
    said = bytearray()
    ears = threading.Thread(target=_hear, args=(child, said), daemon=True)
    ears.start()
    threading.Thread(target=_feed, args=(child,), daemon=True).start()
    child.wait()
    ears.join(GRACE_S)  # A grandchild may hold it open for ever.
    os.write(2, bytes(said))
    os.killpg(0, signal.SIGKILL)  # We are in this group as well: nothing comes after.
    return 1


def _feed(child: "subprocess.Popen[bytes]") -> None:
    """Pass on our input; its end is the end of the child, at once or after a grace."""
    assert child.stdin is not None  # noqa: S101 - PIPE makes it so; this is for the type checkers
    try:
        while data := os.read(0, _READ_BYTES):
            while data:
                data = data[child.stdin.write(data) or 0 :]
        child.stdin.close()
    except OSError:
        pass
    try:
        child.wait(GRACE_S)
    except subprocess.TimeoutExpired:
        os.killpg(0, signal.SIGKILL)


def _hear(child: "subprocess.Popen[bytes]", said: bytearray) -> None:
    assert child.stderr is not None  # noqa: S101 - PIPE makes it so; this is for the type checkers
    while data := os.read(child.stderr.fileno(), _READ_BYTES):
        said += data
        del said[:-SAID_BYTES_MAX]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
