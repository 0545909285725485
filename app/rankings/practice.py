"""The practice round: where a person stands in it, what they are told, whether they pass.

Its tasks have known answers, and anybody gets each of them once an attempt. An attempt is over when all practice tasks
are submitted; it passes when the mean agreement reaches the project's share. A failed one, unless it was the last,
gives the tasks back (their assignments expire), and the next attempt's judgments supersede the earlier ones, which stay
on record.
"""

from dataclasses import dataclass
from statistics import fmean

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from app.errors import Conflict, NotFound
from app.projects.tables import Membership
from app.rankings.agreement import agreement
from app.rankings.comparisons import Tiers, ranks_of
from app.rankings.known_answers import agreements_of
from app.tasks.tables import Assignment, KnownAnswer, Task


@dataclass(frozen=True, slots=True)
class Rule:
    """What it takes to pass: the mean agreement (0 to 1), and in how many attempts."""

    pass_share: float = 0.8
    attempts: int = 2


DEFAULT_RULE = Rule()


@dataclass(frozen=True, slots=True)
class Place:
    """A task's place in the round: the `number`-th `of` so many, in this `attempt`."""

    number: int
    of: int
    attempt: int


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a person stands; `passed` and `share` are None before the end of an attempt."""

    done: int
    of: int
    passed: bool | None
    share: float | None
    attempts_left: int


@dataclass(frozen=True, slots=True)
class Feedback:
    """What a person is told after a practice task: how far they agree, and what is right."""

    agreement: float
    right_tiers: list[list[int]]
    explanation: str
    practice: Standing


def has_passed(session: Session, project_id: int, annotator_id: int) -> bool:
    """Whether the person passed, as the database has it now.

    A membership that was read before the person's lock was waited for may be older than what they did meanwhile.
    """
    own = (Membership.project_id == project_id, Membership.user_id == annotator_id)
    return session.scalar(select(Membership.practice_passed_at).where(*own)) is not None


def place_of(session: Session, assignment: Assignment) -> Place:
    """Which of the practice tasks this is, in the order in which the person does them, in the attempt they are in."""
    tasks = _state_by_task(session, assignment.project_id, assignment.annotator_id)
    others = [task for task, state in tasks.items() if state == "submitted" and task != assignment.task_id]
    own = (Membership.project_id == assignment.project_id, Membership.user_id == assignment.annotator_id)
    attempt = session.scalars(select(Membership.practice_attempt).where(*own)).one()
    return Place(len(others) + 1, len(tasks), attempt)


def feedback_on(session: Session, assignment: Assignment, tiers: Tiers, rule: Rule) -> Feedback:
    """What to tell about a practice judgment that was just written; moves the round on when it was the last one."""
    known = session.get_one(KnownAnswer, assignment.task_id)
    membership = session.get_one(Membership, (assignment.project_id, assignment.annotator_id), populate_existing=True)
    return Feedback(
        agreement=round(agreement(ranks_of(known.tiers), ranks_of(tiers)), 3),
        right_tiers=known.tiers,
        explanation=known.explanation,
        practice=_move_on(session, membership, rule),
    )


def _move_on(session: Session, membership: Membership, rule: Rule) -> Standing:
    tasks = _state_by_task(session, membership.project_id, membership.user_id)
    submitted = [task for task, state in tasks.items() if state == "submitted"]
    if len(submitted) < len(tasks) or not tasks:
        left = max(0, rule.attempts - membership.practice_attempt)
        return Standing(len(submitted), len(tasks), None, None, left)
    said = agreements_of(session, submitted, annotator_id=membership.user_id)
    share = fmean(value for values in said.values() for value in values)
    passed = membership.practice_passed_at is not None or share >= rule.pass_share
    left = max(0, rule.attempts - membership.practice_attempt)
    if not passed and membership.practice_attempt < rule.attempts:
        membership.practice_attempt += 1
        _give_back(session, membership.project_id, membership.user_id)
    elif passed and membership.practice_passed_at is None:
        membership.practice_passed_at = session.scalar(select(func.now()))
    session.flush()
    return Standing(len(submitted), len(tasks), passed, round(share, 3), left)


def _state_by_task(session: Session, project_id: int, annotator_id: int) -> dict[int, str | None]:
    """The practice tasks in use, by id, with the state of this person's assignment of each."""
    rows = session.execute(
        select(Task.id, Assignment.state)
        .outerjoin(Assignment, (Assignment.task_id == Task.id) & (Assignment.annotator_id == annotator_id))
        .where(Task.project_id == project_id, Task.purpose == "practice", Task.state == "open")
        .order_by(Task.id)
    )
    return dict(rows.tuples().all())


def answered() -> Conflict:
    """The refusal to change a practice judgment whose right order was already shown."""
    return Conflict(
        "this practice task is answered, and the right order was shown",
        type="practice-answered",
        advice="Go on with the next task; what you said is kept.",
    )


def begin_anew(session: Session, project_id: int, user_id: int) -> None:
    """Give a member all attempts again. `NotFound` when they are no member."""
    reset = (
        update(Membership)
        .where(Membership.project_id == project_id, Membership.user_id == user_id)
        .values(practice_attempt=1, practice_passed_at=None)
        .returning(Membership.user_id)
    )
    if session.scalar(reset) is None:
        raise NotFound("this person is no member of the project")
    _give_back(session, project_id, user_id)


def _give_back(session: Session, project_id: int, annotator_id: int) -> None:
    practice = select(Task.id).where(Task.project_id == project_id, Task.purpose == "practice")
    session.execute(
        update(Assignment)
        .where(Assignment.task_id.in_(practice), Assignment.annotator_id == annotator_id)
        .values(state="expired", leased_until=None, draft=None, finished_at=func.now())
    )
