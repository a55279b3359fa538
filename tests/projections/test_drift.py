"""A drift report names what differs, and keeps still about what differs from run to run anyway."""

from pathlib import Path

import pytest

from refold.eventlog.actions import Edit, Message, Other, Read, Run, Think
from refold.eventlog.events import ActionProposed, MessageReceived, ObservationRecorded, StepReenacted
from refold.eventlog.observations import (
    Cancelled,
    Failure,
    FileContent,
    FileEdited,
    FileWritten,
    Finished,
    Observation,
    OtherObservation,
    OutcomeUnknown,
    RunOutput,
    Thought,
)
from refold.projections.drift import Difference, Drift, compare, drift, drift_of
from refold.projections.reenactment import RecordedStep, Recording, steps
from tests.formats.native import NATIVE
from tests.formats.streams import REAL, TRAJECTORIES, action, committed, imported, imported_list, observation

LS = "-rw-r--r--  1 root root   9336 {} BUILD.md"


def ran(content: str, exit_code: int = 0, command: str = "make") -> RunOutput:
    return RunOutput(content=content, exit_code=exit_code, command=command)


@pytest.mark.parametrize(
    ("expected", "found"),
    [
        ("same", "same"),
        ("same\n", "\nsame\n\n"),
        ("a\r\nb", "a\nb"),
        # times
        (LS.format("Apr 30 08:32"), LS.format("Nov  2  2026")),
        ("Wed Apr 30 08:32:11 UTC 2025", "Sun Nov 22 23:34:08 UTC 2026"),
        ("Wed Apr 30 08:32:11 PM UTC 2025", "Sun Nov  2 03:34:08 AM CET 2026"),
        ("Date: Wed, 30 Apr 2025 08:32:11 GMT", "Date: Sun, 2 Nov 2026 01:02:03 GMT"),
        ("127.0.0.1 - - [30/Apr/2025 08:32:11] x", "127.0.0.1 - - [30/Apr/2025 09:00:00] x"),
        ("at 2025-04-30T16:32:57.821635 ok", "at 2026-11-22T01:02:03Z ok"),
        ("2025-04-30 16:32:57,821 INFO x", "2026-11-22 01:02:03,004 INFO x"),
        ("2025-04-30", "2026-11-22"),
        ("2025/04/30 16:32:57 listening", "2026/11/22 01:02:03 listening"),
        ("30/04/2025 16:32", "2/11/2026 9:02"),
        ("4/30/2025, 4:32:57 PM", "11/22/2026, 1:02:03 AM"),
        ("08:32:11 up", "9:03:59 up"),
        ("at 8:32 AM", "at 11:02 PM"),
        ("==== 3 passed in 0.01s =====", "=== 3 passed in 12.34s ==="),
        ("Ran 3 tests in 0.004s", "Ran 3 tests in 1.250s"),
        ("real\t0m0.003s", "real\t1m12.500s"),
        ("took 12 ms", "took 7.5 ms"),
        ("finished after 3 seconds", "finished after 12 seconds"),
        ("1745998331", "1763854448"),
        ("1745998331.25", "1763854448.5"),
        ("1745998331123", "1763854448999"),
        # pids
        ("[1] 12345", "[1] 678"),
        ("pid: 12345", "pid: 9"),
        ("PID=12345 up", "PID=77 up"),
        ("Started server process [12345]", "Started server process [7]"),
        ("bash: line 3: 12345 Killed", "bash: line 3: 991 Killed"),
        ("[1]+  12345 Terminated   sleep", "[1]+  333 Terminated   sleep"),
        ("kill: (12345) - No such process", "kill: (22) - No such process"),
        ("==123== Memcheck", "==4567== Memcheck"),
        (
            "  PID TTY          TIME CMD\n 1234 pts/0    00:00:00 bash\n 1240 pts/0    00:00:01 ps",
            "    PID TTY          TIME CMD\n     5 pts/0    00:01:00 bash\n 99999 pts/0    00:00:00 ps",
        ),
        # ports
        ("http://localhost:54287/x", "http://localhost:8080/x"),
        ("listening on 127.0.0.1:54287", "listening on 127.0.0.1:80"),
        ("Serving HTTP on 0.0.0.0 port 8000", "Serving HTTP on 0.0.0.0 port 12345"),
        ("http://api.test:8000/", "http://api.test:8001/"),
        ("on [::1]:5000", "on [::1]:6000"),
        ("bound to ('127.0.0.1', 55319)", "bound to ('127.0.0.1', 80)"),
        # what either system adds
        ("ok", "ok\n[The command completed with exit code 0.]"),
        ("ok\n[Current working directory: /w]\n[Command finished with exit code 0]", "ok"),
        ("ok\n[Python Interpreter: /p]", "ok"),
        ("ok\n\nroot@456386d41106:/workspace # ", "ok"),
        ("[The command has no new output after 10 seconds. You may wait.]", ""),
    ],
)
def test_b53_what_changes_from_run_to_run_is_no_drift(expected: str, found: str) -> None:
    assert compare(ran(expected), ran(found)) == ()
    assert compare(ran(found), ran(expected)) == ()


@pytest.mark.parametrize(
    ("expected", "found"),
    [
        ("same", "other"),
        ("a\nb", "a\nb\nc"),
        ("a\n\nb", "a\nb"),
        ("a  b", "a b"),
        ("  a", "a"),
        ("total 300", "total 304"),
        ("3 passed in 0.01s", "2 passed in 0.01s"),
        ("==== 3 passed ====", "=== 3 passed ==="),
        (LS.format("Apr 30 08:32"), LS.format("Apr 30 08:32").replace("9336", "9337")),
        ("parser.c:12:34: error", "parser.c:12:35: error"),
        ("12:34", "12:35"),
        ("a/2025/04/30/b", "a/2025/04/31/b"),
        ("1/2/3", "1/2/4"),
        ("3/4 done", "4/4 done"),
        ("version 1.10.2", "version 1.10.3"),
        ("1234567890", "1234567891"),
        ("2147483648", "2147483649"),
        ("exit 12345", "exit 12346"),
        ("[1]", "[2]"),
        ("[1] 12345", "[2] 12345"),
        ("process 12 files", "process 13 files"),
        ("make[1]: x", "make[2]: x"),
        ("raw 5 s", "raw 6 s"),
        ("3 seconds", "4 seconds"),
        ("line 12", "line 13"),
        ("localhost:54287/a", "localhost:54287/b"),
        ("x 8000", "x 8001"),
        ("('a', 8000)", "('a', 8001)"),
        ("/workspace/a", "/workspace/b"),
        ("/workspace2", "/workspace3"),
        ("root@box: x", "user@box: x"),
        ("[note: a]", "[note: b]"),
        ("[done] x]", "[gone] x]"),
        ("costs $", "costs #"),
        ("bob@x.org: costs 5$", "bob@x.org: costs 6$"),
        ("/workspace/a  1", "/workspace/a 1"),
        ("  PID CMD\n 12 bash", "  PID CMD\n 12 zsh"),
        ("  PID CMD\n 12 bash", "  PID CMD\n 12 bash\n 13 bash"),
        ("PID file gone\n12 x", "PID file gone\n13 x"),
        ("PID\nx y", "PID\nz y"),
        ("Apr 30 08:32 a", "Apr 30 08:32 b"),
        ("May 12", "May 13"),
        ("abcdef123456", "abcdef123457"),
    ],
)
def test_b53_what_differs_otherwise_is_drift(expected: str, found: str) -> None:
    assert compare(ran(expected), ran(found)) == (Difference("content", expected, found),)
    assert compare(ran(found), ran(expected)) == (Difference("content", found, expected),)


def test_b53_exit_code_and_content_are_reported_each() -> None:
    assert compare(ran("a", 0), ran("b", 127)) == (
        Difference("exit_code", 0, 127),
        Difference("content", "a", "b"),
    )
    assert compare(ran("a", 0), ran("a", 1)) == (Difference("exit_code", 0, 1),)
    assert compare(ran("", -1), ran("", 0)) == (Difference("exit_code", -1, 0),)


@pytest.mark.parametrize(
    "command", ["echo $$ && cd", "sleep 9 & echo $!", "pgrep -f x", "python -c 'os.getpid()'"]
)
def test_bare_numbers_are_pids_where_the_command_prints_some(command: str) -> None:
    assert compare(ran("12345", command=command), ran("678", command=command)) == ()
    assert compare(ran("[1] 12345\n12345", command=command), ran("[1] 8\n8", command=command)) == ()
    assert compare(ran("[1] 12345", command=command), ran("[2] 12345", command=command)) != ()
    assert compare(ran("12345 a", command=command), ran("678 b", command=command)) != ()
    assert compare(ran("12345"), ran("678")) != ()


def test_hostnames_do_not_count_where_they_are_known_or_asked_for() -> None:
    told, here = ran("on 456386d41106: ok"), ran("on build-7: ok")

    assert compare(told, here) != ()
    assert compare(told, here, hostnames=("456386d41106", "build-7")) == ()
    assert compare(told, here, hostnames=("456386d41106",)) == ()
    assert compare(told, here, hostnames=("build-7",)) == ()
    assert compare(told, ran("on build-7: no"), hostnames=("456386d41106",)) != ()
    assert compare(ran("a b a"), ran("c b c"), hostnames=("a",)) == ()
    assert compare(ran("a b a"), ran("c b d"), hostnames=("a",)) != ()
    assert compare(ran("http://box:80"), ran("http://here:81"), hostnames=("box",)) == ()
    assert compare(ran("456386d41106", command="hostname"), ran("build-7", command="hostname")) == ()
    assert compare(ran("a b\na", command="hostname; x"), ran("c b\nc", command="hostname; x")) == ()
    assert compare(ran("a b", command="hostname; x"), ran("c d", command="hostname; x")) != ()
    assert compare(ran("a", command="hostname"), ran("a b", command="hostname")) != ()
    assert compare(ran("root@456386d41106:/w#x"), ran("root@build-7:/w#x")) == ()


def test_each_workspace_is_the_workspace() -> None:
    def differ(expected: str, found: str) -> bool:
        places = {"workspace_expected": "/workspace", "workspace_found": "/home/x/agents/s1/workspace"}
        return compare(ran(expected), ran(found), **places) != ()

    assert not differ("/workspace/a: No", "/home/x/agents/s1/workspace/a: No")
    assert not differ("/workspace", "/home/x/agents/s1/workspace/"[:-1])
    assert not differ("in '/workspace'.", "in '/home/x/agents/s1/workspace'.")
    assert differ("/workspace/a", "/home/x/agents/s2/workspace/a")
    assert differ("/my/workspace/a", "/my/home/x/agents/s1/workspace/a")
    assert differ("/workspace2/a", "/home/x/agents/s1/workspace/a")


def test_a_command_that_names_the_other_workspace_says_there_what_it_said_here() -> None:
    def differ(expected: str, found: str) -> bool:
        places = {"workspace_expected": "/workspace", "workspace_found": "/home/x/agents/s1/workspace"}
        return compare(ran(expected), ran(found), **places) != ()

    assert not differ("ls: '/workspace/a': No", "ls: '/workspace/a': No")
    assert not differ("/workspace: in /workspace/a", "/workspace: in /home/x/agents/s1/workspace/a")
    assert differ("/workspace/a", "/workspace/b")


def test_what_changes_from_run_to_run_does_not_count_in_files_either() -> None:
    def edited(place: str, clock: str, last: str) -> FileEdited:
        before, after = (f"built {clock} in {place}\n{word}{last}" for word in ("foo", "bar"))
        return FileEdited(content="", path="a", existed=True, old_content=before, new_content=after)

    told = edited("/workspace", "2025-04-30 16:32:57", "\n")
    places = {"workspace_expected": "/workspace", "workspace_found": "/home/x/s1"}

    assert compare(told, edited("/home/x/s1", "2026-11-22 01:02:03", "\n"), **places) == ()
    assert [
        difference.field
        for difference in compare(told, edited("/home/x/s1", "2026-11-22 01:02:03", ""), **places)
    ] == ["old_content", "new_content"]


@pytest.mark.parametrize(
    "hole", ["[... Observation truncated due to length ...]", "[... 77 characters left out ...]"]
)
def test_a_text_cut_for_length_is_compared_by_its_ends(hole: str) -> None:
    whole = "".join(f"line {n}\n" for n in range(1000))
    cut = whole[:500] + "\n" + hole + "\n" + whole[-400:]

    assert compare(ran(cut), ran(whole)) == ()
    assert compare(ran(whole[:300] + "\n[... 9 characters left out ...]\n" + whole[-300:]), ran(cut)) == ()
    assert compare(ran(cut), ran(whole.replace("line 3\n", "line x\n"))) != ()
    assert compare(ran(cut), ran(whole.replace("line 998\n", "line x\n"))) != ()


CREATED = FileEdited(
    content="--- /workspace/a\n+++ /workspace/a\n@@ -0,0 +1 @@\n+x",
    path="/workspace/a",
    existed=False,
    new_content="x",
)


@pytest.mark.parametrize(
    ("expected", "found", "fields"),
    [
        (
            CREATED,
            FileEdited(content="File created successfully at: a", path="a", existed=False, new_content="x"),
            [],
        ),
        (CREATED, FileEdited(content="", path="a", existed=False, new_content="y"), ["new_content"]),
        (
            CREATED,
            FileEdited(content="", path="a", existed=True, old_content="o", new_content="x"),
            ["existed"],
        ),
        (
            FileEdited(content="", path="a", old_content="o", new_content="x"),
            FileEdited(content="", path="a", old_content="p", new_content="x"),
            ["old_content"],
        ),
        (
            FileEdited(content="The file a has been edited.\n 1\tx", path="a"),
            FileEdited(
                content="The file a has been edited.\n 1\tx", path="a", old_content="o", new_content="x"
            ),
            [],
        ),
        (
            FileEdited(content="The file a has been edited.\n 1\tx", path="a"),
            FileEdited(
                content="The file a has been edited.\n 1\ty", path="a", old_content="o", new_content="y"
            ),
            ["content"],
        ),
        (FileEdited(content="ERROR:\nNo replacement", path="a"), Failure(content="No replacement"), []),
        (FileEdited(content="ERROR:\nNo replacement", path="a"), Failure(content="No file"), ["content"]),
        (
            FileEdited(content="ERROR:\nno", path="a"),
            FileEdited(content="done", path="a", new_content="x"),
            ["kind", "content"],
        ),
        (CREATED, Failure(content="File exists"), ["kind", "content"]),
        (FileContent(content="1\tx", path="a"), FileContent(content="1\tx", path="a"), []),
        (FileContent(content="1\tx", path="a"), FileContent(content="1\ty", path="a"), ["content"]),
        (FileContent(content="1\tx", path="a"), Failure(content="no file"), ["kind", "content"]),
        (FileContent(content="ERROR:\nno file", path="a"), Failure(content="no file"), []),
        (FileWritten(content="", path="a"), FileWritten(content="", path="a"), []),
        (Thought(content="Your thought has been logged."), Thought(content="noted"), []),
        (Finished(content="a"), Finished(content="b"), []),
        (Thought(content="a"), Failure(content="a"), ["kind"]),
        (
            OtherObservation(name="run_ipython", content="1"),
            Failure(content="tool not available: run_ipython"),
            ["kind", "content"],
        ),
        (OtherObservation(name="mcp", content="1"), OtherObservation(name="mcp", content="1"), []),
        (ran("x"), OutcomeUnknown(content="unknown"), ["kind", "content"]),
        (ran("x"), Cancelled(content="stopped", reason="stopped"), ["kind", "content"]),
    ],
)
def test_files_thoughts_and_failures_are_compared_by_what_they_mean(
    expected: Observation, found: Observation, fields: list[str]
) -> None:
    assert [difference.field for difference in compare(expected, found)] == fields


def test_an_action_recorded_without_an_answer_cannot_drift() -> None:
    recorded = (
        RecordedStep(version=1, action=Run(command="a"), expected=ran("x")),
        RecordedStep(version=3, action=Run(command="b")),
        RecordedStep(version=4, action=Run(command="c"), expected=ran("on box"), hostname="box"),
        RecordedStep(version=6, action=Run(command="d"), expected=ran("never reached")),
    )
    found = {1: (20, ran("y", 1)), 3: (22, ran("z")), 4: (24, ran("on here"))}

    assert drift(recorded, found, hostnames=("here",)) == (
        Drift(20, "exit_code", 0, 1),
        Drift(20, "content", "x", "y"),
    )


def test_b53_a_session_that_carried_a_recording_out_is_compared_step_by_step(tmp_path: Path) -> None:
    recording = Recording(
        imported_list(
            tmp_path,
            [
                action("message", "user", content="go", id=0),
                action("run", command="ls /workspace", id=1),
                observation("run", "/workspace/a", cause=1, metadata={"exit_code": 0, "hostname": "box"}),
                action("run_ipython", code="1", id=3),
                observation("run_ipython", "1", cause=3),
                action("finish", id=5),
            ],
        )
    )
    session = committed(
        (
            *NATIVE[:5],
            StepReenacted(source=1),
            MessageReceived(content="go"),
            StepReenacted(source=2),
            ActionProposed(action=Run(command="ls /workspace")),
            ObservationRecorded(cause=8, observation=ran("/home/x/w/a")),
            StepReenacted(source=4),
            ActionProposed(action=Other(name="run_ipython")),
            ObservationRecorded(cause=11, observation=Failure(content="tool not available: run_ipython")),
            StepReenacted(source=6, end=True),
            ActionProposed(action=Think(thought="my own")),
            ObservationRecorded(cause=14, observation=Failure(content="of no concern")),
        )
    )

    assert drift_of(recording, session) == (
        Drift(11, "kind", "run_ipython", "error"),
        Drift(11, "content", "1", "tool not available: run_ipython"),
    )


@pytest.mark.parametrize("name", REAL)
def test_a_real_recording_does_not_drift_from_itself_and_does_from_another(name: str) -> None:
    path = TRAJECTORIES / name
    if not path.exists():
        pytest.skip(f"no trajectory {path.name} on this machine")

    for step in steps(imported(path)):
        if step.expected is not None:
            assert isinstance(step.action, Run | Read | Edit | Think | Other | Message)
            assert compare(step.expected, step.expected) == ()
            assert compare(step.expected, ran("something else", 99)) != ()
