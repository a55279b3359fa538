"""Refold: agent sessions that can be killed, replayed and proved."""

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from refold.aio import AsyncSession, AsyncSystem, aopen
    from refold.errors import RefoldError
    from refold.eventlog.record import Record
    from refold.front import open  # noqa: A004 - `refold.open` reads as what it does
    from refold.layers import configure
    from refold.session import Session
    from refold.system import System

__all__ = [
    "AsyncSession",
    "AsyncSystem",
    "Record",
    "RefoldError",
    "Session",
    "System",
    "aopen",
    "configure",
    "open",
]

_HOME = {
    "AsyncSession": "refold.aio",
    "AsyncSystem": "refold.aio",
    "Record": "refold.eventlog.record",
    "RefoldError": "refold.errors",
    "Session": "refold.session",
    "System": "refold.system",
    "aopen": "refold.aio",
    "configure": "refold.layers",
    "open": "refold.front",
}


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(importlib.import_module(_HOME[name]), name)
    globals()[name] = value
    return value
