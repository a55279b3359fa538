"""A memory with something to find, for simulated sessions: instructions, a word that triggers, a skill."""

from refold.actors.tools.load_skill import SCHEMA
from refold.eventlog.events import RecallRecorded
from refold.eventlog.observations import Failure, SkillLoaded
from refold.eventlog.settings import Settings

FOLDERS = ("sub/AGENTS.md", "sub/deep/AGENTS.md")
KNOWLEDGE = "skills/message.md"
SKILL = "pdf"


class SmallMemory:
    """What memory finds (`Sources`): the same whenever it is asked, without what was shown before."""

    def workspace(self, settings: Settings, text: str, now_ns: int, place: str = "") -> RecallRecorded:  # noqa: ARG002
        return RecallRecorded(
            recall="workspace_context",
            content=f"workspace: {settings.workspace}",
            sources=("AGENTS.md",),
            folders=FOLDERS,
            tools=(SCHEMA,),
        )

    def knowledge(self, settings: Settings, text: str, shown: tuple[str, ...]) -> RecallRecorded:  # noqa: ARG002
        if "message" not in text or KNOWLEDGE in shown:
            return RecallRecorded(recall="knowledge")
        return RecallRecorded(recall="knowledge", content="of messages", sources=(KNOWLEDGE,))

    def folders(self, settings: Settings, paths: tuple[str, ...]) -> RecallRecorded:  # noqa: ARG002
        return RecallRecorded(recall="knowledge", content=f"rules of {', '.join(paths)}", sources=paths)

    def skill(self, settings: Settings, name: str) -> SkillLoaded | Failure:  # noqa: ARG002
        if name != SKILL:
            return Failure(content=f"There is no skill {name!r}.")
        return SkillLoaded(content=f"how to {name}", source=f"skills/{name}/SKILL.md")
