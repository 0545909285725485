"""The ranking desk: what an annotator sees of an assignment, what comes next, and why there is nothing."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from random import Random, SystemRandom
from typing import Final, Literal

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from app import audit
from app.auth.access import Access
from app.desk.shown import Desk, desk_of
from app.errors import Conflict
from app.projects.settings import settings_of
from app.prompts.tables import Prompt
from app.rankings import service as rankings
from app.rankings.pace import lease_of
from app.rankings.practice import answered, has_passed
from app.runs.service import active
from app.runs.tables import Run
from app.tasks import claiming
from app.tasks import service as tasks
from app.tasks.assignment import shuffle_keys
from app.tasks.claiming import Claimant, Leased, Standing
from app.tasks.known import claim_known, count_known
from app.tasks.tables import Assignment, Task

WaitingReason = Literal["no_prompts", "writing", "all_done", "paused", "daily_cap", "practice_failed"]
RETRY_SECONDS: Final[dict[WaitingReason, int]] = {
    "no_prompts": 15,
    "writing": 3,
    "all_done": 10,
    "paused": 60,
    "daily_cap": 300,
    "practice_failed": 300,
}


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
    """The next assignment for this person: an own lease that is not in `holding`, else the best that is new to them.

    New is a practice task, where the project asks for a passed practice round; else, by chance, a gold task; else the
    best open slot.
    """
    if access.paused:
        return Next(waiting=_waiting("paused", "An admin has paused your work here. What you submitted is kept."))
    chance = random or SystemRandom()
    claimant = claiming.Claimant(
        project_id=access.project.id,
        annotator_id=access.user.id,
        lease=lease_of(session, access.project.id, settings_of(access.project)),
        keys=shuffle_keys(chance),
        held=access.held,
    )
    standing = claiming.look(session, claimant, holding)
    if standing.waiting is not None:
        return Next(desk=desk_of(session, claiming.resume(session, standing.waiting), access))
    if standing.full:
        return Next()
    found = _new_work(session, access, claimant, standing, chance)
    if isinstance(found, Leased):
        return Next(desk=desk_of(session, found.assignment, access, found.contents))
    return Next(desk=desk_of(session, found, access)) if isinstance(found, Assignment) else Next(waiting=found)


def _new_work(
    session: Session, access: Access, claimant: Claimant, standing: Standing, chance: Random
) -> Assignment | Leased | Waiting | None:
    settings = settings_of(access.project)
    if settings.practice.required and not has_passed(session, claimant.project_id, claimant.annotator_id):
        practised = claim_known(session, claimant, "practice")
        if practised is not None or standing.leases:
            return practised
        if count_known(session, claimant.project_id, "practice"):
            return _waiting("practice_failed", "Your practice round is over and was not passed. Ask an admin.")
    if settings.daily_cap is not None and standing.today + standing.leases >= settings.daily_cap:
        return _waiting("daily_cap", f"That is all for today: {settings.daily_cap} judgments a day at most. Thank you.")
    gold = claim_known(session, claimant, "gold") if chance.random() < settings.gold_rate else None
    return gold or claiming.lease_best(session, claimant) or _why_nothing(session, claimant.project_id)


def reopen(session: Session, assignment: Assignment, access: Access) -> Desk:
    """Undo: a submitted ranking can be revised while the edit window is open, a skipped or lost task is leased again.

    Opening a submitted ranking changes nothing but the audit trail; it stays current until the revision is submitted.
    """
    settings = settings_of(access.project)
    current = rankings.find_current(session, assignment.id) if assignment.state == "submitted" else None
    if current is None:
        lease = lease_of(session, access.project.id, settings)
        held = tasks.take_up_again(session, assignment, access.user, lease)
        return desk_of(session, held, access)
    if not rankings.is_editable(session, current, timedelta(minutes=settings.edit_window_minutes)):
        raise Conflict(
            "this ranking can no longer be changed: the edit window is over",
            type="edit-window-over",
            advice="The ranking you submitted stays as it is.",
        )
    if session.get_one(Task, assignment.task_id).purpose == "practice":
        raise answered()
    audit.record(
        session,
        actor=access.user,
        action="ranking.reopened",
        object_type="ranking",
        object_id=current.id,
        project_id=assignment.project_id,
        detail={"task_id": assignment.task_id, "assignment_id": assignment.id, "revision": current.revision},
    )
    return desk_of(session, assignment, access)


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
