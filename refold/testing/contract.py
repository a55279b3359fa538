"""What every event log promises, as tests.

A backend proves itself by subclassing `EventLogContract` with one fixture, `log`, that gives a new and empty
log and closes it afterwards:

    class TestMyLog(EventLogContract):
        @pytest.fixture
        def log(self, tmp_path): ...
"""
# ruff: noqa: S101, PLR2004 - these are tests, wherever they stand

from concurrent.futures import ThreadPoolExecutor
from queue import SimpleQueue
from threading import Thread

import pytest

from refold.eventlog.events import MessageReceived, SessionForked, WarningRaised
from refold.eventlog.log import (
    NO_STREAM,
    Append,
    Appended,
    CommandReused,
    Entry,
    EventLog,
    LogClosed,
    LogError,
    StreamUnknown,
    WrongVersion,
)
from refold.eventlog.record import Given, Record
from refold.testing.appends import append, contents, fork, given, said

PATIENCE_S = 30.0


class EventLogContract:
    """Every test gets an empty `log`."""

    # Appending ----------------------------------------------------------------------------------------

    def test_what_was_committed_is_read_back_equal(self, log: EventLog) -> None:
        entry = Entry(
            Given(id="c", kind="say", at=7, by="agent", body={"deep": [1, {"a": None, "b": 2.5}]}),
            (MessageReceived(content="ü", cause=3, by="policy"), WarningRaised(text="careful", foreign="{}")),
        )
        appended = log.commit(Append(stream="s", expected=NO_STREAM, epoch=4, entries=(entry,)))
        assert tuple(log.read("s")) == tuple(log.read_all()) == appended.records
        first, second = appended.records
        assert (first.position, first.version, first.at, first.epoch, first.command) == (0, 0, 7, 4, "c")
        assert (first.event, first.given) == (entry.events[0], entry.given)
        assert (second.position, second.version, second.given, second.command) == (1, 1, None, "c")
        assert not appended.again

    def test_a_log_has_an_id_of_16_bytes_and_begins_empty(self, log: EventLog) -> None:
        assert len(log.id) == 16
        assert (log.end, list(log.streams()), list(log.read_all()), dict(log.agenda())) == (0, [], [], {})
        assert log.head("s") is None

    def test_positions_count_over_all_streams_and_versions_within_one(self, log: EventLog) -> None:
        log.commit(append("a", NO_STREAM, "1", "a0", "a1"))
        log.commit(append("b", NO_STREAM, "2", "b0"))
        log.commit(append("a", 1, "3", "a2"))
        found = [(record.position, record.stream, record.version) for record in log.read_all()]
        assert found == [(0, "a", 0), (1, "a", 1), (2, "b", 0), (3, "a", 2)]
        assert log.end == 4

    def test_an_append_to_a_version_that_has_moved_is_refused_whole(self, log: EventLog) -> None:
        log.commit(append("s", NO_STREAM, "1", "x", "y"))
        for expected in (NO_STREAM, 0, 2):
            with pytest.raises(WrongVersion) as refusal:
                log.commit(append("s", expected, f"late{expected}", agenda=b"late"))
            assert (refusal.value.stream, refusal.value.expected, refusal.value.found) == ("s", expected, 1)
        assert (log.end, dict(log.agenda()), log.find("late0")) == (2, {}, None)

    def test_an_append_to_a_stream_that_should_exist_is_refused(self, log: EventLog) -> None:
        with pytest.raises(WrongVersion) as refusal:
            log.commit(append("s", 3, "1"))
        assert refusal.value.found == NO_STREAM
        assert list(log.streams()) == []

    def test_several_streams_are_appended_together_or_not_at_all(self, log: EventLog) -> None:
        log.commit(append("a", NO_STREAM, "1"))
        with pytest.raises(WrongVersion):
            log.commit(append("a", 0, "2", agenda=b"x"), append("b", 5, "3", agenda=b"x"))
        assert (log.end, list(log.streams()), dict(log.agenda())) == (1, ["a"], {})
        both = log.commit(append("a", 0, "2"), append("b", NO_STREAM, "3"), append("a", 1, "4"))
        assert [(record.stream, record.version) for record in both.records] == [("a", 1), ("b", 0), ("a", 2)]

    def test_what_no_log_can_keep_is_refused_at_the_door(self, log: EventLog) -> None:
        with pytest.raises(ValueError, match="at least one command"):
            log.commit(Append(stream="s", expected=NO_STREAM, epoch=1, entries=()))
        empty = Entry(given("c"), ())
        with pytest.raises(ValueError, match="at least one event"):
            log.commit(Append(stream="s", expected=NO_STREAM, epoch=1, entries=(empty,)))
        with pytest.raises(ValueError, match="stream name"):
            log.commit(append("s" * 300, NO_STREAM, "c"))
        with pytest.raises(ValueError, match="cannot be kept"):
            log.commit(append("s", NO_STREAM, "c", "half a pair: \ud800"))
        assert log.end == 0

    def test_appends_from_many_threads_are_all_recorded_once(self, log: EventLog) -> None:
        def live(stream: str) -> None:
            for version in range(20):
                log.commit(append(stream, version - 1, f"{stream}-{version}"))

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(live, [f"s{number}" for number in range(8)]))
        assert [record.position for record in log.read_all()] == list(range(160))
        for number in range(8):
            assert contents(list(log.read(f"s{number}"))) == [f"s{number}-{version}" for version in range(20)]

    def test_appends_handed_in_one_after_the_other_are_committed_in_that_order(self, log: EventLog) -> None:
        told: SimpleQueue[Appended | LogError] = SimpleQueue()
        for version in range(50):
            log.append(append("s", version - 1, f"c{version}"), on_committed=told.put)
        for version in range(50):
            outcome = told.get(timeout=PATIENCE_S)
            assert isinstance(outcome, Appended)
            assert outcome.records[0].version == version

    def test_a_refused_append_takes_no_other_with_it(self, log: EventLog) -> None:
        told: SimpleQueue[Appended | LogError] = SimpleQueue()
        for number in range(30):
            wrong = number % 3 == 1
            log.append(append(f"s{number}", 7 if wrong else NO_STREAM, f"c{number}"), on_committed=told.put)
        outcomes = [told.get(timeout=PATIENCE_S) for _ in range(30)]
        assert sum(isinstance(outcome, WrongVersion) for outcome in outcomes) == 10
        assert log.end == 20

    # Repeating ----------------------------------------------------------------------------------------

    def test_the_same_command_again_returns_its_first_records_and_writes_nothing(self, log: EventLog) -> None:
        first = log.commit(append("s", NO_STREAM, "1", "x", "y"))
        log.commit(append("s", 1, "2"))
        again = log.commit(append("s", NO_STREAM, "1", "x", "y", epoch=9))
        assert again == Appended(first.records, again=True)
        assert log.end == 3

    def test_a_command_that_returns_with_other_content_is_refused(self, log: EventLog) -> None:
        log.commit(append("s", NO_STREAM, "1", "x"))
        longer, elsewhere = append("s", 0, "1", "x", "x"), append("t", NO_STREAM, "1", "x")
        for other in (append("s", 0, "1", "z"), longer, elsewhere):
            with pytest.raises(CommandReused):
                log.commit(other)
        assert log.end == 1

    def test_an_append_that_was_recorded_in_part_is_refused(self, log: EventLog) -> None:
        log.commit(append("s", NO_STREAM, "1", "x"))
        entries = (Entry(given("1"), said("x")), Entry(given("2"), said("y")))
        with pytest.raises(CommandReused):
            log.commit(Append(stream="s", expected=0, epoch=1, entries=entries))
        assert log.end == 1

    def test_a_command_is_given_once_in_an_append(self, log: EventLog) -> None:
        with pytest.raises(CommandReused):
            log.commit(append("s", NO_STREAM, "1"), append("t", NO_STREAM, "1"))
        assert log.end == 0

    def test_the_same_append_handed_in_many_times_at_once_is_recorded_once(self, log: EventLog) -> None:
        told: SimpleQueue[Appended | LogError] = SimpleQueue()
        for _ in range(20):
            log.append(append("s", NO_STREAM, "1"), on_committed=told.put)
        outcomes = [told.get(timeout=PATIENCE_S) for _ in range(20)]
        again = [outcome.again for outcome in outcomes if isinstance(outcome, Appended)]
        assert sorted(again) == [False] + [True] * 19
        assert log.end == 1

    def test_a_command_can_be_looked_up(self, log: EventLog) -> None:
        entries = (Entry(given("1"), said("x")), Entry(given("2"), said("y", "z")))
        appended = log.commit(Append(stream="s", expected=NO_STREAM, epoch=1, entries=entries))
        found = log.find("2")
        assert found is not None
        assert found.records == appended.records[1:]
        assert log.find("3") is None

    # Reading ------------------------------------------------------------------------------------------

    def test_a_stream_is_read_from_after_one_version_until_another(self, log: EventLog) -> None:
        for version in range(10):
            log.commit(append("s", version - 1, f"c{version}"))
            log.commit(append("t", version - 1, f"d{version}"))
        assert contents(list(log.read("s", after=3, until=6))) == ["c4", "c5", "c6"]
        assert contents(list(log.read("s", after=7))) == ["c8", "c9"]
        assert contents(list(log.read("s", until=0))) == ["c0"]
        assert contents(list(log.read("s", after=9))) == contents(list(log.read("s", after=5, until=5))) == []
        assert len(list(log.read("s", until=99))) == 10

    def test_the_log_is_read_from_after_a_position(self, log: EventLog) -> None:
        for version in range(5):
            log.commit(append("s", version - 1, f"c{version}"))
        assert contents(list(log.read_all(after=2))) == ["c3", "c4"]
        assert list(log.read_all(after=4)) == []
        assert contents(list(log.read_all(check=False))) == [f"c{version}" for version in range(5)]

    def test_a_stream_that_does_not_exist_cannot_be_read(self, log: EventLog) -> None:
        with pytest.raises(StreamUnknown):
            log.read("nobody")

    def test_streams_are_ordered_by_their_first_position(self, log: EventLog) -> None:
        for number, stream in enumerate(("m", "z", "a", "k")):
            log.commit(append(stream, NO_STREAM, str(number)))
        log.commit(append("a", 0, "again"))
        assert list(log.streams()) == ["m", "z", "a", "k"]

    def test_the_head_is_where_a_stream_ends(self, log: EventLog) -> None:
        log.commit(append("t", NO_STREAM, "0"))
        last = log.commit(append("s", NO_STREAM, "1", "x", "y")).records[-1]
        head = log.head("s")
        assert head is not None
        assert (head.version, head.position, head.digest) == (1, 2, last.digest)

    def test_digests_depend_on_everything_before_them(self, log: EventLog) -> None:
        one = log.commit(append("a", NO_STREAM, "1", "x"), append("b", NO_STREAM, "2", "y")).records
        two = log.commit(append("a", 0, "3", "z"), append("b", 0, "4", "z")).records
        assert len({record.digest for record in (*one, *two)}) == 4

    # Long texts ---------------------------------------------------------------------------------------

    def test_long_texts_come_back_whole(self, log: EventLog) -> None:
        long, longer = "ä" * 70_000, "b" * 3_000_000
        command = Given(id="1", kind="say", at=1, by="user", body={"texts": [long, {"inner": longer}]})
        entry = Entry(command, said(long, longer, "short", long + longer))
        appended = log.commit(Append(stream="s", expected=NO_STREAM, epoch=1, entries=(entry,)))
        assert tuple(log.read("s")) == appended.records
        assert log.commit(Append(stream="s", expected=NO_STREAM, epoch=1, entries=(entry,))).again

    # Forking ------------------------------------------------------------------------------------------

    def test_a_fork_reads_its_parent_below_and_itself_above(self, log: EventLog) -> None:
        parent = log.commit(append("p", NO_STREAM, "1", "p0", "p1", "p2")).records
        log.commit(fork("f", parent[1], "2"))
        log.commit(append("f", 2, "3", "f3"))
        log.commit(append("p", 2, "4", "p3"))
        found = [(record.stream, record.version) for record in log.read("f")]
        assert found == [("p", 0), ("p", 1), ("f", 2), ("f", 3)]
        assert contents(list(log.read("f", after=0, until=1))) == ["p1"]
        assert contents(list(log.read("f", after=2))) == ["f3"]
        assert contents(list(log.read("p"))) == ["p0", "p1", "p2", "p3"]

    def test_a_fork_of_a_fork_follows_both(self, log: EventLog) -> None:
        parent = log.commit(append("p", NO_STREAM, "1", "p0", "p1", "p2")).records
        log.commit(fork("f", parent[1], "2"))
        child = log.commit(append("f", 2, "3", "f3", "f4")).records
        log.commit(fork("above", child[0], "4"))
        log.commit(fork("below", parent[0], "5"))
        assert [record.stream for record in log.read("above")] == ["p", "p", "f", "f", "above"]
        assert [record.stream for record in log.read("above", after=1, until=2)] == ["f"]
        assert [record.stream for record in log.read("below")] == ["p", "below"]
        assert list(log.streams()) == ["p", "f", "above", "below"]
        inherited = next(iter(log.read("above")))
        log.commit(fork("deep", inherited, "6"))
        assert [record.stream for record in log.read("deep")] == ["p", "deep"]

    def test_a_fork_through_a_fork_below_its_own_beginning_follows_the_parent(self, log: EventLog) -> None:
        parent = log.commit(append("p", NO_STREAM, "1", "p0", "p1", "p2")).records
        log.commit(fork("f", parent[2], "2"))
        event = SessionForked(parent="f", version=1, digest=parent[1].digest.hex(), workspace="w")
        entry = Entry(given("3"), (event,))
        log.commit(Append(stream="g", expected=1, epoch=1, entries=(entry,)))
        assert [(record.stream, record.version) for record in log.read("g")] == [("p", 0), ("p", 1), ("g", 2)]

    def test_a_fork_must_name_what_is_there(self, log: EventLog) -> None:
        parent = log.commit(append("p", NO_STREAM, "1", "p0", "p1")).records
        with pytest.raises(LogError, match="digest"):
            log.commit(fork("f", parent[0], "2", digest="00" * 32))
        beyond = SessionForked(parent="p", version=5, digest="00" * 32, workspace="w")
        entry = Entry(given("3"), (beyond,))
        with pytest.raises(WrongVersion):
            log.commit(Append(stream="f", expected=5, epoch=1, entries=(entry,)))
        with pytest.raises(WrongVersion):
            log.commit(append("q", NO_STREAM, "q"), fork("p", parent[0], "4"))
        nobody = SessionForked(parent="nobody", version=0, digest="00" * 32, workspace="w")
        entry = Entry(given("5"), (nobody,))
        with pytest.raises(StreamUnknown):
            log.commit(Append(stream="f", expected=0, epoch=1, entries=(entry,)))
        assert list(log.streams()) == ["p"]

    # Agenda -------------------------------------------------------------------------------------------

    def test_the_agenda_holds_what_the_last_append_of_each_stream_said(self, log: EventLog) -> None:
        log.commit(append("a", NO_STREAM, "1", agenda=b"now"))
        log.commit(append("b", NO_STREAM, "2", agenda=b"later"))
        log.commit(append("c", NO_STREAM, "3"))
        log.commit(append("a", 0, "4"))
        log.commit(append("b", 0, "5", agenda=b""))
        log.commit(append("c", 0, "6", agenda=b""))
        assert dict(log.agenda()) == {"a": b"now"}

    # Following ----------------------------------------------------------------------------------------

    def test_a_subscription_gives_what_is_there_and_then_what_comes(self, log: EventLog) -> None:
        log.commit(append("s", NO_STREAM, "1", "x", "y"))
        following = log.subscribe(after=0)
        assert contents(following.take(timeout_s=PATIENCE_S)) == ["y"]
        assert following.take(timeout_s=0) == ()
        log.commit(append("t", NO_STREAM, "2", "z"))
        assert contents(following.take(timeout_s=PATIENCE_S)) == ["z"]

    def test_a_subscription_to_one_stream_sees_no_other(self, log: EventLog) -> None:
        following = log.subscribe(stream="s")
        assert following.take(timeout_s=0) == ()
        log.commit(append("t", NO_STREAM, "1"), append("s", NO_STREAM, "2"))
        log.commit(append("t", 0, "3"))
        log.commit(append("s", 0, "4"))
        taken: list[str] = []
        while len(taken) < 2:
            taken += contents(following.take(timeout_s=PATIENCE_S))
        assert taken == ["2", "4"]

    def test_a_subscription_to_a_fork_begins_with_its_parent(self, log: EventLog) -> None:
        parent = log.commit(append("p", NO_STREAM, "1", "p0", "p1")).records
        log.commit(fork("f", parent[1], "2"))
        following = log.subscribe(stream="f", after=0)
        taken: list[Record] = []
        while len(taken) < 2:
            taken += following.take(timeout_s=PATIENCE_S)
        assert [(record.stream, record.version) for record in taken] == [("p", 1), ("f", 2)]

    def test_a_subscription_takes_no_more_than_it_asks_for(self, log: EventLog) -> None:
        log.commit(append("s", NO_STREAM, "1", *map(str, range(10))))
        following = log.subscribe()
        taken: list[str] = []
        while len(taken) < 10:
            records = following.take(timeout_s=PATIENCE_S, limit=3)
            assert 1 <= len(records) <= 3
            taken += contents(records)
        assert taken == list(map(str, range(10)))

    def test_subscriptions_beside_writers_miss_nothing_and_repeat_nothing(self, log: EventLog) -> None:
        def write() -> None:
            for version in range(100):
                log.commit(append("s", version - 1, f"c{version}"))

        writer = Thread(target=write)
        writer.start()
        whole, one = log.subscribe(), log.subscribe(stream="s")
        for following in (whole, one):
            taken: list[int] = []
            while len(taken) < 100:
                taken += [record.version for record in following.take(timeout_s=PATIENCE_S)]
            assert taken == list(range(100))
        writer.join()

    def test_closing_a_subscription_wakes_whoever_waits_in_it(self, log: EventLog) -> None:
        following = log.subscribe()
        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(following.take)
            following.close()
            assert waiting.result(PATIENCE_S) == ()

    # Closing ------------------------------------------------------------------------------------------

    def test_a_closed_log_takes_no_more(self, log: EventLog) -> None:
        told: SimpleQueue[Appended | LogError] = SimpleQueue()
        log.append(append("s", NO_STREAM, "1"), on_committed=told.put)
        log.close()
        assert isinstance(told.get(timeout=PATIENCE_S), Appended)
        log.append(append("s", 0, "2"), on_committed=told.put)
        assert isinstance(told.get(timeout=PATIENCE_S), LogClosed)
        with pytest.raises(LogClosed):
            log.commit(append("s", 0, "3"))
        log.close()
