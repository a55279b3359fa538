"""Where memory looks: the workspace's own instructions and skills, read anew for every message."""

from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Literal

from msgspec.structs import replace

from refold.actors.memory.repository import Repository, repository
from refold.actors.memory.skills import Skill, Skills, skills, text_of
from refold.actors.memory.workspace import Unreadable, Workspace
from refold.actors.tools.load_skill import NAME, SCHEMA
from refold.eventlog.events import RecallRecorded
from refold.eventlog.observations import Failure, SkillLoaded
from refold.eventlog.settings import Settings

INSTRUCTIONS = "AGENTS.md"
CHARACTERS_MAX = 60_000
"""What one recall shows at most; texts that no longer fit are left out, and a warning names them."""

_NESTED_MAX = 50


class WorkspaceSources:
    """The `Sources` of real sessions. Reads files only: nothing of a workspace is run outside its sandbox."""

    def __init__(self, users: Path | None = None) -> None:
        """`users` is the folder of the skills that the user has for every workspace."""
        self._users = users
        self._warned: set[tuple[str, str]] = set()

    def workspace(self, settings: Settings, text: str, now_ns: int, place: str = "") -> RecallRecorded:
        """Return what the agent should know of its workspace, and of whatever `text` triggers."""
        workspace = Workspace(Path(settings.workspace))
        place = place or _place(settings)
        recall = _Recall()
        recall.say(_facts(settings, place, now_ns, repository(workspace)))
        if settings.instructions:
            recall.say(f"# Instructions for this session\n\n{settings.instructions}")
        try:
            instructions = text_of(workspace, INSTRUCTIONS)
        except Unreadable as error:
            recall.warn(f"{INSTRUCTIONS}: {error}")
        else:
            if instructions:
                recall.show(INSTRUCTIONS, f"Instructions of the workspace ({INSTRUCTIONS})", instructions)
        folders = _nested(workspace)
        recall.say(_told_of(folders))
        found = self._skills(settings)
        self._news(settings, found)
        for warning in found.warnings:
            recall.warn(warning)
        for skill in found.found:
            if skill.when == "always":
                recall.show(skill.path, f"Always to be followed ({skill.path})", skill.body)
        recall.say(_listed(found, place))
        _trigger(recall, found, text, ())
        fact = recall.fact("workspace_context")
        offered = settings.tools is None or NAME in settings.tools
        tools = (SCHEMA,) if offered and any(skill.when == "listed" for skill in found.found) else ()
        return replace(fact, folders=folders[:_NESTED_MAX], tools=tools)

    def knowledge(self, settings: Settings, text: str, shown: tuple[str, ...]) -> RecallRecorded:
        """Return the texts that `text` triggers, without those `shown` before."""
        recall, found = _Recall(), self._skills(settings)
        for warning in self._news(settings, found):
            recall.warn(warning)
        _trigger(recall, found, text, shown)
        return recall.fact("knowledge")

    def folders(self, settings: Settings, paths: tuple[str, ...]) -> RecallRecorded:
        """Return the instructions of single folders, given by the paths of their files."""
        recall, workspace = _Recall(), Workspace(Path(settings.workspace))
        for path in paths:
            try:
                text = text_of(workspace, path)
            except Unreadable as error:
                recall.warn(f"{path}: {error}")
            else:
                recall.show(
                    path, f"Instructions for {path.rpartition('/')[0]} and below ({path})", text or ""
                )
        return recall.fact("knowledge")

    def skill(self, settings: Settings, name: str) -> SkillLoaded | Failure:
        """Return the skill that the agent knows by this name, whatever its case."""
        found = self._skills(settings)
        skill = next((one for one in found.found if one.name.casefold() == name.strip().casefold()), None)
        if skill is None:
            known = ", ".join(one.name for one in found.found if one.when == "listed") or "none"
            bad = "".join(f"\n{warning}" for warning in found.warnings)
            return Failure(content=f"There is no skill {name!r}. There are: {known}.{bad}")
        folder = skill.path.rpartition("/")[0]
        beside = (
            f"\n\n[Its other files, if it has any, are in {folder} of the workspace]" if skill.within else ""
        )
        return SkillLoaded(content=f"{skill.body}{beside}", source=skill.path)

    def _skills(self, settings: Settings) -> Skills:
        users = None if self._users is None else Workspace(self._users)
        return skills(Workspace(Path(settings.workspace)), users)

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
    return settings.place


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


def _nested(workspace: Workspace) -> tuple[str, ...]:
    """Return the instructions of single folders, and one more than are told of where there are too many."""
    return tuple(islice(workspace.below(INSTRUCTIONS), _NESTED_MAX + 1))


def _told_of(folders: tuple[str, ...]) -> str:
    """Name the instructions of single folders: they are shown when work goes on there, not before."""
    if not folders:
        return ""
    listed = (*folders[:_NESTED_MAX], "and more") if len(folders) > _NESTED_MAX else folders
    return "\n- ".join(
        ("Some folders have instructions of their own, which you are shown once you work there:", *listed)
    )


def _listed(found: Skills, place: str) -> str:
    listed = [_line(skill, place) for skill in found.found if skill.when == "listed"]
    if not listed:
        return ""
    return "\n- ".join(("Skills; load one by its name before you do what it is about:", *listed))


def _line(skill: Skill, place: str) -> str:
    about = f": {skill.description}" if skill.description else ""
    return f"{skill.name}{about} ({place}/{skill.path})" if skill.within else f"{skill.name}{about}"
