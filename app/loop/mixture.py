"""Who writes the completions of new tasks: the live policy, and beside it those whom the project's settings name."""

from collections.abc import Callable
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.errors import Conflict
from app.loop import rolling_back
from app.projects.settings import WritersSettings
from app.registry import service as registry
from app.registry.tables import ModelVersion

Writers = dict[str, tuple[ModelVersion, float]]


def writers(session: Session, policy: ModelVersion, settings: WritersSettings) -> Writers:
    """Each role's version and share, which sum to 1. The live policy has the role `policy`.

    A role whose version is not there, has no weights, or is somebody else's already leaves its share to the policy.
    """
    wanted = {"candidate": settings.candidate, "reference": settings.reference, "older": settings.older}
    total = settings.live + sum(wanted.values())
    found: Writers = {"policy": (policy, settings.live / total)}
    for role, share in wanted.items():
        version = FINDERS[role](session, policy) if share > 0 else None
        known = {one.id for one, _ in found.values()}
        if version is not None and version.artifact_sha256 is not None and version.id not in known:
            found[role] = (version, share / total)
    rest = 1 - sum(share for role, (_, share) in found.items() if role != "policy")
    return found | {"policy": (policy, rest)}


def newest_candidate(session: Session, policy: ModelVersion) -> ModelVersion | None:
    """The newest policy with weights that nobody has accepted or put away."""
    query = select(ModelVersion).where(
        ModelVersion.project_id == policy.project_id,
        ModelVersion.kind == "policy",
        ModelVersion.stage == "candidate",
        ModelVersion.artifact_sha256.is_not(None),
    )
    return session.scalars(query.order_by(ModelVersion.id.desc()).limit(1)).one_or_none()


def reference(session: Session, policy: ModelVersion) -> ModelVersion | None:
    """The model that the policy came from; None where nobody knows."""
    try:
        return registry.root_of(session, policy)
    except Conflict:
        return None


FINDERS: Final[dict[str, Callable[[Session, ModelVersion], ModelVersion | None]]] = {
    "candidate": newest_candidate,
    "reference": reference,
    "older": rolling_back.before,
}
