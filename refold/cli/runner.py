"""`refold runner serve`: run commands for drivers on other machines."""

import signal
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer

from refold.beginning import choose_sandbox
from refold.cli.options import HomeOption, JsonOption
from refold.cli.output import put, say
from refold.errors import HomeUnusable, WrongUsage
from refold.home import Home

_TOKEN_MIN = 16
"""Whoever guesses it runs commands here."""


def runner(
    what: Annotated[str, typer.Argument(metavar="serve", help="The one thing it does.")],
    token_file: Annotated[
        Path, typer.Option("--token-file", metavar="F", help="A file whose one line drivers must know.")
    ],
    listen: Annotated[
        str, typer.Option("--listen", metavar="HOST:PORT", help="Where; port 0 takes a free one.")
    ] = "127.0.0.1:0",
    cert: Annotated[
        Path | None, typer.Option("--cert", metavar="FILE", help="Certificate (PEM) for TLS.")
    ] = None,
    key: Annotated[Path | None, typer.Option("--key", metavar="FILE", help="Its key (PEM).")] = None,
    workspace: Annotated[
        Path | None,
        typer.Option("--workspace", metavar="DIR", help="Sessions work in folders of it."),
    ] = None,
    sandbox: Annotated[
        str | None,
        typer.Option(
            "--sandbox", metavar="local|bubblewrap", help="Default: bubblewrap where it works, else local."
        ),
    ] = None,
    home: HomeOption = None,
    json: JsonOption = False,
) -> int:
    from refold.actors.runtimes.server import RunnerServer, Serving, ServingRefused  # noqa: PLC0415
    from refold.actors.runtimes.wire import exposed, token_in  # noqa: PLC0415

    if what != "serve":
        raise WrongUsage(f"`refold runner {what}` is unknown; it is `refold runner serve`")
    host, port = _place(listen)
    if sandbox not in {None, "local", "bubblewrap"}:
        raise WrongUsage(f"--sandbox {sandbox!r} cannot be served; it is local or bubblewrap")
    chosen, warning = choose_sandbox(sandbox)
    try:
        token = token_in(token_file)
    except OSError as error:
        raise WrongUsage(f"the token file {token_file} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise WrongUsage(str(error)) from error
    if len(token) < _TOKEN_MIN:
        raise WrongUsage(f"the token in {token_file} can be guessed: make one with `openssl rand -hex 32`")
    place = Home(home)
    place.make()
    try:
        server = RunnerServer(
            Serving(
                host=host,
                port=port,
                token=token,
                folder=place.path / "served" / "runners",
                workspaces=workspace or place.path / "served" / "workspaces",
                sandbox=chosen,
                certificate=cert,
                key=key,
                hidden=(place.path,),
            )
        )
    except (ServingRefused, ValueError) as error:
        raise WrongUsage(str(error)) from error
    except OSError as error:
        if error.filename is not None:
            raise HomeUnusable(
                f"runners cannot be kept in {error.filename}: {error.strerror}; "
                "name another folder by --home, or by --workspace"
            ) from error
        raise WrongUsage(f"runners cannot be served at {listen}: {error.strerror or error}") from error

    def stop(_number: int, _frame: FrameType | None) -> None:
        server.stop()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    for secret in (token_file, key):
        if secret is not None and (said := exposed(secret)) is not None:
            say(said)
    if warning is not None:
        say(warning)
    if json:
        put({"address": server.address, "sandbox": chosen})
    else:
        say(f"runners are served at {server.address} in sandbox {chosen}")
    server.serve()
    return 0


def _place(text: str) -> tuple[str, int]:
    host, colon, port = text.rpartition(":")
    if not colon or not host or not port.isascii() or not port.isdigit() or int(port) > 65535:  # noqa: PLR2004
        raise WrongUsage(f"--listen {text!r} is not HOST:PORT")
    return host.strip("[]"), int(port)
