"""200 annotators, 500 tasks, crashes everywhere: every task ends with exactly N judgments by N people, none lost.

The control puts the same crowd before a desk that counts and then inserts, which is what one would write first. It must
be caught, or the proof proves nothing.
"""

from collections.abc import Callable
from datetime import timedelta
from itertools import count
from random import Random
from typing import Any

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from app.auth.tables import User
from app.db import transaction
from app.people import service as people
from app.rankings.judgment import Form, Judgment
from app.rankings.service import Submission, submit_ranking
from app.rankings.tables import Ranking
from app.tasks import service as tasks
from app.tasks.claiming import claim
from app.tasks.tables import Assignment, Task
from tests.app.judgment_rows import a_world, claimant_of
from tests.app.tasks.crowd import (
    LEASE_SECONDS,
    Crowd,
    Desk,
    Events,
    Held,
    Person,
    check_books,
    check_exactly_n,
    check_nothing_lost_nothing_twice,
)
from tests.conftest import Database

pytestmark = [pytest.mark.commits, pytest.mark.servers]

PEOPLE, TASKS, MOST_OVERLAP = 200, 500, 3
SECONDS = 90.0
LEASE = timedelta(seconds=LEASE_SECONDS)
SEED = 20261123


class RealDesk:
    """The service's own functions."""

    def __init__(self, project_id: int) -> None:
        self.project_id = project_id

    def claim(self, session: Session, person_id: int, holding: list[int]) -> Held | None:
        found = claim(session, claimant_of(self.project_id, person_id, LEASE), holding).assignment
        return Held(found.id, list(found.shown_order)) if found else None

    def submit(self, session: Session, person_id: int, held: Held, key: str) -> int:
        submission = Submission(
            assignment=session.get_one(Assignment, held.assignment_id),
            annotator=session.get_one(User, person_id),
            judgment=Judgment(tiers=[[one] for one in held.shown_order], active_ms=1000),
            form=Form(),
            edit_window=timedelta(hours=1),
            key=key,
        )
        return submit_ranking(session, submission).body["ranking_id"]

    def skip(self, session: Session, person_id: int, held: Held) -> None:
        tasks.skip(session, session.get_one(Assignment, held.assignment_id), session.get_one(User, person_id), None)

    def expire(self, session: Session) -> None:
        tasks.expire_leases(session)


class NaiveDesk(RealDesk):
    """Count what is there, then insert: right for one person at a time."""

    def claim(self, session: Session, person_id: int, holding: list[int]) -> Held | None:  # noqa: ARG002
        judged = select(func.count()).where(Ranking.task_id == Task.id).scalar_subquery()
        mine = select(Assignment.id).where(Assignment.task_id == Task.id, Assignment.annotator_id == person_id)
        held = select(func.count()).where(Assignment.task_id == Task.id, Assignment.state == "leased").scalar_subquery()
        task_id = session.scalar(
            select(Task.id).where(judged + held < Task.overlap, ~mine.exists()).order_by(Task.id).limit(1)
        )
        if task_id is None:
            return None
        order = tasks.completion_ids_of(session, task_id)
        assignment = Assignment(
            task_id=task_id, project_id=self.project_id, annotator_id=person_id, shown_order=order,
            leased_until=func.now() + LEASE,
        )  # fmt: skip
        session.add(assignment)
        session.flush()
        return Held(assignment.id, order)

    def submit(self, session: Session, person_id: int, held: Held, key: str) -> int:  # noqa: ARG002
        known = text("SELECT id FROM rankings WHERE assignment_id = :assignment")
        found = session.scalar(known, {"assignment": held.assignment_id})
        if found is not None:
            return found
        write = text(
            """
            INSERT INTO rankings (project_id, assignment_id, task_id, annotator_id, revision, shown_order, touched,
                                  moves, active_ms, extra)
            SELECT a.project_id, a.id, a.task_id, a.annotator_id, 1, a.shown_order, true, 0, 1000,
                   (SELECT count(*) FROM rankings r WHERE r.task_id = a.task_id) >= t.overlap
            FROM assignments a JOIN tasks t ON t.id = a.task_id WHERE a.id = :assignment RETURNING id
            """
        )
        return session.scalars(write, {"assignment": held.assignment_id}).one()


class Admin:
    """Somebody who pauses people and lets them go on, and the scheduler that takes back what lies too long."""

    def __init__(self, desk: Desk, project_id: int, admin_id: int, crowd: list[Person], events: Events) -> None:
        self.desk, self.project_id, self.admin_id, self.crowd, self.events = desk, project_id, admin_id, crowd, events
        self.rounds = count()
        self.random = Random(SEED)  # noqa: S311

    def __call__(self) -> None:
        with transaction() as session:
            self.desk.expire(session)
        if next(self.rounds) % 3 == 0:
            person = self.random.choice(self.crowd)
            for paused in (True, False):
                with transaction() as session:
                    people.change_member(
                        session,
                        actor=session.get_one(User, self.admin_id),
                        project_id=self.project_id,
                        user_id=person.user_id,
                        role=None,
                        paused=paused,
                    )
            self.events.note("paused")


def gather(desk_of: Callable[[int], Desk]) -> tuple[Crowd, Admin, Events]:
    dice, events = Random(SEED), Events()  # noqa: S311
    with transaction() as session:
        world = a_world(session)
        for _ in range(TASKS):
            world.task(overlap=dice.randint(1, MOST_OVERLAP))
        project_id, admin_id = world.project.id, world.person("admin").id
        user_ids = [world.person().id for _ in range(PEOPLE)]
    desk = desk_of(project_id)
    crowd = [Person(user_id, Random(SEED + user_id), desk, events) for user_id in user_ids]  # noqa: S311
    return Crowd(crowd, desk, dice), Admin(desk, project_id, admin_id, crowd, events), events


@pytest.fixture
def many_connections(committed_database: Database, use_settings: Callable[..., Any]) -> Database:
    use_settings(database_url=committed_database.url, database_pool=24)
    return committed_database


def test_every_task_gets_exactly_n_whatever_fails(many_connections: Database) -> None:
    crowd, admin, events = gather(RealDesk)
    crowd.work(SECONDS, admin)
    crowd.finish()
    check_exactly_n(many_connections.engine)
    check_nothing_lost_nothing_twice(many_connections.engine, crowd.people)
    check_books(many_connections.engine)
    happened = {"rolled back", "connection cut", "backend killed", "answer lost", "skipped", "late", "twice", "paused"}
    assert happened <= events.counts.keys(), events.counts


def test_the_crowd_catches_a_desk_that_counts_and_inserts(many_connections: Database) -> None:
    crowd, _admin, _events = gather(NaiveDesk)
    crowd.work(8.0, lambda: None)
    with pytest.raises(AssertionError, match="too many or too few"):
        check_nobody_too_many(many_connections.engine)


def check_nobody_too_many(engine: Any) -> None:
    """The control is cut off early, so tasks that are not finished are no fault of its."""
    with engine.begin() as connection:
        connection.execute(
            text(
                """
                UPDATE tasks SET overlap = judged.n FROM (
                  SELECT task_id, count(*) AS n FROM rankings WHERE NOT extra GROUP BY task_id) judged
                WHERE tasks.id = judged.task_id AND judged.n < tasks.overlap"""
            )
        )
        connection.execute(text("DELETE FROM task_slots WHERE task_id NOT IN (SELECT task_id FROM rankings)"))
    check_exactly_n(engine)
