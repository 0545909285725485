"""Tasks and the assignments that lease them: open, draft, keep alive, skip, take up again, expire."""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import SystemRandom
from typing import Any, Final, Literal

from sqlalchemy import func, insert, select, true, update
from sqlalchemy.orm import Session, aliased

from app import audit
from app.auth.tables import User
from app.completions import service as completions
from app.completions.tables import Completion
from app.errors import Conflict, Unprocessable
from app.pagination import PageRequest, Rows, page_by_id
from app.prompts.tables import Prompt
from app.registry.tables import ModelVersion
from app.tasks import slots
from app.tasks.assignment import (
    CLASSES,
    MOST_COMPLETIONS,
    MOST_LEASES_WITH_UNDO,
    MOST_OVERLAP,
    distinct,
    priority_class,
)
from app.tasks.tables import KNOWN, Assignment, Task, TaskCompletion, TaskSlot

CHANCE: Final = SystemRandom()


@dataclass(frozen=True, slots=True)
class Opened:
    """Tasks that were opened, and how many prompts got none because their completions all say the same."""

    task_ids: list[int]
    identical: int = 0


@dataclass(frozen=True, slots=True)
class TaskRow:
    """A task as the admin's list shows it."""

    task: Task
    prompt: Prompt
    judged: int
    model_versions: list[str]
    reserved_for: list[int]


def create_task(
    session: Session,
    *,
    project_id: int,
    prompt_id: int,
    completion_ids: Sequence[int],
    overlap: int,
    run_id: int | None = None,
    priority: int | None = None,
    purpose: Literal["collect", "blind"] = "collect",
) -> Task:
    """One task over 2 to 9 completions of one prompt, with `overlap` open slots.

    `priority` is its slots' class; None takes the one of the newest policy among the completions' authors. Draws queue
    numbers, so it holds the project's queue lock until the transaction ends: call it last, and commit soon.
    """
    _check_completions(session, prompt_id, completion_ids)
    task = Task(
        project_id=project_id,
        prompt_id=prompt_id,
        run_id=run_id,
        overlap=overlap,
        purpose=purpose,
        priority_class=priority_class(_generation(session, completion_ids)) if priority is None else priority,
    )
    session.add(task)
    session.flush()
    session.execute(
        insert(TaskCompletion),
        [
            {"task_id": task.id, "position": position, "completion_id": completion_id}
            for position, completion_id in enumerate(completion_ids)
        ],
    )
    slots.open_slots(session, task, overlap)
    return task


def _check_completions(session: Session, prompt_id: int, completion_ids: Sequence[int]) -> None:
    if not 2 <= len(set(completion_ids)) == len(completion_ids) <= MOST_COMPLETIONS:
        raise Unprocessable(
            f"a task ranks 2 to {MOST_COMPLETIONS} different completions, not {len(completion_ids)}",
            field="completion_ids",
        )
    here = select(func.count()).where(Completion.id.in_(completion_ids), Completion.prompt_id == prompt_id)
    if session.scalar(here) != len(completion_ids):
        raise Unprocessable("a task ranks completions of its own prompt only", field="completion_ids")


def _generation(session: Session, completion_ids: Sequence[int]) -> int:
    newest = session.scalar(
        select(func.max(ModelVersion.number))
        .join(Completion, Completion.model_version_id == ModelVersion.id)
        .where(Completion.id.in_(completion_ids), ModelVersion.kind == "policy")
    )
    return newest or 0


def create_tasks_for_completed_prompts(
    session: Session,
    *,
    project_id: int,
    run_id: int,
    completions_per_prompt: int,
    overlap: int,
    demonstrations: bool = False,
    among: Collection[int] | None = None,
) -> Opened:
    """A task for each prompt, `among` these or all, that has all its completions of this run and no task yet.

    Calling again adds nothing.

    Completions with the same text share one card; a prompt with fewer than two different texts gets no task. With
    `demonstrations`, a prompt's oldest demonstration that was written here and is in no task yet is ranked among them.
    """
    done = (
        select(Completion.prompt_id)
        .where(Completion.run_id == run_id, true() if among is None else Completion.prompt_id.in_(among))
        .where(~select(Task.id).where(Task.run_id == run_id, Task.prompt_id == Completion.prompt_id).exists())
        .group_by(Completion.prompt_id)
        .having(func.count() >= completions_per_prompt)
        .order_by(Completion.prompt_id)
    )
    task_ids, identical = [], 0
    for prompt_id in list(session.scalars(done)):
        completion_ids = _cards(session, run_id, prompt_id, demonstrations=demonstrations)
        if len(completion_ids) < 2:
            identical += 1
            continue
        task = create_task(
            session,
            project_id=project_id,
            prompt_id=prompt_id,
            completion_ids=completion_ids,
            overlap=overlap,
            run_id=run_id,
        )
        task_ids.append(task.id)
    return Opened(task_ids, identical)


def _cards(session: Session, run_id: int, prompt_id: int, *, demonstrations: bool) -> list[int]:
    written = select(Completion.id, Completion.text).where(Completion.prompt_id == prompt_id)
    by_whom = select(Completion.id, Completion.text, Completion.model_version_id).where(
        Completion.prompt_id == prompt_id, Completion.run_id == run_id
    )
    sampled = list(session.execute(by_whom.order_by(Completion.id)).tuples())
    ranked = select(TaskCompletion.task_id).where(TaskCompletion.completion_id == Completion.id)
    # Nobody ranks their own text, so uploaded ones would keep whoever sent them, often the only person, from the task.
    here = (Completion.role == "demonstration", Completion.prompt_set_id.is_(None))
    own = written.where(*here, ~ranked.exists()).order_by(Completion.id).limit(1)
    added = list(session.execute(own).tuples()) if demonstrations else []
    cards = distinct(_room_for(len(added), sampled) + added)
    if _has_several_authors(session, run_id, prompt_id):
        fresh = [one for one, _, _ in sampled if one in cards]
        return completions.renumber(session, fresh, CHANCE) + [one for one in cards if one not in fresh]
    return cards


def _room_for(others: int, sampled: Sequence[tuple[int, str, int | None]]) -> list[tuple[int, str]]:
    """As many of the sampled completions as a task holds besides `others`: whoever wrote most gives one up, the last.

    Else it would always be the model that wrote last, and a model with a small share might never be ranked.
    """
    kept = list(sampled)
    while len(kept) > MOST_COMPLETIONS - others:
        written = Counter(author for _, _, author in kept)
        most = max(written.values())
        kept.pop(max(place for place, (_, _, author) in enumerate(kept) if written[author] == most))
    return [(one, said) for one, said, _ in kept]


def _has_several_authors(session: Session, run_id: int, prompt_id: int) -> bool:
    here = (Completion.run_id == run_id, Completion.prompt_id == prompt_id)
    return (session.scalar(select(func.count(Completion.model_version_id.distinct())).where(*here)) or 0) > 1


def expire_leases(session: Session, *, limit: int = 500) -> int:
    """Reopen the slots of up to `limit` leases that ran out; how many. Drafts stay, and so does the right to submit."""
    return slots.expire_overdue(session, limit)


def count_ready_tasks(session: Session, project_id: int, *, enough: int) -> int:
    """Ranking tasks of a project with a slot that anybody may take: what the next person to ask could get.

    Those of blind comparisons are none: they end with their verdict, and nothing is learnt from them. The queue may
    hold millions, so it is counted no further than until there are certainly `enough`.
    """
    first, last = CLASSES["ranking"]
    queue = (
        select(TaskSlot.task_id)
        .join(Task, Task.id == TaskSlot.task_id)
        .where(
            Task.purpose == "collect",
            TaskSlot.project_id == project_id,
            TaskSlot.state == "open",
            TaskSlot.reserved_for_id.is_(None),
            TaskSlot.priority_class.between(first, last),
        )
        .limit(enough * MOST_OVERLAP)
        .subquery()
    )
    return session.scalar(select(func.count(queue.c.task_id.distinct()))) or 0


def save_draft(session: Session, assignment: Assignment, draft: dict[str, Any], sequence: int) -> bool:
    """Keep an unfinished answer, in whatever state its assignment is; False when a newer one is already there."""
    saved = session.execute(
        update(Assignment)
        .where(Assignment.id == assignment.id, Assignment.draft_sequence < sequence)
        .values(draft=draft, draft_sequence=sequence)
        .returning(Assignment.id)
        .execution_options(synchronize_session=False)
    )
    return saved.first() is not None


def heartbeat(session: Session, assignment: Assignment, lease: timedelta) -> datetime:
    """Renew a lease; until when. `Conflict` when it is not leased any more: what is being written can be submitted."""
    until = session.scalar(
        update(Assignment)
        .where(Assignment.id == assignment.id, Assignment.state == "leased")
        .values(leased_until=func.now() + lease)
        .returning(Assignment.leased_until)
        .execution_options(synchronize_session=False)
    )
    if until is None:
        raise Conflict(
            f"this assignment is {assignment.state}, there is no lease to renew",
            type="lease-ended",
            advice="Go on: a ranking submitted late is kept. Or take the assignment up again.",
        )
    return until


def skip(session: Session, assignment: Assignment, actor: User, reason: str | None) -> Assignment:
    """Pass the task on to somebody else, for good unless undone; skipping twice is skipping once.

    The page skips at once and may learn the reason a moment later: a second skip with one adds it.
    """
    task, held = hold(session, assignment)
    if task.purpose == "practice":
        raise Conflict(
            "a practice task cannot be passed on: the round is over when all of its tasks are answered",
            type="practice-task",
            advice="Answer as well as you can; the right order is shown right after.",
        )
    if held.state == "submitted":
        raise Conflict("this task is already ranked", type="already-submitted", advice="Edit it in your history.")
    if held.state == "skipped":
        if reason is not None and reason != held.skip_reason:
            held.skip_reason = reason
            _record(session, actor, "assignment.skip_explained", held, {"reason": reason})
        return held
    slots.release(session, held)
    held.state, held.skip_reason, held.leased_until = "skipped", reason, None
    held.finished_at = session.scalar(select(func.now()))
    _record(session, actor, "assignment.skipped", held, {"reason": reason})
    return held


def take_up_again(session: Session, assignment: Assignment, actor: User, lease: timedelta) -> Assignment:
    """Lease an own skipped or expired assignment again, if its task still has an open slot."""
    task, held = hold(session, assignment)
    if held.state not in {"skipped", "expired"}:
        return held
    _check_room(session, held)
    slot = slots.free_slot(session, task.id, held.annotator_id)
    if slot is None and (task.purpose not in KNOWN or task.state == "retired"):
        raise Conflict(
            "somebody else has taken this task in the meantime",
            type="task-taken",
            advice="Go on with the next task.",
        )
    slots.lease_slot(session, slot, held, lease)
    _record(session, actor, "assignment.reopened", held, {})
    return held


def hold(session: Session, assignment: Assignment) -> tuple[Task, Assignment]:
    """The task and the assignment, fresh, with everything locked that a change of them touches."""
    slots.hold_person(session, assignment.project_id, assignment.annotator_id)
    return slots.lock_with_task(session, assignment.id)


def _check_room(session: Session, assignment: Assignment) -> None:
    leases = session.scalar(
        select(func.count()).where(
            Assignment.annotator_id == assignment.annotator_id,
            Assignment.project_id == assignment.project_id,
            Assignment.state == "leased",
        )
    )
    if (leases or 0) >= MOST_LEASES_WITH_UNDO:
        raise Conflict(
            f"you already hold {leases} tasks", type="too-many-leases", advice="Submit or skip one of them first."
        )


def _record(session: Session, actor: User, action: str, assignment: Assignment, detail: dict[str, Any]) -> None:
    audit.record(
        session,
        actor=actor,
        action=action,
        object_type="assignment",
        object_id=assignment.id,
        project_id=assignment.project_id,
        detail={"task_id": assignment.task_id, **detail},
    )


def completion_ids_of(session: Session, task_id: int) -> list[int]:
    """The task's completions in their stored order."""
    return list(
        session.scalars(
            select(TaskCompletion.completion_id)
            .where(TaskCompletion.task_id == task_id)
            .order_by(TaskCompletion.position)
        )
    )


def list_tasks(session: Session, project_id: int, page: PageRequest) -> Rows[TaskRow]:
    """A project's tasks, newest first, with who wrote their completions: for admins and researchers only."""
    rows = page_by_id(session, select(Task).where(Task.project_id == project_id), Task.id, page)
    return Rows(items=describe(session, rows.items), next_cursor=rows.next_cursor)


def describe(session: Session, tasks: Sequence[Task]) -> list[TaskRow]:
    """Tasks as the admin's list shows them."""
    ids = [task.id for task in tasks]
    prompts = {
        one.id: one for one in session.scalars(select(Prompt).where(Prompt.id.in_({t.prompt_id for t in tasks})))
    }
    judged, names, reserved = _judged(session, ids), _model_names(session, ids), _reserved_for(session, ids)
    return [
        TaskRow(
            task,
            prompts[task.prompt_id],
            judged.get(task.id, 0),
            names.get(task.id, []),
            [person for task_id, person in reserved if task_id == task.id],
        )
        for task in tasks
    ]


def _reserved_for(session: Session, task_ids: Sequence[int]) -> list[tuple[int, int]]:
    kept = (
        select(TaskSlot.task_id, TaskSlot.reserved_for_id)
        .where(
            TaskSlot.task_id.in_(task_ids),
            TaskSlot.reserved_for_id.is_not(None),
            TaskSlot.state.in_(["open", "leased"]),
        )
        .order_by(TaskSlot.id)
    )
    return [(task_id, person) for task_id, person in session.execute(kept) if person is not None]


def _judged(session: Session, task_ids: Sequence[int]) -> dict[int, int]:
    filled = (
        select(TaskSlot.task_id, func.count())
        .where(TaskSlot.task_id.in_(task_ids), TaskSlot.state == "filled")
        .group_by(TaskSlot.task_id)
    )
    return dict(session.execute(filled).all())


def _model_names(session: Session, task_ids: Sequence[int]) -> dict[int, list[str]]:
    author = aliased(ModelVersion)
    named = (
        select(TaskCompletion.task_id, author.name)
        .join(Completion, Completion.id == TaskCompletion.completion_id)
        .join(author, author.id == Completion.model_version_id)
        .where(TaskCompletion.task_id.in_(task_ids))
        .distinct()
        .order_by(TaskCompletion.task_id, author.name)
    )
    names: dict[int, list[str]] = {}
    for task_id, name in session.execute(named):
        names.setdefault(task_id, []).append(name)
    return names
