"""What the masker hides, in which forms, and what it leaves alone."""

import base64
import json
import urllib.parse
from collections.abc import Callable, Iterable
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from refold.actors.runner.masker import HIDDEN, LENGTH_MIN, MaskedStream, Masker

SECRET = 'gh"p_s3cr3t/To+ken&1='  # noqa: S105 - nobody's
FORMS: dict[str, Callable[[str], str]] = {
    "plain": lambda s: s,
    "json": json.dumps,
    "json as Go writes it": lambda s: json.dumps(s).replace("&", "\\u0026").replace("/", "\\/"),
    "json, every character escaped": lambda s: "".join(f"\\u{ord(one):04x}" for one in s),
    "json, every other character escaped": lambda s: "".join(
        one if place % 2 and one != "\\" else f"\\\\u{ord(one):04X}" for place, one in enumerate(s)
    ),
    "json in json": lambda s: json.dumps(json.dumps({"a": [s]})),
    "python": lambda s: repr([s]),
    "python bytes": lambda s: repr(s.encode()),
    "shell": lambda s: "'" + s.replace("'", "'\\''") + "'",
    "url": lambda s: urllib.parse.quote(s, safe=""),
    "form": urllib.parse.quote_plus,
    "percent": lambda s: "".join(f"%{byte:02x}" for byte in s.encode()),
    "hex": lambda s: s.encode().hex(),
    "hex in capitals": lambda s: s.encode().hex().upper(),
    "hex with spaces": lambda s: s.encode().hex(" "),
    "hex with backslashes": lambda s: "".join(f"\\x{byte:02x}" for byte in s.encode()),
    "base64": lambda s: base64.b64encode(s.encode()).decode(),
    "base64 for urls": lambda s: base64.urlsafe_b64encode(s.encode()).decode(),
    "base64, one further": lambda s: base64.b64encode(f"x{s}yz".encode()).decode(),
    "base64, two further": lambda s: base64.b64encode(f"xy{s}".encode()).decode(),
    "base64 in lines": lambda s: base64.encodebytes(b"x" * 50 + s.encode() + b"y" * 50).decode(),
    "base64 in lines in json": lambda s: json.dumps(base64.encodebytes(b"x" * 50 + s.encode()).decode()),
}
SECRETS = st.text(
    st.characters(min_codepoint=32, max_codepoint=0x24F, blacklist_categories=("Cs", "Cc")),
    min_size=LENGTH_MIN,
    max_size=40,
).filter(lambda s: len(s.strip()) >= LENGTH_MIN and not set(s) & set(HIDDEN))


@pytest.mark.parametrize("form", FORMS)
def test_b03_a_secret_is_hidden_in_every_form(form: str) -> None:
    told = FORMS[form](SECRET)
    masked = Masker([SECRET]).text(f"before {told} after")
    assert HIDDEN in masked
    assert told not in masked
    assert SECRET not in masked
    assert masked.startswith("before ")
    assert masked.endswith(" after")


@settings(deadline=None)
@given(SECRETS, st.sampled_from(sorted(FORMS)), st.text(max_size=20), st.text(max_size=20))
def test_b03_no_form_of_any_secret_is_left_and_masking_twice_is_masking_once(
    secret: str, form: str, before: str, after: str
) -> None:
    masker, told = Masker([secret]), FORMS[form](secret)
    masked = masker.text(f"{before} {told} {after}")
    assert secret not in masked
    assert told not in masked
    assert masker.text(masked) == masked


def test_b03_the_longest_secret_is_hidden_first() -> None:
    masker = Masker(["token-1", "token-1-and-more"])
    assert masker.text("token-1-and-more, token-1") == f"{HIDDEN}, {HIDDEN}"


def test_b03_nested_lists_and_keys_are_masked() -> None:
    masker = Masker([SECRET])
    assert masker.data({SECRET: [{"a": (SECRET, 1, None)}], "b": 2}) == {
        HIDDEN: [{"a": (HIDDEN, 1, None)}],
        "b": 2,
    }


def test_b03_each_line_of_a_long_secret_is_one() -> None:
    key = "-----BEGIN KEY-----\nMIIEvQIBADANBgkqhk\niG9w0BAQEFAASCBKcw\n-----END KEY-----\n"
    numbered = "\n".join(f"{n}\t{line}" for n, line in enumerate(key.splitlines()))
    masked = Masker([key]).text(numbered)
    assert "MIIEvQ" not in masked
    assert "iG9w0B" not in masked


def test_b03_without_secrets_everything_stays_as_it_is() -> None:
    masker = Masker(["", "short"])
    value = {"a": ["text"]}
    assert not masker
    assert masker.data(value) is value


def test_b03_a_secret_that_a_cut_goes_through_leaves_no_half() -> None:
    cut = f"a {SECRET[:12]}\n[... 100 characters left out ...]\n{SECRET[12:]} b"
    assert Masker([SECRET]).text(cut) == f"a {HIDDEN}\n[... 100 characters left out ...]\n{HIDDEN} b"


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("blank", ["\r", "\n", "  ", "\t"])
def test_b03_a_secret_is_hidden_without_the_blanks_around_and_in_it(form: str, blank: str) -> None:
    masker = Masker([f"{blank}tok3n{blank}a=c/{blank}"])
    told = FORMS[form]("tok3n a=c/")
    assert told not in masker.text(f"it is {told}.")


def pieces(text: str, cuts: Iterable[int]) -> list[str]:
    places = [0, *sorted(cuts), len(text)]
    return [text[a:b] for a, b in pairwise(places)]


@given(st.lists(st.integers(0, 60), max_size=8), st.sampled_from(sorted(FORMS)))
def test_b03_a_stream_in_pieces_shows_no_secret(cuts: list[int], form: str) -> None:
    told = FORMS[form](SECRET)
    stream = MaskedStream(Masker([SECRET]))
    shown = "".join(stream.feed(piece) for piece in pieces(f"it is {told}, it is", cuts)) + stream.end()
    assert told not in shown
    assert SECRET not in shown


def test_b03_a_stream_shows_at_once_what_cannot_be_a_secret() -> None:
    stream = MaskedStream(Masker([SECRET]))
    assert stream.feed("hello ") == "hello "
    assert stream.feed("gh") == ""
    assert stream.feed("ost") == "ghost"


def test_b03_a_piece_that_begins_like_the_end_of_a_secret_hides_it() -> None:
    assert MaskedStream(Masker([SECRET])).feed(f"{SECRET[5:]} and on.") == f"{HIDDEN} and on."
