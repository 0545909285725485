"""Reports over HTTP."""

from typing import Annotated

from fastapi import APIRouter, Path, Query

from app.auth.dependencies import ProjectAdmin
from app.dependencies import PageDep, SessionDep
from app.pagination import Page
from app.reports import service
from app.reports.schemas import NewReport, ReportRead, ReportReceipt, Resolution, report_read
from app.tasks.dependencies import OwnAssignmentDep

router = APIRouter(tags=["reports"])


@router.post("/assignments/{assignment_id}/report", status_code=201)
def report_prompt(new: NewReport, own: OwnAssignmentDep, session: SessionDep) -> ReportReceipt:
    """Tell the project's admins that something is wrong with this task's prompt; you can go on, or skip it."""
    report_id = service.report_prompt(session, own.assignment, own.access.user, reason=new.reason, note=new.note)
    return ReportReceipt(id=report_id)


@router.get("/projects/{project_id}/reports")
def list_reports(
    access: ProjectAdmin,
    session: SessionDep,
    page: PageDep,
    is_open: Annotated[
        bool | None, Query(alias="open", description="True: only what waits for a decision; false: what has one.")
    ] = None,
) -> Page[ReportRead]:
    """What annotators reported, newest first."""
    rows = service.list_reports(session, access.project.id, page, is_open=is_open)
    return Page(items=[report_read(one) for one in rows.items], next_cursor=rows.next_cursor)


@router.post("/projects/{project_id}/reports/{report_id}/resolution")
def resolve_report(
    resolution: Resolution,
    access: ProjectAdmin,
    session: SessionDep,
    report_id: Annotated[int, Path(ge=1, le=2**63 - 1, description="The report's id.")],
) -> ReportRead:
    """Dismiss a report, or retire its prompt: then its open tasks are closed, and what was judged is kept."""
    return report_read(
        service.resolve(session, access.project.id, report_id, actor=access.user, outcome=resolution.outcome)
    )
