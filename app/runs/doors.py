"""Who may look at and cancel a run that is addressed by its own id."""

from typing import Annotated

from fastapi import Depends, Path
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.auth.access import Access, Identity
from app.auth.dependencies import RESEARCHERS, ReadIdentity, RunsIdentity, access_for, visible_projects
from app.dependencies import SessionDep
from app.errors import NotFound
from app.runs.tables import Run

RunId = Annotated[int, Path(ge=1, le=2**63 - 1, description="The run's id.")]
Found = tuple[Run, Access]


def _find(session: Session, identity: Identity, run_id: int) -> Found:
    query = select(Run).where(Run.id == run_id, Run.project_id.in_(visible_projects(identity)))
    run = session.scalars(query).one_or_none()
    if run is None:
        raise NotFound("there is no such run, or it is not yours to see")
    return run, access_for(session, identity, run.project_id, roles=RESEARCHERS, what="run")


def to_read(identity: ReadIdentity, session: SessionDep, run_id: RunId) -> Found:
    """The run, for members who may know of models."""
    return _find(session, identity, run_id)


def to_change(identity: RunsIdentity, session: SessionDep, run_id: RunId) -> Found:
    """The run, for members who start and stop runs."""
    return _find(session, identity, run_id)


ReadableRun = Annotated[Found, Depends(to_read)]
ChangeableRun = Annotated[Found, Depends(to_change)]
