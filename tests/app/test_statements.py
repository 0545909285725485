"""Statements on the session's own connection: same transaction, same errors, rows that can only be read."""

from datetime import timedelta

import pytest
from sqlalchemy import BigInteger, bindparam, select, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError
from sqlalchemy.orm import Session

from app.auth.tables import User
from app.db import new_session
from app.projects.tables import Membership
from app.statements import EntityStatement, Statement
from tests.app.cast import a_user
from tests.conftest import Database

SAID = Statement(
    text("SELECT :number + 1 AS next, :numbers AS all, CAST(:at AS interval) AS at, :said AS said").bindparams(
        bindparam("numbers", type_=ARRAY(BigInteger)), bindparam("said", type_=JSONB)
    )
)
WHO = EntityStatement(
    select(User, Membership, User.id + 1).outerjoin(Membership).where(User.id == bindparam("id")).limit(1)
)


def test_values_go_there_and_back(session: Session) -> None:
    values = {"number": 4, "at": timedelta(minutes=2), "said": {"a": ["it's", None]}}
    for numbers in ([], [3, -1], [2**62]):  # from the second time on the names of its columns are known
        row = SAID.one(session, {**values, "numbers": numbers})
        assert (row.next, row.all, row.at, row.said) == (5, numbers, timedelta(minutes=2), {"a": ["it's", None]})


def test_it_sees_what_the_session_has_not_written_yet(session: Session) -> None:
    waiting = User(name="Ada", email="ada@example.org")
    session.add(waiting)
    find = Statement(text("SELECT id FROM users WHERE email = :email"))
    assert find.one(session, {"email": "ada@example.org"}).id == waiting.id
    assert find.one_or_none(session, {"email": "nobody@example.org"}) is None


def test_entities_are_copies(session: Session) -> None:
    user = a_user(session)
    copy, membership, following = WHO.one(session, {"id": user.id})
    assert (copy.id, copy.name, copy.email, membership, following) == (
        user.id,
        user.name,
        user.email,
        None,
        user.id + 1,
    )
    with pytest.raises(AttributeError):
        copy.name = "Somebody Else"


def test_errors_are_those_of_the_session(session: Session) -> None:
    taken = a_user(session).email
    add = Statement(text("INSERT INTO users (name, email) VALUES ('Eve', :email)"))
    with pytest.raises(IntegrityError, match="uq_users_email_lower"), session.begin_nested():
        add.run(session, {"email": taken})
    add.run(session, {"email": "eve@example.org"})


@pytest.mark.commits
def test_a_connection_that_was_cut_is_given_up(committed_database: Database) -> None:
    ask = Statement(text("SELECT pg_backend_pid() AS pid"))
    with new_session() as session:
        pid = ask.one(session, {}).pid
        with new_session() as other:
            other.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": pid})
        with pytest.raises(OperationalError) as gone:
            ask.one(session, {})
        assert gone.value.connection_invalidated
    with new_session() as session:
        assert ask.one(session, {}).pid != pid


@pytest.mark.commits
def test_a_refused_statement_leaves_the_connection_of_use(committed_database: Database) -> None:
    wrong = Statement(text("SELECT 1 / :zero"))
    with new_session() as session:
        with pytest.raises(DBAPIError):
            wrong.one(session, {"zero": 0})
        session.rollback()
        assert wrong.one(session, {"zero": 1}) == (1,)
