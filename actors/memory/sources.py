"""Where memory looks: the workspace's own instructions and skills, read anew for every message."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from refold.actors.memory.repository import Repository, repository
from refold.actors.memory.skills import Skill, Skills, skills, text_of
from refold.actors.memory.workspace import Unreadable, Workspace
from refold.eventlog.events import RecallRecorded
from refold.eventlog.settings import Settings

INSTRUCTIONS = "AGENTS.md"
CHARACTERS_MAX = 60_000
"""What one recall shows at most; texts that no longer fit are left out, and a warning names them."""

_NESTED_MAX = 50


class WorkspaceSources:
    """The `Sources` of real sessions. Reads files only: nothing of a workspace is run outside its sandbox."""

    def __init__(self) -> None:
        self._warned: set[tuple[str, str]] = set()

    def workspace(self, settings: Settings, text: str, now_ns: int) -> RecallRecorded:
        """Return what the agent should know of its workspace, and of whatever `text` triggers."""
        workspace = Workspace(Path(settings.workspace))
        place = _place(settings)
        recall = _Recall()
        recall.say(_facts(settings, place, now_ns, repository(workspace)))
        try:
            instructions = text_of(workspace, INSTRUCTIONS)
        except Unreadable as error:
            recall.warn(f"{INSTRUCTIONS}: {error}")
        else:
            if instructions:
                recall.show(INSTRUCTIONS, f"Instructions of the workspace ({INSTRUCTIONS})", instructions)
        recall.say(_nested(workspace))
        found = skills(workspace)
        self._news(settings, found)
        for warning in found.warnings:
            recall.warn(warning)
        for skill in found.found:
            if skill.when == "always":
                recall.show(skill.path, f"Always to be followed ({skill.path})", skill.body)
        recall.say(_listed(found, place))
        _trigger(recall, found, text, ())
        return recall.fact("workspace_context")

    def knowledge(self, settings: Settings, text: str, shown: tuple[str, ...]) -> RecallRecorded:
        """Return the texts that `text` triggers, without those `shown` before."""
        recall, found = _Recall(), skills(Workspace(Path(settings.workspace)))
        for warning in self._news(settings, found):
            recall.warn(warning)
        _trigger(recall, found, text, shown)
        return recall.fact("knowledge")

    def _news(self, settings: Settings, found: Skills) -> list[str]:
        """Return the warnings that this process has not given for this workspace."""
        news = [warning for warning in found.warnings if (settings.workspace, warning) not in self._warned]
        self._warned.update((settings.workspace, warning) for warning in news)
        return news


class _Recall:
    """Puts a recall together, within bounds."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._sources: list[str] = []
        self._warnings: list[str] = []
        self._left = CHARACTERS_MAX

    def say(self, text: str) -> None:
        if text:
            self._parts.append(text)
            self._left -= len(text)

    def show(self, source: str, title: str, text: str) -> None:
        if not text:
            return
        if len(text) > self._left:
            self.warn(f"{source}: left out, for this recall shows {CHARACTERS_MAX} characters at most")
            return
        self._sources.append(source)
        self.say(f"# {title}\n\n{text}")

    def warn(self, text: str) -> None:
        self._warnings.append(text)

    def fact(self, recall: Literal["workspace_context", "knowledge"]) -> RecallRecorded:
        return RecallRecorded(
            recall=recall,
            content="\n\n".join(self._parts),
            sources=tuple(self._sources),
            warnings=tuple(self._warnings),
        )


def _trigger(recall: _Recall, found: Skills, text: str, shown: tuple[str, ...]) -> None:
    for skill in found.found:
        if skill.path not in shown and (trigger := skill.triggered_by(text)) is not None:
            recall.show(skill.path, f"What is known of {trigger!r} ({skill.path})", skill.body)


def _place(settings: Settings) -> str:
    """Return the workspace's path as the agent sees it."""
    return "/workspace" if settings.sandbox == "bubblewrap" else settings.workspace


def _facts(settings: Settings, place: str, now_ns: int, found: Repository | None) -> str:
    lines = [f"Directory: {place}", f"Date: {datetime.fromtimestamp(now_ns // 10**9, UTC):%Y-%m-%d} (UTC)"]
    if found is not None:
        lines.append(f"Repository: {found.name}")
        if found.branch is not None:
            lines.append(f"Branch: {found.branch}")
        elif found.commit is not None:
            lines.append(f"Commit: {found.commit} (no branch is checked out)")
    if settings.sandbox == "bubblewrap":
        lines.append(f"Sandbox: bubblewrap, {'with' if settings.network else 'without'} network")
    if settings.secrets:
        told = settings.secret_descriptions
        named = (f"{name} ({told[name]})" if name in told else name for name in settings.secrets)
        lines.append(f"Environment variables that hold secrets: {', '.join(named)}")
    return "\n".join(lines)


def _nested(workspace: Workspace) -> str:
    """Name the instructions of single folders: they are read when work goes on there, not before."""
    paths: list[str] = []
    for path in workspace.below(INSTRUCTIONS):
        if len(paths) == _NESTED_MAX:
            paths.append("and more")
            break
        paths.append(path)
    if not paths:
        return ""
    return "\n- ".join(
        ("Some folders have instructions of their own; read them before you work there:", *paths)
    )


def _listed(found: Skills, place: str) -> str:
    listed = [_line(skill, place) for skill in found.found if skill.when == "listed"]
    if not listed:
        return ""
    return "\n- ".join(("Skills, each in a file; read it when what you do calls for it:", *listed))


def _line(skill: Skill, place: str) -> str:
    about = f": {skill.description}" if skill.description else ""
    return f"{skill.name}{about} ({place}/{skill.path})"
