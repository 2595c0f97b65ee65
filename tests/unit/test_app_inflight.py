"""The account of what messages under way hold: never beyond its limit, and nothing is left when all have gone."""

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealgate.app.inflight import REPORT_SECONDS, STEP, InFlight, NoRoomError, Share


def test_what_goes_beyond_the_limit_is_refused_and_gives_back_what_it_had() -> None:
    account = InFlight(100)
    first, second = Share(account), Share(account)
    first.hold(60)
    second.hold(40)
    with pytest.raises(NoRoomError):
        second.hold(41)
    assert (account.held, first.octets, second.octets) == (60, 60, 0)
    first.hold(100)
    assert account.held == 100


def test_a_share_may_shrink_and_be_released_twice() -> None:
    account = InFlight(100)
    share = Share(account)
    share.hold(80)
    share.hold(20)
    assert (account.held, share.told_at) == (20, 20 + STEP)
    share.release()
    share.release()
    assert (account.held, share.told_at) == (0, STEP)


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 60)), max_size=40))
def test_the_account_is_always_the_sum_of_the_shares(steps: list[tuple[int, int]]) -> None:
    account = InFlight(100)
    shares = [Share(account) for _ in range(4)]
    for number, octets in steps:
        if octets == 0:
            shares[number].release()
        else:
            try:
                shares[number].hold(octets)
            except NoRoomError:
                assert shares[number].octets == 0
        assert account.held == sum(share.octets for share in shares) <= 100
    for share in shares:
        share.release()
    assert account.held == 0


def test_threads_do_not_lose_octets() -> None:
    account = InFlight(1_000_000)

    def work() -> None:
        share = Share(account)
        for octets in range(3_000):
            share.hold(octets)
        share.release()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert account.held == 0


def test_refusals_are_counted_each_and_said_once_a_minute() -> None:
    account = InFlight(0)
    assert [account.refuse(now) for now in (5.0, 6.0, 5.0 + REPORT_SECONDS - 0.1)] == [1, 0, 0]
    assert account.refuse(5.0 + REPORT_SECONDS) == 3
    assert account.refused == 4
