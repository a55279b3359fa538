"""Runs IPython cells, one after the other, in one namespace: a line of JSON in, a line of JSON out.

It is run by file name, by a Python that has IPython: the workspace's own. Plain standard library otherwise.
"""

import contextlib
import importlib
import io
import json
import os
import sys


def main() -> int:
    try:
        ipython = importlib.import_module("IPython.core.interactiveshell")
    except ImportError:
        sys.stdout.write(json.dumps({"missing": sys.executable}) + "\n")
        return 1
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # What a cell's programs print must not end up among the answers.
    shell = ipython.InteractiveShell.instance(colors="NoColor")
    answers.write(json.dumps({"ready": sys.executable}) + "\n")
    answers.flush()
    for line in sys.stdin:
        said = io.StringIO()
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            try:
                told = json.loads(line)
                os.environ.update(told["environment"])
                shell.run_cell(told["code"], store_history=True)
            except KeyboardInterrupt:
                said.write("\nKeyboardInterrupt\n")
        answers.write(json.dumps({"content": said.getvalue()}) + "\n")
        answers.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
