"""Twenty people at once, sixty tasks, lost leases, doubled, late and revised submits: exactly N, each once."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from random import Random
from time import monotonic, sleep
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.orm import Session

from app.auth.tables import User
from app.db import psycopg_url, transaction
from app.errors import Conflict
from app.prompts.tables import Prompt
from app.tasks.known import claim_known
from app.tasks.service import create_task, expire_leases, skip, take_up_again
from app.tasks.tables import Assignment
from tests.app.judgment_rows import a_world, claim_for, claimant_of, known_answer, strict, submit
from tests.conftest import Database

pytestmark = [pytest.mark.commits, pytest.mark.servers]

PEOPLE, TASKS, OVERLAP = 20, 60, 2
LEASE = timedelta(seconds=0.4)
DEADLINE_SECONDS = 40
SEED = 20260929


@dataclass
class Person:
    """One annotator's client: what it was told (key → body), what it was refused, and its own dice."""

    project_id: int
    user_id: int
    random: Random
    told: dict[str, dict[str, Any]] = field(default_factory=dict)
    refused: Counter[str] = field(default_factory=Counter)
    lost: list[int] = field(default_factory=list)

    def submit(self, assignment_id: int, tiers: list[list[int]], key: str) -> None:
        """Submit in a transaction of its own, and write down the answer once it is committed."""
        try:
            with transaction() as session:
                answer = submit(
                    session,
                    session.get_one(Assignment, assignment_id),
                    session.get_one(User, self.user_id),
                    tiers,
                    key=key,
                ).body
        except Conflict as refusal:
            self.refused[str(refusal.type)] += 1
            return
        assert self.told.setdefault(key, answer) == answer

    def work(self, deadline: float) -> None:
        """Claim and submit until there is nothing left to claim for a while."""
        idle = 0
        while idle < 8 and monotonic() < deadline:
            with transaction() as session:
                assignment = claim_for(session, self.project_id, self.user_id, lease=LEASE).assignment
            if assignment is None:
                idle += 1
                sleep(0.1)
                continue
            idle = 0
            self.deal_with(assignment)
        for assignment_id in self.lost:
            self.submit_late(assignment_id)

    def deal_with(self, assignment: Assignment) -> None:
        """One of the things that people and networks do."""
        tiers = strict(assignment)
        self.random.shuffle(tiers)
        key = f"{self.user_id}-{assignment.id}-the-first-key"
        dice = self.random.random()
        if dice < 0.10:
            self.lost.append(assignment.id)
            sleep(LEASE.total_seconds())
        elif dice < 0.20:
            self.skip_and_come_back(assignment.id)
        elif dice < 0.40:
            self.both_tabs_at_once(assignment.id, tiers, key)
        else:
            self.submit(assignment.id, tiers, key)
            if dice > 0.85:
                self.submit(assignment.id, [assignment.shown_order], key.replace("first", "second"))

    def skip_and_come_back(self, assignment_id: int) -> None:
        with transaction() as session:
            skip(session, session.get_one(Assignment, assignment_id), session.get_one(User, self.user_id), None)
        try:
            with transaction() as session:
                person = session.get_one(User, self.user_id)
                take_up_again(session, session.get_one(Assignment, assignment_id), person, LEASE)
        except Conflict as refusal:
            self.refused[str(refusal.type)] += 1

    def both_tabs_at_once(self, assignment_id: int, tiers: list[list[int]], key: str) -> None:
        with ThreadPoolExecutor(2) as tabs:
            for tab in [tabs.submit(self.submit, assignment_id, tiers, key) for _ in range(2)]:
                tab.result()

    def submit_late(self, assignment_id: int) -> None:
        with transaction() as session:
            tiers = strict(session.get_one(Assignment, assignment_id))
        self.submit(assignment_id, tiers, f"{self.user_id}-{assignment_id}-a-late-key")


def a_crowd() -> list[Person]:
    with transaction() as session:
        world = a_world(session)
        for _ in range(TASKS):
            world.task(overlap=OVERLAP)
        users = [world.person().id for _ in range(PEOPLE)]
        project_id = world.project.id
    return [Person(project_id, user_id, Random(SEED + place)) for place, user_id in enumerate(users)]  # noqa: S311


def sweep(until: Callable[[], bool]) -> None:
    """What the scheduler does."""
    while not until():
        with transaction() as session:
            expire_leases(session)
        sleep(0.05)


def rows(engine: Engine, statement: str) -> list[Any]:
    with engine.connect() as connection:
        return list(connection.execute(text(statement)))


def test_exactly_n_judgments_by_n_people_none_lost_none_twice(
    committed_database: Database, use_settings: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    use_settings(database_url=committed_database.url, database_pool=50)
    people = a_crowd()
    deadline = monotonic() + DEADLINE_SECONDS
    with ThreadPoolExecutor(PEOPLE + 1) as pool:
        working = [pool.submit(person.work, deadline) for person in people]
        pool.submit(sweep, lambda: all(one.done() for one in working)).result()
        for one in working:
            one.result()
    for left in people:
        left.lost.clear()
    finish(people)
    engine = committed_database.engine
    check_exactly_n(engine)
    check_nothing_lost_nothing_twice(engine, people)
    check_books(engine)


def finish(people: list[Person]) -> None:
    """Somebody is always free in the end: what expired last is claimed and submitted in peace."""
    sleep(LEASE.total_seconds())
    with transaction() as session:
        expire_leases(session)
    for person in people:
        while True:
            with transaction() as session:
                found = claim_for(session, person.project_id, person.user_id).assignment
            if found is None:
                break
            person.submit(found.id, strict(found), f"{person.user_id}-{found.id}-in-peace")


def check_exactly_n(engine: Engine) -> None:
    filled = rows(
        engine,
        """
        SELECT t.id, t.state, count(*) FILTER (WHERE s.state = 'filled'), count(DISTINCT a.annotator_id)
        FROM tasks t JOIN task_slots s ON s.task_id = t.id LEFT JOIN assignments a ON a.id = s.assignment_id
        GROUP BY t.id""",
    )
    assert len(filled) == TASKS
    assert {(state, count, people) for _, state, count, people in filled} == {("done", OVERLAP, OVERLAP)}
    counted = rows(
        engine,
        """
        SELECT task_id, count(*) FILTER (WHERE NOT extra), count(DISTINCT annotator_id) FILTER (WHERE NOT extra)
        FROM rankings WHERE superseded_by_id IS NULL GROUP BY task_id""",
    )
    assert {(count, people) for _, count, people in counted} == {(OVERLAP, OVERLAP)}


def check_nothing_lost_nothing_twice(engine: Engine, people: list[Person]) -> None:
    stored = {row.id: row.annotator_id for row in rows(engine, "SELECT id, annotator_id FROM rankings")}
    told = {body["ranking_id"]: person.user_id for person in people for body in person.told.values()}
    assert told == stored
    current = rows(
        engine,
        """
        SELECT task_id, annotator_id FROM rankings WHERE superseded_by_id IS NULL
        GROUP BY 1, 2 HAVING count(*) > 1""",
    )
    assert current == []


def check_books(engine: Engine) -> None:
    odd = rows(
        engine,
        """
        SELECT r.id FROM rankings r
        WHERE (SELECT count(*) FROM comparisons c WHERE c.ranking_id = r.id) <> 6
           OR (SELECT count(*) FROM ranking_items i WHERE i.ranking_id = r.id) <> 4
           OR (SELECT count(*) FROM audit_events e WHERE e.object_type = 'ranking'
               AND e.object_id = r.id::text) <> 1
           """,
    )
    assert odd == []
    states = dict(rows(engine, "SELECT state, count(*) FROM assignments GROUP BY 1"))
    assert states.get("leased", 0) == 0
    assert rows(engine, "SELECT id FROM rankings WHERE revision > 1")
    assert rows(engine, "SELECT id FROM rankings WHERE extra")


def test_a_slot_that_somebody_was_just_taking_is_not_passed_over(committed_database: Database) -> None:
    with transaction() as session:
        world = a_world(session)
        world.task()
        project_id, first, second = world.project.id, world.person().id, world.person().id
    with Session(committed_database.engine) as interrupted:
        assert claim_for(interrupted, project_id, first).assignment is not None
        with transaction() as session:
            assert claim_for(session, project_id, second).assignment is None
        interrupted.rollback()
    with transaction() as session:
        assert claim_for(session, project_id, second).assignment is not None


def test_queue_numbers_become_visible_in_order(committed_database: Database) -> None:
    """A slot with a smaller number that is committed later would stay behind everybody's cursor for ever."""
    with transaction() as session:
        world = a_world(session)
        project_id, annotator = world.project.id, world.person().id
        prompts = [world.prompt().id for _ in range(2)]
        answers = {prompt_id: world.completions(session.get_one(Prompt, prompt_id)) for prompt_id in prompts}

    def open_task(session: Session, prompt_id: int) -> None:
        create_task(session, project_id=project_id, prompt_id=prompt_id, completion_ids=answers[prompt_id], overlap=1)

    def open_second() -> None:
        with transaction() as session:
            open_task(session, prompts[1])

    with ThreadPoolExecutor(1) as pool, Session(committed_database.engine) as slow:
        open_task(slow, prompts[0])
        quick = pool.submit(open_second)
        sleep(0.3)
        assert not quick.done()
        with transaction() as session:
            assert claim_for(session, project_id, annotator).assignment is None
        slow.commit()
        quick.result(timeout=5)
    for _ in prompts:
        with transaction() as session:
            found = claim_for(session, project_id, annotator).assignment
            assert found is not None
            skip(session, found, session.get_one(User, annotator), None)


def test_a_column_that_a_migration_adds_meanwhile_changes_no_claim(committed_database: Database) -> None:
    with transaction() as session:
        world = a_world(session)
        people = [world.person().id for _ in range(2)]
        for _ in range(len(people) + 1):
            world.task()
        known = known_answer(world, world.person("admin"))
        project_id = world.project.id
    patience = {"options": "-c lock_timeout=5s"}
    migrator = create_engine(psycopg_url(committed_database.migrator_url), connect_args=patience)
    engine = committed_database.engine
    with engine.connect() as connection, Session(connection, expire_on_commit=False) as session:
        for number, annotator in enumerate(people):
            who = claimant_of(project_id, annotator)
            found = [claim_for(session, project_id, annotator).assignment, claim_known(session, who, "gold")]
            session.commit()
            assert [one and one.annotator_id for one in found] == [annotator, annotator]
            assert [one and one.task_id == known.task.id for one in found] == [False, True]
            with migrator.begin() as migrating:
                migrating.execute(text(f"ALTER TABLE assignments ADD COLUMN later_{number} text DEFAULT 'x'"))
    migrator.dispose()
