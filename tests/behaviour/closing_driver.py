"""A process with several sessions at work; told to end, it closes them all."""

import os
import signal
import sys
from pathlib import Path
from types import FrameType

import refold
from tests.front.test_embedding import script, shell


def main() -> None:
    folder = Path(sys.argv[1])
    heard, says = os.pipe()  # No lock, lest the signal meets whoever waits for it in the middle of taking it.

    def tell(_number: int, _frame: FrameType | None) -> None:
        os.write(says, b"!")

    signal.signal(signal.SIGTERM, tell)
    with refold.open(folder / "home") as system:
        model = script(folder, shell("echo begun; sleep 100"))
        for name in ("a", "b", "c"):
            system.start("go", session=name, model=model, sandbox="local")
        print("at work", flush=True)  # noqa: T201 - for whoever waits
        os.read(heard, 1)
        late = system.close_sessions("SIGTERM")
    sys.exit(len(late))


if __name__ == "__main__":
    main()
