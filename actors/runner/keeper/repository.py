"""Brings a repository into the workspace, whole or not at all, whoever dies on the way.

It is cloned into a folder of its own below the workspace, which must be empty otherwise. Once it is complete
there, and marked so, its entries are moved up, `.git` last; who is killed in the middle goes on with that.
git runs here, outside the sandbox: it needs the network, and its credentials are for nobody inside.
"""

# pathlib would take a good part of the time that this process needs to start.
# ruff: noqa: PTH102, PTH104, PTH110, PTH112, PTH113, PTH118, PTH123, PTH208

import os
import shutil
import signal
import subprocess
import threading
from collections.abc import Callable, Sequence
from typing import Any

_STAGE = ".refold-clone"
_SAID_MAX = 4_000
_END_S = 5.0
_ASKED = "terminal prompts disabled"
"""What git says that had no credentials where some were asked for."""


class Repository:
    """One clone; `wake` is called from another thread when `result` is there."""

    def __init__(self, workspace: str, request: dict[str, Any], wake: Callable[[], object]) -> None:
        self.result: dict[str, Any] | None = None
        self._workspace, self._request, self._wake = workspace, request, wake
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()
        self._cancelled = False
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def cancel(self) -> None:
        """End it and remove what is not complete."""
        with self._lock:
            self._cancelled = True
            if self._process is not None and self._process.poll() is None:
                os.killpg(self._process.pid, signal.SIGKILL)
        self._thread.join(_END_S)

    def _run(self) -> None:
        try:
            result = {"ok": True, "detail": self._place()}
        except _Failed as failed:
            result = {"ok": False, "detail": str(failed)}
        except OSError as error:
            result = {"ok": False, "detail": f"the workspace cannot be written: {error}"}
        self.result = result
        self._wake()

    def _place(self) -> str:
        """Return what was done. Raises `_Failed`."""
        url: str = self._request["url"]
        stage = os.path.join(self._workspace, _STAGE)
        tree, complete = os.path.join(stage, "tree"), os.path.join(stage, "complete")
        if not os.path.exists(complete):
            shutil.rmtree(stage, ignore_errors=True)
            if os.listdir(self._workspace):
                return self._there(url)
            os.mkdir(stage)
            try:
                self._git("clone", *self._request["arguments"], "--", url, tree)
            except BaseException:
                shutil.rmtree(stage, ignore_errors=True)
                raise
            with open(complete, "wb"):
                pass
        for name in sorted(os.listdir(tree), key=lambda name: name == ".git"):
            os.rename(os.path.join(tree, name), os.path.join(self._workspace, name))
        shutil.rmtree(stage)
        return f"cloned {url}"

    def _there(self, url: str) -> str:
        """Return that the repository is there already. Raises `_Failed` if something else is."""
        git = os.path.join(self._workspace, ".git")
        if os.path.isdir(git):
            origin = self._git(
                "--git-dir", git, "config", "--default", "", "--get", "remote.origin.url"
            ).strip()
            if origin == url:
                return f"{url} is there already"
        raise _Failed(
            f"{url} cannot be cloned into the workspace {self._workspace}, for that is not empty: "
            "name an empty folder, or none"
        )

    def _git(self, *arguments: str) -> str:
        command: Sequence[str] = ("git", *self._request["options"], *arguments)
        with self._lock:
            if self._cancelled:
                raise _Failed("the start was cancelled")
            try:
                self._process = subprocess.Popen(  # noqa: S603 - git, as the driver asked
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    cwd=self._workspace,
                    env={"PATH": os.environ.get("PATH", os.defpath), **self._request["environment"]},
                    start_new_session=True,
                )
            except OSError as error:
                raise _Failed(f"git cannot be run: {error.strerror}") from error
        timeout_s: float = self._request["timeout_s"]
        try:
            out, said = self._process.communicate(timeout=timeout_s)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.communicate()
            raise _Failed(f"git had not ended after {timeout_s:g} seconds") from None
        if self._process.returncode != 0:
            text = said.decode("utf-8", "replace").strip()[-_SAID_MAX:]
            if _ASKED in text:
                text += "\nIt wants a token: pass one as a secret of the session, `--secret-env GIT_TOKEN`."
            raise _Failed(text or f"git ended with exit code {self._process.returncode}")
        return out.decode("utf-8", "replace")


class _Failed(Exception):
    """It did not work; the message is for a person."""


def found(workspace: str, names: Sequence[str]) -> list[str]:
    """Return which of these files are there."""
    return [name for name in names if os.path.isfile(os.path.join(workspace, name))]
