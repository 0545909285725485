"""Tasks whose right order is known: gold among people's work, practice before it. Admins make them."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Literal

from sqlalchemy import func, insert, select, update
from sqlalchemy.orm import Session

from app import audit
from app.auth.tables import User
from app.completions.tables import Completion
from app.errors import NotFound, Unprocessable
from app.pagination import PageRequest, Rows, page_by_id
from app.prompts.tables import Prompt
from app.rankings import known_answers, practice
from app.rankings.comparisons import check_tiers
from app.rankings.tables import Ranking
from app.tasks import slots
from app.tasks.assignment import MOST_COMPLETIONS
from app.tasks.service import completion_ids_of
from app.tasks.tables import KNOWN, KnownAnswer, Task, TaskCompletion, TaskSlot

Purpose = Literal["gold", "practice"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """A right order to be: of an existing task, or of completions of a prompt."""

    purpose: Purpose
    tiers: Sequence[Sequence[int]]
    explanation: str = ""
    task_id: int | None = None
    prompt_id: int | None = None
    completion_ids: Sequence[int] = ()


@dataclass(frozen=True, slots=True)
class KnownRow:
    """A known answer as the admin's list shows it; `mean_agreement` (0 to 1) is null until somebody was asked.

    `texts` are the completions' by id, in the task's stored order.
    """

    answer: KnownAnswer
    task: Task
    prompt: Prompt
    texts: dict[int, str]
    judged: int
    mean_agreement: float | None


def make_known(session: Session, *, project_id: int, actor: User, known: Known, ties_allowed: bool) -> KnownRow:
    """Write down the right order of a task; its slots close, for everybody gets such a task once.

    A task that somebody has judged already stays what it is, and so does one of a blind comparison: a new one over the
    same completions is made. A task with a known answer takes the new one.

    Raises:
        NotFound: the project has no such task or prompt.
        Unprocessable: the order does not fit the completions, or the completions do not fit the prompt.
    """
    task = _task_for(session, project_id, known)
    check_tiers(known.tiers, completion_ids_of(session, task.id), ties_allowed=ties_allowed)
    task.purpose, task.state = known.purpose, "open"
    session.flush()
    answer = session.get(KnownAnswer, task.id) or KnownAnswer(task_id=task.id)
    answer.tiers, answer.explanation = [sorted(tier) for tier in known.tiers], known.explanation
    answer.created_by = actor.id
    session.add(answer)
    _record(session, actor, "known_answer.saved", task, {"purpose": known.purpose, "tiers": answer.tiers})
    session.flush()
    return _rows(session, [task])[0]


def _task_for(session: Session, project_id: int, known: Known) -> Task:
    if known.task_id is None:
        return _new_task(session, project_id, known.prompt_id, known.completion_ids)
    found = select(Task.id).where(Task.id == known.task_id, Task.project_id == project_id, Task.kind == "ranking")
    if session.scalar(found) is None:
        raise NotFound("there is no such ranking task in this project", field="task_id")
    task = slots.lock_task(session, known.task_id)
    judged = session.scalar(select(Ranking.id).where(Ranking.task_id == task.id).limit(1)) is not None
    if task.purpose == "blind" or (task.purpose == "collect" and judged):
        return _new_task(session, project_id, task.prompt_id, completion_ids_of(session, task.id))
    closed = {"state": "closed", "assignment_id": None, "reserved_for_id": None}
    session.execute(update(TaskSlot).where(TaskSlot.task_id == task.id).values(closed))
    return task


def _new_task(session: Session, project_id: int, prompt_id: int | None, completion_ids: Sequence[int]) -> Task:
    if session.scalar(select(Prompt.id).where(Prompt.id == prompt_id, Prompt.project_id == project_id)) is None:
        raise NotFound("there is no such prompt in this project", field="prompt_id")
    here = select(func.count()).where(Completion.id.in_(completion_ids), Completion.prompt_id == prompt_id)
    if not 2 <= len(completion_ids) <= MOST_COMPLETIONS or session.scalar(here) != len(completion_ids):
        raise Unprocessable(
            f"a task ranks 2 to {MOST_COMPLETIONS} different completions of its own prompt", field="completion_ids"
        )
    task = Task(project_id=project_id, prompt_id=prompt_id, overlap=1, priority_class=0)
    session.add(task)
    session.flush()
    rows = [
        {"task_id": task.id, "position": position, "completion_id": completion_id}
        for position, completion_id in enumerate(completion_ids)
    ]
    session.execute(insert(TaskCompletion), rows)
    return task


def list_known(
    session: Session, project_id: int, page: PageRequest, *, purpose: Purpose | None = None
) -> Rows[KnownRow]:
    """A project's known answers in use, newest task first, each with how people did on it."""
    query = select(Task).join(KnownAnswer, KnownAnswer.task_id == Task.id)
    query = query.where(Task.project_id == project_id, Task.purpose.in_(KNOWN), Task.state != "retired")
    if purpose is not None:
        query = query.where(Task.purpose == purpose)
    rows = page_by_id(session, query, Task.id, page)
    return Rows(items=_rows(session, rows.items), next_cursor=rows.next_cursor)


def _rows(session: Session, tasks: Sequence[Task]) -> list[KnownRow]:
    ids = [task.id for task in tasks]
    answers = {one.task_id: one for one in session.scalars(select(KnownAnswer).where(KnownAnswer.task_id.in_(ids)))}
    wanted = {task.prompt_id for task in tasks}
    prompts = {one.id: one for one in session.scalars(select(Prompt).where(Prompt.id.in_(wanted)))}
    texts, agreements = _texts(session, ids), known_answers.agreements_of(session, ids)
    rows = []
    for task in tasks:
        said = agreements.get(task.id, [])
        mean = round(fmean(said), 3) if said else None
        rows.append(KnownRow(answers[task.id], task, prompts[task.prompt_id], texts[task.id], len(said), mean))
    return rows


def _texts(session: Session, task_ids: Sequence[int]) -> dict[int, dict[int, str]]:
    written = session.execute(
        select(TaskCompletion.task_id, Completion.id, Completion.text)
        .join(Completion, Completion.id == TaskCompletion.completion_id)
        .where(TaskCompletion.task_id.in_(task_ids))
        .order_by(TaskCompletion.task_id, TaskCompletion.position)
    )
    texts: dict[int, dict[int, str]] = {}
    for task_id, completion_id, text in written:
        texts.setdefault(task_id, {})[completion_id] = text
    return texts


def retire_known(session: Session, project_id: int, task_id: int, *, actor: User) -> None:
    """Ask nobody any more; what was said is kept. `NotFound` when the project has no such known answer."""
    found = select(Task.id).where(Task.id == task_id, Task.project_id == project_id, Task.purpose.in_(KNOWN))
    if session.scalar(found) is None:
        raise NotFound("there is no such known answer in this project")
    task = slots.lock_task(session, task_id)
    if task.state != "retired":
        task.state = "retired"
        _record(session, actor, "known_answer.retired", task, {"purpose": task.purpose})
    session.flush()


def reset_practice(session: Session, project_id: int, user_id: int, *, actor: User) -> None:
    """Let a person begin the practice round anew. `NotFound` when they are no member."""
    slots.hold_person(session, project_id, user_id)
    practice.begin_anew(session, project_id, user_id)
    audit.record(
        session,
        actor=actor,
        action="practice.reset",
        object_type="user",
        object_id=user_id,
        project_id=project_id,
    )


def _record(session: Session, actor: User, action: str, task: Task, detail: dict[str, object]) -> None:
    audit.record(
        session,
        actor=actor,
        action=action,
        object_type="task",
        object_id=task.id,
        project_id=task.project_id,
        detail=detail,
    )
