"""The ranking desk: what an annotator sees of an assignment, what comes next, and why there is nothing."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from random import Random, SystemRandom
from typing import Final, Literal

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from app.auth.access import Access
from app.auth.tables import User
from app.completions.tables import Completion
from app.errors import Conflict
from app.projects.settings import ProjectSettings, settings_of
from app.prompts.tables import Prompt
from app.rankings import service as rankings
from app.rankings.judgment import Judgment
from app.rankings.tables import Ranking
from app.runs.service import active
from app.runs.tables import Run
from app.tasks import claiming
from app.tasks import service as tasks
from app.tasks.assignment import lease_length, letters, shuffle_keys
from app.tasks.tables import Assignment, Task

WaitingReason = Literal["no_prompts", "writing", "all_done", "paused"]
RETRY_SECONDS: Final[dict[WaitingReason, int]] = {"no_prompts": 15, "writing": 3, "all_done": 10, "paused": 60}


@dataclass(frozen=True, slots=True)
class Card:
    """One completion on the desk: its text under a letter, and nothing about who wrote it."""

    id: int
    letter: str
    text: str


@dataclass(frozen=True, slots=True)
class Desk:
    """Everything an annotator gets to see of one assignment."""

    assignment: Assignment
    prompt: Prompt
    cards: list[Card]
    settings: ProjectSettings
    previous: tuple[Ranking, Judgment] | None


@dataclass(frozen=True, slots=True)
class Waiting:
    """Why there is nothing to do right now, and when to ask again."""

    reason: WaitingReason
    text: str
    retry_after_s: int
    run: Run | None = None


@dataclass(frozen=True, slots=True)
class Next:
    """The next assignment, or why there is none; neither when the person's desk is full."""

    desk: Desk | None = None
    waiting: Waiting | None = None


def claim(session: Session, access: Access, *, holding: Collection[int] = (), random: Random | None = None) -> Next:
    """The next assignment for this person: an own lease that is not in `holding`, else the best open slot."""
    settings = settings_of(access.project)
    if access.paused:
        return Next(waiting=_waiting("paused", "An admin has paused your work here. What you submitted is kept."))
    claimant = claiming.Claimant(
        project_id=access.project.id,
        annotator_id=access.user.id,
        lease=lease_length(settings.lease_minutes),
        keys=shuffle_keys(random or SystemRandom()),
    )
    claimed = claiming.claim(session, claimant, holding)
    if claimed.assignment is not None:
        return Next(desk=desk_of(session, claimed.assignment, settings))
    return Next() if claimed.full else Next(waiting=_why_nothing(session, access.project.id))


def reopen(session: Session, assignment: Assignment, actor: User, settings: ProjectSettings) -> Desk:
    """Undo: a submitted ranking can be revised while the edit window is open, a skipped or lost task is leased again.

    Opening a submitted ranking changes nothing; it stays current until the revision is submitted.
    """
    current = rankings.find_current(session, assignment.id)
    if current is None:
        held = tasks.take_up_again(session, assignment, actor, lease_length(settings.lease_minutes))
        return desk_of(session, held, settings)
    if not rankings.is_editable(session, current, timedelta(minutes=settings.edit_window_minutes)):
        raise Conflict(
            "this ranking can no longer be changed: the edit window is over",
            type="edit-window-over",
            advice="The ranking you submitted stays as it is.",
        )
    return desk_of(session, assignment, settings)


def desk_of(session: Session, assignment: Assignment, settings: ProjectSettings) -> Desk:
    """The desk for one assignment, completions in this person's own order."""
    prompt = session.scalars(
        select(Prompt).join(Task, Task.prompt_id == Prompt.id).where(Task.id == assignment.task_id)
    ).one()
    written = select(Completion.id, Completion.text).where(Completion.id.in_(assignment.shown_order))
    texts = dict(session.execute(written).all())
    named = zip(assignment.shown_order, letters(len(assignment.shown_order)), strict=True)
    current = rankings.find_current(session, assignment.id)
    return Desk(
        assignment=assignment,
        prompt=prompt,
        cards=[Card(completion_id, letter, texts[completion_id]) for completion_id, letter in named],
        settings=settings,
        previous=(current, rankings.judgment_of(session, current)) if current else None,
    )


def _why_nothing(session: Session, project_id: int) -> Waiting:
    writing = active(session, project_id, kind="sample")
    if writing:
        return _waiting("writing", "The model is writing the next completions.", writing[0])
    has_prompts = exists().where(Prompt.project_id == project_id, Prompt.state == "active")
    if not session.scalar(select(has_prompts)):
        return _waiting("no_prompts", "This project has no prompts yet. An admin can upload some.")
    return _waiting("all_done", "You have ranked everything there is for you. Thank you.")


def _waiting(reason: WaitingReason, text: str, run: Run | None = None) -> Waiting:
    return Waiting(reason, text, RETRY_SECONDS[reason], run)
