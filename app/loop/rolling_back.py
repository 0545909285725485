"""The way back: an earlier model is made live again."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from app import audit
from app.auth.tables import User
from app.errors import Conflict
from app.loop.tables import LoopDecision
from app.registry import service as registry
from app.registry.service import WRITERS
from app.registry.tables import ModelVersion


def before(session: Session, live: ModelVersion | None) -> ModelVersion | None:
    """The newest model of the same role, older than the live one, that was live once; None when there was none."""
    if live is None:
        return None
    role = ("reward",) if live.kind == "reward" else WRITERS
    earlier = (
        select(ModelVersion)
        .where(ModelVersion.project_id == live.project_id, ModelVersion.kind.in_(role), ModelVersion.id < live.id)
        .where(ModelVersion.stage == "archived", ModelVersion.promoted_at.is_not(None))
    )
    return session.scalars(earlier.order_by(ModelVersion.id.desc()).limit(1)).one_or_none()


def roll_back(session: Session, project_id: int, version_id: int, *, actor: User) -> ModelVersion:
    """Make a model live that was live before, and write the decision down; one that is live already stays so.

    Raises:
        NotFound: no model of this project.
        Conflict: `never-live`, a model that nobody has ever accepted.
    """
    version = registry.find(session, project_id, version_id)
    if version.promoted_at is None:
        raise Conflict(
            f"{version.name} was never live",
            type="never-live",
            advice="Only a model that was live can be put back. Promote this one on the page of models instead.",
        )
    replaced = registry.promote(session, version, actor=actor)
    if replaced is None:
        return version
    session.add(
        LoopDecision(
            project_id=project_id,
            run_id=version.run_id,
            text=f"{version.name} is live again: {actor.name} went back to it from {replaced.name}, which is archived.",
            numbers={"rolled_back_to": version.id, "rolled_back_from": replaced.id},
        )
    )
    audit.record(
        session,
        actor=actor,
        action="model_version.rolled_back",
        object_type="model_version",
        object_id=version.id,
        project_id=project_id,
        detail={"name": version.name, "replaced": replaced.name, "replaced_id": replaced.id},
    )
    session.flush()
    return version
