"""Model versions: register what a run made, find the live ones, promote, archive, follow the lineage."""

from dataclasses import dataclass, field
from typing import Any, Literal

from sqlalchemy import CTE, ColumnElement, func, select
from sqlalchemy.orm import Session, aliased

from app import audit, locks
from app.auth.tables import User
from app.errors import Conflict, NotFound
from app.pagination import PageRequest, Rows, page_by_id
from app.registry.tables import ModelVersion
from app.webhooks import outbox

ModelKind = Literal["base", "sft", "reward", "policy"]
NAMES: dict[str, str] = {"base": "Base", "sft": "SFT", "reward": "Reward model", "policy": "Policy"}
# One live model of each role a project: the one that scores, and the one that writes (base, sft or policy).
WRITERS = ("base", "sft", "policy")


@dataclass(frozen=True, slots=True, kw_only=True)
class NewModel:
    """What is known of a model version when it is registered."""

    project_id: int
    kind: ModelKind
    name: str | None = None
    stage: Literal["candidate", "live"] = "candidate"
    parent_id: int | None = None
    base_id: int | None = None
    run_id: int | None = None
    dataset_snapshot_id: int | None = None
    source: dict[str, Any] = field(default_factory=dict)
    artifact_sha256: str | None = None
    artifact_bytes: int | None = None
    metrics: dict[str, Any] = field(default_factory=dict)


def register_model(session: Session, new: NewModel, *, actor: User | None = None) -> ModelVersion:
    """Add a model version under its kind's next number; its name defaults to kind and number, "Policy 2"."""
    _lock(session, new.project_id)
    highest = select(func.coalesce(func.max(ModelVersion.number), 0)).where(
        ModelVersion.project_id == new.project_id, ModelVersion.kind == new.kind
    )
    number = session.scalars(highest).one() + 1
    version = ModelVersion(
        project_id=new.project_id,
        kind=new.kind,
        name=new.name or f"{NAMES[new.kind]} {number}",
        number=number,
        stage=new.stage,
        parent_id=new.parent_id,
        base_id=new.base_id,
        run_id=new.run_id,
        dataset_snapshot_id=new.dataset_snapshot_id,
        source=new.source,
        artifact_sha256=new.artifact_sha256,
        artifact_bytes=new.artifact_bytes,
        metrics=new.metrics,
        created_by=actor.id if actor else None,
        promoted_at=func.now() if new.stage == "live" else None,
    )
    session.add(version)
    session.flush()
    _record(session, version, "model_version.registered", actor)
    return version


def attach_artifact(
    session: Session, version: ModelVersion, *, sha256: str, size: int, metrics: dict[str, Any]
) -> None:
    """Give an imported model version its weights; one that has them already keeps them."""
    if version.artifact_sha256 is None:
        version.artifact_sha256, version.artifact_bytes = sha256, size
        version.metrics = {**version.metrics, **metrics}
        session.flush()
        _record(session, version, "model_version.imported", None)


def live_policy(session: Session, project_id: int) -> ModelVersion | None:
    """The model that writes completions now."""
    return session.scalars(_live(project_id, ModelVersion.kind.in_(WRITERS))).one_or_none()


def live_reward(session: Session, project_id: int) -> ModelVersion | None:
    """The reward model in use."""
    return session.scalars(_live(project_id, ModelVersion.kind == "reward")).one_or_none()


def _live(project_id: int, role: ColumnElement[bool]) -> Any:
    return select(ModelVersion).where(ModelVersion.project_id == project_id, ModelVersion.stage == "live", role)


def promote(session: Session, version: ModelVersion, *, actor: User | None) -> ModelVersion | None:
    """Make `version` the live one of its role; the one before is archived and returned."""
    if version.artifact_sha256 is None:
        raise Conflict(
            f"{version.name} has no weights yet", advice="Wait until its import is done.", type="model-without-artifact"
        )
    _lock(session, version.project_id)
    session.refresh(version)
    if version.stage == "live":
        return None
    find = live_reward if version.kind == "reward" else live_policy
    before = find(session, version.project_id)
    if before is not None:
        before.stage = "archived"
        session.flush()
        _record(session, before, "model_version.archived", actor)
    version.stage, version.promoted_at = "live", func.now()
    session.flush()
    _record(session, version, "model_version.promoted", actor)
    outbox.put(session, version.project_id, outbox.MODEL_PROMOTED, model_version_id=version.id)
    return before


def archive(session: Session, version: ModelVersion, *, actor: User | None) -> None:
    """Put a candidate away; the live model of a role can only be replaced."""
    _lock(session, version.project_id)
    session.refresh(version)
    if version.stage == "live":
        raise Conflict(
            f"{version.name} is live", advice="Promote another model instead; this one is then archived.", type="live"
        )
    if version.stage != "archived":
        version.stage = "archived"
        session.flush()
        _record(session, version, "model_version.archived", actor)


def find(session: Session, project_id: int, version_id: int) -> ModelVersion:
    """The project's model version, or `NotFound`."""
    version = session.get(ModelVersion, version_id)
    if version is None or version.project_id != project_id:
        raise NotFound(f"there is no model version {version_id} in this project", field="model_version_id")
    return version


def listed(
    session: Session, project_id: int, page: PageRequest, *, kind: str | None = None, stage: str | None = None
) -> Rows[ModelVersion]:
    """A project's model versions, newest first."""
    query = select(ModelVersion).where(ModelVersion.project_id == project_id)
    if kind is not None:
        query = query.where(ModelVersion.kind == kind)
    if stage is not None:
        query = query.where(ModelVersion.stage == stage)
    return page_by_id(session, query, ModelVersion.id, page)


def root_of(session: Session, version: ModelVersion) -> ModelVersion:
    """The model training starts over from: the nearest `base` or `sft` among `version` and its ancestors."""
    if version.kind in {"base", "sft"}:
        return version
    roots = [one for one in ancestors(session, version) if one.kind in {"base", "sft"}]
    if not roots:
        raise Conflict(f"{version.name} has no base among its ancestors", type="model-without-base")
    return roots[-1]


def ancestors(session: Session, version: ModelVersion) -> list[ModelVersion]:
    """Every model `version` came from, oldest first."""
    start = select(ModelVersion.parent_id.label("up"), ModelVersion.base_id.label("base")).where(
        ModelVersion.id == version.id
    )
    line = start.cte("line", recursive=True)
    step = aliased(ModelVersion)
    line = line.union(
        select(step.parent_id, step.base_id).join(line, (step.id == line.c.up) | (step.id == line.c.base))
    )
    return _in_line(session, line, line.c.up, line.c.base)


def descendants(session: Session, version: ModelVersion) -> list[ModelVersion]:
    """Every model that came from `version`, oldest first."""
    line = select(ModelVersion.id.label("id")).where(ModelVersion.id == version.id).cte("line", recursive=True)
    step = aliased(ModelVersion)
    line = line.union(select(step.id).join(line, (step.parent_id == line.c.id) | (step.base_id == line.c.id)))
    return [one for one in _in_line(session, line, line.c.id) if one.id != version.id]


def _in_line(session: Session, line: CTE, *columns: ColumnElement[Any]) -> list[ModelVersion]:
    wanted = [ModelVersion.id.in_(select(column).select_from(line)) for column in columns]
    query = select(ModelVersion).where(wanted[0] if len(wanted) == 1 else wanted[0] | wanted[1])
    return list(session.scalars(query.order_by(ModelVersion.id)))


def _lock(session: Session, project_id: int) -> None:
    locks.hold(session, f"model_versions:{project_id}")


def _record(session: Session, version: ModelVersion, action: str, actor: User | None) -> None:
    audit.record(
        session,
        actor=actor,
        action=action,
        object_type="model_version",
        object_id=version.id,
        project_id=version.project_id,
        detail={"name": version.name, "kind": version.kind, "stage": version.stage},
    )
