"""Forking a session of a home: a new stream, and the files that it begins with."""

import os
import shutil
import time
import uuid
from pathlib import Path

from refold.actors.delegation.state import root_name
from refold.actors.session.evolve import fold
from refold.actors.session.fork import ForkRefused, copy_workspace, fork
from refold.actors.session.state import initial_state
from refold.beginning import choose_sandbox, new_name
from refold.errors import SessionExists, WrongUsage
from refold.eventlog.settings import Settings
from refold.home import Home, check_new
from refold.identity import identity
from refold.look import check_known
from refold.secrets import Secrets


def fork_session(
    home: Home,
    session: str,
    *,
    at: int,
    new: str | None = None,
    workspace: str | os.PathLike[str] | None = None,
) -> str:
    """Begin a new session after version `at` of another, and return its name.

    Without `workspace` it gets a copy of the parent's files as they are now. Raises `SessionUnknown`,
    `SessionExists`, `WrongUsage`; then nothing was recorded and nothing copied stays behind.
    """
    log = home.open_log()
    try:
        check_known(log, session, at)
        name = check_new(f"{root_name(session)[:40]}-fork-{new_name()[-4:]}" if new is None else new)
        if log.head(name) is not None:
            raise SessionExists(name)
        parent = fold(initial_state(), log.read(session, until=at, check=False)).life.settings
        if parent is not None:
            Secrets(os.environ).read(parent)
        folder = _workspace(home, name, parent, workspace)
        settings = (
            Settings(model=None, workspace=str(folder), sandbox=choose_sandbox(None)[0])
            if parent is None
            else None
        )
        try:
            fork(
                log,
                session,
                at,
                name,
                workspace=str(folder),
                identity=identity(),
                command=uuid.uuid4().hex,
                now_ns=time.time_ns(),
                settings=settings,
            )
        except ForkRefused as error:
            if workspace is None:
                shutil.rmtree(folder, ignore_errors=True)
            raise WrongUsage(str(error)) from error
        return name
    finally:
        log.close()


def _workspace(home: Home, name: str, parent: Settings | None, given: str | os.PathLike[str] | None) -> Path:
    if given is not None:
        folder = Path(given).expanduser().absolute()
        if not folder.is_dir():
            raise WrongUsage(
                f"the workspace {folder} is not a folder; make it first, or leave --workspace out"
            )
        return folder
    folder = home.workspace(name)
    if parent is not None and Path(parent.workspace).is_dir():
        copy_workspace(Path(parent.workspace), folder)
    else:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder
