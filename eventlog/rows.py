"""Rows of the log as records, by the hundred thousand.

The ordinary record, of this format and today's schema, its texts all in it, takes the short way; whatever
is special or wrong with one is left to `codec.decode`. Both ways come to the same.
"""

from hashlib import sha256
from struct import Struct as Layout
from struct import error as LayoutError  # noqa: N812 - it is a class

from msgspec import MsgspecError

from refold.eventlog import digest
from refold.eventlog.codec import Fetch, body_decoder, decode
from refold.eventlog.header import FORMAT, LEAF, MSGPACK
from refold.eventlog.record import Record
from refold.eventlog.upcasters import UPCASTERS, Upcasters

_ORDINARY = bytes([LEAF, FORMAT, MSGPACK, 0, 0, 0, 0, 0])
"""Leaf, format, codec, no key, no references: how the short way's headers begin."""
_PLACE = Layout(">8xH16sQQ32x")
_NAME = _PLACE.size
_NAMES_MAX = 10_000


class Rows:
    """Decodes rows of one log; `check` as in `EventLog.read`."""

    def __init__(self, log: bytes, *, check: bool, upcasters: Upcasters = UPCASTERS) -> None:
        self._log = log
        self._check = check
        self._upcasters = upcasters
        self._lifted = upcasters.any
        self._names: dict[bytes, str] = {}

    def record(self, stored: bytes, position: int, fetch: Fetch) -> Record:
        """Return the record stored at `position`; raise `CorruptRecord`."""
        try:
            if stored[:8] == _ORDINARY and not self._lifted:
                length, log, version, place = _PLACE.unpack_from(stored)
                own, start = stored[-digest.SIZE :], _NAME + length
                if (
                    place == position
                    and log == self._log
                    and (not self._check or sha256(memoryview(stored)[: -digest.SIZE]).digest() == own)
                ):
                    body = body_decoder.decode(stored[start : -digest.SIZE])
                    if body.schema == 1:
                        name = self._names.get(stored[_NAME:start])
                        return Record(
                            position=position,
                            stream=self._name(stored[_NAME:start]) if name is None else name,
                            version=version,
                            at=body.at,
                            event=body.event,
                            command=body.command,
                            epoch=body.epoch,
                            digest=own,
                            given=body.given,
                        )
        except (LayoutError, MsgspecError, UnicodeDecodeError):
            pass  # the long way says what is wrong, or special
        return decode(
            stored, position, log=self._log, fetch=fetch, check=self._check, upcasters=self._upcasters
        )

    def _name(self, stored: bytes) -> str:
        if len(self._names) >= _NAMES_MAX:
            self._names.clear()
        name = self._names[stored] = stored.decode()
        return name
