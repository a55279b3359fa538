"""A long stream read back, with every digest checked and without, beside bare decoding and the peers."""

from pathlib import Path

from msgspec.msgpack import Decoder, Encoder

from benchmarks import peers
from benchmarks.events import append
from benchmarks.figures import Figures
from benchmarks.payloads import payloads
from refold.eventlog.codec import Body
from refold.eventlog.lmdb_log import LMDBLog

PEERS = (("eventsourcing", 100_000), ("openhands-sdk", 5000))
AT_ONCE = 500


def write(log: LMDBLog, stream: str, texts: list[str]) -> None:
    for first in range(0, len(texts), AT_ONCE):
        log.commit(append(stream, first - 1, texts[first : first + AT_ONCE]))


def measure(folder: Path, figures: Figures, rounds: int, count: int) -> None:
    texts = payloads("real", count)
    with LMDBLog.open(folder / "rebuild") as log:
        write(log, "s", texts)
        encode = Encoder().encode
        bodies = [
            encode(Body(record.epoch, record.at, record.command, 1, record.event, record.given))
            for record in log.read("s")
        ]
        del texts
        decoder = Decoder(Body)
        for _ in range(rounds):
            with figures.rate("bare decode", count):
                for body in bodies:
                    decoder.decode(body)
            for name, check in (("Refold, rebuild, checked", True), ("Refold, rebuild, unchecked", False)):
                with figures.rate(name, count):
                    read = sum(1 for _ in log.read("s", check=check))
                if read != count:
                    raise AssertionError(read)
            for name, fewer in PEERS:
                peers.rebuilds(figures, name, folder, min(fewer, count))
