"""Rankings over HTTP."""

from datetime import timedelta

from fastapi import APIRouter, Response
from sqlalchemy.orm import Session

from app.auth.dependencies import ProjectAnnotator
from app.auth.trips import Reply, TripRoute
from app.dependencies import IdempotencyKey, PageDep, SessionDep
from app.pagination import Page
from app.projects.settings import settings_of
from app.rankings import known_answers, progress, service
from app.rankings.schemas import (
    MyProgress,
    NewRanking,
    OwnRanking,
    RankingReceipt,
    form_of,
    judgment_from,
    my_progress,
    own_ranking,
    practice_rule,
)
from app.rankings.service import Submission
from app.tasks.dependencies import HeldAssignment, HeldAssignmentTrip

router = APIRouter(tags=["rankings"], route_class=TripRoute)


@router.post("/assignments/{assignment_id}/ranking", status_code=201, response_model=RankingReceipt)
async def submit_ranking(trip: HeldAssignmentTrip, new: NewRanking, key: IdempotencyKey) -> Response:
    """Submit a ranking, or revise the one that is there while the edit window is open."""

    def submit(session: Session, own: HeldAssignment) -> Reply:
        answer = service.submit_ranking(session, _submission(own, new, key))
        headers = {"Idempotent-Replayed": "true"} if answer.replayed else None
        return Reply(RankingReceipt.model_validate(answer.body), headers)

    return await trip.make(submit, status=201)


def _submission(own: HeldAssignment, new: NewRanking, key: str) -> Submission:
    settings = own.settings
    return Submission(
        assignment=own.assignment,
        task=own.task,
        kept=own.kept,
        annotator=own.access.user,
        judgment=judgment_from(new),
        form=form_of(settings),
        edit_window=timedelta(minutes=settings.edit_window_minutes),
        key=key,
        practice=practice_rule(settings),
    )


@router.get("/projects/{project_id}/my-progress")
def get_my_progress(access: ProjectAnnotator, session: SessionDep) -> MyProgress:
    """What you have done in this project, and how you did on known answers once there are enough to tell."""
    own = progress.progress_of(session, project_id=access.project.id, annotator_id=access.user.id)
    gold = known_answers.own_agreement(
        session,
        project_id=access.project.id,
        annotator_id=access.user.id,
        edit_window=timedelta(minutes=settings_of(access.project).edit_window_minutes),
    )
    return my_progress(own, gold)


@router.get("/projects/{project_id}/my-rankings")
def list_my_rankings(access: ProjectAnnotator, session: SessionDep, page: PageDep) -> Page[OwnRanking]:
    """Your rankings, newest first, each with until when it can be edited."""
    rows = progress.list_history(
        session,
        project_id=access.project.id,
        annotator_id=access.user.id,
        page=page,
        edit_window=timedelta(minutes=settings_of(access.project).edit_window_minutes),
    )
    return Page(items=[own_ranking(row) for row in rows.items], next_cursor=rows.next_cursor)
