"""The rules of assignment, played in every order; what is expected is read from the rows by the plainest means."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck
from hypothesis import settings as how
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test
from sqlalchemy import Engine, func, select, text, update
from sqlalchemy.orm import Session

from app.auth.tables import User
from app.errors import Conflict
from app.people import service as people
from app.tasks import changing, service, slots
from app.tasks.assignment import MOST_LEASES
from app.tasks.tables import Assignment, Task
from tests.app.judgment_rows import HALF_AN_HOUR, World, a_world, claim_for, submit

PEOPLE = 4

pytestmark = [pytest.mark.servers]

# What a person may have, in the order in which they should get it: every slot is looked at, no cursor, no index.
ELIGIBLE = text(
    """
    SELECT s.task_id, s.id FROM task_slots s
    WHERE s.state = 'open' AND (s.reserved_for_id IS NULL OR s.reserved_for_id = :person)
      AND NOT EXISTS (SELECT 1 FROM assignments a WHERE a.task_id = s.task_id AND a.annotator_id = :person
                      AND a.state <> 'expired')
    ORDER BY s.reserved_for_id IS NULL, CASE WHEN s.reserved_for_id IS NULL THEN s.priority_class ELSE 0 END,
             s.queue_seq
    """
)
TAKES = text(
    """
    SELECT count(*) FROM task_slots s WHERE s.task_id = :task AND (s.assignment_id = :assignment OR (
      s.state = 'open' AND (s.reserved_for_id IS NULL OR s.reserved_for_id = :person)))
    """
)
# Each of these must find nothing, after every step.
NEVER = {
    "a task has as many slots as it wants, or as many as it has judgments": """
        SELECT t.id FROM tasks t JOIN task_slots s ON s.task_id = t.id AND s.state <> 'closed'
        WHERE t.state <> 'retired'
        GROUP BY t.id HAVING count(*) <> greatest(t.overlap, count(*) FILTER (WHERE s.state = 'filled'))""",
    "a task is done when nothing is open or held": """
        SELECT t.id FROM tasks t WHERE t.state <> CASE WHEN EXISTS (
          SELECT 1 FROM task_slots s WHERE s.task_id = t.id AND s.state IN ('open', 'leased')) THEN 'open'
          WHEN t.state = 'retired' THEN 'retired' ELSE 'done' END""",
    "filled slots are the judgments that count": """
        SELECT t.id FROM tasks t WHERE (SELECT count(*) FROM task_slots s WHERE s.task_id = t.id AND s.state = 'filled')
          <> (SELECT count(*) FROM rankings r WHERE r.task_id = t.id AND NOT r.extra)""",
    "a slot is held by a lease of its own task": """
        SELECT s.id FROM task_slots s JOIN assignments a ON a.id = s.assignment_id
        WHERE a.task_id <> s.task_id OR a.state <> CASE s.state WHEN 'leased' THEN 'leased' ELSE 'submitted' END""",
    "a reserved slot is held by nobody else": """
        SELECT s.id FROM task_slots s JOIN assignments a ON a.id = s.assignment_id
        WHERE s.reserved_for_id <> a.annotator_id""",
    "nobody is counted otherwise than they judged": """
        SELECT m.user_id FROM memberships m WHERE m.project_id = :project
          AND coalesce((SELECT sum(d.judged) FROM annotator_days d WHERE d.annotator_id = m.user_id), 0)
            <> (SELECT count(*) FROM rankings r WHERE r.annotator_id = m.user_id AND r.project_id = :project)""",
    "nobody who is paused holds anything": """
        SELECT a.id FROM assignments a JOIN memberships m ON m.user_id = a.annotator_id AND m.project_id = a.project_id
        WHERE m.project_id = :project AND m.paused_at IS NOT NULL AND a.state = 'leased'""",
}
who = st.integers(0, PEOPLE - 1)
which = st.integers(0, 10**6)
overlaps = st.integers(1, 4)


@dataclass
class Judged:
    """What must never be lost: who judged which task, and whether it counted."""

    extra: dict[tuple[int, int], bool] = field(default_factory=dict)


class Assigning(RuleBasedStateMachine):
    """One project, four annotators, an admin, and all that can be done to tasks."""

    def __init__(self, engine: Engine) -> None:
        super().__init__()
        self.connection = engine.connect()
        self.outer = self.connection.begin()
        self.session = Session(self.connection, expire_on_commit=False, join_transaction_mode="create_savepoint")
        self.world: World = a_world(self.session)
        self.admin = self.world.person("admin")
        self.people = [self.world.person() for _ in range(PEOPLE)]
        self.judged = Judged()
        self.world.task(overlap=2)

    def teardown(self) -> None:
        self.session.close()
        self.outer.rollback()
        self.connection.close()

    def assignments(self, *states: str) -> list[Assignment]:
        """All assignments in one of `states`, fresh."""
        query = select(Assignment).where(Assignment.project_id == self.world.project.id, Assignment.state.in_(states))
        return list(self.session.scalars(query.order_by(Assignment.id).execution_options(populate_existing=True)))

    def tasks(self) -> list[Task]:
        """All tasks that are not retired, fresh."""
        query = select(Task).where(Task.project_id == self.world.project.id, Task.state != "retired")
        return list(self.session.scalars(query.order_by(Task.id).execution_options(populate_existing=True)))

    def any_of(self, *states: str, index: int) -> Assignment | None:
        """One of the assignments in `states`."""
        found = self.assignments(*states)
        return found[index % len(found)] if found else None

    def owner(self, assignment: Assignment) -> User:
        return self.session.get_one(User, assignment.annotator_id)

    def expect(self, refusal: Conflict, *types: str) -> None:
        """A refusal is one of those that the situation explains."""
        assert refusal.type in types

    def paused(self, person: User) -> bool:
        query = text("SELECT paused_at IS NOT NULL FROM memberships WHERE user_id = :person")
        return bool(self.session.scalar(query, {"person": person.id}))

    @rule(overlap=overlaps)
    def open_a_task(self, overlap: int) -> None:
        self.world.task(overlap=overlap)

    @rule(person=who)
    def claim(self, person: int) -> None:
        annotator = self.people[person]
        held = [one.id for one in self.assignments("leased") if one.annotator_id == annotator.id]
        expected = self.session.execute(ELIGIBLE, {"person": annotator.id}).first()
        claimed = claim_for(self.session, self.world.project.id, annotator.id, holding=held)
        if self.paused(annotator) or len(held) >= MOST_LEASES or expected is None:
            assert claimed.assignment is None
        else:
            assert claimed.assignment is not None
            assert claimed.assignment.task_id == expected.task_id
            assert claimed.assignment.id not in held

    @rule(index=which)
    def submit(self, index: int) -> None:
        self.send(self.any_of("leased", index=index))

    @rule(index=which)
    def submit_late(self, index: int) -> None:
        self.send(self.any_of("expired", "skipped", index=index))

    def send(self, assignment: Assignment | None) -> None:
        if assignment is None:
            return
        place = {"task": assignment.task_id, "assignment": assignment.id, "person": assignment.annotator_id}
        counts = self.session.scalar(TAKES, place)
        answer = submit(self.session, assignment, self.owner(assignment))
        assert answer.body["extra"] is (not counts)
        self.judged.extra[assignment.task_id, assignment.annotator_id] = not counts

    @rule(index=which)
    def skip(self, index: int) -> None:
        assignment = self.any_of("leased", "expired", index=index)
        if assignment is not None:
            service.skip(self.session, assignment, self.owner(assignment), None)

    @rule(index=which)
    def undo(self, index: int) -> None:
        assignment = self.any_of("skipped", "expired", index=index)
        if assignment is None or self.paused(self.owner(assignment)):
            return
        place = {"task": assignment.task_id, "assignment": None, "person": assignment.annotator_id}
        free = self.session.scalar(TAKES, place)
        try:
            again = service.take_up_again(self.session, assignment, self.owner(assignment), HALF_AN_HOUR)
        except Conflict as refusal:
            self.expect(refusal, "too-many-leases" if free else str(refusal.type))
        else:
            assert free
            assert again.state == "leased"

    @rule(index=which)
    def let_a_lease_end(self, index: int) -> None:
        assignment = self.any_of("leased", index=index)
        if assignment is not None:
            self.session.execute(
                update(Assignment)
                .where(Assignment.id == assignment.id)
                .values(leased_until=func.now() - timedelta(seconds=1))
            )
            assert service.expire_leases(self.session) == 1

    @rule(index=which, overlap=overlaps)
    def change_one(self, index: int, overlap: int) -> None:
        self.alter(index, overlap=overlap)

    @rule(overlap=overlaps, which=st.sampled_from(["open", "all"]))
    def change_all(self, overlap: int, which: str) -> None:
        states = {"open"} if which == "open" else {"open", "done"}
        expected = sum(one.state in states and one.overlap != overlap for one in self.tasks())
        batch = changing.change_overlap(
            self.session, actor=self.admin, project_id=self.world.project.id, overlap=overlap, which=which
        )
        assert batch.changed == expected

    @rule(index=which, person=who)
    def reserve(self, index: int, person: int) -> None:
        try:
            self.alter(index, reserved_for=self.people[person].id)
        except Conflict as refusal:
            self.expect(refusal, "no-open-slot", "cannot-reserve")

    @rule(index=which)
    def give_back_what_is_reserved(self, index: int) -> None:
        self.alter(index, reserved_for=None)

    def alter(self, index: int, **changes: Any) -> None:
        tasks = self.tasks()
        if tasks:
            changing.change_task(
                self.session,
                actor=self.admin,
                project_id=self.world.project.id,
                task_id=tasks[index % len(tasks)].id,
                changes=changes,
            )

    @rule(person=who, paused=st.booleans())
    def pause(self, person: int, paused: bool) -> None:
        people.change_member(
            self.session,
            actor=self.admin,
            project_id=self.world.project.id,
            user_id=self.people[person].id,
            role=None,
            paused=paused,
        )

    @precondition(lambda self: len(self.tasks()) > 2)
    @rule(index=which)
    def retire(self, index: int) -> None:
        tasks = self.tasks()
        changing.retire_task(self.session, slots.lock_task(self.session, tasks[index % len(tasks)].id))

    @invariant()
    def the_books_are_right(self) -> None:
        self.session.flush()
        here = {"project": self.world.project.id}
        for said, statement in NEVER.items():
            assert self.session.execute(text(statement), here if ":project" in statement else {}).all() == [], said

    @invariant()
    def nothing_judged_is_lost(self) -> None:
        query = text("SELECT task_id, annotator_id, extra FROM rankings WHERE project_id = :project")
        stored = self.session.execute(query, {"project": self.world.project.id})
        assert {(row.task_id, row.annotator_id): row.extra for row in stored} == self.judged.extra


def test_the_rules_hold_in_every_order(shared_engine: Engine) -> None:
    run_state_machine_as_test(
        lambda: Assigning(shared_engine),
        settings=how(
            max_examples=25,
            stateful_step_count=30,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
        ),
    )
