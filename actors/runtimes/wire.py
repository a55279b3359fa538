"""What a driver and `refold runner serve` say to each other before the keeper speaks, and to whom.

First the token, in a line of its own; who has another one hears nothing. Then one request and one answer, a
line of JSON each. After the answer to `find` and `launch` the connection leads to the keeper.
"""

import contextlib
import hashlib
import hmac
import ipaddress
import json
import shlex
import socket
import ssl
import stat
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from msgspec import Struct

from refold.actors.runner.executor.lines import line
from refold.eventlog.runtime_settings import Remote

TOKEN_MAX = 4096
"""Bytes that are read from somebody unknown."""
REQUEST_MAX = 16 * 1024 * 1024
CONNECT_S = 10.0
_READ_BYTES = 65536
_KEEPALIVE = (("TCP_KEEPIDLE", 15), ("TCP_KEEPINTVL", 5), ("TCP_KEEPCNT", 3), ("TCP_USER_TIMEOUT", 30_000))


class AddressRefused(Exception):
    """An address that cannot be used, and why."""


class Address(Struct, frozen=True):
    host: str
    port: int
    secure: bool

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'tls' if self.secure else 'tcp'}://{host}:{self.port}"


def address_of(text: str) -> Address:
    """Read `tls://HOST:PORT` or `tcp://HOST:PORT`; raises `AddressRefused`."""
    try:
        parts = urlsplit(text)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        host, port, parts = "", None, urlsplit("")
    if parts.scheme not in {"tls", "tcp"} or not host or not port or parts.path.strip("/") or parts.username:
        raise AddressRefused(
            f"{text!r} is no runner's address; write tls://HOST:PORT, or tcp://127.0.0.1:PORT"
        )
    if parts.scheme == "tcp" and not is_loopback(host):
        raise AddressRefused(
            f"{text}: without TLS the token and every command could be read on the way; "
            "write tls://, or an address of this machine"
        )
    return Address(host, port, secure=parts.scheme == "tls")


def is_loopback(host: str) -> bool:
    """Whether `host` names this machine and nobody else's."""
    if host == "localhost":
        return True
    with contextlib.suppress(ValueError):
        return ipaddress.ip_address(host).is_loopback
    return False


def dial(remote: Remote, token: str) -> socket.socket:
    """Connect, make sure of the server, and show the token. Raises `OSError`, `AddressRefused`."""
    address = address_of(remote.address)
    link = socket.create_connection((address.host, address.port), CONNECT_S)
    try:
        keep_alive(link)
        if address.secure:
            link = _secured(link, address.host, remote)
        link.sendall(token.encode() + b"\n")
    except BaseException:
        link.close()
        raise
    return link


def keep_alive(link: socket.socket) -> None:
    """Notice within half a minute that the other side is gone without a word."""
    link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    link.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in _KEEPALIVE:
        if (option := getattr(socket, name, None)) is not None:
            link.setsockopt(socket.IPPROTO_TCP, option, value)


class Lines:
    """Lines as they arrive. Each side waits for the other's before it says more: nothing is read too far."""

    def __init__(self, link: socket.socket) -> None:
        self._link = link
        self._held = bytearray()

    def next(self, most: int) -> bytes | None:
        """Return the next line; None where the other side ends before it, or it is longer than `most`."""
        looked = 0
        while (end := self._held.find(b"\n", looked)) < 0:
            looked = len(self._held)
            if looked > most or not (data := self._link.recv(min(_READ_BYTES, most + 1))):
                return None
            self._held += data
        if end > most:
            return None
        said = bytes(self._held[:end])
        del self._held[: end + 1]
        return said


def ask(link: socket.socket, request: dict[str, Any]) -> dict[str, Any] | None:
    """Send a request and return its answer; None if the other side hangs up."""
    link.sendall(line(request))
    said = Lines(link).next(REQUEST_MAX)
    return None if said is None else json.loads(said)


def is_token(said: bytes, token: str) -> bool:
    """Compare in a time that does not depend on where they differ, nor on how long they are."""
    return hmac.compare_digest(hashlib.sha256(said).digest(), hashlib.sha256(token.encode()).digest())


def token_in(path: Path) -> str:
    """Return the token that a file holds; raises `OSError`, or `ValueError` where there is none."""
    token = path.read_text(encoding="utf-8").strip()
    if not token or "\n" in token or len(token.encode()) > TOKEN_MAX:
        raise ValueError(f"{path} does not hold a token: one line of at most {TOKEN_MAX} bytes")
    return token


def exposed(path: Path) -> str | None:
    """Return that others on this machine may read what is in a file, and how to keep it from them."""
    with contextlib.suppress(OSError):  # Whoever reads it says what is wrong with it.
        if path.stat().st_mode & (stat.S_IRGRP | stat.S_IROTH):
            return f"{path} can be read by others on this machine: chmod 600 {shlex.quote(str(path))}"
    return None


def _secured(link: socket.socket, host: str, remote: Remote) -> ssl.SSLSocket:
    if remote.fingerprint is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE  # The certificate itself is compared, and no other will do.
    else:
        context = ssl.create_default_context(cafile=remote.ca_file)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    secured = context.wrap_socket(link, server_hostname=host)
    if remote.fingerprint is not None:
        found = hashlib.sha256(secured.getpeercert(binary_form=True) or b"").hexdigest()
        wanted = remote.fingerprint.lower().removeprefix("sha256:").replace(":", "")
        if not hmac.compare_digest(found.encode(), wanted.encode()):
            secured.close()
            raise ssl.SSLCertVerificationError(
                f"its certificate is sha256:{found}, not the one that was named"
            )
    return secured
