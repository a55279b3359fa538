"""Looking at sessions: at any version, through damage, and without loading what drives them."""

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

from refold.actors.session.show import shown
from refold.home import Home
from refold.look import reading
from tests.cli.terminal import FINISH, WAIT_S, Terminal, bash, failing, parallel, spoken


def test_every_version_is_shown_as_it_was_and_its_figures_never_run_backwards(terminal: Terminal) -> None:
    model = terminal.script(parallel("echo 1", "false"), spoken("and now?"), bash("echo 2"), FINISH)
    assert terminal.run("run", "--session", "s", *model, "go").returncode == 3
    assert terminal.run("say", "s", "the rest").returncode == 0
    records, iterations = terminal.records("s"), 0
    with reading(Home(terminal.home)) as log:
        folds = [shown(log.read("s", until=version)) for version in range(len(records))]
    for version, fold in enumerate(folds):
        assert fold["version"] == version
        assert fold["iterations"] >= iterations
        iterations = fold["iterations"]
    for version in range(0, len(records), 9):
        assert terminal.shown("s", "--at", str(version)) == {**folds[version], "driver": None}
    last = terminal.shown("s")
    assert last == {**folds[-1], "driver": None}
    assert (last["status"], last["pending"]) == ("finished", [])
    events = terminal.run("events", "s", "--after", "-1", "--json").stdout
    assert [json.loads(line) for line in events.splitlines()] == records
    (listed,) = terminal.run("ls", "--json").stdout.splitlines()
    assert json.loads(listed) == last


def test_b53_the_last_line_of_a_replay_reports_its_drift(terminal: Terminal) -> None:
    model = terminal.script(bash("echo same"), bash("mktemp -u XXXXXXXXXX"), FINISH)
    assert terminal.run("run", "--session", "s", *model, "go").returncode == 0
    done = terminal.run("replay", "s", "--sandbox", "local", "--session", "again", "--json")
    *printed, report = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 1
    assert printed == terminal.records("again")
    assert (report["session"], report["status"], report["actions"]) == ("again", "finished", 3)
    (drift,) = report["drift"]
    assert set(drift) == {"version", "field", "expected", "found"}
    assert drift["field"] == "content"


def test_b48_a_log_that_is_truncated_or_garbage_is_a_clear_error(terminal: Terminal) -> None:
    assert terminal.run("run", "--session", "s", *terminal.script(FINISH), "go").returncode == 0
    data = terminal.home / "log" / "000000" / "data.mdb"
    whole = data.read_bytes()
    damages = {
        "truncated": [whole[:40_960], whole[:5000], b""],
        "no log": [os.urandom(9999)],
    }

    def ask(command: str) -> subprocess.CompletedProcess[str]:
        return terminal.run(*command.split())

    every = ("ls", "audit", "show s", "events s", "export s", "verify s", "resume s", "doctor", "stop s")
    for said, contents in damages.items():
        for number, content in enumerate(contents):
            data.write_bytes(content)
            commands = every if number == 0 else every[:1]
            with ThreadPoolExecutor(4) as people:
                answers = people.map(ask, commands)
            for command, done in zip(commands, answers, strict=True):
                assert (done.returncode, done.stdout) == (1, ""), command
                assert said in done.stderr, command


def test_a_reader_may_leave_when_it_has_seen_enough(terminal: Terminal) -> None:
    model = terminal.script(parallel("seq 9997", "seq 9998", "seq 9999"), FINISH)  # More than a pipe holds.
    assert terminal.run("run", "--session", "s", *model, "go").returncode == 0
    for command in (["events", "s", "--json"], ["events", "s", "--follow"], ["export", "s"]):
        with terminal.begin(*command) as asked:
            assert asked.stdout is not None
            assert asked.stderr is not None
            assert asked.stdout.read(1)
            asked.stdout.close()
            assert (asked.wait(WAIT_S), asked.stderr.read()) == (0, "")


def test_events_tell_what_went_wrong_and_what_was_changed_in_their_line(terminal: Terminal) -> None:
    (terminal.folder / "servers.toml").write_text('[mcp.gone]\ncommand = "/nowhere"\n', encoding="utf-8")
    model = terminal.script(failing(401), spoken("Yes?"))
    servers = ("--config", str(terminal.folder / "servers.toml"))
    assert terminal.run("run", "--session", "s", *servers, *model, "go").returncode == 1
    assert terminal.run("resume", "s", "--confirm", "risky", "--max-iterations", "9").returncode == 1
    lines = {line.split()[2]: line for line in terminal.run("events", "s").stdout.splitlines()}
    assert "MCP server 'gone' offers no tools" in lines["WarningRaised"]
    assert lines["ModelFailed"].endswith("authentication: failed with 401")
    assert lines["SettingsChanged"].endswith("confirm=risky, iterations_max=9")
    assert lines["RuntimeConnected"].endswith("local")


def test_closed_standard_streams_are_nowhere_and_not_in_the_log(terminal: Terminal) -> None:
    command = terminal.command("run", "--session", "s", "--json", *terminal.script(bash("cat"), FINISH), "go")
    shell = ["bash", "-c", '"$@" <&- >&- 2>&-', "bash", *command]
    assert subprocess.run(shell, check=False, env=terminal.environment).returncode == 0
    assert subprocess.run([*shell[:3], "bash", *terminal.command("ls")], check=False).returncode == 0
    assert terminal.run("audit").returncode == 0


def test_a_person_is_shown_what_waits_and_how_it_is_approved(terminal: Terminal) -> None:
    long = f"echo {'x' * 200}; rm -rf ../elsewhere"
    model = terminal.script(parallel(long, "true"), FINISH)
    options = ("--confirm", "always", "--analyzer", "rules")
    assert terminal.run("run", "--session", "s", *options, *model, "go").returncode == 3
    lines = terminal.run("show", "s").stdout.splitlines()
    at = next(number for number, line in enumerate(lines) if line.startswith("pending"))
    first, second, approval, approve, refuse = (line[12:] for line in lines[at : at + 5])
    assert first.startswith("run: $ echo xxx")
    assert "xxx… · high risk: deletes outside the workspace" in first
    assert first.endswith(" · waits for approval")
    assert second == "run: $ true · low risk · waits for approval"
    assert approval == terminal.shown("s")["approval"]
    assert approve == f"approve with: refold confirm s --digest {approval}"
    assert refuse == "refuse with:  refold reject s --reason …"
    version = str(terminal.shown("s")["version"])
    assert "refold confirm" not in terminal.run("show", "s", "--at", version).stdout
    assert terminal.run(*approve.split()[3:]).returncode == 0


def test_a_person_is_shown_figures_in_words_and_not_as_data(terminal: Terminal) -> None:
    options = ("--budget", "2", "--price", "1,2", "--max-iterations", "7")
    assert terminal.run("run", "--session", "s", *options, *terminal.script(FINISH), "go").returncode == 0
    shown = terminal.run("show", "s").stdout
    lines = {line[:12].strip(): line[12:] for line in shown.splitlines()}
    assert lines["limits"] == "6 of 7 iterations left"
    assert "            $2 at most" in shown
    assert lines["cost"].startswith("$")
    assert lines["imported"] == "no"
    assert not {"{", "["} & set(shown)


def test_looking_at_sessions_loads_neither_actors_nor_clients(terminal: Terminal) -> None:
    assert terminal.run("run", "--session", "s", *terminal.script(FINISH), "go").returncode == 0
    heavy = {
        "pykka",
        "openai",
        "anthropic",
        "structlog",
        "rich",
        "refold.system",
        "refold.actors.runner.hands",
    }
    for command in ("ls", "show s", "show s --at 3", "events s"):
        words = [*command.split(), "--json", "--home", str(terminal.home)]
        code = (
            f"import sys; from refold.cli.main import _guarded; _guarded({words!r}, debug=True); "
            f"print(sorted({heavy!r} & set(sys.modules)))"
        )
        done = subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            text=True,
            check=False,
            env=terminal.environment,
        )
        assert done.stdout.splitlines()[-1] == "[]", command + done.stdout + done.stderr


def test_b49_what_sessions_used_is_told_for_each_and_in_total(terminal: Terminal) -> None:
    model = [*terminal.script(bash("echo 1"), FINISH), "--price", "1,2"]
    for name in ("a", "b"):
        assert terminal.run("run", "--session", name, *model, "go").returncode == 0
    assert terminal.run("fork", "a", "--at", "6", "--session", "c").returncode == 0
    told = terminal.run("usage", "--json")
    lines = [json.loads(line) for line in told.stdout.splitlines()]
    assert [line["session"] for line in lines] == ["a", "b", "c", None]
    one, two, fork, total = lines
    assert one["iterations"] == one["model_calls"] == one["purposes"]["step"]["calls"] == 2
    assert fork["model_calls"] == 0, "what the fork took over was used by its parent"
    assert total["model_calls"] == one["model_calls"] + two["model_calls"]
    assert total["cost"] == one["cost"] + two["cost"] > 0
    assert one["states_s"]["running"] > 0
    assert "total" in terminal.run("usage").stdout
    assert terminal.run("usage", "nobody").returncode == 2


def test_a_screen_that_knows_no_more_than_ascii_is_shown_all_that_it_can_show(terminal: Terminal) -> None:
    assert terminal.run("run", "--session", "s", *terminal.script(FINISH), "größer · als").returncode == 0
    shown = terminal.run("show", "s", PYTHONIOENCODING="ascii")
    assert (shown.returncode, "gr??er ? als" in shown.stdout) == (0, True)
    for data in (("show", "s", "--json"), ("export", "s", "--format", "openhands")):
        said = json.loads(terminal.run(*data, PYTHONIOENCODING="ascii").stdout)
        assert "größer · als" in json.dumps(said, ensure_ascii=False)
