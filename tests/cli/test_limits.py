"""Limits, approvals and models of a session, set and changed from the command line."""

import json

from tests.cli.terminal import FINISH, Terminal, bash, ended, parallel, until


def test_limits_end_in_1_and_are_extended_exactly(terminal: Terminal) -> None:
    model = terminal.script(*(bash(f"echo {number}") for number in range(9)))
    assert terminal.run("run", "--session", "s", "--max-iterations", "2", *model, "go").returncode == 1
    assert terminal.count("s", "ModelAsked") == 2
    done = terminal.run("continue", "s", "--max-iterations", "1")
    assert done.returncode == 1
    assert "the limit of 1 iteration (max_iterations) is reached; `continue` extends it" in done.stderr
    done = terminal.run("say", "s", "more")
    assert done.returncode == 1
    assert "max_iterations" in done.stderr
    assert terminal.count("s", "ModelAsked") == 2 + 1 + 2
    assert terminal.run("verify", "s").returncode == 0


def test_a_budget_is_spent_at_the_price_given_and_extended(terminal: Terminal) -> None:
    """Every answer of the script takes 100 tokens in and 10 out: 120 USD at one dollar and two a token."""
    model = terminal.script(*(bash(f"echo {number}") for number in range(9)), FINISH)
    price = ["--price", "1000000,2000000"]
    assert (
        terminal.run("run", "--session", "s", "--budget", "200", *price, *model, "go", "--json").returncode
        == 1
    )
    shown = terminal.shown("s")
    assert (shown["cost"], shown["iterations"]) == (240, 2)
    assert "budget" in shown["reason"]
    assert terminal.run("say", "s", "go on").returncode == 1
    assert terminal.run("continue", "s", "--budget", "120").returncode == 1
    assert terminal.shown("s")["cost"] == 360


def test_nothing_unconfirmed_is_executed_also_across_a_restart(terminal: Terminal) -> None:
    calls = parallel("echo first >> done.txt", "echo second >> done.txt")
    model = terminal.script(calls, bash("echo third >> done.txt"), FINISH)
    written = terminal.workspace("s") / "done.txt"
    assert terminal.run("run", "--session", "s", "--confirm", "always", *model, "go").returncode == 3
    shown = terminal.shown("s")
    assert shown["status"] == "awaiting_user_confirmation"
    assert [waiting["kind"] for waiting in shown["pending"]] == ["run", "run"]
    assert terminal.run("resume", "s").returncode == 3
    assert not written.exists()
    assert terminal.run("confirm", "s").returncode == 3
    assert written.read_text(encoding="utf-8").split() == ["first", "second"]
    assert terminal.run("reject", "s", "--reason", "two are enough").returncode == 3
    assert terminal.shown("s")["status"] == "awaiting_user_input"
    assert "two are enough" in terminal.observations("s")[-1]["content"]
    assert terminal.run("confirm", "s").returncode == 2
    assert written.read_text(encoding="utf-8").split() == ["first", "second"]
    assert terminal.run("verify", "s").returncode == 0


def test_a_confirmed_command_is_under_way_while_another_confirmation_is_refused(terminal: Terminal) -> None:
    model = terminal.script(terminal.gated(), FINISH)
    assert terminal.run("run", "--session", "s", "--confirm", "always", *model, "go").returncode == 3
    driver = terminal.begin("confirm", "s")
    until(lambda: terminal.count("s", "ActionStarted") == 1)
    assert terminal.run("confirm", "s").returncode == 2
    assert terminal.run("reject", "s").returncode == 2
    terminal.open_gate()
    assert ended(driver)[0] == 0
    assert terminal.observations("s")[0]["content"].split() == ["begun", "through"]


def test_a_message_instead_of_an_approval_answers_what_waited(terminal: Terminal) -> None:
    model = terminal.script(bash("touch done.txt"), bash("touch other.txt"))
    assert terminal.run("run", "--session", "s", "--confirm", "always", *model, "go").returncode == 3
    assert terminal.run("say", "s", "something else").returncode == 3
    assert [waiting["kind"] for waiting in terminal.shown("s")["pending"]] == ["run"]
    assert len(terminal.observations("s")) == 1
    assert list(terminal.workspace("s").iterdir()) == []


def test_an_exhausted_script_is_followed_by_another_which_starts_at_its_first_line(
    terminal: Terminal,
) -> None:
    first = terminal.script(bash("echo 1"), name="first")
    second = terminal.script(bash("echo 2"), FINISH, name="second")
    done = terminal.run("run", "--session", "s", *first, "go")
    assert done.returncode == 1
    assert "all used" in done.stderr
    assert terminal.count("s", "ModelFailed") == 1
    assert terminal.run("resume", "s", *first[:2]).returncode == 1
    assert terminal.count("s", "SettingsChanged") == 0
    assert terminal.run("resume", "s", *second[:2], "--message", "go on").returncode == 0
    assert terminal.count("s", "SettingsChanged") == 1
    assert [o["content"] for o in terminal.observations("s")][:2] == ["1", "2"]
    assert json.loads(terminal.run("verify", "s", "--json").stdout)["ok"]
