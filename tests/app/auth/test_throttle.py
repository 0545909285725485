import pytest
from sqlalchemy import func, select, update

from app.auth import throttle
from app.auth.tables import SignInAttempt
from app.errors import TooManyRequests


def test_an_ipv6_customer_is_one_place():
    assert throttle.network_of("2001:db8::1") == throttle.network_of("2001:db8::ffff") == "2001:db8::/64"
    assert throttle.network_of("192.0.2.1") != throttle.network_of("192.0.2.2")
    assert throttle.network_of("testclient") == throttle.network_of(None) == "unknown"


def test_the_eleventh_try_from_one_place_is_refused_but_not_from_another(session):
    here = throttle.subjects_of("ada@example.org", "192.0.2.1")
    for _ in range(throttle.PER_PAIR):
        throttle.count_try(session, here)
    with pytest.raises(TooManyRequests) as refusal:
        throttle.count_try(session, here)
    assert refusal.value.retry_after_seconds == 15 * 60
    throttle.count_try(session, throttle.subjects_of("ADA@example.org ", "192.0.2.2"))


def test_one_place_cannot_try_many_accounts(session):
    for number in range(throttle.PER_NETWORK):
        throttle.count_try(session, throttle.subjects_of(f"{number}@example.org", "192.0.2.1"))
    with pytest.raises(TooManyRequests):
        throttle.count_try(session, throttle.subjects_of("new@example.org", "192.0.2.1"))


def test_the_right_password_is_forgiven_without_forgiving_the_network(session):
    subjects = throttle.subjects_of("ada@example.org", "192.0.2.1")
    for _ in range(5):
        throttle.count_try(session, subjects)
    throttle.forgive(session, subjects)
    counted = dict(
        session.execute(select(SignInAttempt.subject, func.count()).group_by(SignInAttempt.subject)).tuples().all()
    )
    assert counted == {subjects.network: 4, subjects.account: 4}


def test_old_tries_count_for_nothing(session):
    subjects = throttle.subjects_of("ada@example.org", "192.0.2.1")
    for _ in range(throttle.PER_PAIR):
        throttle.count_try(session, subjects)
    session.execute(update(SignInAttempt).values(at=func.now() - throttle.WINDOW * 2))
    throttle.count_try(session, subjects)
