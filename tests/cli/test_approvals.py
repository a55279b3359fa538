"""Rules 32 to 35 at a terminal: risks, approvals by name, rejections, and runs that nothing isolates."""

import json

from tests.cli.terminal import FINISH, Terminal, bash, parallel


def test_b32_risky_runs_what_is_harmless_and_asks_about_the_rest(terminal: Terminal) -> None:
    calls = parallel("echo one >> done.txt", "rm -rf ../elsewhere", "echo two >> done.txt")
    model = terminal.script(calls, FINISH)
    run = terminal.run("run", "--session", "s", "--confirm", "risky", "--risk", "high", *model, "go")
    assert run.returncode == 3
    shown = terminal.shown("s")
    assert shown["status"] == "awaiting_user_confirmation"
    assert (shown["confirm"], shown["risk"], shown["analyzer"]) == ("risky", "high", "rules")
    first, second = shown["pending"]
    assert first["action"]["command"] == "rm -rf ../elsewhere"
    assert (first["risk"], first["analyzer"]) == ("high", "rules")
    assert "deletes outside the workspace" in first["risk_reason"]
    assert (second["risk"], second["started"], second["confirmed"]) == ("low", False, False)
    assert first["digest"] == second["digest"] == shown["approval"]
    assert (terminal.workspace("s") / "done.txt").read_text() == "one\n"
    assert terminal.run("confirm", "s", "--digest", first["digest"]).returncode == 0
    assert (terminal.workspace("s") / "done.txt").read_text() == "one\ntwo\n"
    assert terminal.run("verify", "s").returncode == 0


def test_b33_an_approval_by_a_name_that_is_stale_or_came_before_is_refused(terminal: Terminal) -> None:
    model = terminal.script(bash("echo 1"), bash("echo 2"), FINISH)
    assert terminal.run("run", "--session", "s", "--confirm", "always", *model, "go").returncode == 3
    digest = terminal.shown("s")["approval"]
    refused = terminal.run("confirm", "s", "--digest", "0" * 64)
    assert refused.returncode == 2
    assert "is waiting: look again" in refused.stderr
    assert "names nothing, but" in terminal.run("confirm", "s", "--digest", "").stderr
    assert terminal.run("confirm", "s", "--digest", digest).returncode == 3
    assert terminal.run("confirm", "s", "--digest", digest).returncode == 2
    (confirmed,) = [each["data"] for each in terminal.records("s") if each["type"] == "ActionsConfirmed"]
    assert confirmed["digest"] == digest
    assert "@" in confirmed["who"]
    assert terminal.run("confirm", "s").returncode == 0
    assert terminal.run("confirm", "s").returncode == 2


def test_b33_a_rejected_agent_tries_otherwise_if_asked(terminal: Terminal) -> None:
    model = terminal.script(bash("echo 1 > one"), FINISH)
    assert terminal.run("run", "--session", "s", "--confirm", "always", *model, "go").returncode == 3
    rejected = terminal.run("reject", "s", "--reason", "not here", "--try-again")
    assert rejected.returncode == 0
    assert "not here" in terminal.observations("s")[0]["content"]
    assert not (terminal.workspace("s") / "one").exists()


def test_b32_a_policy_given_on_resume_holds_from_then_on(terminal: Terminal) -> None:
    model = terminal.script(bash("rm -rf build"), bash("rm -rf dist"), FINISH)
    run = ("run", "--session", "s", "--confirm", "risky", *model, "go")
    assert terminal.run(*run).returncode == 3
    assert terminal.run("resume", "s", "--risk", "high").returncode == 3
    assert terminal.run("confirm", "s").returncode == 0
    assert terminal.count("s", "SettingsChanged") == 1
    assert terminal.count("s", "ActionsConfirmed") == 1


def test_b34_an_analyzer_that_does_not_exist_is_said_and_nothing_is_recorded(terminal: Terminal) -> None:
    model = terminal.script(FINISH)
    for name in ("oracle", "no.such.module:Thing"):
        refused = terminal.run("run", "--session", "s", "--analyzer", name, *model, "go")
        assert refused.returncode == 2
        assert name in refused.stderr
    assert terminal.run("show", "s").returncode == 2


def test_b35_a_run_that_nothing_isolates_says_so_and_so_does_whoever_takes_it_up(terminal: Terminal) -> None:
    model = terminal.script(bash("echo 1"), FINISH)
    begun = terminal.run("run", "--session", "s", "--sandbox", "local", "--confirm", "always", *model, "go")
    assert "not isolated" in begun.stderr
    assert terminal.shown("s")["isolated"] is False
    assert "not isolated" in terminal.run("confirm", "s").stderr


def test_b33_what_waits_in_a_delegate_is_approved_by_the_delegates_name(terminal: Terminal) -> None:
    _, helpers, *_ = terminal.script(bash("echo helped > help"), FINISH, name="helper")
    team = terminal.folder / "team.toml"
    team.write_text(f'[agents.helper]\nagent = "codeact"\nmodel = "{helpers}"\n', encoding="utf-8")
    model = terminal.script(("delegate", {"agent": "helper", "task": "help"}), FINISH)
    run = ("run", "--session", "s", "--config", str(team), "--confirm", "always", *model, "go")
    assert terminal.run(*run).returncode == 3
    assert terminal.run("confirm", "s").returncode == 3
    (helper,) = terminal.shown("s")["delegates"]
    before = terminal.records("s")
    for verb in ("confirm", "reject"):
        refused = terminal.run(verb, "s")
        assert refused.returncode == 2
        assert f"`refold confirm {helper['session']}`" in refused.stderr
    assert terminal.records("s") == before
    assert terminal.run("confirm", helper["session"]).returncode == 0
    assert (terminal.workspace("s") / "help").read_text() == "helped\n"
    assert terminal.shown("s")["status"] == "finished"
    used = [json.loads(line) for line in terminal.run("usage", "s", "--json").stdout.splitlines()]
    assert [line["session"] for line in used] == ["s", helper["session"], None]
    assert [line["model_calls"] for line in used] == [2, 2, 4]
