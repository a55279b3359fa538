"""What `refold show` says to a person: how a session stands, and what to do about what waits."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from refold.cli.words import did, plain
from refold.eventlog.actions import Action

_WIDE = 100
"""Characters of an action that are shown."""


def lines(seen: Mapping[str, Any], status: str, *, now: bool) -> Iterator[str]:
    """Yield the lines; `now` is false for a version that is past, about which nothing can be done."""
    for name, value in seen.items():
        label = name
        for text in _texts(seen, name, status if name == "status" else value, now=now):
            yield f"{label:<11} {text}".rstrip()
            label = ""


def _texts(seen: Mapping[str, Any], name: str, value: Any, *, now: bool) -> Iterator[str]:  # noqa: ANN401 - any key's
    if value in (None, "", [], {}):
        return
    match name:
        case "pending":
            yield from map(_waiting, value)
        case "approval":
            yield value
            if now:
                session = seen["session"]
                yield f"approve with: refold confirm {session} --digest {value}"
                yield f"refuse with:  refold reject {session} --reason …"
        case "delegates":
            yield from map(_delegate, value)
        case "tasks":
            yield from (f"{task['status'].replace('_', ' ')}: {_short(task['title'])}" for task in value)
        case "tokens":
            yield " · ".join(f"{count} {kind}" for kind, count in value.items() if count) or "none"
        case "cost":
            yield f"${value:.4f}"
        case "limits":
            yield from _limits(value)
        case "driver":
            yield f"process {value['pid']} on {value['host']}"
        case _ if isinstance(value, bool):
            yield "yes" if value else "no"
        case _:
            yield _first_line(value) if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _limits(limits: Mapping[str, Any]) -> Iterator[str]:
    yield f"{limits['iterations_left']} of {limits['iterations_max']} iterations left"
    if limits["budget_usd"] is not None:
        yield f"${limits['budget_usd']:g} at most"


def _waiting(opened: Mapping[str, Any]) -> str:
    """Return an action without an observation: its tool, what it would do, and what that risks."""
    said = [f"{opened['kind']}: {_deed(opened['action'])}".rstrip(": ")]
    if opened["risk"] is not None:
        said.append(f"{opened['risk']} risk: {_short(opened['risk_reason'])}".rstrip(": "))
    if opened["started"]:
        said.append("under way")
    elif opened["digest"] is not None:
        said.append("waits for approval")
    return " · ".join(said)


def _deed(action: Mapping[str, Any] | None) -> str:
    if action is None:
        return ""
    _, deed = did(msgspec.convert(action, Action))
    arguments: dict[str, Any] = action.get("arguments", {})
    return _short(f"{deed} {json.dumps(arguments, ensure_ascii=False)}" if arguments else deed)


def _delegate(one: Mapping[str, Any]) -> str:
    said = [f"{one['session']}: {one['status'].replace('_', ' ')}"]
    if "iterations" in one:
        cost = "cost unknown" if one["cost"] is None else f"${one['cost']:.4f}"
        said += ["1 step" if one["iterations"] == 1 else f"{one['iterations']} steps", cost]
    return " · ".join(said)


def _short(text: str) -> str:
    shown = " ⏎ ".join(_rows(text))
    return shown if len(shown) <= _WIDE else f"{shown[: _WIDE - 1]}…"


def _first_line(text: str) -> str:
    rows = _rows(text)
    return f"{rows[0]} …" if len(rows) > 1 else "".join(rows)


def _rows(text: str) -> Sequence[str]:
    return plain(text).strip().splitlines()
