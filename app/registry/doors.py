"""Who may look at and change a model version that is addressed by its own id."""

from typing import Annotated

from fastapi import Depends, Path
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.auth.access import Access, Identity
from app.auth.dependencies import RESEARCHERS, ReadIdentity, RunsIdentity, access_for, visible_projects
from app.dependencies import SessionDep
from app.errors import NotFound
from app.registry.tables import ModelVersion

ModelVersionId = Annotated[int, Path(ge=1, le=2**63 - 1, description="The model version's id.")]
Found = tuple[ModelVersion, Access]


def _find(session: Session, identity: Identity, version_id: int) -> Found:
    version = session.scalars(
        select(ModelVersion).where(
            ModelVersion.id == version_id, ModelVersion.project_id.in_(visible_projects(identity))
        )
    ).one_or_none()
    if version is None:
        raise NotFound("there is no such model version, or it is not yours to see")
    return version, access_for(session, identity, version.project_id, roles=RESEARCHERS, what="model version")


def to_read(identity: ReadIdentity, session: SessionDep, model_version_id: ModelVersionId) -> Found:
    """The model version, for members who may know of models."""
    return _find(session, identity, model_version_id)


def to_change(identity: RunsIdentity, session: SessionDep, model_version_id: ModelVersionId) -> Found:
    """The model version, for members who run the loop."""
    return _find(session, identity, model_version_id)


ReadableVersion = Annotated[Found, Depends(to_read)]
ChangeableVersion = Annotated[Found, Depends(to_change)]
