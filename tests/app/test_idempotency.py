"""A key's first answer, given again; a key in use; a key for something else."""

import pytest
from sqlalchemy.orm import Session

from app import idempotency
from app.db import transaction
from app.errors import Conflict, Unprocessable
from tests.app.cast import a_user
from tests.conftest import Database

KEY = {"key": "a-key-for-one-request", "route": "POST /things"}


def test_the_first_answer_is_given_again(session: Session) -> None:
    user = a_user(session)
    asked = {"user_id": user.id, **KEY, "request": {"b": 1, "a": [2]}}
    assert idempotency.find_answer(session, **asked) is None
    idempotency.remember(session, **asked, status=201, body={"id": 7})
    assert idempotency.find_answer(session, **{**asked, "request": {"a": [2], "b": 1}}) == {"id": 7}
    for changed in ({"request": {"b": 1}}, {"route": "POST /others"}):
        with pytest.raises(Unprocessable):
            idempotency.find_answer(session, **{**asked, **changed})
    assert idempotency.find_answer(session, **{**asked, "user_id": a_user(session).id}) is None


@pytest.mark.commits
def test_a_request_in_progress_is_a_conflict_until_it_ends(committed_database: Database) -> None:
    with transaction() as session:
        asked = {"user_id": a_user(session).id, **KEY, "request": {}}
    with Session(committed_database.engine) as first, Session(committed_database.engine) as second:
        assert idempotency.find_answer(first, **asked) is None
        with pytest.raises(Conflict) as refusal:
            idempotency.find_answer(second, **asked)
        assert refusal.value.retry_after_seconds == 1
        first.rollback()
        assert idempotency.find_answer(second, **asked) is None


def test_a_key_that_was_used_elsewhere_meanwhile_keeps_nothing(session: Session) -> None:
    asked = {"user_id": a_user(session).id, **KEY, "request": {}}
    idempotency.remember(session, **asked, status=201, body={"id": 7})
    with pytest.raises(Conflict) as refusal:
        idempotency.remember(session, **asked, status=201, body={"id": 8})
    assert refusal.value.type == "idempotency-in-progress"
    assert idempotency.find_answer(session, **asked) == {"id": 7}
