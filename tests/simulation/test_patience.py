"""A run that hangs is given up once its time is over; time in which its process is stopped does not count."""

import signal
import threading

import pytest

from refold.testing.patience import TICKS, Hung, patient

LONG_S = 1e6
"""No tick comes by itself while a test runs."""


def tick(times: int) -> None:
    for _ in range(times):
        signal.raise_signal(signal.SIGALRM)


def pass_time(ticks: int) -> None:
    """Let so many ticks pass; to give up too soon fails the test, and does not end all tests."""
    try:
        tick(ticks)
    except Hung as hung:
        pytest.fail(f"given up too soon: {hung}")


def test_who_hangs_is_given_up_and_the_line_is_told() -> None:
    with patient(LONG_S) as begin:
        begin()
        pass_time(TICKS)
        with pytest.raises(Hung, match=r"not over after 1e\+06 s \(test_patience.py:\d+, in tick\)"):
            tick(1)


def test_each_run_has_the_time_for_itself_and_nothing_rings_afterwards() -> None:
    handler, (left, interval) = signal.getsignal(signal.SIGALRM), signal.getitimer(signal.ITIMER_REAL)
    with patient(LONG_S) as begin:
        for _ in range(3):
            begin()
            pass_time(TICKS)
        assert signal.getitimer(signal.ITIMER_REAL)[1] == LONG_S / TICKS
    assert signal.getitimer(signal.ITIMER_REAL)[1] == interval
    assert (signal.getitimer(signal.ITIMER_REAL)[0] > 0) == (left > 0)
    assert signal.getsignal(signal.SIGALRM) == handler


def test_a_process_that_was_stopped_gets_one_tick_for_all_that_time() -> None:
    with patient(LONG_S) as begin:
        begin()
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGALRM})
        for _ in range(10 * TICKS):
            signal.pthread_kill(threading.get_ident(), signal.SIGALRM)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGALRM})
        pass_time(TICKS - 1)


def test_a_thread_beside_the_main_one_is_not_given_up() -> None:
    def run() -> None:
        with patient(LONG_S) as begin:
            begin()
            armed.append(signal.getitimer(signal.ITIMER_REAL)[1] == LONG_S / TICKS)

    armed: list[bool] = []
    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert armed == [False]
