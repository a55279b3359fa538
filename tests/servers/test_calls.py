"""Calls of servers' tools, at most once: against servers in memory."""

import threading
from concurrent.futures import Future
from typing import Any

import pytest

from refold.actors.runtime.port import driver_incarnation
from refold.actors.servers.content import storable, text_of
from refold.actors.servers.fake import FakeServers, echoing
from refold.actors.servers.hands import NEVER_BEGUN, ServerHands
from refold.actors.servers.port import FoundTool
from refold.actors.tools.server_tools import NAME_CHARACTERS_MAX, offered_name, resolved
from refold.eventlog.actions import McpCall
from refold.eventlog.observations import Failure, McpResult, Observation, OutcomeUnknown
from refold.eventlog.settings import MCPServer, Settings

SERVER = MCPServer(name="s", command="serve")
SETTINGS = Settings(model=None, workspace="/w", sandbox="local", mcp=(SERVER,))
CALL = McpCall(name="s_do", server="s", tool="do", arguments={"n": 1})
ECHO = McpResult(content="do: {'n': 1}", server="s", tool="do")
NOW = driver_incarnation(3)


def offers(_: str) -> tuple[FoundTool, ...]:
    return (FoundTool(name="do"),)


def hands(servers: FakeServers | None = None) -> ServerHands:
    made = ServerHands(servers or FakeServers(offers))
    made.connect(SETTINGS, epoch=3)
    return made


def test_a_call_is_made_once_and_its_answer_is_kept_until_it_is_acknowledged() -> None:
    servers = FakeServers(offers)
    mine = hands(servers)
    assert mine.execute("k", "d", CALL, started_in=NOW) == ECHO
    assert mine.execute("k", "d", CALL, started_in=NOW) == ECHO
    mine.connect(SETTINGS, epoch=4)
    assert mine.execute("k", "d", CALL, started_in=NOW) == ECHO
    assert servers.effects == {"k": 1}
    mine.acknowledge("k")
    assert not mine.knows("k")
    assert isinstance(mine.execute("k", "d", CALL, started_in=NOW), OutcomeUnknown)
    assert servers.effects == {"k": 1}, "who asked late had it made again"


def test_b16_a_call_that_a_driver_began_which_is_gone_is_unknown_and_never_made_again() -> None:
    servers = FakeServers(offers)
    mine = hands(servers)
    observation = mine.execute("k", "d", CALL, started_in=driver_incarnation(2))
    assert isinstance(observation, OutcomeUnknown)
    assert not servers.effects


def test_a_key_never_stands_for_another_call() -> None:
    mine = hands()
    mine.execute("k", "d", CALL, started_in=NOW)
    assert isinstance(mine.execute("k", "other", CALL, started_in=NOW), OutcomeUnknown)


@pytest.mark.parametrize(
    ("trouble", "expected", "effects"),
    [("unavailable", Failure, 0), ("lost_before", OutcomeUnknown, 0), ("lost_after", OutcomeUnknown, 1)],
)
def test_b16_a_server_that_goes_away_in_mid_call_leaves_an_observation(
    trouble: str, expected: type[Observation], effects: int
) -> None:
    servers = FakeServers(offers, before=lambda _: trouble)
    assert isinstance(hands(servers).execute("k", "d", CALL, started_in=NOW), expected)
    assert servers.effects["k"] == effects


def test_a_call_of_a_server_that_is_not_configured_is_not_available() -> None:
    call = McpCall(name="t_do", server="t", tool="do")
    observation = hands().execute("k", "d", call, started_in=NOW)
    assert isinstance(observation, Failure)
    assert "not available" in observation.content


def test_what_was_interrupted_before_it_began_never_begins() -> None:
    servers = FakeServers(offers)
    mine = hands(servers)
    mine.interrupt("k")
    assert mine.execute("k", "d", CALL, started_in=NOW) == NEVER_BEGUN
    assert not servers.effects


class Silent(FakeServers):
    """Takes calls and answers none of them."""

    def __init__(self) -> None:
        super().__init__(offers)
        self.asked = threading.Event()
        self.futures: list[Future[Observation]] = []

    def call(self, server: MCPServer, key: str, action: McpCall) -> Future[Observation]:
        del server, key, action
        self.futures.append(Future())
        self.asked.set()
        return self.futures[-1]


def test_b26_an_interrupted_call_is_given_up_and_its_server_is_told() -> None:
    servers, answers = Silent(), list[Observation]()
    mine = hands(servers)
    waiting = threading.Thread(target=lambda: answers.append(mine.execute("k", "d", CALL, started_in=NOW)))
    waiting.start()
    assert servers.asked.wait(10)
    again = threading.Thread(target=lambda: answers.append(mine.execute("k", "d", CALL, started_in=NOW)))
    again.start()
    mine.interrupt("k")
    waiting.join(10)
    again.join(10)
    assert servers.futures[0].cancelled()
    assert [type(answer) for answer in answers] == [OutcomeUnknown, OutcomeUnknown]


def test_what_servers_offer_is_named_after_them_and_limited_to_what_is_allowed() -> None:
    servers = FakeServers(
        lambda name: None if name == "gone" else (FoundTool(name="do"), FoundTool(name="x y"))
    )
    named = (
        MCPServer(name="a", command="serve"),
        MCPServer(name="gone", command="serve"),
        MCPServer(name="b", command="serve", tools=("do", "fly")),
    )
    settings = Settings(model=None, workspace="/w", sandbox="local", mcp=named)
    listing = ServerHands(servers).find_tools(settings)
    assert [(tool.name, tool.server, tool.tool) for tool in listing.fact.tools] == [
        ("a_do", "a", "do"),
        ("a_x_y", "a", "x y"),
        ("b_do", "b", "do"),
    ]
    assert len(listing.warnings) == 2
    assert "'gone' offers no tools" in listing.warnings[0]
    assert "'b' has no 'fly'" in listing.warnings[1]


def test_names_are_what_every_provider_takes_and_never_the_same() -> None:
    taken: list[str] = []
    for server, tool in (("a", "b_c"), ("a_b", "c"), ("a.b", "c"), ("a", "t" * 90), ("a", "t" * 91)):
        name = offered_name(server, tool, taken)
        assert name not in taken
        assert len(name) <= NAME_CHARACTERS_MAX
        assert name == offered_name(server, tool, taken)
        assert name.replace("_", "").replace("-", "").isalnum()
        taken.append(name)
    assert taken[0] == "a_b_c"


def test_a_call_of_what_nobody_offers_resolves_to_nothing() -> None:
    assert resolved(McpCall(name="s_do"), ()) is None
    assert resolved(McpCall(name="s_do"), None) is None


def test_what_is_no_text_is_described() -> None:
    blocks: list[dict[str, Any]] = [
        {"type": "text", "text": "see:"},
        {"type": "image", "mimeType": "image/png", "data": "QUFB"},
        {"type": "resource", "resource": {"uri": "a://b", "text": "inside"}},
        {"type": "resource", "resource": {"uri": "a://c", "blob": "QUFBQUFB", "mimeType": "x/y"}},
        {"type": "resource_link", "uri": "a://d", "name": "d"},
        {"type": "hologram"},
    ]
    assert text_of(blocks, {"ignored": True}) == (
        "see:\n[image, image/png, 3 bytes: not shown]\n[resource a://b]\ninside\n"
        "[resource a://c, x/y, 6 bytes: not shown]\n[link to resource a://d: d]\n[hologram: not shown]"
    )
    assert text_of([], {"a": 1}) == '{"a": 1}'


def test_a_huge_answer_is_cut_in_the_middle_and_says_so() -> None:
    text = storable("a" * 50 + "b" * 50, 20)
    assert text.startswith("a" * 10 + "\n[... 80 characters left out")
    assert text.endswith("b" * 10)
    assert storable("half \ud800 a character").isprintable()


def test_a_fake_answers_what_it_is_told_to_answer() -> None:
    assert echoing("k", CALL) == ECHO
