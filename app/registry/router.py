"""Model versions over HTTP. Annotators, who judge blind, do not get in here."""

from fastapi import APIRouter

from app.auth.dependencies import ProjectReader
from app.dependencies import PageDep, SessionDep
from app.pagination import Page
from app.registry import service
from app.registry.doors import ChangeableVersion, ReadableVersion
from app.registry.schemas import (
    Kind,
    ModelVersionLineage,
    ModelVersionRead,
    Stage,
    lineage_read,
    model_version_read,
)

router = APIRouter(tags=["registry"])


@router.get("/projects/{project_id}/model-versions")
def list_model_versions(
    access: ProjectReader, session: SessionDep, page: PageDep, kind: Kind | None = None, stage: Stage | None = None
) -> Page[ModelVersionRead]:
    """A project's models, newest first."""
    rows = service.listed(session, access.project.id, page, kind=kind, stage=stage)
    return Page(items=[model_version_read(one) for one in rows.items], next_cursor=rows.next_cursor)


@router.get("/model-versions/{model_version_id}")
def get_model_version(found: ReadableVersion, session: SessionDep) -> ModelVersionLineage:
    """A model with its ancestors and its descendants."""
    version, _ = found
    return lineage_read(version, service.ancestors(session, version), service.descendants(session, version))


@router.post("/model-versions/{model_version_id}/promote")
def promote_model_version(found: ChangeableVersion, session: SessionDep) -> ModelVersionRead:
    """Make a model the live one of its role; the one before is archived. Also the way back to an older model."""
    version, access = found
    service.promote(session, version, actor=access.user)
    session.refresh(version)
    return model_version_read(version)


@router.post("/model-versions/{model_version_id}/archive")
def archive_model_version(found: ChangeableVersion, session: SessionDep) -> ModelVersionRead:
    """Put a candidate away."""
    version, access = found
    service.archive(session, version, actor=access.user)
    return model_version_read(version)
