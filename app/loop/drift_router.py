"""The policy's way over HTTP. It names models and shows what they wrote, so annotators have no door here."""

from typing import Annotated

from fastapi import APIRouter, Query

from app.auth.dependencies import ProjectReader, ProjectResearcher
from app.dependencies import SessionDep
from app.loop import drift, references
from app.loop.drift_schemas import AskedRead, DriftRead, SideBySideRead, drift_read, side_by_side_read

router = APIRouter(prefix="/projects/{project_id}/drift", tags=["loop"])
VersionId = Annotated[int, Query(ge=1, le=2**63 - 1, description="A version on the policy's way.")]


@router.get("")
def get_drift(access: ProjectReader, session: SessionDep) -> DriftRead:
    """How the policy has moved: each version's distance from its root, its answers' figures, and how often it wins."""
    return drift_read(references.line_of(session, access.project.id))


@router.post("", status_code=202)
def measure_drift(access: ProjectResearcher, session: SessionDep) -> AskedRead:
    """Let every version answer the reference prompts that has not; asking again starts nothing twice."""
    runs = references.keep_all(session, access.project.id, actor=access.user)
    return AskedRead(run_ids=[run.id for run in runs])


@router.get("/completions")
def compare_reference_completions(
    access: ProjectReader, session: SessionDep, version_id: VersionId, beside_id: VersionId
) -> SideBySideRead:
    """What two versions answer to the same reference prompts."""
    steps = references.line_of(session, access.project.id).steps
    return side_by_side_read(version_id, beside_id, drift.side_by_side(session, steps, version_id, beside_id))
