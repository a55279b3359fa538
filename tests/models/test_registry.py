"""Opening a model asks nobody, imports no client, and says what to do where it cannot be."""

import importlib.util
import subprocess
import sys

import pytest

from refold.actors.models.port import ModelUnavailable
from refold.actors.models.prices import own_price, price_of
from refold.actors.models.registry import open_model
from refold.eventlog.settings import Price


@pytest.mark.parametrize("name", ["gpt-4o", "nobody/model", "openai/", "script:", "", "openai"])
def test_an_unknown_model_is_answered_with_what_is_known(name: str) -> None:
    with pytest.raises(ModelUnavailable, match="openai/NAME, anthropic/NAME or script:FILE"):
        open_model(name, base_url=None, price=None, environment={})


@pytest.mark.parametrize(
    ("name", "key"), [("openai/x", "OPENAI_API_KEY"), ("anthropic/x", "ANTHROPIC_API_KEY")]
)
def test_a_missing_key_is_named_and_a_server_of_ones_own_needs_none(name: str, key: str) -> None:
    with pytest.raises(ModelUnavailable, match=key):
        open_model(name, base_url=None, price=None, environment={})
    open_model(name, base_url=None, price=None, environment={key: "k"})
    open_model(name, base_url="http://127.0.0.1:9", price=None, environment={})


def test_a_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def nothing_is_found(_: str) -> None: ...

    monkeypatch.setattr(importlib.util, "find_spec", nothing_is_found)
    with pytest.raises(ModelUnavailable, match=r"pip install 'refold\[openai\]'"):
        open_model("openai/x", base_url=None, price=None, environment={"OPENAI_API_KEY": "k"})


def test_opening_a_model_imports_no_client() -> None:
    program = """
import pkgutil, sys
import refold.actors.models as package
from refold.actors.models.registry import open_model
for module in pkgutil.iter_modules(package.__path__, package.__name__ + "."):
    __import__(module.name)
for name in ("openai/x", "anthropic/x"):
    open_model(name, base_url="http://127.0.0.1:9", price=None, environment={})
print(sorted({"openai", "anthropic", "httpx2", "pydantic"} & sys.modules.keys()))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_release_of_a_model_costs_what_the_model_costs() -> None:
    assert price_of("openai/gpt-4o-2024-08-06") == price_of("openai/gpt-4o") is not None
    assert price_of("anthropic/claude-sonnet-4-5-20250929") == price_of("anthropic/claude-sonnet-4-5")
    assert price_of("anthropic/claude-opus-5-5-latest") is not None


def test_b50_an_unknown_price_is_unknown() -> None:
    assert price_of("openai/gpt-4o-somebodys-own") is None
    assert price_of("script:answers.jsonl") is None


def test_b50_a_users_own_table_knows_releases_too() -> None:
    own = {"openai/mine": Price(1.0, 2.5)}
    assert own_price("openai/mine-2026-01-01", own) == Price(1.0, 2.5)
    assert own_price("openai/gpt-4o", own) is None
