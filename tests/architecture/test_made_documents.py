"""The documents that are made of the code and the tests say what is so; `make documents` makes them."""

from tests.documents import behaviour, states, vocabulary

MAKE = "run `make documents`"


def test_every_rule_is_shown_by_a_test_or_marked_as_open() -> None:
    rules = behaviour.rules()
    shown = set(behaviour.tests_by_rule())

    assert list(rules) == list(range(1, behaviour.RULE_COUNT + 1))
    assert shown <= set(rules), "a test is named after a rule that does not exist"
    assert {number for number, rule in rules.items() if rule.open} == set(rules) - shown, (
        "rules.toml marks other rules as open than those that no test shows"
    )


def test_the_document_of_the_rules_is_current() -> None:
    """It may lack tests that are younger than it: whoever adds one need not make the document again."""
    document, made = behaviour.DOCUMENT.read_text(), behaviour.behaviour()
    found = behaviour.tests_by_rule()

    assert behaviour.wording(document) == behaviour.wording(made), MAKE
    listed = behaviour.listed(document)
    assert {number: shown - set(found.get(number, ())) for number, shown in listed.items() if shown} == {
        number: frozenset() for number, shown in listed.items() if shown
    }, f"it names tests that are gone: {MAKE}"
    assert {number for number, shown in listed.items() if shown} == set(found), MAKE


def test_what_the_document_of_the_rules_lists_can_be_read_back() -> None:
    assert behaviour.listed(behaviour.behaviour()) == {
        number: frozenset(behaviour.tests_by_rule().get(number, ())) for number in behaviour.rules()
    }


def test_the_document_of_the_events_is_current() -> None:
    assert vocabulary.DOCUMENT.read_text() == vocabulary.vocabulary(), MAKE


def test_b24_the_document_of_the_states_is_drawn_from_the_table_as_it_is() -> None:
    assert states.DOCUMENT.read_text() == states.states(), MAKE
