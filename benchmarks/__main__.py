"""All figures in one run: ours and every peer's in turn, as medians, and their ratios to RESULTS.md."""

import hashlib
import json
import os
import platform
import shutil
import statistics
import struct
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path

import lmdb
import msgspec

from benchmarks.peer import sizes
from refold.eventlog.events import Event, MessageReceived
from refold.eventlog.lmdb_log import LMDBLog
from refold.eventlog.log import NO_STREAM, Append, Entry
from refold.eventlog.record import Given

HERE = Path(__file__).parent
PEERS = HERE.parent / ".benchmarks"
ROUNDS = int(os.environ.get("REFOLD_BENCHMARK_ROUNDS", "3"))
REBUILD = int(os.environ.get("REFOLD_BENCHMARK_REBUILD", "100000"))
type Figures = dict[str, list[float]]


def peers() -> Path:
    """Return the interpreter of the peers' own environment, made on first use."""
    python = PEERS / "bin" / "python"
    if not (PEERS / "installed").exists():
        uv = shutil.which("uv") or str(HERE.parent / ".tools" / "uv" / "bin" / "uv")
        subprocess.run([uv, "venv", "--quiet", "--allow-existing", str(PEERS)], check=True)
        locked = str(HERE / "peers.txt")
        install = [uv, "pip", "install", "--quiet", "--python", str(python), "--require-hashes", "-r", locked]
        subprocess.run(install, check=True)
        (PEERS / "installed").touch()
    return python


def peer(name: str, folder: Path, count: int, batch: int) -> dict[str, float]:
    command = [
        str(peers()),
        str(HERE / "peer.py"),
        name,
        str(folder / name / str(batch)),
        str(count),
        str(batch),
    ]
    quiet = {**os.environ, "OPENHANDS_SUPPRESS_BANNER": "1"}
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=quiet)
    figures: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    shutil.rmtree(folder / name)
    return figures


def append(stream: str, expected: int, contents: list[str]) -> Append:
    entries = tuple(
        Entry(
            Given(id=f"{stream}/{expected + 1 + i}", kind="K", at=1, by="user"), (MessageReceived(content=c),)
        )
        for i, c in enumerate(contents)
    )
    return Append(stream=stream, expected=expected, epoch=1, entries=entries)


def flight(log: LMDBLog, width: int, count: int, texts: list[str]) -> None:
    """Append `count` events, one at a time in each of `width` streams, all of them in flight together."""
    done, left = threading.Event(), [count, count]
    lock = threading.Lock()

    def go(stream: str, version: int) -> None:
        with lock:
            if left[0] == 0:
                return
            left[0] -= 1
            text = texts[left[0] % len(texts)]

        def committed(_: object) -> None:
            with lock:
                left[1] -= 1
                if left[1] == 0:
                    done.set()
            go(stream, version + 1)

        log.append(append(stream, version, [text]), on_committed=committed)

    for number in range(width):
        go(f"w{width}-{number}-{count}", NO_STREAM)
    done.wait()


@contextmanager
def timed(figures: Figures, name: str, count: int) -> Generator[None]:
    began, cpu = time.perf_counter(), time.process_time()
    yield
    figures.setdefault(name, []).append(count / (time.perf_counter() - began))
    figures.setdefault(f"{name} cpu", []).append((time.process_time() - cpu) / count * 1e6)


def bare_lmdb(folder: Path, texts: list[str]) -> None:
    """Commit one record at a time into the same tables with the same bytes, and nothing else."""
    environment = lmdb.open(str(folder), map_size=1 << 30, max_dbs=8)
    names = (b"log", b"streams", b"names", b"heads", b"commands", b"agenda")
    tables = {name: environment.open_db(name) for name in names}
    for number, text in enumerate(texts):
        key = struct.pack(">Q", number)
        body = hashlib.sha256(text.encode()).digest() + os.urandom(120) + text.encode()
        with environment.begin(write=True) as transaction:
            transaction.put(key, body, append=True, db=tables[b"log"])
            transaction.put(struct.pack(">QQ", 1, number), key, db=tables[b"streams"])
            transaction.put(struct.pack(">Q", 1), key * 6, db=tables[b"heads"])
            transaction.put(f"s/{number}".encode(), key * 4, db=tables[b"commands"])
    environment.close()


def flat_file(folder: Path, texts: list[str]) -> None:
    file = os.open(folder / "flat", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for text in texts:
        os.write(file, text.encode())
        os.fdatasync(file)
    os.close(file)


def appends(folder: Path, figures: Figures) -> None:
    texts = ["x" * size for size in sizes(300)]
    for number in range(ROUNDS):
        place = folder / str(number)
        place.mkdir()
        with timed(figures, "fdatasync of a flat file", 300):
            flat_file(place, texts)
        with timed(figures, "bare LMDB, lone", 300):
            bare_lmdb(place / "bare", texts)
        with LMDBLog.open(place / "log") as log:
            with timed(figures, "Refold, lone", 300):
                flight(log, 1, 300, texts)
            for width, count in ((10, 2000), (100, 5000), (1000, 20_000)):
                with timed(figures, f"Refold, {width} in flight", count):
                    flight(log, width, count, texts)
            with timed(figures, "Refold, 100 at once", 3000):
                for first in range(30):
                    log.commit(append("batch", first * 100 - 1, texts[:100]))
        for batch in (1, 100):
            for name in ("eventsourcing", "openhands-sdk")[: 2 if batch == 1 else 1]:
                found = peer(name, place, 300 if batch == 1 else 3000, batch)
                figures.setdefault(f"{name}, {batch} at once", []).append(found["append_s"])
                figures.setdefault(f"{name}, {batch} at once cpu", []).append(found["append_cpu_us"])
        shutil.rmtree(place)


def rebuild(folder: Path, figures: Figures) -> None:
    texts = ["x" * size for size in sizes(REBUILD)]
    with LMDBLog.open(folder / "rebuild") as log:
        for first in range(0, REBUILD, 1000):
            log.commit(append("s", first - 1, texts[first : first + 1000]))
        bodies = [msgspec.msgpack.encode(MessageReceived(content=text)) for text in texts]
        decoder: msgspec.msgpack.Decoder[Event] = msgspec.msgpack.Decoder(Event)
        for _ in range(ROUNDS):
            with timed(figures, "bare decode", REBUILD):
                for body in bodies:
                    decoder.decode(body)
            for check in (True, False):
                with timed(figures, f"Refold, rebuild{'' if check else ' unchecked'}", REBUILD):
                    assert sum(1 for _ in log.read("s", check=check)) == REBUILD
            for name, count in (("eventsourcing", 20_000), ("openhands-sdk", 2000)):
                found = peer(name, folder, count, 1000)
                figures.setdefault(f"{name}, rebuild", []).append(found["read_s"])


def steps(folder: Path, figures: Figures) -> None:
    """Drive a session of 200 thoughts: a script model and a tool that does nothing."""
    from refold.system import System  # noqa: PLC0415

    call = {"id": "c", "type": "function", "function": {"name": "think", "arguments": '{"thought": "t%d"}'}}
    line = {"id": "r", "object": "chat.completion", "choices": [{"message": {"tool_calls": [call]}}]}
    script = folder / "script.jsonl"
    script.write_text(
        "\n".join(json.dumps(line).replace("t%d", f"t{n}") for n in range(200)), encoding="utf-8"
    )
    with System(folder / "home") as system:
        session = system.start(model=f"script:{script}", sandbox="local", iterations_max=200)
        session.wait(60)
        before, began, cpu = system.log.committer.commits, time.perf_counter(), time.process_time()
        session.say("go")
        session.wait(300)
        wall, spent = time.perf_counter() - began, time.process_time() - cpu
        commits = system.log.committer.commits - before
        session.close()
    figures["step wall ms"], figures["step cpu ms"] = [wall / 200 * 1e3], [spent / 200 * 1e3]
    figures["step commits"] = [commits / 200]


def starts(figures: Figures) -> None:
    for _ in range(10):
        for name, command in (
            ("bare python", ["-c", "pass"]),
            ("import refold", ["-c", "import refold"]),
            ("--help", ["-m", "refold", "--help"]),
        ):
            began = time.perf_counter()
            subprocess.run([sys.executable, *command], check=True, capture_output=True)
            figures.setdefault(f"start {name}", []).append((time.perf_counter() - began) * 1e3)


def main() -> None:
    figures: Figures = {}
    stages: tuple[Callable[[Path, Figures], None], ...] = (appends, rebuild, steps, lambda _, f: starts(f))
    with tempfile.TemporaryDirectory(dir=HERE.parent, prefix=".benchmark-") as folder:
        for stage in stages:
            stage(Path(folder), figures)
    median = {name: statistics.median(values) for name, values in figures.items()}
    text = report(median)
    sys.stdout.write(text)
    results = HERE / "RESULTS.md"
    prose = results.read_text(encoding="utf-8").partition("<!-- prose -->")[2] if results.exists() else "\n"
    results.write_text(f"{text}\n<!-- prose -->{prose}", encoding="utf-8")


def report(m: dict[str, float]) -> str:
    fsync_ms = 1e3 / m["bare LMDB, lone"]
    beyond = m["step wall ms"] - m["step commits"] * fsync_ms
    bars: list[tuple[str, float, str, float]] = [
        ("lone append / bare LMDB", m["Refold, lone"] / m["bare LMDB, lone"], "≥", 0.8),
        (
            "1,000 in flight / eventsourcing",
            m["Refold, 1000 in flight"] / m["eventsourcing, 1 at once"],
            "≥",
            15,
        ),
        (
            "1,000 in flight / openhands-sdk",
            m["Refold, 1000 in flight"] / m["openhands-sdk, 1 at once"],
            "≥",
            100,
        ),
        ("100 at once / eventsourcing", m["Refold, 100 at once"] / m["eventsourcing, 100 at once"], "≥", 1),
        ("rebuild, digests checked / bare decode", m["Refold, rebuild"] / m["bare decode"], "≥", 0.15),
        ("rebuild, unchecked / bare decode", m["Refold, rebuild unchecked"] / m["bare decode"], "≥", 0.2),
        ("rebuild, checked / eventsourcing", m["Refold, rebuild"] / m["eventsourcing, rebuild"], "≥", 1.5),
        ("rebuild, checked / openhands-sdk", m["Refold, rebuild"] / m["openhands-sdk, rebuild"], "≥", 40),
        ("ms per agent step beyond its commits", beyond, "<", 5),
        (
            "ms to import refold beyond bare python",
            m["start import refold"] - m["start bare python"],
            "<",
            80,
        ),
        ("ms for refold --help", m["start --help"], "<", 250),
    ]
    lines = [
        "# Results",
        "",
        f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, {ROUNDS} rounds.",
        "Medians; peers in turn with us on the same disk.",
        "",
        "| bar | found | asked | |",
        "|---|---|---|---|",
    ]
    for name, found, sign, asked in bars:
        good = found >= asked if sign == "≥" else found < asked
        lines.append(f"| {name} | {found:.2f} | {sign} {asked:g} | {'pass' if good else '**miss**'} |")
    lines += ["", "| events per second | rate | CPU µs per event |", "|---|---|---|"]
    for name, rate in m.items():
        if not name.endswith(" cpu") and not name.startswith(("step", "start")):
            cpu = m.get(f"{name} cpu")
            lines.append(f"| {name} | {rate:,.0f} | {'' if cpu is None else f'{cpu:.0f}'} |")
    lines += [
        "",
        f"An agent step: {m['step wall ms']:.2f} ms wall, {m['step cpu ms']:.2f} ms CPU,",
        f"{m['step commits']:.1f} commits of {fsync_ms:.2f} ms.",
        "",
        "Durability: Refold, the flat file, bare LMDB and eventsourcing (SQLite, WAL, synchronous=FULL)",
        "sync every commit; openhands-sdk syncs nothing.",
        "",
    ]
    return "\n".join(lines)


main()
