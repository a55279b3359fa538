"""What only looks is carried out side by side; everything else waits for its turn."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest

from refold.actors.runner.keeper.desk import Desk
from refold.actors.runner.keeper.journal import Journal

if TYPE_CHECKING:
    from refold.actors.runner.keeper.connection import Connection
    from refold.actors.runner.keeper.inside import Inside

RUN = {"kind": "run", "command": "ls"}
READ = {"kind": "read", "path": "a"}


class Hearing:
    """Stands where a connection or the executor would: it keeps what it is told."""

    def __init__(self) -> None:
        self.told: list[dict[str, Any]] = []

    def tell(self, message: dict[str, Any]) -> None:
        self.told.append(message)

    @property
    def keys(self) -> list[str]:
        return [message["key"] for message in self.told]


@pytest.mark.parametrize(
    ("actions", "at_once"),
    [
        ([READ, READ, READ], [3]),
        ([READ, READ, RUN, READ], [2, 3, 4]),
        ([RUN, READ, READ], [1, 3]),
        ([RUN, RUN], [1, 2]),
        ([READ, RUN, RUN, READ, READ], [1, 2, 3, 5]),
    ],
)
def test_b17_only_what_looks_is_in_work_together(
    tmp_path: Path, actions: list[dict[str, Any]], at_once: list[int]
) -> None:
    inside, driver = Hearing(), Hearing()
    desk = Desk(Journal(str(tmp_path / "journal")), cast("Inside", inside), {"incarnation": "r1"})
    for number, action in enumerate(actions):
        request = {"id": number, "do": "execute", "key": str(number), "digest": "d", "action": action}
        desk.answer(cast("Connection", driver), request)
    finished = 0
    for begun in at_once:
        assert inside.keys == [str(number) for number in range(begun)]
        for number in range(finished, begun):
            desk.finished(str(number), {"kind": "error", "content": "done"})
        finished = begun
    assert len(driver.told) == len(actions)
