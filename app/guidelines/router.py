"""Guidelines over HTTP."""

from typing import Annotated

from fastapi import APIRouter, Path, Response

from app.auth.dependencies import ProjectAdmin, ProjectAnnotator, ProjectMember
from app.dependencies import PageDep, SessionDep
from app.guidelines import service
from app.guidelines.schemas import (
    GuidelinesChange,
    GuidelinesRead,
    GuidelinesSeen,
    VersionRead,
    VersionSummary,
    guidelines_read,
    version_read,
    version_summary,
)
from app.pagination import Page

router = APIRouter(prefix="/projects/{project_id}/guidelines", tags=["guidelines"])


@router.get("")
def get_guidelines(access: ProjectMember, session: SessionDep) -> GuidelinesRead:
    """What annotators are to go by now, and the version that you were last shown."""
    return guidelines_read(service.find_newest(session, access.project.id), access.membership.guideline_seen)


@router.put("")
def save_guidelines(change: GuidelinesChange, access: ProjectAdmin, session: SessionDep) -> VersionRead:
    """Save the text as the next version, unless somebody saved another one in between."""
    version = service.save(
        session, project_id=access.project.id, actor=access.user, text=change.text, basis=change.basis
    )
    return version_read(version)


@router.get("/versions")
def list_guideline_versions(access: ProjectMember, session: SessionDep, page: PageDep) -> Page[VersionSummary]:
    """Every version, newest first."""
    rows = service.list_versions(session, access.project.id, page)
    return Page(items=[version_summary(one) for one in rows.items], next_cursor=rows.next_cursor)


@router.get("/versions/{number}")
def get_guideline_version(
    number: Annotated[int, Path(ge=1, le=2**31)], access: ProjectMember, session: SessionDep
) -> VersionRead:
    """One version, for the differences between two."""
    return version_read(service.get_version(session, access.project.id, number))


@router.post("/seen", status_code=204)
def note_guidelines_seen(seen: GuidelinesSeen, access: ProjectAnnotator, session: SessionDep) -> Response:
    """Say that you were shown a version, so that the next change is told against it."""
    service.note_seen(session, access.membership, seen.number)
    return Response(status_code=204)
