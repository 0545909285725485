"""Blind comparisons over HTTP."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Response

from app.auth.dependencies import ProjectReader, ProjectResearcher
from app.dependencies import PageDep, SessionDep
from app.loop import blind
from app.loop.blind import Wish
from app.loop.blind_schemas import BlindComparisonRead, NewBlindComparison, blind_comparison_read
from app.pagination import Page
from app.runs.repeats import IdempotencyKey, Request, once

router = APIRouter(prefix="/projects/{project_id}/blind-comparisons", tags=["loop"])
ComparisonId = Annotated[int, Path(ge=1, le=2**63 - 1, description="The comparison's id.")]
Version = Annotated[int | None, Query(ge=1, le=2**63 - 1, description="Only those with this version on either side.")]


@router.get("")
def list_blind_comparisons(
    access: ProjectReader, session: SessionDep, page: PageDep, model_version_id: Version = None
) -> Page[BlindComparisonRead]:
    """A project's blind comparisons, newest first, with their votes by now."""
    rows = blind.listed(session, access.project.id, page, model_version_id=model_version_id)
    return Page(items=[blind_comparison_read(one) for one in rows.items], next_cursor=rows.next_cursor)


@router.post("", status_code=201)
def start_blind_comparison(
    new: NewBlindComparison,
    access: ProjectResearcher,
    session: SessionDep,
    response: Response,
    key: IdempotencyKey = None,
) -> BlindComparisonRead:
    """Let two versions answer held-out prompts and people judge the pairs on the desk, without knowing of it."""
    if key is None:
        return _start(new, access, session)
    route = f"POST /projects/{access.project.id}/blind-comparisons"
    asked = Request(user_id=access.user.id, key=key, route=route, body=new.model_dump())
    return BlindComparisonRead.model_validate(once(session, asked, response, lambda: _start(new, access, session)))


def _start(new: NewBlindComparison, access: ProjectResearcher, session: SessionDep) -> BlindComparisonRead:
    wish = Wish(project_id=access.project.id, **new.model_dump())
    comparison = blind.ask(session, wish, actor=access.user)
    session.refresh(comparison)
    return blind_comparison_read(blind.seen(session, [comparison])[0])


@router.get("/{comparison_id}")
def get_blind_comparison(
    comparison_id: ComparisonId, access: ProjectReader, session: SessionDep
) -> BlindComparisonRead:
    """A blind comparison with its votes by now."""
    return blind_comparison_read(blind.seen(session, [blind.find(session, access.project.id, comparison_id)])[0])


@router.post("/{comparison_id}/cancel")
def cancel_blind_comparison(
    comparison_id: ComparisonId, access: ProjectResearcher, session: SessionDep
) -> BlindComparisonRead:
    """Stop a comparison without a verdict; its votes are kept."""
    comparison = blind.find(session, access.project.id, comparison_id)
    blind.stop(session, comparison.id, actor=access.user)
    session.refresh(comparison)
    return blind_comparison_read(blind.seen(session, [comparison])[0])
