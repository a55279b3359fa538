"""Rules 3 and 46: what a secret is, who gets it, and that nobody else ever does."""

import base64
import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

import refold
from refold.actors.dispatch.stepper import Stepper
from refold.actors.models.fake import says
from refold.actors.runner.masker import HIDDEN
from refold.actors.session.verify import verify
from refold.errors import SecretUnusable
from refold.eventlog.events import (
    MessageReceived,
    ModelAnswered,
    ObservationRecorded,
    RuntimeConnected,
    SessionStarted,
)
from refold.system import System
from refold.testing.crash import STREAM, live
from refold.testing.world import SmallWorld
from tests.behaviour.scenes import FINISH, settings
from tests.front.test_embedding import FINISH as DONE
from tests.front.test_embedding import script, shell

NAME, VALUE = "DEPLOY_TOKEN", "s3cr3t-of-the-house"
ENVIRONMENT = {NAME: VALUE}


@pytest.fixture
def system(tmp_path: Path) -> Iterator[System]:
    with refold.open(tmp_path / "home", environment=ENVIRONMENT) as system:
        yield system


def written(folder: Path) -> bytes:
    """Return every byte in every file below a folder."""
    return b"".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())


def test_b03_the_sandbox_has_the_value_and_the_log_does_not(system: System, tmp_path: Path) -> None:
    leak = f'printf "%s" "${NAME}" | tee out | sha256sum; cat out; base64 out; od -An -tx1 out; rm out'
    model = script(tmp_path, shell(leak), DONE)
    session = system.start("go", model=model, sandbox="local", secrets=[NAME])
    assert session.wait(timeout=60).agent.state == "finished"
    (shown, *_) = [
        record.event.observation.content
        for record in system.log.read(session.name)
        if isinstance(record.event, ObservationRecorded)
    ]
    assert hashlib.sha256(VALUE.encode()).hexdigest() in shown
    assert HIDDEN in shown
    everything = written(tmp_path / "home")
    for form in (VALUE.encode(), base64.b64encode(VALUE.encode()), VALUE.encode().hex().encode()):
        assert form not in everything


def test_b03_what_a_person_or_a_model_says_is_masked_before_it_is_decided() -> None:
    world = SmallWorld(
        [says(f"it is {VALUE}", ("execute_bash", {"command": f"echo {VALUE}"})), says("", FINISH)]
    )
    world.secrets = (VALUE,)
    lived = live(Stepper(1), world, SessionStarted(settings=settings(), task=f"use {VALUE}"))
    records = list(lived.log.read(STREAM))
    assert VALUE not in repr(records)
    (task,) = [record.event for record in records if isinstance(record.event, MessageReceived)]
    assert task.content == f"use {HIDDEN}"
    answer = next(record.event for record in records if isinstance(record.event, ModelAnswered))
    assert answer.content == f"it is {HIDDEN}"
    assert answer.tool_calls[0].arguments == f'{{"command": "echo {HIDDEN}"}}'
    assert VALUE not in repr(world.scripted.requests)


def test_b03_a_state_that_is_called_like_a_secret_stays_what_it_is() -> None:
    world = SmallWorld([says("running, error", FINISH)])
    world.secrets = ("running", "finished", "execute_bash")
    lived = live(Stepper(1), world, SessionStarted(settings=settings(), task="running"))
    assert lived.state.agent.state == "finished"


@pytest.mark.parametrize(("value", "part"), [("", "empty"), ("  \n", "empty"), ("abc", "shorter than")])
def test_b03_an_empty_or_trivially_short_secret_is_refused_by_name(
    tmp_path: Path, value: str, part: str
) -> None:
    model = script(tmp_path, DONE)
    with refold.open(tmp_path / "home", environment={NAME: value}) as system:
        with pytest.raises(SecretUnusable, match=f"{NAME} is {part}"):
            system.start("go", model=model, sandbox="local", secrets=[NAME])
        assert not list(system.log.streams())


def test_b03_a_secret_in_the_settings_themselves_is_refused(system: System, tmp_path: Path) -> None:
    folder = tmp_path / VALUE
    folder.mkdir()
    model = script(tmp_path, DONE)
    with pytest.raises(SecretUnusable, match=NAME):
        system.start("go", model=model, sandbox="local", secrets=[NAME], workspace=folder)
    assert not list(system.log.streams())


def test_b46_whoever_claims_a_session_needs_each_of_its_secrets(tmp_path: Path) -> None:
    model = script(tmp_path, ("And?", []), DONE)
    with refold.open(tmp_path / "home", environment=ENVIRONMENT) as system:
        name = system.start("go", model=model, sandbox="local", secrets={NAME: "for deploying"}).name
        refold.Session(system, name).wait(timeout=60)
    with refold.open(tmp_path / "home", environment={}) as system:
        before = system.log.end
        with pytest.raises(SecretUnusable, match=f"{NAME} is not in the environment"):
            system.resume(name)
        assert system.log.end == before
    with refold.open(tmp_path / "home", environment={NAME: "another-value-now"}) as system:
        session = system.resume(name)
        session.say("is it another-value-now?")
        assert session.wait(timeout=60).agent.state == "finished"
        said = [r.event.content for r in system.log.read(name) if isinstance(r.event, MessageReceived)]
        assert said[-1] == f"is it {HIDDEN}?"
        assert "for deploying" in "".join(map(repr, system.log.read(name)))


def test_b46_a_secret_that_was_changed_reaches_the_living_sandbox_and_both_values_are_hidden(
    tmp_path: Path,
) -> None:
    tell = f'printf %s "${NAME}" | sha256sum; echo ${NAME}'
    model = script(
        tmp_path, shell(f"echo ${NAME} > old; kept=here"), ("And?", []), shell(f"{tell}; cat old $kept"), DONE
    )
    work = tmp_path / "work"
    work.mkdir()
    with refold.open(tmp_path / "home", environment=ENVIRONMENT) as system:
        session = system.start(
            "go", session="s", model=model, sandbox="local", secrets=[NAME], workspace=work
        )
        assert session.wait(timeout=60).agent.state == "awaiting_user_input"
    changed = "another-secret-of-the-house"
    with refold.open(tmp_path / "home", environment={NAME: changed}) as system:
        session = system.resume("s")
        session.say("go on")
        assert session.wait(timeout=60).agent.state == "finished"
        facts = [record.event for record in session.watch()]
    assert [fact.resumed for fact in facts if isinstance(fact, RuntimeConnected)] == [False, True]
    _, shown, *_ = (fact.observation.content for fact in facts if isinstance(fact, ObservationRecorded))
    digest = hashlib.sha256(changed.encode()).hexdigest()
    assert shown == f"{digest}  -\n{HIDDEN}\n{HIDDEN}\ncat: here: No such file or directory"
    everything = written(tmp_path / "home")
    assert VALUE.encode() not in everything
    assert changed.encode() not in everything


def test_b03_a_session_that_has_secrets_is_verified_like_any_other() -> None:
    """Masking leaves what holds no secret exactly as it was: a claim names the digest of the settings."""
    world = SmallWorld([says(f"it is {VALUE}", FINISH)])
    world.secrets = (VALUE,)
    lived = live(Stepper(1), world, SessionStarted(settings=settings(secrets=(NAME,)), task="go"))
    assert verify(lived.log, STREAM).ok
