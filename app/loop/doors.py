"""Who may look at and change a cycle that is addressed by its own id."""

from typing import Annotated

from fastapi import Depends, Path
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.auth.access import Access, Identity
from app.auth.dependencies import RESEARCHERS, ReadIdentity, RunsIdentity, access_for, visible_projects
from app.dependencies import SessionDep
from app.errors import NotFound
from app.loop.tables import Cycle

CycleId = Annotated[int, Path(ge=1, le=2**63 - 1, description="The cycle's id.")]
Found = tuple[Cycle, Access]


def _find(session: Session, identity: Identity, cycle_id: int) -> Found:
    query = select(Cycle).where(Cycle.id == cycle_id, Cycle.project_id.in_(visible_projects(identity)))
    cycle = session.scalars(query).one_or_none()
    if cycle is None:
        raise NotFound("there is no such cycle, or it is not yours to see")
    return cycle, access_for(session, identity, cycle.project_id, roles=RESEARCHERS, what="cycle")


def to_read(identity: ReadIdentity, session: SessionDep, cycle_id: CycleId) -> Found:
    """The cycle, for members who may know of models."""
    return _find(session, identity, cycle_id)


def to_change(identity: RunsIdentity, session: SessionDep, cycle_id: CycleId) -> Found:
    """The cycle, for members who run the loop."""
    return _find(session, identity, cycle_id)


ReadableCycle = Annotated[Found, Depends(to_read)]
ChangeableCycle = Annotated[Found, Depends(to_change)]
