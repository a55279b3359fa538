"""Bytes carried both ways between two sockets by one thread, which alone may touch either of them.

A TLS connection must not be read and written by two threads at once; whoever wants to holds the plain end of
a pair, and a tunnel holds the other.
"""

import contextlib
import selectors
import socket
import ssl
import threading
from collections.abc import Callable

_READ_BYTES = 65536
_UNSENT_MAX = 4 * 1024 * 1024
"""What one side may be behind before the other is no longer read."""
_LAST_WORDS_S = 5.0
_AGAIN = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)


class Tunnel:
    """Owns both sockets, and closes them once either has ended and what it said is delivered."""

    def __init__(
        self,
        outer: socket.socket,
        inner: socket.socket,
        *,
        on_end: Callable[["Tunnel"], None] = lambda _: None,
    ) -> None:
        self._outer, self._inner, self._on_end = outer, inner, on_end
        self._wake, self._woken = socket.socketpair()
        for link in (outer, inner, self._woken):
            link.settimeout(0.0)
        self._thread = threading.Thread(target=self._carry, name="runner-tunnel", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End it now; both sockets are closed when this returns."""
        with contextlib.suppress(OSError):
            self._wake.send(b"!")
        self.join()

    def join(self) -> None:
        if threading.current_thread() is not self._thread:
            self._thread.join()

    def _carry(self) -> None:
        there, back = _Way(self._inner, self._outer), _Way(self._outer, self._inner)
        with selectors.DefaultSelector() as selector:
            selector.register(self._woken, selectors.EVENT_READ)
            selector.register(self._outer, selectors.EVENT_READ)
            selector.register(self._inner, selectors.EVENT_READ)
            try:
                while self._move(there, back):
                    self._await(selector, there, back)
                    if _is_woken(self._woken):
                        break
            except OSError:
                pass  # Whoever is at the other end sees it end, and that says it all.
        for link in (self._outer, self._inner, self._wake, self._woken):
            link.close()
        self._on_end(self)

    def _move(self, there: "_Way", back: "_Way") -> bool:
        """Carry what can be carried now; False once all is said."""
        for way in (there, back):
            way.carry()
        return not any(way.ended and not way.unsent for way in (there, back))

    def _await(self, selector: selectors.BaseSelector, there: "_Way", back: "_Way") -> None:
        wanted = {self._outer: 0, self._inner: 0}
        for way in (there, back):
            if not way.ended and way.has_room:
                wanted[way.source] |= selectors.EVENT_READ
            if way.unsent:
                wanted[way.sink] |= selectors.EVENT_WRITE
            if way.wants_write:  # TLS may have to write before it can read.
                wanted[way.source] |= selectors.EVENT_WRITE
        known = selector.get_map()
        for link, events in wanted.items():
            if link in known and not events:
                selector.unregister(link)
            elif events and link not in known:
                selector.register(link, events)
            elif events:
                selector.modify(link, events)
        ending = there.ended or back.ended
        if not selector.select(_LAST_WORDS_S if ending else None) and ending:
            raise OSError("nobody takes the last words")


class _Way:
    """One direction, with what is read and not yet written."""

    def __init__(self, source: socket.socket, sink: socket.socket) -> None:
        self.source, self.sink = source, sink
        self.ended = False
        self.wants_write = False
        self._held = bytearray()

    @property
    def unsent(self) -> bool:
        return bool(self._held)

    @property
    def has_room(self) -> bool:
        return len(self._held) < _UNSENT_MAX

    def carry(self) -> None:
        """Read and write until one of them would wait, or what is read has no room."""
        self.wants_write = False
        self._write()
        try:
            while not self.ended and self.has_room:
                data = self.source.recv(_READ_BYTES)
                self.ended = not data
                self._held += data
                self._write()
        except ssl.SSLWantWriteError:
            self.wants_write = True
        except _AGAIN:
            pass
        except OSError:
            self.ended = True  # Cut off: what came before is still delivered.

    def _write(self) -> None:
        with contextlib.suppress(*_AGAIN):
            while self._held:
                with memoryview(self._held) as all_held:
                    sent = self.sink.send(all_held[:_READ_BYTES])
                del self._held[:sent]


def _is_woken(woken: socket.socket) -> bool:
    try:
        return bool(woken.recv(1))
    except BlockingIOError:
        return False
