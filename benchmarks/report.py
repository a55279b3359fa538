"""The figures as a page: the bars first, then every rate with what it costs and what it promises."""

import os
import platform
from pathlib import Path
from typing import Literal

from msgspec import Struct

from benchmarks import appends, growth, rebuild, simulations, steps
from benchmarks.figures import Figures
from benchmarks.payloads import SHORT

KINDS = {"short": "short records", "real": "sizes of real runs"}


class Bar(Struct, frozen=True):
    what: str
    found: float
    sign: Literal["≥", "<"]
    asked: float

    @property
    def passed(self) -> bool:
        return self.found >= self.asked if self.sign == "≥" else self.found < self.asked


def bars(figures: Figures) -> list[Bar]:
    ratio = figures.ratio
    found: list[Bar] = []
    for kind, words in KINDS.items():
        flight, lone = f"Refold, 1,000 in flight, {kind}", f"Refold, 1 in flight, {kind}"
        peers = (f"eventsourcing, one at once, {kind}", f"openhands-sdk, one at once, {kind}")
        hundred = f"100 at once, {kind}"
        found += [
            Bar(f"lone append / bare LMDB, {words}", ratio(lone, f"bare LMDB, {kind}"), "≥", 0.8),
            Bar(f"1,000 in flight / eventsourcing, {words}", ratio(flight, peers[0]), "≥", 15),
            Bar(f"1,000 in flight / openhands-sdk, {words}", ratio(flight, peers[1]), "≥", 100),
            Bar(
                f"100 at once / eventsourcing, {words}",
                ratio(f"Refold, {hundred}", f"eventsourcing, {hundred}"),
                "≥",
                1,
            ),
        ]
    checked, unchecked = "Refold, rebuild, checked", "Refold, rebuild, unchecked"
    longest = max(steps.STEPS)
    importing = figures["ms for import refold"] - figures["ms for bare python"]
    return [
        *found,
        Bar("rebuild, digests checked / bare decode", ratio(checked, "bare decode"), "≥", 0.15),
        Bar("rebuild, unchecked / bare decode", ratio(unchecked, "bare decode"), "≥", 0.2),
        Bar("rebuild, checked / eventsourcing", ratio(checked, "eventsourcing, rebuild"), "≥", 1.5),
        Bar("rebuild, checked / openhands-sdk", ratio(checked, "openhands-sdk, rebuild"), "≥", 40),
        Bar("ms per agent step beyond its commits", figures[f"own ms per step of {longest} steps"], "<", 5),
        *(
            Bar(f"{what}, log {log}", figures[f"{what}, log {log}"], "≥", asked)
            for what in ("simulated sessions per CPU minute",)
            for log, asked in (("in memory", 15_000), ("in a file", 5000))
        ),
        Bar("ms to import refold beyond bare Python", importing, "<", 80),
        Bar("ms for refold --help", figures["ms for refold --help"], "<", 250),
    ]


def page(figures: Figures, rounds: int, events: int) -> str:
    lines = [
        "# Results",
        "",
        f"Measured by `make benchmarks` on {_processor()},",
        f"{os.cpu_count()} cores, {platform.system()} {platform.release().split('-')[0]},",
        f"Python {platform.python_version()}.",
        f"Medians of {rounds} rounds, in each of which everybody had a turn on the same disk; a ratio is the",
        f"median of the rounds' ratios. Short records say {SHORT} characters; the sizes of real runs have a",
        "median of 1.4 KB and a mean of 5.7 KB.",
        "",
        "| bar | found | asked | |",
        "|---|---|---|---|",
    ]
    for bar in bars(figures):
        verdict = "pass" if bar.passed else "**miss**"
        lines.append(f"| {bar.what} | {bar.found:.2f} | {bar.sign} {bar.asked:g} | {verdict} |")
    for kind, words in KINDS.items():
        names = [
            f"fdatasync of a flat file, {kind}",
            f"bare LMDB, {kind}",
            f"Refold, 1 in flight, {kind}",
            f"Refold, a caller that waits, {kind}",
            *(f"Refold, {width:,} in flight, {kind}" for width, _ in appends.FLIGHTS),
            f"Refold, 100 at once, {kind}",
            f"eventsourcing, one at once, {kind}",
            f"eventsourcing, 100 at once, {kind}",
            f"eventsourcing's recorder, one at once, {kind}",
            f"eventsourcing's recorder, 100 at once, {kind}",
            f"openhands-sdk, one at once, {kind}",
        ]
        lines += ["", f"## Appends, {words}", "", *_rates(figures, names, f", {kind}")]
    lines += ["", f"## Rebuild of {events:,} events", ""]
    lines += _rates(
        figures,
        [
            "bare decode",
            "Refold, rebuild, checked",
            "Refold, rebuild, unchecked",
            "eventsourcing, rebuild",
            "eventsourcing, stored bytes only",
            "openhands-sdk, rebuild",
        ],
    )
    counts = ", ".join(f"{name} {min(count, events):,}" for name, count in rebuild.PEERS)
    lines += ["", f"The peers read {counts} events; rates are compared.", "", "## Growth", ""]
    names = [
        *(
            f"appends after {after} events, {width} in flight"
            for width in (1, growth.IN_FLIGHT)
            for after in ("0", f"{growth.GROWN:,}")
        ),
        *(f"rebuild of {length:,} events" for length in growth.LENGTHS),
    ]
    lines += _rates(figures, names)
    lines += [
        "",
        "## An agent step",
        "",
        "| session | wall ms | in commits ms | beyond them ms | CPU ms | commits |",
    ]
    lines += ["|---|---|---|---|---|---|"]
    for count in steps.STEPS:
        columns = [
            f"{figures[f'{name} per step of {count} steps']:.2f}"
            for name in ("wall ms", "ms in commits", "own ms", "CPU ms", "commits")
        ]
        lines.append(f"| {count} steps | {' | '.join(columns)} |")
    lines += ["", "## Simulated sessions", "", "| log | per CPU minute | per minute | steps each |"]
    lines += ["|---|---|---|---|"]
    for log in simulations.LOGS:
        whats = (
            "simulated sessions per CPU minute",
            "simulated sessions per minute",
            "steps per simulated session",
        )
        lines.append(f"| {log} | {' | '.join(f'{figures[f"{what}, log {log}"]:,.0f}' for what in whats)} |")
    lines += ["", "## Durability", ""]
    lines.append(
        "- Refold and bare LMDB: two syncs for each commit, of the pages and of the page that names them."
    )
    lines.append("- The flat file: one `fdatasync` for each event.")
    lines += [f"- {name}: {words}." for name, words in figures.durability.items()]
    return "\n".join([*lines, ""])


def _rates(figures: Figures, names: list[str], without: str = "") -> list[str]:
    lines = ["| | events per second | CPU µs per event |", "|---|---|---|"]
    for name in names:
        cpu = figures.cpu_us(name)
        lines.append(
            f"| {name.removesuffix(without)} | {figures[name]:,.0f} | {'' if cpu is None else f'{cpu:.1f}'} |"
        )
    return lines


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"{platform.machine()} ({names[0]})" if names else platform.machine()
