"""Demonstrations: ask for them, give people prompts to write on, keep what they write as completions."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from random import SystemRandom
from typing import Any, Final, Literal

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from app import audit, idempotency, locks
from app.auth.access import Access
from app.auth.tables import User
from app.completions import service as completions
from app.completions.tables import Completion
from app.demonstrations.effort import check_effort
from app.errors import Conflict, NotFound
from app.guidelines.tables import GuidelineVersion
from app.projects.settings import ProjectSettings, settings_of
from app.prompts.tables import Prompt, PromptSet
from app.rankings.pace import lease_of
from app.rankings.progress import count_judgment
from app.tasks import claiming, slots
from app.tasks import service as tasks
from app.tasks.assignment import shuffle_keys
from app.tasks.tables import Assignment, Task
from app.tasks.writing import create_writing_task

ROUTE: Final = "POST /assignments/{assignment_id}/demonstration"
WaitingReason = Literal["paused", "not_asked", "daily_cap", "all_done"]
WORDS: Final[dict[WaitingReason, str]] = {
    "paused": "An admin has paused your work here. What you submitted is kept.",
    "not_asked": "This project does not ask its annotators to write.",
    "daily_cap": "That is all for today. Thank you.",
    "all_done": "There is nothing to write right now. Thank you.",
}


@dataclass(frozen=True, slots=True)
class WritingDesk:
    """What a person needs to write a demonstration; `messages` are the prompt's, as this project shows them."""

    assignment: Assignment
    prompt_id: int
    messages: list[dict[str, Any]]
    guideline_number: int | None
    guideline_seen: int | None


@dataclass(frozen=True, slots=True)
class Next:
    """The next writing assignment, or why there is none; neither when the person holds as much as one may."""

    desk: WritingDesk | None = None
    waiting: WaitingReason | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """A demonstration on its way in. `active_ms` is the time at work, idle time left out."""

    assignment: Assignment
    author: User
    text: str
    active_ms: int
    key: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What the author is told; `replayed` when it had been told before."""

    body: dict[str, Any]
    replayed: bool = False


@dataclass(frozen=True, slots=True)
class Summary:
    """Writing tasks by state, and how many demonstrations a project has."""

    open: int
    done: int
    demonstrations: int


def open_writing_tasks(
    session: Session, *, project_id: int, actor: User, count: int, overlap: int, prompt_set_id: int | None = None
) -> int:
    """Ask `overlap` people each to answer up to `count` active prompts that have no demonstration; how many prompts.

    Prompts of the training split go first, then by age. A prompt that is asked about already is passed over.
    """
    locks.hold(session, f"writing:{project_id}")
    if prompt_set_id is not None and _owner_of(session, prompt_set_id) != project_id:
        raise NotFound("there is no such prompt set in this project", field="prompt_set_id")
    prompt_ids = _without_demonstration(session, project_id, prompt_set_id, count)
    for prompt_id in prompt_ids:
        create_writing_task(session, project_id=project_id, prompt_id=prompt_id, overlap=overlap)
    audit.record(
        session,
        actor=actor,
        action="writing_tasks.opened",
        object_type="project",
        object_id=project_id,
        project_id=project_id,
        detail={"prompts": len(prompt_ids), "overlap": overlap, "prompt_set_id": prompt_set_id},
    )
    return len(prompt_ids)


def _owner_of(session: Session, prompt_set_id: int) -> int | None:
    return session.scalar(select(PromptSet.project_id).where(PromptSet.id == prompt_set_id))


def _without_demonstration(session: Session, project_id: int, prompt_set_id: int | None, count: int) -> list[int]:
    written = select(Completion.id).where(Completion.prompt_id == Prompt.id, Completion.role == "demonstration")
    asked = select(Task.id).where(Task.prompt_id == Prompt.id, Task.kind == "writing", Task.state == "open")
    query = select(Prompt.id).where(
        Prompt.project_id == project_id, Prompt.state == "active", ~written.exists(), ~asked.exists()
    )
    if prompt_set_id is not None:
        query = query.where(Prompt.prompt_set_id == prompt_set_id)
    return list(session.scalars(query.order_by(Prompt.split != "train", Prompt.id).limit(count)))


def claim(session: Session, access: Access, *, holding: Collection[int] = ()) -> Next:
    """The next prompt for this person to answer: an own lease that is not in `holding`, else the best open slot."""
    settings = settings_of(access.project)
    if access.paused:
        return Next(waiting="paused")
    if access.role != "admin" and not settings.annotators_write:
        return Next(waiting="not_asked")
    claimant = claiming.Claimant(
        project_id=access.project.id,
        annotator_id=access.user.id,
        lease=lease_of(session, access.project.id, settings),
        keys=shuffle_keys(SystemRandom()),
    )
    standing = claiming.look(session, claimant, holding, kind="writing")
    if standing.waiting is not None:
        return Next(desk=desk_of(session, claiming.resume(session, standing.waiting), access))
    if standing.full:
        return Next()
    if settings.daily_cap is not None and standing.today + standing.leases >= settings.daily_cap:
        return Next(waiting="daily_cap")
    found = claiming.lease_best(session, claimant, kind="writing")
    return Next(desk=desk_of(session, found.assignment, access)) if found else Next(waiting="all_done")


def desk_of(session: Session, assignment: Assignment, access: Access) -> WritingDesk:
    """What this person sees of a writing assignment."""
    newest = select(func.max(GuidelineVersion.number)).where(GuidelineVersion.project_id == assignment.project_id)
    prompt, number = session.execute(
        select(Prompt, newest.scalar_subquery())
        .join(Task, Task.prompt_id == Prompt.id)
        .where(Task.id == assignment.task_id)
    ).one()
    settings: ProjectSettings = settings_of(access.project)
    masked = completions.masker(session, assignment.project_id) if settings.mask_model_names else completions.as_it_is
    messages = [{**message, "content": masked(message["content"])} for message in prompt.messages]
    return WritingDesk(assignment, prompt.id, messages, number, access.membership.guideline_seen)


def submit(session: Session, written: Written) -> Answer:
    """Keep a demonstration as a completion by its author, fill the slot, count it; once, whole, and even when late.

    The same key and body again get the first answer, and so does the same text under another key.

    Raises:
        Unprocessable: the text is no answer yet; or the key was used for something else.
        Conflict: another text was submitted on this task before; or the task asks for a ranking.
    """
    request = {"assignment": written.assignment.id, "text": written.text, "active_ms": written.active_ms}
    kept: dict[str, Any] = {"user_id": written.author.id, "key": written.key, "route": ROUTE, "request": request}
    known = idempotency.find_answer(session, **kept)
    if known is not None:
        return Answer(known, replayed=True)
    task, assignment = tasks.hold(session, written.assignment)
    if task.kind != "writing":
        raise Conflict("this task asks for a ranking, not for a demonstration", type="ranking-task")
    if assignment.state == "submitted":
        completion_id = _submitted_before(session, task, written)
    else:
        completion_id = _keep(session, task, assignment, written)
    progress = progress_of(session, project_id=task.project_id, author_id=written.author.id)
    body = {"completion_id": completion_id, "progress": progress}
    idempotency.remember(session, **kept, status=201, body=body)
    return Answer(body)


def _submitted_before(session: Session, task: Task, written: Written) -> int:
    own = select(Completion.id).where(
        Completion.prompt_id == task.prompt_id,
        Completion.user_id == written.author.id,
        Completion.text == written.text,
    )
    completion_id = session.scalar(own.limit(1))
    if completion_id is None:
        raise Conflict(
            "you have submitted another text on this task already",
            type="already-submitted",
            advice="That text is kept as it is. Go on with the next task.",
        )
    return completion_id


def _keep(session: Session, task: Task, assignment: Assignment, written: Written) -> int:
    check_effort(written.text, session.get_one(Prompt, task.prompt_id).messages)
    completion_id = completions.add_demonstration(
        session, project_id=task.project_id, prompt_id=task.prompt_id, author=written.author, text=written.text
    )
    extra = not slots.fill_slot(session, task, assignment)
    assignment.state, assignment.leased_until, assignment.skip_reason, assignment.draft = "submitted", None, None, None
    assignment.finished_at = _now(session)
    count_judgment(session, project_id=task.project_id, annotator_id=written.author.id, what="written")
    audit.record(
        session,
        actor=written.author,
        action="demonstration.submitted",
        object_type="completion",
        object_id=completion_id,
        project_id=task.project_id,
        detail={"task_id": task.id, "assignment_id": assignment.id, "active_ms": written.active_ms, "extra": extra},
    )
    return completion_id


def _now(session: Session) -> datetime:
    return session.execute(select(func.now())).scalar_one()


PROGRESS: Final = text(
    """
    SELECT coalesce(sum(written), 0) AS total,
           coalesce(sum(written) FILTER (WHERE day = CAST(now() AT TIME ZONE 'UTC' AS date)), 0) AS today
    FROM annotator_days WHERE project_id = :project AND annotator_id = :author
    """
)


def progress_of(session: Session, *, project_id: int, author_id: int) -> dict[str, int]:
    """How many demonstrations this person wrote: `today` (UTC) and `total`."""
    row = session.execute(PROGRESS, {"project": project_id, "author": author_id}).one()
    return {"today": int(row.today), "total": int(row.total)}


def summarise(session: Session, project_id: int) -> Summary:
    """How far the writing is."""
    states = select(Task.state, func.count()).where(Task.project_id == project_id, Task.kind == "writing")
    by_state: dict[str, int] = dict(session.execute(states.group_by(Task.state)).tuples().all())
    written = (
        select(func.count())
        .select_from(Completion)
        .join(Prompt, Prompt.id == Completion.prompt_id)
        .where(Prompt.project_id == project_id, Completion.role == "demonstration")
    )
    return Summary(by_state.get("open", 0), by_state.get("done", 0), session.scalar(written) or 0)
