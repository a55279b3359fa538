"""The asyncio face: the same sessions, awaited. Nothing here blocks the loop."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Mapping
from functools import partial
from types import TracebackType
from typing import Self, Unpack

from refold.actors.session.state import State
from refold.choices import AllChoices
from refold.edges import Glimpse
from refold.eventlog.record import Record
from refold.session import Session
from refold.system import System


def aopen(
    home: str | os.PathLike[str] | None = None,
    *,
    environment: Mapping[str, str] | None = None,
    on_glimpse: Glimpse | None = None,
) -> "AsyncSystem":
    """Open a home for driving sessions: `async with refold.aopen() as system`."""
    return AsyncSystem(lambda: System(home, environment=environment, on_glimpse=on_glimpse))


class AsyncSystem:
    """`System`, awaited; each call runs on a thread of its own while the loop goes on."""

    def __init__(self, make: Callable[[], System]) -> None:
        self._make = make
        self._system: System | None = None

    async def __aenter__(self) -> Self:
        self._system = await asyncio.to_thread(self._make)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await asyncio.to_thread(self.system.close)

    @property
    def system(self) -> System:
        """The system underneath; raises `RuntimeError` outside `async with`."""
        if self._system is None:
            raise RuntimeError("not open: use `async with refold.aopen(…) as system`")
        return self._system

    async def start(
        self, task: str | None = None, *, session: str | None = None, **choices: Unpack[AllChoices]
    ) -> "AsyncSession":
        """Start a session and drive it from now on; takes what `System.start` takes."""
        started = await asyncio.to_thread(lambda: self.system.start(task, session=session, **choices))
        return AsyncSession(started)

    async def resume(self, session: str) -> "AsyncSession":
        """Claim a session and drive it from where it stands."""
        return AsyncSession(await asyncio.to_thread(self.system.resume, session))


class AsyncSession:
    """`Session`, awaited."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self.name = session.name

    async def state(self) -> State:
        """Return the session as its log tells it now."""
        return await asyncio.to_thread(lambda: self._session.state)

    async def say(self, text: str) -> tuple[Record, ...]:
        """Send the agent a message; returns once it is committed."""
        return await asyncio.to_thread(self._session.say, text)

    async def pause(self) -> tuple[Record, ...]:
        return await asyncio.to_thread(self._session.pause)

    async def resume(self) -> tuple[Record, ...]:
        """Lift a pause."""
        return await asyncio.to_thread(self._session.resume)

    async def stop(self) -> tuple[Record, ...]:
        """End the step loop at once; every open action is answered."""
        return await asyncio.to_thread(self._session.stop)

    async def confirm(self, digest: str | None = None) -> tuple[Record, ...]:
        return await asyncio.to_thread(self._session.confirm, digest)

    async def reject(self, reason: str = "", *, try_again: bool = False) -> tuple[Record, ...]:
        return await asyncio.to_thread(partial(self._session.reject, reason, try_again=try_again))

    async def close(self, reason: str = "closed by the user") -> None:
        """Let go of the session; `resume` goes on later."""
        await asyncio.to_thread(self._session.close, reason)

    async def wait(self, timeout: float | None = None) -> State:  # noqa: ASYNC109 - as `Session.wait`
        """Return once the session rests. Raises `TimeoutError`."""
        return await asyncio.to_thread(self._session.wait, timeout)

    async def watch(self, *, after: int = -1) -> AsyncIterator[Record]:
        """Yield the records after a version, then those that are committed, until the session rests."""
        records = self._session.watch(after=after)
        try:
            while (record := await asyncio.to_thread(next, records, None)) is not None:
                yield record
        finally:
            await asyncio.to_thread(records.close)
