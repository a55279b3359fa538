"""A process that plays a scene and kills itself at a point. Arguments: scene, folder, label, which time."""

import os
import signal
import sys
from pathlib import Path

from tests.differential.scenes import SCENES
from tests.differential.stages import Blunder, play


def main() -> None:
    name, folder, label, number = sys.argv[1:]
    scene = SCENES[name]
    blunder = None if scene.blunder is None else Blunder(*scene.blunder)
    left = [int(number)]

    def on_point(passed: str) -> None:
        if passed == label:
            left[0] -= 1
            if left[0] == 0:
                os.kill(os.getpid(), signal.SIGKILL)
        if blunder is not None:
            blunder(passed)

    play(scene, Path(folder), on_point)


main()
