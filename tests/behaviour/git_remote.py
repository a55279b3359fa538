"""A real git remote on loopback: `git http-backend` behind a server that asks for a token."""

import base64
import os
import shutil
import subprocess
import threading
from collections.abc import Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import override

QUIET = {
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_AUTHOR_NAME": "a",
    "GIT_AUTHOR_EMAIL": "a@example.org",
    "GIT_COMMITTER_NAME": "a",
    "GIT_COMMITTER_EMAIL": "a@example.org",
    "PATH": os.environ["PATH"],
}


def git(folder: Path, *arguments: str) -> str:
    return subprocess.run(
        ["git", *arguments], cwd=folder, check=True, capture_output=True, text=True, env=QUIET
    ).stdout


def http_backend() -> str | None:
    """Return where `git http-backend` is; None where it is not."""
    if shutil.which("git") is None:
        return None
    found = Path(git(Path("/"), "--exec-path").strip()) / "git-http-backend"
    return str(found) if found.exists() else None


def repository(folder: Path, files: dict[str, str], *, branch: str = "side") -> Path:
    """Return a repository with these files, and one more on a branch of its own."""
    folder.mkdir(parents=True)
    git(folder, "init", "--quiet", "--initial-branch=main")
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    git(folder, "add", ".")
    git(folder, "commit", "--quiet", "--allow-empty", "-m", "first")
    git(folder, "switch", "--quiet", "-c", branch)
    (folder / "aside").write_text("on a branch", encoding="utf-8")
    git(folder, "add", ".")
    git(folder, "commit", "--quiet", "-m", "second")
    git(folder, "switch", "--quiet", "main")
    return folder


class Remote:
    """`gate` holds back every answer while it is clear; `arrived` says that somebody waits there."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.gate, self.arrived = threading.Event(), threading.Event()
        self.authorized: list[str] = []
        self.gate.set()


@contextmanager
def served(root: Path, *, user: str, token: str) -> Generator[Remote]:
    """Serve the bare repositories below `root` to whoever has the token."""
    backend = http_backend() or "git-http-backend"
    wanted = "Basic " + base64.b64encode(f"{user}:{token}".encode()).decode()

    class Handler(BaseHTTPRequestHandler):
        @override
        def log_message(self, format: str, *args: object) -> None:
            pass

        def do_GET(self) -> None:
            self._answer(b"")

        def do_POST(self) -> None:
            self._answer(self.rfile.read(int(self.headers.get("Content-Length", 0))))

        def _answer(self, body: bytes) -> None:
            if self.headers.get("Authorization") != wanted:
                self.send_response(401)
                self.send_header("WWW-Authenticate", 'Basic realm="here"')
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            remote.authorized.append(self.path)
            remote.arrived.set()
            remote.gate.wait(60)
            path, _, query = self.path.partition("?")
            environment = {
                **QUIET,
                "GIT_PROJECT_ROOT": str(root),
                "GIT_HTTP_EXPORT_ALL": "1",
                "PATH_INFO": path,
                "QUERY_STRING": query,
                "REQUEST_METHOD": self.command,
                "CONTENT_TYPE": self.headers.get("Content-Type", ""),
                "CONTENT_LENGTH": str(len(body)),
                "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
                "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
            }
            done = subprocess.run(
                [backend], input=body, capture_output=True, env=environment, check=False
            ).stdout
            head, _, content = done.partition(b"\r\n\r\n")
            fields = dict(line.split(": ", 1) for line in head.decode().splitlines())
            self.send_response(int(fields.pop("Status", "200 OK").split()[0]))
            for name, value in fields.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    remote = Remote(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield remote
    finally:
        remote.gate.set()
        server.shutdown()
        server.server_close()
        thread.join()
